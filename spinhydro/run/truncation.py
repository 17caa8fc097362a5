"""The spectral truncation of a run with a splitting scheme: its choice, and its watch."""

from spinhydro.errors import ParameterError, WatchError
from spinhydro.run.filled_modes import FilledModes
from spinhydro.steppers import SPLITTING
from spinhydro.steppers.stability import fraction_without_resonance
from spinhydro.steppers.truncation import check_fraction

#: Amplitude next to the end of a truncation, relative to the state, from which a run warns, and
#: from which it stops.
WARNED, STOPPED = 1e-5, 1e-3
#: Where that is measured: above this part of the modes that are kept.
TAIL = 0.9


def stated_truncation(plan, stepper_name):
    """Return the fraction of modes that a plan keeps; None if it leaves the choice to the run.

    Raises ParameterError for another value, and for a time stepper that keeps all modes.
    """
    if plan.truncate is None:
        return None
    fraction = check_fraction(plan.truncate)
    if fraction < 1 and stepper_name not in SPLITTING:
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
    fraction, why = run.truncation, "as stated"
    if fraction is None and continued is not None and not continued.changed:
        fraction, why = continued.folder.record.get("truncate", 1.0), "as before"
    is_automatic = fraction is None
    if is_automatic:
        why = "shorter waves may resonate with the timestep"
        fraction = 1.0
        if run.timestep:
            fraction = fraction_without_resonance(
                run.solver, run.stepper_name, run.timestep, run.plan.stop_time
            )
    if fraction < 1:
        modes = FilledModes(run.solver)
        lost = modes.amplitude_above(modes.measure(), fraction)
        note = (
            f"the modes below {fraction:.3g} of the largest wavenumber along each axis ({why}; the "
            f"others hold {lost:.1e} of the initial amplitude)"
        )
        if lost > STOPPED and why == "as stated":
            raise ParameterError(
                f"truncate = {fraction:g} would drop {lost:.1e} of the amplitude of the initial "
                "state; take a larger fraction, at most 1, or None"
            ).within("truncate")
        if is_automatic and lost > WARNED:
            fraction, note = 1.0, f"all modes, and not only {note}"
        run.truncation_note = f"truncation: {run.stepper_name} keeps {note}"
    run.truncation = fraction
    run.solver.timestepper.truncate(fraction)
    if fraction < 1:
        run.truncation_watch = TruncationWatch(run.filled_modes, fraction)


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
