"""The spectral truncation of a run with a splitting scheme: its choice, and its watch."""

import numpy as np

from spinhydro.errors import ParameterError, WatchError
from spinhydro.run.filled_modes import FilledModes
from spinhydro.steppers import SPLITTING, AdaptiveBlanesMoan4
from spinhydro.steppers.control import ErrorControl
from spinhydro.steppers.stability import fraction_without_resonance
from spinhydro.steppers.trial import predict
from spinhydro.steppers.truncation import check_fraction

#: Amplitude next to the end of a truncation, relative to the state, from which a run warns, and
#: from which it stops.
WARNED, STOPPED = 1e-5, 1e-3
#: Reasons for a truncation.
STATED, RESONANCE = "as stated", "shorter waves may resonate with the timestep"
#: Where that is measured: above this part of the modes that are kept.
TAIL = 0.9
#: Amplitude there from which adaptive steps keep more modes, over the tolerance, and how many more.
TOLERATED, MORE = 0.1, 1.25
#: Fraction of wavenumbers that adaptive steps keep at least, margin beyond the modes that are
#: filled at the start, and longest timestep without resonance over the one that is predicted. The
#: companion of the error control takes twice the timestep.
LEAST_KEPT, BEYOND, LONGER = 0.4, 1.1, 2.5
#: Steppers that can truncate the spectrum.
TRUNCATING = (*SPLITTING, AdaptiveBlanesMoan4.__name__)


def stated_truncation(plan, stepper_name):
    """Return the fraction of modes that a plan keeps; None if it leaves the choice to the run.

    Raises ParameterError for another value, and for a time stepper that keeps all modes.
    """
    if plan.truncate is None:
        return None
    fraction = check_fraction(plan.truncate)
    if fraction < 1 and stepper_name not in TRUNCATING:
        raise ParameterError(
            f"truncate = {fraction:g}: {stepper_name} keeps all modes; take timestepper = "
            f"{' or '.join(map(repr, SPLITTING))}, or fewer grid points"
        ).within("truncate")
    return fraction


def truncate(run, continued=None):
    """Truncate the spectrum of a run, as stated or as its timestep needs it.

    Parameters
    ----------
    run : Run
        With its engine.
    continued : Continuation, optional
        An earlier run, whose truncation is kept.

    Raises
    ------
    ParameterError
        If a stated truncation would drop a part of the initial state.
    """
    if run.stepper_name not in SPLITTING:
        return
    fraction, why = run.truncation, STATED
    if fraction is None and continued is not None and not continued.changed:
        fraction, why = continued.folder.record.get("truncate", 1.0), "as before"
    is_automatic = fraction is None
    if is_automatic:
        why = RESONANCE
        fraction = 1.0
        if run.timestep:
            fraction = fraction_without_resonance(
                run.solver, run.stepper_name, run.timestep, run.plan.stop_time
            )
    if fraction < 1:
        lost, note = _lost(run.solver, fraction, why)
        if is_automatic and lost > WARNED:
            fraction, note = 1.0, f"all modes, and not only {note}"
        run.truncation_note = f"truncation: {run.stepper_name} keeps {note}"
    run.truncation = fraction
    run.solver.timestepper.truncate(fraction)
    if fraction < 1:
        run.truncation_watch = TruncationWatch(run.filled_modes, fraction)


def _lost(solver, fraction, why):
    """Return the relative amplitude that a truncation drops, and a note on it.

    Raises ParameterError if that is a part of the initial state, and the fraction is stated.
    """
    modes = FilledModes(solver)
    lost = modes.amplitude_above(modes.measure(), fraction)
    note = (
        f"the modes below {fraction:.3g} of the largest wavenumber along each axis ({why}; the "
        f"others hold {lost:.1e} of the initial amplitude)"
    )
    if lost > STOPPED and why == STATED:
        raise ParameterError(
            f"truncate = {fraction:g} would drop {lost:.1e} of the amplitude of the initial "
            "state; take a larger fraction, at most 1, or None"
        ).within("truncate")
    return lost, note


