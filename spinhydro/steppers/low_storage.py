"""Explicit Runge-Kutta schemes of order 4 that keep two arrays of the size of the state."""

import numpy as np

from spinhydro.steppers.rk4 import RK4


def growth_factor(scheme):
    """Return the coefficients of 1, z, z^2, … in X(t + h)/X(t) for dX/dt = z X/h."""
    state, total = np.zeros((2, scheme.stages + 1))
    state[0] = 1
    for factor, weight in zip(scheme.factors, scheme.weights, strict=True):
        total *= factor
        total[1:] += state[:-1]
        state = state + weight * total
    return tuple(state.tolist())


class LowStorageRK4(RK4):
    r"""Explicit Runge-Kutta scheme of order 4 with 5 stages for ``M.dt(X) + L.X = F(X, t)``.

    .. math::
        S \leftarrow A_i S + f(X, t + c_i h), \quad X \leftarrow X + B_i h S, \qquad
        i = 1 \dots 5, \quad f = M^{-1} (F - L X)

    (Carpenter and Kennedy, NASA Technical Memorandum 109112 (1994)). Beside the state X only the
    sum S is kept, where the classical scheme also keeps the state of a stage: on the fused engine
    that saves one array of the size of the state where it lives on the grid (spins without
    dealiasing), and none for spectra, whose stages share memory anyway. Stable for undamped
    oscillation up to omega h = 3.34, for decay up to 4.65, and at least up to 3.16 between;
    per evaluation 0.94 and 1.33 of the limits of ``spinhydro.RK4``.

    Terms on the left side are treated explicitly too, and M must be invertible. It takes no noise.

    Used as ``problem.build_solver(spinhydro.LowStorageRK4)`` or ``timestepper = "LowStorageRK4"``.

    Raises
    ------
    InputError
        If M is singular.
    """

    stages = 5
    draws_noise = False
    #: Factors A of the sum of rates, B of the timestep in the state; and the times c of the rates.
    factors = (
        0.0,
        -567301805773 / 1357537059087,
        -2404267990393 / 2016746695238,
        -3550918686646 / 2091501179385,
        -1275806237668 / 842570457699,
    )
    weights = (
        1432997174477 / 9575080441755,
        5161836677717 / 13612068292357,
        1720146321549 / 2090206949498,
        3134564353537 / 4481467310338,
        2277821191437 / 14882151754819,
    )
    nodes = (
        0.0,
        1432997174477 / 9575080441755,
        2526269341429 / 6820363962896,
        2006345519317 / 3224310063776,
        2802321613138 / 2924317926251,
    )

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        state, total = self.start.data, self.total.data
        np.copyto(self.stage.data, state)
        self._compute_rate()
        total.fill(0)
        scheme = zip(self.factors, self.weights, self.nodes, strict=True)
        for i, (factor, weight, node) in enumerate(scheme):
            if i:
                self._evaluate(state, time + node * timestep)
            self._note_rate(i)
            total *= factor
            total += self.rate.data
            state += (weight * timestep) * total
        self._scatter(self.start)

    def _note_rate(self, stage):
        """Do nothing with the rate of a stage: embedded pairs do."""


class WaveRK4(LowStorageRK4):
    r"""Explicit Runge-Kutta scheme of order 4 with 8 stages, for undamped waves.

    The form of ``spinhydro.LowStorageRK4``. The growth factor in one step of da/dt = z a/h,

    .. math::
        1 + z + \frac{z^2}{2} + \frac{z^3}{6} + \frac{z^4}{24} + \beta_5 z^5 + \dots + \beta_8 z^8,

    has the coefficients :math:`\beta` with which undamped oscillation is stable up to
    omega h = 6.91 (no such scheme reaches more than :math:`\sqrt{48} = 6.93`: Kinnmark and Gray,
    Math. Comput. Simul. 26, 181 (1984)): per evaluation 1.22 of the limit of ``spinhydro.RK4``. The
    other coefficients, found numerically, solve the eight conditions of order 4 to rounding; the
    remaining terms of order 5 are a ninth of those of ``spinhydro.RK4`` at the same timestep. It
    pays where the fastest waves limit the timestep. Stable for decay up to 3.57, and up to that in
    every direction between: per evaluation 0.64 of RK4, which is better for damped problems.

    Terms on the left side are treated explicitly too, and M must be invertible. It takes no noise.

    Used as ``problem.build_solver(spinhydro.WaveRK4)`` or ``timestepper = "WaveRK4"``.

    Raises
    ------
    InputError
        If M is singular.
    """

    stages = 8
    factors = (
        0.0, -0.9322527148376099, -0.8093107861993913, -0.592726693732632, -1.2762614628478193,
        -0.9590584149590595, -1.604410084305495, -1.0460774412882965,
    )  # fmt: skip
    weights = (
        0.18706037834827663, 0.2745906490281318, 0.2146435956339401, 0.23358297124165384,
        0.2594579067780937, 0.41034843898657536, 0.28987939961185816, 0.12605105871601335,
    )  # fmt: skip
    nodes = (
        0.0, 0.18706037834827663, 0.20566314935091126, 0.40853813528755323, 0.5112613124123243,
        0.6250949259793306, 0.8627794998942081, 0.8832692242224507,
    )  # fmt: skip


#: Weights of the rates of WaveRK4 in the difference of an embedded solution, per unit time: with
#: the conditions of order 3 equal to zero, and those of order 4 to a hundredth of their value.
WAVE_ERRORS = (
    -0.015975301757488333, -0.011269093722113564, 0.028028199409609565, 0.06369910733140725,
    -0.05219149196366479, -0.031216844637027116, 0.00971927406593079, 0.009206151273346192,
)  # fmt: skip
