"""Runs whose timestep follows from a tolerance: steppers with an embedded pair."""

import math

from mpi4py import MPI

from spinhydro.dedalus_support.solver import settled_fields
from spinhydro.errors import InputError, NotFiniteError, ParameterError
from spinhydro.language.vocabulary import AUTO
from spinhydro.run.adaptive import AdaptiveRun
from spinhydro.run.kept_state import KeptState
from spinhydro.run.loop import WATCH_CADENCE, Run
from spinhydro.run.passed_outputs import PassedOutputs
from spinhydro.run.progress import elapsed
from spinhydro.run.stability_watch import LimitOfAdaptiveSteps, rounded_limit
from spinhydro.run.stepper_choice import StepperChoice, candidates_of
from spinhydro.run.truncation import AdaptiveTruncation
from spinhydro.steppers import (
    IFRK4,
    SPLITTING,
    check_no_noise,
    find_pair,
    find_stepper,
)
from spinhydro.steppers.constraints import is_constraint
from spinhydro.steppers.control import (
    SMALLEST_TOLERANCE,
    USUAL_TOLERANCE,
    WINDOW,
    ErrorControl,
    StepTooShort,
    checked_tolerance,
    even_steps,
)
from spinhydro.steppers.pair_steps import PairSteps
from spinhydro.steppers.projections import project
from spinhydro.steppers.stability import StabilityCheck

#: Relative change by a second projection, as part of the tolerance, from which adaptive timesteps
#: are refused: it is made in every step, however short.
NOT_IDEMPOTENT = 1e-3
#: Estimated error over the tolerance from which a run has missed it.
MISSED = 2.0


def read_tolerance(ivp, plan):
    """Choose the adaptive form of the stepper if a plan asks for adaptive timesteps.

    It does with a tolerance, with ``timestep = "auto"``, or with a stepper such as "IFRK43"; the
    tolerance is then 1e-6 unless it is stated. A number as timestep is the longest timestep.
    Where the stepper is not stated, splitting schemes give way to IFRK4, and other pairs are
    candidates; see `StepperChoice`.

    Returns
    -------
    bool
        Whether timesteps are adaptive.

    Raises
    ------
    ParameterError
        For a tolerance or timestep out of range, or a stepper without an embedded pair.
    """
    stepper = find_stepper(plan.timestepper)
    is_word = isinstance(plan.timestep, str)
    if is_word and plan.timestep != AUTO:
        raise ParameterError(
            f'timestep = {plan.timestep!r}: it must be a positive number, or "auto" for adaptive '
            "timesteps"
        ).within("timestep")
    if plan.tolerance is None and not is_word and not issubclass(stepper, PairSteps):
        return False
    if plan.tolerance is None:
        plan.tolerance = USUAL_TOLERANCE
    plan.tolerance = checked_tolerance(plan.tolerance)
    is_default = plan.chooses_stepper
    if is_default and stepper.__name__ in SPLITTING:
        # The default of a problem file is the cheapest stepper of a given timestep.
        plan.given_up = stepper.__name__
        stepper = IFRK4
    if any(is_constraint(equation) for equation in ivp.equations):
        raise ParameterError(
            "adaptive timesteps need a stepper with an embedded pair, and none of these takes "
            "equations without a dt(…) term: give a timestep, no tolerance, and timestepper = "
            "'RK443'"
        ).within("timestep" if plan.timestep == AUTO else "tolerance")
    check_no_noise(ivp)
    plan.timestepper = find_pair(stepper)
    if is_default:
        plan.candidates = candidates_of(ivp, plan.timestepper)
    if callable(plan.timestep) or hasattr(plan.timestep, "compute_timestep"):
        raise ParameterError(
            "a function chooses the timestep, and so would the tolerance: give timestep = 'auto', "
            "or no tolerance and timestepper = " + repr(plan.timestepper.main.__name__)
        ).within("timestep")
    return True


def keep_stepper(plan, record):
    """Keep the stepper that an earlier run has chosen, from the record of its folder."""
    for pair in plan.candidates:
        if pair.__name__ == record.get("timestepper"):
            plan.timestepper = pair
    plan.candidates = ()


