"""Splitting schemes for equations of the Gross-Pitaevskii type."""

import numpy as np
from dedalus.core import operators
from dedalus.core.arithmetic import MultiplyNumberField
from mpi4py import MPI

from spinhydro.dedalus_support.solver import settled_fields, to_dealias_grid
from spinhydro.errors import ParameterError
from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.truncation import check_fraction, kept_coefficients

#: Largest difference to a rotation of the phase, relative to the rate, that counts as rounding.
ROUNDING = 1e-9
#: Largest growth or decay of linear modes, relative to their frequency, that counts as rounding.
DAMPING = 1e-9

_ALTERNATIVES = "take timestepper = 'IFRK4' or 'ETDRK4'"


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
    draws_noise = False

    @property
    def stages(self):
        """Evaluations of the right side per step."""
        return len(self.rotations)

    def __init__(self, solver):
        super().__init__(solver)
        self.kept_exponentials = 2 * len(set(self.drifts))
        self._is_checked = False
        self.truncation, self._kept = 1.0, None

    def truncate(self, fraction):
        """Keep the modes up to a fraction of the largest wavenumber along each axis.

        Raises ParameterError unless it is above 0 and at most 1.
        """
        self.truncation, self._kept = check_fraction(fraction), None

    def kept(self):
        """Return ones for coefficients that are kept, else zeros; None if all are."""
        if self._kept is None and self.truncation < 1:
            self._kept = kept_coefficients(self.solver, self.truncation)
        return self._kept

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
        solver, state = self.solver, self.solver.state
        if not self._is_checked:
            self.check_problem(solver)
            self._is_checked = True
        start = time = solver.sim_time
        self.prepare(timestep)
        kept = self.kept()
        solver.evaluator.require_coeff_space(state)
        solver.evaluator.evaluate_scheduled(
            iteration=solver.iteration, wall_time=wall_time, sim_time=time, timestep=timestep
        )
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


def rotate_phases(solver, time, duration):
    r"""Replace every variable by :math:`e^{-i V \tau} \psi` on the grid.

    V follows from the rate :math:`\dot\psi = -i V \psi` at the present densities, as
    :math:`-\mathrm{Im}(\dot\psi \psi^*)/|\psi|^2`. Where psi vanishes it stays zero, and errors of
    V where it is small are multiplied by it.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    time : float
        At which V is evaluated.
    duration : float
        The time tau.
    """
    values, rates = _rates(solver, time)
    for field, value, rate in zip(solver.state, values, rates, strict=True):
        density = value.real**2 + value.imag**2
        angle = -duration * (rate * value.conj()).imag
        np.divide(angle, density, out=angle, where=density > 0)
        _put(field, value * np.exp(-1j * angle))


def _rates(solver, time):
    """Values of the variables on the dealiased grid, and their rates M^-1 F there."""
    solver.sim_time = time
    state = solver.state
    to_dealias_grid(settled_fields(solver.problem))
    for field in state:
        field.change_scales(field.domain.dealias)
        field.require_grid_space()
    values = [field.data.copy() for field in state]
    rates = [np.zeros_like(value) for value in values]
    factors = [mass_of(equation, state) for equation in solver.problem.equations]
    for equation, (variable, factor) in zip(solver.problem.equations, factors, strict=True):
        if not hasattr(equation["F"], "evaluate"):
            continue
        rate = equation["F"].evaluate()
        rate.change_scales(variable.domain.dealias)
        rate.require_grid_space()
        rates[state.index(variable)][...] = rate.data / factor
        # The next equation finds the state on the grid, as it was.
        for field, value in zip(state, values, strict=True):
            _put(field, value)
    return values, rates


def _put(field, value):
    field.preset_scales(field.domain.dealias)
    field.preset_layout("g")
    np.copyto(field.data, value)


def mass_of(equation, variables):
    """Return the variable and the number c of ``c*dt(variable)`` on the left side.

    Raises ParameterError for any other term.
    """
    mass, factor = equation["M"], 1
    while isinstance(mass, (operators.Convert, operators.TimeDerivative, MultiplyNumberField)):
        if isinstance(mass, MultiplyNumberField):
            number, mass = mass.args
            factor = factor * number
        else:
            mass = mass.args[0]
    if mass not in variables or factor == 0:
        raise ParameterError(
            "splitting schemes need c*dt(variable), with a number c, in every equation; take "
            "timestepper = 'RK443'"
        ).within("timestepper")
    return mass, factor


