"""Choice between explicit pairs by the number of evaluations that they are predicted to need."""

import math
from dataclasses import dataclass

from spinhydro.steppers import rk8
from spinhydro.steppers.control import AIM, KEPT_FROM

#: Nodes, weights of earlier rates in the stages, and weights of the rates, of main schemes.
TABLEAUX = {
    "RK4": (
        (0.0, 0.5, 0.5, 1.0),
        ({}, {0: 0.5}, {1: 0.5}, {2: 1.0}),
        {0: 1 / 6, 1: 1 / 3, 2: 1 / 3, 3: 1 / 6},
    ),
    "RK8": (rk8.NODES, rk8.STAGES, rk8.WEIGHTS),
}
#: A measured error of a step between these follows its power law.
SMALLEST, LARGEST = 1e-13, 1e-2
#: Trials per scheme, at most, and change of the timestep that needs no further one.
TRIALS, CLOSE = 5, 1.6
#: Saving, as part of the evaluations, for which the stepper is replaced, and the least saving of
#: evaluations times values, where the cost of an evaluation is that of 1000 values and its own.
WORTHWHILE, LEAST_SAVED, OVERHEAD = 0.2, 2e6, 1000


@dataclass
class Prediction:
    """Timestep and evaluations of the right side with which a pair meets a tolerance."""

    timestep: float
    evaluations: float


def predict(stepper, pair, time, control, interval):
    r"""Return the `Prediction` of a pair, from the error of single steps at the present state.

    The error of a step of length h, :math:`e = c\, h^{q+1}`, is measured by taking it as a whole
    and in halves. The timestep is the one of the permitted error per unit time,

    .. math:: e/h = 0.8\, \text{tolerance}/T,

    up to half of the stability limit and to a whole part of the time between two outputs. Errors
    are taken to add up; if they grow or cancel, they do so for all pairs.

    Parameters
    ----------
    stepper : PairSteps
        Of the run; it evaluates the right side.
    pair : type
        With a main scheme in TABLEAUX.
    time : float
    control : ErrorControl
        With the limits of this pair.
    interval : float
        Time between two outputs.
    """
    order, duration = pair.order, control.duration
    longest = min(control.longest, control.stable / 2, interval)
    timestep = longest
    for _ in range(TRIALS):
        error = stepper.trial_error(time, timestep, TABLEAUX[pair.main.__name__], order)
        if not error <= LARGEST:
            # Neither its power law nor, perhaps, a finite state.
            timestep /= 8
            continue
        if error < SMALLEST:
            break
        permitted = AIM * control.tolerance * timestep / duration
        before, timestep = timestep, min(timestep * (permitted / error) ** (1 / order), longest)
        if timestep * CLOSE > before:
            break
        timestep = max(timestep, before / 8)
    timestep = interval / math.ceil(interval / timestep * KEPT_FROM)
    each = 1.5 * pair.stages + pair.extra_evaluations
    return Prediction(timestep, duration / timestep * each)


def is_worthwhile(present, other, values):
    """Return whether a `Prediction` is better than that of the present pair by enough.

    `values` is the number of values in the state: the other stepper has to be set up too.
    """
    saved = present.evaluations - other.evaluations
    is_long = saved * (values + OVERHEAD) > LEAST_SAVED
    return is_long and saved > WORTHWHILE * present.evaluations


def advanced(rate, start, time, timestep, tableau):
    """Return the state after a step of an explicit scheme.

    Parameters
    ----------
    rate : callable(state, time)
        Return the right side, as an array that it does not use again.
    start : array
    time, timestep : float
    tableau : tuple
        One of TABLEAUX.
    """
    nodes, stages, weights = tableau
    rates = []

    def moved(row):
        return start + sum(timestep * weight * rates[stage] for stage, weight in row.items())

    for node, row in zip(nodes, stages, strict=True):
        rates.append(rate(moved(row), time + node * timestep))
    return moved(weights)
