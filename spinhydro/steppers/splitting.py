"""Splitting schemes for equations of the Gross-Pitaevskii type."""

from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.phase_rotation import rotate_phases
from spinhydro.steppers.splitting_checks import check_reversible, check_rotation
from spinhydro.steppers.truncation import check_fraction, kept_coefficients


class Splitting(IFRK4):
    r"""Base of the splitting schemes for ``M.dt(psi) + L.psi = -i V(|psi|^2, x, t) psi``.

    Both parts of the equation are solved exactly, in alternation,

    .. math::
        \psi(t + h) = e^{a_s h A} \Phi_{b_{s-1} h} \cdots e^{a_2 h A} \Phi_{b_1 h} e^{a_1 h A}
        \psi(t), \quad A = -M^{-1} L, \quad
        \Phi_\tau: \psi_j \to e^{-i \tau V_j} \psi_j

    because :math:`|\psi_j|^2`, and with it the real :math:`V_j`, does not change under
    :math:`\Phi`. V may couple any number of components, contain profiles and the time, and depend
    on the densities nonlocally (kernels, averages). Time advances with the linear part.

    The norm is conserved to rounding where L is anti-Hermitian and the bases hold what is on the
    grid: an odd number of points with ``dealias=1``. Otherwise what a rotation puts into the
    Nyquist mode or, with ``dealias=3/2``, beyond the bases is lost, which is rounding for a
    resolved state and shows in the norm for one that is not. Linear coupling between components
    (Rabi coupling, detuning) belongs on the left side, where it is exact.

    The timestep is limited by a resonance of the fastest waves (see
    ``spinhydro.steppers.resonance``), so that dropping waves that the state does not need allows a
    longer one. After `truncate`, every linear part drops the modes above a fraction of the largest
    wavenumber.

    Raises
    ------
    ParameterError
        When the problem is checked, at the latest at the first step: if the right side does not
        rotate phases, or if the problem is real or has noise.
    """

    #: Fractions of the timestep of the linear part, and of the rotations between.
    drifts = ()
    rotations = ()
    #: Evaluations of the right side per step.
    stages = 0
    draws_noise = False

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        cls.stages = len(cls.rotations)

    def __init__(self, solver):
        super().__init__(solver)
        self.kept_exponentials = 2 * len(set(self.drifts))
        self._is_checked = False
        self.truncation, self._kept_modes = 1.0, None

    def truncate(self, fraction):
        """Keep the modes up to a fraction of the largest wavenumber along each axis.

        Raises ParameterError unless it is above 0 and at most 1.
        """
        self.truncation, self._kept_modes = check_fraction(fraction), None

    def kept(self):
        """Return ones for coefficients that are kept, else zeros; None if all are."""
        if self._kept_modes is None and self.truncation < 1:
            self._kept_modes = kept_coefficients(self.solver, self.truncation)
        return self._kept_modes

    @classmethod
    def check_problem(cls, solver):
        """Raise ParameterError unless the right side rotates phases; see `check_rotation`."""
        check_rotation(solver, cls.__name__)

    def _read_matrices(self):
        super()._read_matrices()
        if min(self.drifts) < 0:
            rates = [matrix for blocks in self.linear_rates.values() for matrix, _ in blocks]
            check_reversible(rates, type(self).__name__, self.solver.dist.comm)

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        self._evaluate_start(timestep, wall_time)
        self.split(self.solver.sim_time, timestep)

    def _evaluate_start(self, timestep, wall_time):
        solver = self.solver
        if not self._is_checked:
            self.check_problem(solver)
            self._is_checked = True
        self.prepare(timestep)
        solver.evaluator.require_coeff_space(solver.state)
        solver.evaluator.evaluate_scheduled(
            iteration=solver.iteration, wall_time=wall_time, sim_time=solver.sim_time,
            timestep=timestep,
        )  # fmt: skip

    def split(self, time, timestep):
        """Advance the state from a time by linear parts and rotations in alternation."""
        solver, state, start = self.solver, self.solver.state, time
        kept = self.kept()
        for drift, rotation in zip(self.drifts, (*self.rotations, None), strict=True):
            solver.evaluator.require_coeff_space(state)
            for sp in self.subproblems:
                sp.gather_inputs(state, out=self.stage.get_subdata(sp))
            # `_move` advances by half of its timestep.
            self._move(self.stage, 2 * drift * timestep)
            if kept is not None:
                self.stage.data *= kept.data
            self._scatter(self.stage)
            time += drift * timestep
            if rotation is not None:
                rotate_phases(solver, time, rotation * timestep)
        solver.sim_time = start + timestep


class Strang(Splitting):
    r"""Strang's splitting of order 2 for Gross-Pitaevskii equations.

    .. math:: \psi(t + h) = e^{h A/2} \Phi_h e^{h A/2} \psi(t)

    (Strang, SIAM J. Numer. Anal. 5, 506 (1968)); see `Splitting` for the equations that it takes:
    linear terms on the left side, and :math:`-i V \psi` with a real V that depends on densities,
    place and time on the right side. It also takes damped linear terms.

    Used as ``problem.build_solver(spinhydro.Strang)`` or ``timestepper = "Strang"``.
    """

    drifts = (1 / 2, 1 / 2)
    rotations = (1.0,)


_A = (0.0792036964311957, 0.353172906049774, -0.0420650803577195)
_B = (0.209515106613362, -0.143851773179818)


class BlanesMoan4(Splitting):
    r"""Blanes and Moan's splitting of order 4 in 6 stages for Gross-Pitaevskii equations.

    The scheme S6 of Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002), with the linear part
    as A and the rotation of phases as B; see `Splitting` for the equations that it takes. Its error
    is some hundred times smaller than that of other splittings of order 4 at the same cost. Two of
    its stages go backwards in time, so that the linear terms must not be damped.

    Used as ``problem.build_solver(spinhydro.BlanesMoan4)`` or ``timestepper = "BlanesMoan4"``.
    """

    drifts = (*_A, 1 - 2 * sum(_A), *_A[::-1])
    rotations = (*_B, 0.5 - sum(_B), 0.5 - sum(_B), *_B[::-1])


_A6 = (
    0.0502627644003922, 0.413514300428344, 0.0450798897943977, -0.188054853819569,
    0.541960678450780,
)  # fmt: skip
_B6 = (0.148816447901042, -0.132385865767784, 0.067307604692185, 0.432666402578175)


class BlanesMoan6(Splitting):
    r"""Blanes and Moan's splitting of order 6 in 10 stages for Gross-Pitaevskii equations.

    The scheme S10 of Blanes and Moan, J. Comput. Appl. Math. 142, 313 (2002), with the linear part
    as A and the rotation of phases as B; see `Splitting` for the equations that it takes. Worth its
    price where errors below some 1e-8 are wanted. Some of its stages go backwards in time, so that
    the linear terms must not be damped.

    Used as ``problem.build_solver(spinhydro.BlanesMoan6)`` or ``timestepper = "BlanesMoan6"``.
    """

    drifts = (*_A6, 1 - 2 * sum(_A6), *_A6[::-1])
    rotations = (*_B6, 0.5 - sum(_B6), 0.5 - sum(_B6), *_B6[::-1])
