"""Runge-Kutta schemes with an embedded solution of lower order, on Dedalus's evaluator."""

import numpy as np

from spinhydro.dedalus_support.blocks import BlockMatrix
from spinhydro.steppers.etdrk4 import ETDRK4
from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.interpolants import ContinuousRK8, ExponentialQuartic, Quartic
from spinhydro.steppers.kept_tables import make_room, most_kept
from spinhydro.steppers.linear_damping import longest_undone
from spinhydro.steppers.low_storage import WAVE_ERRORS, WaveRK4
from spinhydro.steppers.phi import phi_functions
from spinhydro.steppers.projections import project
from spinhydro.steppers.rk4 import RK4
from spinhydro.steppers.rk8 import ERRORS, RK8, combined_error
from spinhydro.steppers.rotations import ratio_of_lengths
from spinhydro.steppers.spin_schemes import EMBEDDED, rkmk4_with_rates, rkmk43_difference
from spinhydro.steppers.spin_steppers import RKMK4
from spinhydro.steppers.splitting import BlanesMoan4
from spinhydro.steppers.stock_pair import StockPair, squares_of

#: Functions phi_0 to phi_4 of `ExponentialQuartic`.
PHI_FUNCTIONS = 5


class RK43(StockPair, RK4):
    r"""Classical Runge-Kutta scheme with an embedded solution of order 3 and adaptive timesteps.

    With the rates :math:`k_1 \dots k_4` of ``spinhydro.RK4`` and :math:`k_5 = f(X(t + h), t + h)`,
    the rate that the next step begins with,

    .. math::
        \hat X(t + h) = X(t) + h \left(\tfrac16 k_1 + \tfrac13 k_2 + \tfrac13 k_3
        + \tfrac1{15} k_4 + \tfrac1{10} k_5\right)

    is of order 3, and differs by :math:`h (k_4 - k_5)/10` from the solution that is kept (Balac and
    Mahé, Comput. Phys. Commun. 184, 1211 (2013)). See `ErrorControl` for the choice of timesteps,
    `PairSteps` for the norm, ``spinhydro.RK4`` for the equations it takes; no noise.

    Used as ``timestepper = "RK43"``, or ``"RK4"`` with ``tolerance = 1e-6`` or ``timestep =
    "auto"``, or as ``problem.build_solver(spinhydro.RK43)``: ``solver.step(timestep)`` then covers
    that time in steps of the tolerance ``solver.timestepper.control.tolerance``.
    """

    main = RK4
    interpolant = Quartic


class IFRK43(StockPair, IFRK4):
    r"""Integrating-factor Runge-Kutta scheme with an embedded pair and adaptive timesteps.

    The scheme of ``spinhydro.IFRK4``; the embedded solution is that of ``spinhydro.RK43`` in the
    frame that moves with the linear terms. Both of its last rates are those at t + h, so that the
    difference of the two solutions, :math:`h (k_4 - k_5)/10`, needs no exponential ("ERK4(3)-IP",
    Balac and Mahé, Comput. Phys. Commun. 184, 1211 (2013)).

    Used as ``timestepper = "IFRK43"``, or ``"IFRK4"`` with a tolerance; see ``spinhydro.RK43``.
    """

    main = IFRK4
    cost_of_evaluation = 1.1
    interpolant, longest_interpolated = Quartic, longest_undone

    @property
    def kept_exponentials(self):
        """Return how many exponentials are kept, each about as large as the matrix L.

        Those of a step and of its halves, of two timesteps, and those of output times inside steps.
        """
        size = sum(rates.nbytes for blocks in self.linear_rates.values() for rates, _ in blocks)
        return most_kept(size)

    def move_linear(self, state, duration):
        """Return the solution of the linear terms; see `DenseOutput`."""
        np.copyto(self.stage.data, state)
        # An exponential is that of half of its timestep.
        self._move(self.stage, 2 * duration)
        return self.stage.data.copy()