def check_checkpoint(checkpoint):
    """Raise InputError if a checkpoint is of a run with given timesteps."""
    if checkpoint is not None and "control" not in checkpoint.progress:
        raise InputError(
            f"{checkpoint.path} is of a run without a tolerance: resume it without one, or begin "
            "a new run"
        )


class ControlledRun(AdaptiveRun):
    """A run with timesteps that meet a tolerance; see ``spinhydro.steppers.control``.

    Between two outputs all timesteps are equal as long as the controller allows, and the last one
    ends at the output. A step that is rejected is divided inside the stepper.
    """

    def __init__(self, ivp, plan, timestep, solver=None):
        Run.__init__(self, ivp, plan, 0.0, solver)
        self.outputs_made = 0
        #: Steps of the present length up to the next output, and those that are taken in one call.
        self.number, self.ahead = 0, 1
        self.shortest, self.longest = math.inf, 0.0
        self.passed = PassedOutputs(self)
        #: The fraction of modes that the file states, or None.
        self.stated_truncation = self.truncation
        #: The initial state, while the stepper is chosen.
        self.filled = None

    def check_start(self):
        """Check everything that can be known before the first step; see ``Run.check_start``.

        Raises ParameterError too for a projection that does more than project.
        """
        super().check_start()
        if not self.projections:
            return
        state = self.solver.state
        kept = [variable["c"].copy() for variable in state]
        project(self.projections)
        once = [variable["c"].copy() for variable in state]
        project(self.projections)
        excess = max(
            self.largest(variable["c"] - first) / (self.largest(first) or 1.0)
            for variable, first in zip(state, once, strict=True)
        )
        for variable, coefficients in zip(state, kept, strict=True):
            variable["c"] = coefficients
        if not excess <= NOT_IDEMPOTENT * self.plan.tolerance:
            raise ParameterError(
                f"projections: a second projection changes the state again, by {excess:.1g}, so "
                "that results depend on the number of steps; adaptive timesteps need a projection "
                "such as m/sqrt(m@m), on bases that hold what it gives (more points, or "
                "spinhydro.RealFourierNyquist), or a larger tolerance. Otherwise give a timestep, "
                f"no tolerance, and timestepper = '{self.plan.timestepper.main.__name__}'"
            ).within("projections")

    def largest(self, values):
        """Return the largest absolute value, of all ranks."""
        return self.ivp.dist.comm.allreduce(float(abs(values).max(initial=0)), op=MPI.MAX)

    def start_control(self):
        """Choose the stepper, the first timestep and the longest; return the line for the log."""
        choice = StepperChoice(self)
        line, pair = self._begin_control(choice), self.plan.timestepper
        reason = choice.carry_out()
        if self.plan.timestepper is not pair:
            line = self._begin_control(choice)
        self._watch_limit(choice.frequencies(self.plan.timestepper))
        return "\n".join(filter(None, (line + self._cheaper(), reason)))

    def _watch_limit(self, found):
        """Let the longest timestep follow the stability limit from the initial state on."""
        plan, stable = self.plan, self.control.stable
        if found is None or stable == math.inf:
            return
        name = plan.timestepper.main.__name__
        check = StabilityCheck(found, name, stable, self.time_unit, plan.stop_time)
        given = math.inf if plan.timestep == AUTO else float(plan.timestep)
        self.stability_watch = LimitOfAdaptiveSteps(self, check, given)

    def number_of_values(self):
        """Return the number of values in the state, of all ranks."""
        return sum(
            math.prod(v.domain.coeff_shape) * math.prod(system.dim for system in v.tensorsig)
            for v in self.ivp.variables
        )

    def control_of(self, pair, found):
        """Return the controller of a pair, and the reason for its longest timestep."""
        plan, unit = self.plan, self.time_unit
        main = pair.main.__name__
        stable, why = math.inf, "the stability limit is not known"
        if found is not None:
            stable = rounded_limit(
                StabilityCheck(found, main, 0.0, unit, plan.stop_time).largest_safe
            )
            fastest = f"fastest oscillation {found.whole:.4g} rad/{unit or 'time'}"
            why = f"{main} stability limit; {fastest}"
        longest = stable
        if plan.timestep != AUTO and plan.timestep < stable:
            longest = float(plan.timestep)
            why = "as given; " + (why if found is None else fastest)
        return ErrorControl(plan.tolerance, plan.stop_time, longest, stable), why

    def _begin_control(self, choice):
        """Begin with a new controller; return the line for the log."""
        plan, stepper, unit = self.plan, self.solver.timestepper, self.time_unit
        self.truncation, self.truncation_note = choice.truncate(plan.timestepper)
        self._watch_truncation()
        control, why = self.control_of(plan.timestepper, choice.frequencies(plan.timestepper))
        longest = control.longest
        stepper.begin(control, min(plan.output_interval, plan.stop_time))
        transforms = ""
        if hasattr(stepper, "right_side"):
            forward, back = stepper.right_side.transforms()
            each, stages, extra = forward + back, stepper.stages, stepper.extra_evaluations
            more = stages // 2
            if stepper.measures_halves:
                extra, more = 0, more + math.ceil(extra / WINDOW[stepper.order])
            transforms = (
                f"; {(stages + extra) * each} transforms per step, {more * each} more for the error"
            )
        limit = "any length" if longest == math.inf else f"at most {longest:.4g} {unit}".rstrip()
        return (
            f"timesteps: adaptive, {self.stepper_name}, tolerance {control.tolerance:g} at the end "
            f"of the run; first {control.suggestion:.3g} {unit}".rstrip()
            + f", {limit} ({why}){transforms}; {self.passed.line()}"
        )

    def _cheaper(self):
        """Return what is cheaper where the activity is constant, if the file has such a stepper."""
        name = self.plan.given_up
        if not name or name == self.plan.timestepper.main.__name__:
            return ""
        return (
            f". {name} at a given timestep, the default of the file, is cheaper where the activity "
            "is constant: it needs timestep=NUMBER and no tolerance"
        )

    @property
    def control(self):
        """Return the controller, which the stepper holds."""
        return self.solver.timestepper.control

    def choose_engine(self, engine, steps, precision="double"):
        """Choose the engine that steps the solver."""
        if self.plan.candidates:
            # A transform and its inverse would change profiles by rounding.
            self.filled = KeptState(self.solver, settled_fields(self.solver.problem))
        super().choose_engine(engine, steps, precision)
        if not self.keeps_state:
            self.solver.timestepper.projections = self.projections

    def progress_record(self):
        """Return what a checkpoint holds beside the state."""
        found = Run.progress_record(self)
        return found | {
            "outputs_made": self.outputs_made, "control": self.control.record(),
            "number": self.number, "extremes": [self.shortest, self.longest],
            "outputs_inside": self.passed.written, "truncation": self.truncation,
        }  # fmt: skip

    def restore(self, checkpoint, same_problem=True):
        """Continue from a checkpoint; see ``Run.restore``."""
        if checkpoint is not None:
            # Before the stepper restores the state at which its present window began.
            self.control.restore(checkpoint.progress["control"], keep_limits=not same_problem)
            # A later stop time: the tolerance is that of the error there.
            self.control.duration = float(self.plan.stop_time)
        exact = Run.restore(self, checkpoint, same_problem)
        if checkpoint is not None:
            self.outputs_made = checkpoint.progress["outputs_made"]
            self.number = checkpoint.progress["number"]
            self.shortest, self.longest = checkpoint.progress["extremes"]
            self.passed.written = checkpoint.progress.get("outputs_inside", 0)
            self.timestep = checkpoint.timestep
            self._restore_truncation(checkpoint.progress.get("truncation"))
        return exact

    def _restore_truncation(self, fraction):
        """Keep the modes that a checkpoint has."""
        if fraction is None or not hasattr(self.solver.timestepper, "truncate"):
            return
        self.truncation = fraction
        self.solver.timestepper.truncate(fraction)
        self._watch_truncation()

    def _watch_truncation(self):
        self.truncation_watch = AdaptiveTruncation(self) if self.truncation < 1 else None

    def prepare_timestep(self):
        """Do nothing: the first timestep has been chosen."""

    def next_output(self):
        """Return the time of the output at which a step ends next."""
        self.passed.choose()
        return super().next_output() + self.passed.number * self.plan.output_interval

    def next_timestep(self, target):
        """Return the timestep of the next step, and whether it ends at the time `target`."""
        left, intervals = target - self.solver.sim_time, self.passed.number + 1
        if not self.number and math.isclose(left, intervals * self.plan.output_interval):
            # Free of rounding, so that the same timesteps follow from one output to the next.
            left = intervals * self.plan.output_interval
        if self.passed.number:
            self.ahead = 1
            return left, True
        timestep, self.number = even_steps(
            left, self.control.suggestion, self.timestep, self.number, self.control.order,
            self.control.longest_allowed(),
        )  # fmt: skip
        self.ahead = self._steps_ahead(timestep)
        self.number -= self.ahead
        return timestep, not self.number

    def _steps_ahead(self, timestep):
        """Return the number of steps up to the next measurement of the error, or check."""
        plan = self.plan
        if plan.each_step or plan.stop_iteration or not self.solver.timestepper.takes_many:
            return 1
        if self.handlers or self.has_handlers_of_a_script():
            return 1
        number = min(self.number, WATCH_CADENCE - self.step % WATCH_CADENCE)
        return self.control.batch(timestep, number)

    def choose_timestep(self):
        """Note the extreme timesteps; the controller has chosen the next one."""
        self.shortest = min(self.shortest, self.timestep)
        self.longest = max(self.longest, self.timestep)

    def check_step(self):
        """Report members that the stepper has given up: the others have a finite error."""
        stepper = self.solver.timestepper
        if stepper.gave_up:
            stepper.gave_up = False
            self.check_finite()

    def advance(self, timestep, number=1):
        """Take the steps of the stepper that cover timesteps; see ``Run.advance``."""
        span = timestep
        if self.ahead > 1:
            self.solver.timestepper.planned = timestep, self.ahead
            span = self.ahead * timestep
            # The loop counts the last one.
            self.step += self.ahead - 1
        self.passed.announce()
        try:
            super().advance(span, number)
        except StepTooShort as error:
            raise NotFiniteError(
                f"{error} at t = {self._now()}, iteration {self.solver.iteration}: {self.kept()}. "
                "Usual causes: a solution that becomes singular, a tolerance below the rounding "
                "errors of the equations, or a projection that leads out of what the bases hold"
            ) from None
        self.passed.finish()

    def end_line(self, seconds):
        """Return the line on the steps that were taken."""
        control, steps = self.control, max(1, self.control.accepted)
        shortest, longest = f"{self.shortest:.3g}", f"{self.longest:.3g}"
        lengths = shortest if shortest == longest else f"{shortest} to {longest}"
        inside = f", {self.passed.written} outputs inside steps" if self.passed.written else ""
        return (
            f"done: {control.accepted} steps of {lengths} {self.time_unit}".rstrip()
            + f", {control.rejected} rejected{inside}, estimated error {control.error:.2g} "
            f"(tolerance {control.tolerance:g}) in {elapsed(seconds)} "
            f"({1e3 * seconds / steps:.2g} ms per step)"
        )

    def report(self, seconds):
        """Report the duration of the run, and whether it has missed its tolerance."""
        super().report(seconds)
        error, tolerance = self.control.error, self.control.tolerance
        if error > MISSED * tolerance:
            stricter = max(SMALLEST_TOLERANCE, tolerance**2 / error)
            self.log(
                f"warning: the estimated error is {error / tolerance:.2g} times the tolerance: "
                "late in the run the equations amplify errors faster than before. Run again with "
                f"tolerance={stricter:.0e}, or to an earlier stop time"
            )
