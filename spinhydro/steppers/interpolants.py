"""Interpolants of an accepted step, from further evaluations of the right side."""

import math

import numpy as np

from spinhydro.steppers import rk8

#: The time, in timesteps, of the third rate of `Quartic`: there the derivative of the cubic
#: interpolant differs most from the right side.
THIRD_RATE = (3 - math.sqrt(3)) / 6
#: Stages of the continuous extension of RK8 after its twelve and the rate at the end of the step:
#: their times, the weights of earlier rates in their states, and those of all rates in the four
#: highest terms.
NODES = (0.1, 0.2, 7 / 9)
STAGES = (
    {0: 0.056167502283047954, 6: 0.25350021021662483, 7: -0.2462390374708025, 8:
     -0.12419142326381637, 9: 0.15329179827876568, 10: 0.00820105229563469, 11:
     0.007567897660545699, 12: -0.008298},
    {0: 0.03183464816350214, 5: 0.028300909672366776, 6: 0.053541988307438566, 7:
     -0.05492374857139099, 10: -0.00010834732869724932, 11: 0.0003825710908356584, 12:
     -0.00034046500868740456, 13: 0.1413124436746325},
    {0: -0.42889630158379194, 5: -4.697621415361164, 6: 7.683421196062599, 7: 4.06898981839711, 8:
     0.3567271874552811, 12: -0.0013990241651590145, 13: 2.9475147891527724, 14:
     -9.15095847217987},
)  # fmt: skip
HIGHEST = (
    {0: -8.428938276109013, 5: 0.5667149535193777, 6: -3.0689499459498917, 7: 2.38466765651207, 8:
     2.117034582445028, 9: -0.871391583777973, 10: 2.2404374302607883, 11: 0.6315787787694688, 12:
     -0.08899033645133331, 13: 18.148505520854727, 14: -9.194632392478356, 15: -4.436036387594894},
    {0: 10.427508642579134, 5: 242.28349177525817, 6: 165.20045171727028, 7: -374.5467547226902,
     8: -22.113666853125306, 9: 7.733432668472264, 10: -30.674084731089398, 11: -9.332130526430229,
     12: 15.697238121770845, 13: -31.139403219565178, 14: -9.35292435884448, 15:
     35.81684148639408},
    {0: 19.985053242002433, 5: -387.0373087493518, 6: -189.17813819516758, 7: 527.8081592054236,
     8: -11.57390253995963, 9: 6.8812326946963, 10: -1.0006050966910838, 11: 0.7777137798053443,
     12: -2.778205752353508, 13: -60.19669523126412, 14: 84.32040550667716, 15: 11.99229113618279},
    {0: -25.69393346270375, 5: -154.18974869023643, 6: -231.5293791760455, 7: 357.6391179106141,
     8: 93.40532418362432, 9: -37.45832313645163, 10: 104.0996495089623, 11: 29.8402934266605, 12:
     -43.53345659001114, 13: 96.32455395918828, 14: -39.17726167561544, 15: -149.72683625798564},
)  # fmt: skip
#: The powers of theta and of 1 - theta in the seven terms of that extension.
POWERS = ((1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3))
#: A time, in timesteps, at which its derivative differs from the right side by 0.9 of the largest
#: difference, and the largest error relative to that difference: the same for all waves of up to
#: 6 rad per step.
CHECKED_AT, ERROR_OF_DEFECT = 0.7, 0.12


class Quartic:
    r"""Interpolant of order 4 from the states and rates at both ends of a step and a third rate.

    In the variable :math:`Y(\theta) = e^{-\theta h A} X(t + \theta h)`, where A are the linear
    terms that the scheme treats exactly (0 for RK4), and with :math:`N = \partial_t Y`,

    .. math::
        Y(\theta) = H(\theta) + \theta^2 (1 - \theta)^2\, D, \qquad
        D = \frac{h N(\theta_*) - H'(\theta_*)}{2 \theta_* (1 - \theta_*)(1 - 2 \theta_*)}

    H is the cubic polynomial of Hermite, and :math:`N(\theta_*)` is evaluated at
    :math:`H(\theta_*)`. The error of H, D/16 at most, is of order :math:`h^4` and bounds that of Y,
    of order :math:`h^5` (Shampine, Math. Comput. 46, 135 (1986)).

    Parameters
    ----------
    stepper : DenseOutput
        After the step.
    time, timestep : float
        Of the step.
    start, end : array
        The states before and after it.

    Attributes
    ----------
    evaluations : int
        Evaluations of the right side.
    errors : list of array
        Parts of the estimated error, in the form of the state.
    """

    evaluations = 3

    def __init__(self, stepper, time, timestep, start, end):
        self._stepper, self._timestep = stepper, timestep
        self._start, self._end = start, stepper.move_linear(end, -timestep)
        self._slopes = self._rate(start, time, 0), self._rate(end, time, 1)
        middle, x = self._cubic(THIRD_RATE), THIRD_RATE
        slope = 6 * x * (1 - x) * (self._end - self._start)
        slope += (1 - x) * (1 - 3 * x) * self._slopes[0] + x * (3 * x - 2) * self._slopes[1]
        self._bump = self._rate(stepper.move_linear(middle, x * timestep), time, x)
        self._bump -= slope
        self._bump /= 2 * x * (1 - x) * (1 - 2 * x)
        self.errors = [self._bump / 16]

    def _rate(self, state, time, fraction):
        """Return h N at a state."""
        passed = fraction * self._timestep
        rate = self._timestep * self._stepper.rate_at(state, time + passed)
        return self._stepper.move_linear(rate, -passed)

    def _cubic(self, x):
        found = (1 - x) ** 2 * ((1 + 2 * x) * self._start + x * self._slopes[0])
        found += x**2 * ((3 - 2 * x) * self._end - (1 - x) * self._slopes[1])
        return found

    def __call__(self, fraction):
        """Return the state at a fraction of the step."""
        found = self._cubic(fraction) + (fraction * (1 - fraction)) ** 2 * self._bump
        return self._stepper.move_linear(found, fraction * self._timestep)