class ETDRK43(StockPair, ETDRK4):
    r"""Exponential time-differencing scheme with an embedded pair and adaptive timesteps.

    The scheme of ``spinhydro.ETDRK4``; the embedded solution takes 3/5 of the weight of
    :math:`N_4` for :math:`N_5 = N(X(t + h), t + h)`, so that the two solutions differ by
    :math:`\tfrac35 h (4 \varphi_3 - \varphi_2) (N_4 - N_5)`. With L = 0 it is ``spinhydro.RK43``.

    Used as ``timestepper = "ETDRK43"``, or ``"ETDRK4"`` with a tolerance; see ``spinhydro.RK43``.
    """

    main = ETDRK4
    cost_of_evaluation = 1.6
    kept_exponentials = 4
    interpolant = ExponentialQuartic

    def _read_matrices(self):
        super()._read_matrices()
        # Of output times inside steps: {duration: [{subproblem: matrix} of each phi_k]}.
        self._inside = {}

    def sum_of_phi(self, duration, vectors):
        """Return the sum of phi_k(A duration) v_k over the vectors v_0, v_1, …"""
        total = np.zeros_like(vectors[0])
        for matrices, vector in zip(self._phi(duration), vectors, strict=False):
            np.copyto(self.stage.data, vector)
            for sp in self.subproblems:
                part = self.stage.get_subdata(sp)
                part[:] = matrices[sp].apply(part)
            total += self.stage.data
        return total

    def _phi(self, duration):
        if duration not in self._inside:
            size = sum(rates.nbytes for blocks in self.linear_rates.values() for rates, _ in blocks)
            make_room(self._inside, PHI_FUNCTIONS * size)
            of = {
                sp: [
                    [(phi, where, where) for phi in phi_functions(duration * A, PHI_FUNCTIONS - 1)]
                    for A, where in blocks
                ]
                for sp, blocks in self.linear_rates.items()
            }
            self._inside[duration] = [
                {sp: BlockMatrix([b[k] for b in blocks], sp.shape[0]) for sp, blocks in of.items()}
                for k in range(PHI_FUNCTIONS)
            ]
        return self._inside[duration]

    def _weigh(self, difference, timestep):
        np.copyto(self.stage.data, difference)
        for sp in self.subproblems:
            part = self.stage.get_subdata(sp)
            part[:] = 6 * EMBEDDED * self._weights(timestep)["w4"][sp].apply(part)
        np.copyto(difference, self.stage.data)


class RK853(StockPair, RK8):
    r"""Runge-Kutta scheme of order 8 with error estimates of orders 5 and 3, adaptive timesteps.

    The scheme of ``spinhydro.RK8``, whose twelve rates give two more estimates,

    .. math::
        e_5 = \Big\| \sum_i \epsilon_i k_i \Big\|, \quad
        e_3 = \Big\| \sum_i \epsilon'_i k_i \Big\|, \quad
        d = h\, e_5^2 \Big/ \sqrt{e_5^2 + e_3^2/100},

    without a further evaluation: DOP853 (Hairer, Norsett and Wanner, Solving Ordinary Differential
    Equations I, section II.10), with norms over each variable. d is of order :math:`h^8`.

    Used as ``timestepper = "RK853"``, or ``"RK8"`` with a tolerance; see ``spinhydro.RK43``.
    """

    main = RK8
    order = 8
    extra_evaluations = 0
    cost_of_evaluation = 1.2
    interpolant = ContinuousRK8
    _combined = staticmethod(combined_error)

    def _note_rates(self):
        """Do nothing: all rates of a step are kept."""

    def _difference(self, time, timestep):
        found = []
        for weights in ERRORS:
            self._last[...] = 0
            for stage, weight in weights.items():
                self._last += weight * self._rates[stage]
            found.append(self._squares(self._last))
        return tuple(found)


class WaveRK43(StockPair, WaveRK4):
    r"""Runge-Kutta scheme for undamped waves with an embedded pair and adaptive timesteps.

    The scheme of ``spinhydro.WaveRK4``. Weighted sums of its eight rates are a second solution,
    without a further evaluation,

    .. math::
        d = h \sum_i \epsilon_i k_i
        = \frac{1}{100} \frac{h^4}{24} \frac{d^4 X}{dt^4} + O(h^5),

    of order 3: the eight conditions for the terms up to h^4 determine the weights. It pays where
    the fastest waves limit the timestep: RK8 is cheaper where accuracy does.

    Used as ``timestepper = "WaveRK43"``, or ``"WaveRK4"`` with a tolerance; see ``spinhydro.RK43``.
    """

    main = WaveRK4
    extra_evaluations = 0
    interpolant = Quartic

    def _note_rate(self, stage):
        if stage == 0:
            self._last[...] = 0
        self._last += WAVE_ERRORS[stage] * self.rate.data

    def _note_rates(self):
        """Do nothing: rates are added up as they come."""

    def _difference(self, time, timestep):
        return (timestep**2 * self._squares(self._last),)


