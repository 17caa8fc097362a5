"""An explicit Runge-Kutta scheme of order 8."""

import numpy as np

from spinhydro.steppers.rk4 import RK4

#: The times c of the rates, in timesteps.
NODES = (
    0.0, 0.05260015195876773, 0.0789002279381516, 0.1183503419072274, 0.2816496580927726,
    0.3333333333333333, 0.25, 0.3076923076923077, 0.6512820512820513, 0.6, 0.8571428571428571,
    1.0,
)  # fmt: skip
#: The weights of earlier rates in the state of each stage: {stage of the rate: weight}.
STAGES = (
    {},
    {0: 0.05260015195876773},
    {0: 0.0197250569845379, 1: 0.0591751709536137},
    {0: 0.02958758547680685, 2: 0.08876275643042054},
    {0: 0.2413651341592667, 2: -0.8845494793282861, 3: 0.924834003261792},
    {0: 0.037037037037037035, 3: 0.17082860872947386, 4: 0.12546768756682242},
    {0: 0.037109375, 3: 0.17025221101954405, 4: 0.06021653898045596, 5: -0.017578125},
    {0: 0.03709200011850479, 3: 0.17038392571223998, 4: 0.10726203044637328, 5:
     -0.015319437748624402, 6: 0.008273789163814023},
    {0: 0.6241109587160757, 3: -3.3608926294469414, 4: -0.868219346841726, 5: 27.59209969944671,
     6: 20.154067550477894, 7: -43.48988418106996},
    {0: 0.47766253643826434, 3: -2.4881146199716677, 4: -0.590290826836843, 5:
     21.230051448181193, 6: 15.279233632882423, 7: -33.28821096898486, 8:
     -0.020331201708508627},
    {0: -0.9371424300859873, 3: 5.186372428844064, 4: 1.0914373489967295, 5: -8.149787010746927,
     6: -18.52006565999696, 7: 22.739487099350505, 8: 2.4936055526796523, 9:
     -3.0467644718982196},
    {0: 2.273310147516538, 3: -10.53449546673725, 4: -2.0008720582248625, 5: -17.9589318631188,
     6: 27.94888452941996, 7: -2.8589982771350235, 8: -8.87285693353063, 9: 12.360567175794303,
     10: 0.6433927460157636},
)  # fmt: skip
#: The weights of the rates in the new state.
WEIGHTS = {
    0: 0.054293734116568765, 5: 4.450312892752409, 6: 1.8915178993145003, 7: -5.801203960010585,
    8: 0.3111643669578199, 9: -0.1521609496625161, 10: 0.20136540080403034, 11:
    0.04471061572777259,
}  # fmt: skip
#: The weights of the rates in the estimates of the error, of orders 5 and 3, per unit time.
ERRORS = (
    {
        0: 0.01312004499419488, 5: -1.2251564463762044, 6: -0.4957589496572502,
        7: 1.664377182454986, 8: -0.35032884874997366, 9: 0.3341791187130175,
        10: 0.08192320648511571, 11: -0.02235530786388629,
    },
    WEIGHTS | {
        0: WEIGHTS[0] - 0.2440944881889764, 8: WEIGHTS[8] - 0.7338466882816118,
        11: WEIGHTS[11] - 0.022058823529411766,
    },
)  # fmt: skip


def combined_error(timestep, fifth, third):
    r"""Return squared norms of the error of order 8 from those of the two estimates.

    They are those of DOP853: :math:`h\, e_5^2 / \sqrt{e_5^2 + e_3^2/100}`.
    """
    with np.errstate(all="ignore"):
        found = timestep**2 * fifth**2 / (fifth + 0.01 * third)
    return np.where(fifth > 0, found, fifth)


def growth_factor():
    """Return the coefficients of 1, z, z^2, … in X(t + h)/X(t) for dX/dt = z X/h."""
    factors = []
    for weights in (*STAGES, WEIGHTS):
        moved = np.zeros(len(STAGES) + 1)
        moved[0] = 1
        for stage, weight in weights.items():
            moved[1:] += weight * factors[stage][:-1]
        factors.append(moved)
    return tuple(factors[-1].tolist())


class RK8(RK4):
    r"""Explicit Runge-Kutta scheme of order 8 with 12 stages for ``M.dt(X) + L.X = F(X, t)``.

    .. math::
        k_i = f\Big(X + h \sum_{j < i} a_{ij} k_j,\ t + c_i h\Big), \quad
        X(t + h) = X + h \sum_i b_i k_i, \qquad f = M^{-1} (F - L X)

    The scheme that is known as DOP853 (Prince and Dormand; coefficients as in Hairer, Norsett and
    Wanner, Solving Ordinary Differential Equations I, section II.5), at fixed timesteps. Stable for
    undamped oscillation up to omega h = 5.96, for decay up to 6.39. A step costs three of
    ``spinhydro.RK4`` and takes 11 more arrays of the size of the state; it pays where errors below
    some 1e-4 are wanted. The waves of a spin grating have an error of 5e-7 after 15 000
    evaluations of the right side, where RK4 has 2e-4 after 20 000 and 1e-5 after 40 000.

    Terms on the left side are treated explicitly too, and M must be invertible. It takes no noise,
    with which its order would be that of ``spinhydro.RK4``.

    Used as ``problem.build_solver(spinhydro.RK8)`` or ``timestepper = "RK8"``.

    Raises
    ------
    InputError
        If M is singular.
    """

    stages = 12
    draws_noise = False

    def __init__(self, solver):
        super().__init__(solver)
        self._rates = [np.zeros_like(self.rate.data) for _ in STAGES]

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        np.copyto(self.stage.data, self.start.data)
        self._compute_rate()
        for i, (node, weights) in enumerate(zip(NODES, STAGES, strict=True)):
            if i:
                self._evaluate(self._moved(weights, timestep), time + node * timestep)
            np.copyto(self._rates[i], self.rate.data)
        np.copyto(self.total.data, self._moved(WEIGHTS, timestep))
        self._scatter(self.total)

    def _moved(self, weights, timestep):
        """Return the state at the start of the step, moved by weighted rates."""
        moved = self.start.data.copy()
        for stage, weight in weights.items():
            moved += (timestep * weight) * self._rates[stage]
        return moved
