"""Choice between embedded pairs by the work that they are predicted to need."""

import math
from dataclasses import dataclass

from spinhydro.steppers.control import (
    AIM,
    FAR_WINDOW,
    KEPT_FROM,
    RELEASED,
    WINDOW,
)
from spinhydro.steppers.dense_output import (
    evaluations_inside,
    evaluations_of_step,
    intervals_in_step,
)

#: A measured error of a step between these follows its power law.
SMALLEST, LARGEST = 1e-13, 1e-2
#: Trials per scheme, at most, and change of the timestep that needs no further one.
TRIALS, CLOSE = 5, 1.6
#: Saving, as part of the work, for which the stepper is replaced, and the least saving of
#: evaluations times values, where the cost of an evaluation is that of 1000 values and its own.
WORTHWHILE, LEAST_SAVED, OVERHEAD = 0.2, 2e6, 1000
#: Error at the end over the sum of the errors of all steps, in gases 3 to 8.
GROWTH = 4
#: Part of a run after which a companion that only limits the timestep is dropped.
RELEASED_AFTER = 0.1
#: Size of a state, in bytes, from which no other scheme is tried: the rates that it keeps would
#: take too much memory.
LARGEST_STATE = 1 << 26


@dataclass
class Prediction:
    """Timestep and work with which a pair meets a tolerance.

    Attributes
    ----------
    timestep : float
    work : float
        Over the whole run, in evaluations of the right side.
    """

    timestep: float
    work: float


def predict(stepper, pair, control, interval, passes=False):
    r"""Return the `Prediction` of a pair, from the error of single steps at the present state.

    The error of a step of length h, :math:`e = c\, h^{q+1}`, is measured by taking it as a whole
    and in halves. The timestep is the one of the permitted error per unit time,

    .. math:: e/h = 0.8\, \text{tolerance}/(4 T),

    up to half of the stability limit and to a whole part of the time between two outputs, or a
    multiple of it if steps may pass outputs. If errors are far below the tolerance there, most of
    the run takes steps up to the limit, without a companion. Errors are taken to grow by a factor
    of 4, with all pairs.

    Parameters
    ----------
    stepper : PairSteps
        On the engine of the run, at the state of the trials.
    pair : type
        Its class.
    control : ErrorControl
        With the limits of this pair.
    interval : float
        Time between two outputs.
    passes : bool
        Whether outputs may lie inside steps.
    """
    order, duration, time = pair.order, control.duration, stepper.solver.sim_time
    limit = min(control.longest, control.stable / 2)
    # Steps across outputs follow from the power law.
    longest = min(limit, interval)
    timestep, error, wanted = longest, math.inf, longest
    for _ in range(TRIALS):
        error = stepper.trial_error(time, timestep)
        if not error <= LARGEST:
            # Neither its power law nor, perhaps, a finite state.
            timestep /= 8
            continue
        permitted = AIM / GROWTH * control.tolerance * timestep / duration
        wanted = timestep * (permitted / max(error, SMALLEST)) ** (1 / order)
        if error < SMALLEST:
            break
        before, timestep = timestep, min(wanted, longest)
        error *= (timestep / before) ** (order + 1)
        if timestep * CLOSE > before:
            break
        timestep = max(timestep, before / 8)
    if passes and wanted > interval:
        longest, before = limit, timestep
        timestep = min(wanted, limit)
        error *= (timestep / before) ** (order + 1)
    at_end = GROWTH * error * duration / timestep
    window = WINDOW[order] if stepper.takes_many else 1
    work = _work(pair, timestep, duration, interval, window, passes)
    if timestep == longest < control.longest and RELEASED * 2**order * at_end < control.tolerance:
        window = FAR_WINDOW if stepper.takes_many else 1
        timestep = control.longest if passes else min(control.longest, interval)
        alone = _work(pair, timestep, duration, interval, window, passes, has_companion=False)
        work = RELEASED_AFTER * work + (1 - RELEASED_AFTER) * alone
    return Prediction(timestep, work)


def _work(pair, timestep, duration, interval, window, passes, has_companion=True):
    """Return the evaluations of a run, weighed by the cost of one in this scheme."""
    stages, extra = pair.main.stages, pair.extra_evaluations
    each, number = evaluations_of_step(stages, extra, has_companion), 1
    if passes and timestep >= 2 * interval:
        number = intervals_in_step(int(timestep / interval), each, stages, pair.interpolant)
    if number > 1:
        timestep = number * interval
        each += evaluations_inside(number - 1, stages, pair.interpolant)
    else:
        timestep = interval / math.ceil(interval / timestep * KEPT_FROM)
        each = evaluations_of_step(stages, extra, has_companion, window)
    return pair.cost_of_evaluation * duration / timestep * each


def is_worth_a_trial(present, stages, values):
    """Return whether the trial of another pair may pay for itself.

    Parameters
    ----------
    present : Prediction
    stages : int
        Of the other pair.
    values : int
        Number of values in the state.
    """
    most = WORTHWHILE * present.work
    return most > 3 * stages * TRIALS and most * (values + OVERHEAD) > LEAST_SAVED


def is_worthwhile(present, other, values):
    """Return whether a `Prediction` is better than that of the present pair by enough.

    `values` is the number of values in the state: the other stepper has to be set up too.
    """
    saved = present.work - other.work
    is_long = saved * (values + OVERHEAD) > LEAST_SAVED
    return is_long and saved > WORTHWHILE * present.work
