"""Outputs at times inside the steps of a run with a tolerance."""

import math

from spinhydro.run.loop import NOTE_INTERVAL
from spinhydro.run.rates import calls_functions
from spinhydro.steppers.control import intervals_within
from spinhydro.steppers.dense_output import evaluations_of_step, intervals_in_step

#: Size of a state on a rank, in bytes, from which outputs end steps: interpolation keeps several.
LARGE = 1 << 28


class PassedOutputs:
    """The outputs that the next step passes, and their writing.

    A step that passes outputs begins and ends at an output too: the state there is that of the
    solution. The others see the state and time of an output while it is written; the stepper then
    goes on from the end of its step.

    Parameters
    ----------
    run : spinhydro.run.controlled.ControlledRun

    Attributes
    ----------
    number : int
        Outputs inside the next step.
    written : int
        Outputs inside steps so far.
    """

    def __init__(self, run):
        self.run, self.number, self.written = run, 0, 0
        self._calls_functions = calls_functions(run.ivp)

    def reason_against(self):
        """Return why every output must end a step, or "" if it need not."""
        run = self.run
        if run.handlers or run.has_handlers_of_a_script():
            return "further handlers are written at steps"
        if run.plan.each_step:
            return "each_step is called before every step"
        if self._calls_functions:
            return "the right side calls a function of the script"
        if self._size_on_a_rank > LARGE:
            return f"the state has more than {LARGE >> 20} MB, and interpolation needs several"
        return ""

    @property
    def _size_on_a_rank(self):
        run = self.run
        return run.number_of_values() * run.solver.dtype.itemsize / run.ivp.dist.comm.size

    def line(self):
        """Return how outputs that are closer than the timestep are made, for the log."""
        reason = self.reason_against()
        if reason:
            return f"steps end at every output: {reason}"
        interpolant = self.run.solver.timestepper.interpolant
        if interpolant is None:
            return "outputs inside steps: each by a shorter step from the start of its step"
        return (
            f"outputs inside steps: interpolated, {interpolant.evaluations} evaluations of the "
            "right side per step"
        )

    def choose(self):
        """Choose the number of outputs inside the next step, from one output to another."""
        run, plan = self.run, self.run.plan
        control, stepper = run.control, run.solver.timestepper
        self.number = 0
        if run.number or self.reason_against():
            # In the middle of an interval between outputs, or not possible.
            return
        most = intervals_within(
            plan.output_interval, control.suggestion, run.timestep, control.order,
            control.longest_allowed(),
        )  # fmt: skip
        last = plan.stop_time / plan.output_interval
        if last < math.inf:
            most = min(most, math.floor(last * (1 + 1e-10)) - run.outputs_made + 1)
        each = evaluations_of_step(stepper.stages, stepper.extra_evaluations, control.has_companion)
        self.number = -1 + intervals_in_step(
            most, each, stepper.stages, stepper.interpolant,
            control.interpolated / plan.output_interval,
        )  # fmt: skip

    def announce(self):
        """Pass the times to the stepper, before its step."""
        if not self.number:
            return
        run, stepper = self.run, self.run.solver.timestepper
        stepper.output_times = [
            run.initial_time + (run.outputs_made + i) * run.plan.output_interval
            for i in range(self.number)
        ]
        stepper.at_output = self._write

    def _write(self):
        """Write the state of an output time, which is in the solver, unless it breaks a watch."""
        run = self.run
        # The interpolated state of a member that failed at an earlier time of this step is finite.
        run.failed.fill(run.failed.numbers)
        run.check_finite()
        run.check_watches()
        run.check_truncation(is_inside=True)
        run.output.write(run.timestep)
        run.note_progress(NOTE_INTERVAL)
        run.outputs_made += 1
        self.written += 1

    def finish(self):
        """Fill members that failed at an output inside the step with NaN, after the step."""
        if self.number and self.run.failed.reasons:
            self.run.failed.fill(self.run.failed.numbers)