class RKMK43(StockPair, RKMK4):
    r"""Runge-Kutta-Munthe-Kaas scheme of spins with an embedded pair and adaptive timesteps.

    The scheme of ``spinhydro.RKMK4``, which keeps the length of spins to rounding, with an embedded
    rotation of order 3; see ``spinhydro.steppers.spin_schemes.rkmk43_difference``.

    Used as ``timestepper = "RKMK43"``, or ``"RKMK4"`` with a tolerance; see ``spinhydro.RK43``.
    """

    main = RKMK4
    interpolant = Quartic

    def state_record(self):
        """Return the record of a stepper: the companion, and which variables are spins."""
        return super().state_record() | RKMK4.state_record(self)

    def restore(self, record):
        """Continue from a record of `state_record`."""
        super().restore(record)
        RKMK4.restore(self, record)

    def _evaluate_start(self, timestep, wall_time):
        solver = self.solver
        self.prepare(timestep)
        # The first evaluation of the step serves the handlers too.
        self._due = {"iteration": solver.iteration, "wall_time": wall_time,
                     "sim_time": solver.sim_time, "timestep": timestep}  # fmt: skip

    def _project_at(self, time):
        """Give interpolated spins the length of those before the step, then project."""
        found = self.values()
        self._put_back()
        before = self.values()
        for value, kept, is_spin in zip(found, before, self.spins, strict=True):
            if is_spin:
                value *= ratio_of_lengths(kept, value)
        self.assign(found)
        super()._project_at(time)

    def _take(self, time, timestep):
        self.find_spins()
        end, self._taken = rkmk4_with_rates(
            self.evaluate, self.values(), self.spins, time, timestep, self.ranks
        )
        self.assign(end)
        self.solver.sim_time = time + timestep
        project(self.projections)

    def _difference(self, time, timestep):
        end = self.values()
        found = rkmk43_difference(
            self.evaluate, end, self._taken, self.spins, time + timestep, timestep
        )
        for field, values in zip(self._fields, found, strict=True):
            field.preset_scales(1)
            field.preset_layout("g")
            np.copyto(field.data, values)
            field.require_coeff_space()
        self.assign(end)
        return (np.array([squares_of(field) for field in self._fields]),)


class AdaptiveBlanesMoan4(StockPair, BlanesMoan4):
    r"""Blanes and Moan's splitting of order 4 with adaptive timesteps.

    The scheme of ``spinhydro.BlanesMoan4``, for gases of the Gross-Pitaevskii type. The error of a
    step, :math:`\tfrac{16}{15} \|X_h - X_{h/2}\|`, is measured by two halves of it, at most every
    8 steps where it is steady. Waves that resonate with the timestep are dropped; see
    ``spinhydro.run.truncation``.

    Used as ``timestepper = "AdaptiveBlanesMoan4"``, or ``"BlanesMoan4"`` with a tolerance; see
    ``spinhydro.RK43``.
    """

    main = BlanesMoan4
    measures_halves = True
    #: Of the halves.
    extra_evaluations = 2 * BlanesMoan4.stages
    cost_of_evaluation = 1.4

    def __init__(self, solver):
        super().__init__(solver)
        # Of the timestep, its half, and that of the companion.
        self.kept_exponentials *= 3

    def _take(self, time, timestep):
        self._is_evaluated = False
        self.split(time, timestep)
        project(self.projections)


#: The pair of every stepper that has one.
PAIRS = {
    pair.main.__name__: pair
    for pair in (RK43, IFRK43, ETDRK43, RK853, WaveRK43, RKMK43, AdaptiveBlanesMoan4)
}
