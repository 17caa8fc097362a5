"""An explicit Runge-Kutta scheme of order 4 that keeps two arrays of the size of the state."""

import numpy as np

from spinhydro.steppers.rk4 import RK4

#: Factors A of the sum of rates, and B of the timestep in the state; and the times c of the rates.
FACTORS = (
    0.0,
    -567301805773 / 1357537059087,
    -2404267990393 / 2016746695238,
    -3550918686646 / 2091501179385,
    -1275806237668 / 842570457699,
)
WEIGHTS = (
    1432997174477 / 9575080441755,
    5161836677717 / 13612068292357,
    1720146321549 / 2090206949498,
    3134564353537 / 4481467310338,
    2277821191437 / 14882151754819,
)
NODES = (
    0.0,
    1432997174477 / 9575080441755,
    2526269341429 / 6820363962896,
    2006345519317 / 3224310063776,
    2802321613138 / 2924317926251,
)


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

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        state, total = self.start.data, self.total.data
        np.copyto(self.stage.data, state)
        self._compute_rate()
        total.fill(0)
        for i, (factor, weight, node) in enumerate(zip(FACTORS, WEIGHTS, NODES, strict=True)):
            if i:
                self._evaluate(state, time + node * timestep)
            total *= factor
            total += self.rate.data
            state += (weight * timestep) * total
        self._scatter(self.start)