def check_rotation(solver, name):
    r"""Raise ParameterError unless the right side is :math:`-i V(|\psi|^2, x, t) \psi`, V real.

    Random phases, another at every point and for every component, are applied to a random state:
    the rates must follow them, which excludes derivatives of psi, coupling between components and
    powers of psi without its conjugate, and must have no part along psi.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        Its state is left as it is.
    name : str
        Of the stepper, for the message.
    """
    for equation in solver.problem.equations:
        mass_of(equation, solver.state)
    if not np.issubdtype(solver.dtype, np.complexfloating):
        raise _refused(name, "the fields are real")
    comm, time = solver.dist.comm, solver.sim_time
    kept = [field["c"].copy() for field in solver.state]
    random = np.random.default_rng(comm.rank)
    found = np.zeros(3)
    try:
        start = []
        for field in solver.state:
            field.change_scales(field.domain.dealias)
            values = field["g"].copy()
            largest = comm.allreduce(float(np.abs(values).max(initial=0)), op=MPI.MAX)
            noise = random.standard_normal((2, *values.shape))
            start.append(values + 0.1 * (1 + largest) * (noise[0] + 1j * noise[1]))
        phases = [np.exp(2j * np.pi * random.uniform(size=value.shape)) for value in start]
        for field, value in zip(solver.state, start, strict=True):
            _put(field, value)
        _, rates = _rates(solver, time)
        for field, value, phase in zip(solver.state, start, phases, strict=True):
            _put(field, value * phase)
        _, rotated = _rates(solver, time)
        for value, rate, other, phase in zip(start, rates, rotated, phases, strict=True):
            along = np.abs((rate * value.conj()).real) / np.abs(value)
            sizes = (np.abs(rate), np.abs(other - phase * rate), along)
            found = np.maximum(found, [size.max(initial=0) for size in sizes])
    finally:
        for field, coefficients in zip(solver.state, kept, strict=True):
            field["c"] = coefficients
        solver.sim_time = time
    scale, difference, along = (
        comm.allreduce(float(np.nan_to_num(value, nan=np.inf)), op=MPI.MAX) for value in found
    )
    if not difference <= ROUNDING * scale:
        raise _refused(
            name,
            f"the right side is not -i V psi with a V of densities, place and time (differs by "
            f"{difference / scale:.1e} after a change of phases). Move derivatives and the linear "
            "coupling of components to the left side, or",
        )
    if not along <= ROUNDING * scale:
        raise _refused(
            name,
            f"V in the right side -i V psi is not real (imaginary part {along / scale:.1e}): "
            "gain and loss are not a rotation of the phase. Move constant ones to the left side "
            "under 'Strang', or",
        )


def _refused(name, reason):
    link = " " if reason.endswith("or") else "; "
    return ParameterError(
        f"{name} needs equations of the Gross-Pitaevskii type: {reason}{link}{_ALTERNATIVES}"
    ).within("timestepper")


def check_reversible(rates, name, comm):
    """Raise ParameterError if linear modes are damped or grow, for schemes that step backwards.

    Parameters
    ----------
    rates : list of arrays (…, n, n)
        Blocks of A = -M^-1 L.
    """
    largest, damping = 0.0, 0.0
    for matrix in rates:
        size = np.abs(matrix).max(initial=0)
        if np.abs(matrix + matrix.conj().swapaxes(-1, -2)).max(initial=0) <= DAMPING * size:
            largest = max(largest, float(size))
            continue
        values = np.linalg.eigvals(matrix)
        largest = max(largest, float(np.abs(values).max(initial=0)))
        damping = max(damping, float(np.abs(values.real).max(initial=0)))
    largest, damping = (comm.allreduce(value, op=MPI.MAX) for value in (largest, damping))
    if damping > DAMPING * largest:
        raise ParameterError(
            f"{name} takes some of its stages backwards in time, and the linear terms are damped "
            f"at a rate of up to {damping:.3g}: take timestepper = 'Strang' or 'IFRK4'"
        ).within("timestepper")