class ExponentialQuartic:
    r"""Interpolant of order 4 of a scheme with exponential quadrature, from five rates.

    .. math::
        X(t + \theta h) = e^{\theta h A} X + h \sum_{j=0}^3 j!\, \theta^{j+1}
        \varphi_{j+1}(\theta h A)\, n_j

    with the terms :math:`N(\theta) = \sum_j n_j \theta^j` that are not treated exactly, as a
    cubic polynomial. It passes through N at both ends and at 1/3 and 2/3, which are evaluated at
    the states that follow from a quadratic polynomial, and its third rate, at 1/2, from a linear
    one. No factor grows with damping. The error of the quadratic polynomial, and the difference
    between X(t + h) and the state at the end of the step, are the estimate.

    Parameters and attributes are those of `Quartic`.
    """

    evaluations = 5

    def __init__(self, stepper, time, timestep, start, end):
        self._stepper, self._timestep, self._start = stepper, timestep, start
        first, last = stepper.rate_at(start, time), stepper.rate_at(end, time + timestep)

        def rate(x):
            return stepper.rate_at(self(x), time + x * timestep)

        self._fit((0, 1), (first, last))
        self._fit((0, 1 / 2, 1), (first, rate(1 / 2), last))
        inner = self(1 / 3), self(2 / 3)
        self._fit((0, 1 / 3, 2 / 3, 1), (first, rate(1 / 3), rate(2 / 3), last))
        self.errors = [self(1 / 3) - inner[0], self(2 / 3) - inner[1], self(1) - end]

    def _fit(self, nodes, rates):
        """Set the coefficients n_j of the polynomial through rates."""
        powers = np.vander(nodes, increasing=True)
        self._terms = [
            sum(weight * rate for weight, rate in zip(row, rates, strict=True))
            for row in np.linalg.inv(powers)
        ]

    def __call__(self, fraction):
        """Return the state at a fraction of the step."""
        vectors = [self._start] + [
            (self._timestep * math.factorial(j) * fraction ** (j + 1)) * term
            for j, term in enumerate(self._terms)
        ]
        return self._stepper.sum_of_phi(fraction * self._timestep, vectors)


class ContinuousRK8:
    r"""The continuous extension of order 7 of ``spinhydro.RK8``, from four further stages.

    .. math::
        X(t + \theta h) = X + \sum_{j=1}^7 \theta^{\lceil j/2 \rceil}
        (1 - \theta)^{\lfloor j/2 \rfloor} F_j

    That of DOP853 (Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section
    II.6). The twelve rates of the step are evaluated once more: compiled steps do not keep them.
    The error follows from the difference of the derivative and the right side at one time.

    Parameters and attributes are those of `Quartic`.
    """

    evaluations = 17

    def __init__(self, stepper, time, timestep, start, end):
        rates, self._start = [], start
        nodes, stages = (*rk8.NODES, 1.0, *NODES), (*rk8.STAGES, None, *STAGES)
        for node, weights in zip(nodes, stages, strict=True):
            state = end if weights is None else start + _weighted(weights, rates)
            rates.append(timestep * stepper.rate_at(state, time + node * timestep))
        change = end - start
        self._terms = [
            change, rates[0] - change, 2 * change - (rates[12] + rates[0]),
            *(_weighted(weights, rates) for weights in HIGHEST),
        ]  # fmt: skip
        del rates
        x = CHECKED_AT
        slope = sum(
            (a * (1 - x) - b * x) * x ** (a - 1) * (1 - x) ** (b - 1) * term
            for (a, b), term in zip(POWERS, self._terms, strict=True)
        )
        rate = timestep * stepper.rate_at(self(x), time + x * timestep)
        self.errors = [ERROR_OF_DEFECT * (slope - rate)]

    def __call__(self, fraction):
        """Return the state at a fraction of the step."""
        found = self._start.copy()
        for (a, b), term in zip(POWERS, self._terms, strict=True):
            found += (fraction**a * (1 - fraction) ** b) * term
        return found


def _weighted(weights, rates):
    return sum(weight * rates[stage] for stage, weight in weights.items()) if weights else 0.0