def truncate_adaptive(run, stepper, pair, interval):
    """Truncate the spectrum of an adaptive splitting scheme at the present state.

    To the modes that do not resonate with the timestep that the tolerance is predicted to need, but
    at least LEAST_KEPT of the wavenumbers along each axis, and all that the state fills.

    Parameters
    ----------
    run : ControlledRun
    stepper : PairSteps
        The stepper of the solver.
    pair : type
        Its class.
    interval : float
        Time between two outputs.

    Returns
    -------
    (float, str)
        The fraction of modes that are kept, and a note on it.
    """
    name, fraction = pair.main.__name__, run.stated_truncation
    if fraction is None:
        plan, why = run.plan, RESONANCE
        # Short waves that nothing has damped yet would add to the error.
        least = min(1.0, max(LEAST_KEPT, BEYOND * _filled(run)))
        stepper.truncate(least)
        stepper.begin(ErrorControl(plan.tolerance, plan.stop_time), interval)
        timestep = predict(stepper, pair, stepper.control, interval).timestep
        stepper.truncate(1.0)
        fraction = fraction_without_resonance(run.solver, name, LONGER * timestep, plan.stop_time)
        fraction = max(fraction, least)
    else:
        why = STATED
    stepper.truncate(fraction)
    if fraction == 1:
        return fraction, ""
    return fraction, f"truncation: {name} keeps {_lost(run.solver, fraction, why)[1]}"


def _tolerated(run):
    """Return the amplitude, relative to the state, that a tolerance lets a truncation drop."""
    return min(WARNED, TOLERATED * run.plan.tolerance)


def _filled(run):
    """Return the fraction of wavenumbers above which modes are below what is tolerated."""
    found, tolerated = FilledModes(run.solver).measure(), _tolerated(run)
    return max((np.argmax(row <= tolerated) / (row.size - 1) for row in found.values()), default=0)


class AdaptiveTruncation:
    """Keep more modes of an adaptive splitting scheme as soon as the state fills them.

    Parameters
    ----------
    run : ControlledRun
        Whose `truncation` is the fraction of modes that are kept.
    """

    def __init__(self, run):
        self.run = run

    def check(self, found, now):
        """Return a line if more modes are kept from now on, or ""."""
        run = self.run
        amplitude = run.filled_modes.amplitude_above(found, TAIL * run.truncation, inclusive=True)
        if run.truncation == 1 or amplitude <= _tolerated(run):
            return ""
        run.truncation = min(1.0, MORE * run.truncation)
        run.solver.timestepper.truncate(run.truncation)
        why = f"modes up to {run.truncation:.3g} of the largest wavenumber are kept"
        line = f"truncation: {why} from t = {now} on: the last ones held {amplitude:.1e}"
        told = run.stability_watch.reconsider(why) if run.stability_watch else ""
        return "\n".join(filter(None, (line, told)))


class TruncationWatch:
    """Compare the end of a truncated spectrum with the state; warn once, then stop.

    Parameters
    ----------
    modes : FilledModes
    fraction : float
        That of the truncation.
    """

    def __init__(self, modes, fraction):
        self.modes, self.fraction, self.has_warned = modes, fraction, False

    def check(self, found, now):
        """Return a warning, or "".

        Raises WatchError if the truncation distorts the run.
        """
        amplitude = self.modes.amplitude_above(found, TAIL * self.fraction, inclusive=True)
        text = (
            f"the modes next to the truncation at {self.fraction:g} of the largest wavenumber hold "
            f"{amplitude:.1e} of the amplitude at t = {now}"
        )
        remedy = "a shorter timestep allows more modes (truncate = 1 keeps all)"
        if amplitude > STOPPED:
            raise WatchError(f"{text}: the run is no longer resolved; {remedy}")
        if amplitude <= WARNED or self.has_warned:
            return ""
        self.has_warned = True
        return f"warning: {text}; {remedy}"
