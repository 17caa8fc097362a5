"""The run loop, the only one: steps, projections, limits, outputs and checkpoints of one run."""

import math
import signal
import time
from functools import partial

import numpy as np
from mpi4py import MPI

from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError, Stopped
from spinhydro.language.declarations import (
    check_output_units,
    read_limits,
    read_outputs,
    read_projections,
)
from spinhydro.run.checks import RunChecks
from spinhydro.run.filled_modes import FilledModes
from spinhydro.run.handlers import ScheduledOutput
from spinhydro.run.members import FailedMembers
from spinhydro.run.operand_values import OperandValues
from spinhydro.run.progress import elapsed
from spinhydro.run.recording import RunRecording
from spinhydro.run.resolution import Resolution
from spinhydro.run.truncation import stated_truncation
from spinhydro.steppers import check_noise, find_stepper
from spinhydro.steppers.projections import project

#: Steps between two checks that the state is finite.
FINITE_CADENCE = 10
#: Steps between two checks of the watches, which are also checked at every output.
WATCH_CADENCE = 100
#: Largest number of steps between two checks for requests to stop; fewer if they take long.
MOST_STEPS_AHEAD = 10
#: Longest time of several steps in one call, in seconds.
LONGEST_CALL = 0.2
#: Seconds between two updates of the record with how far a run is.
NOTE_INTERVAL = 1.0
#: Seconds between two updates of the record where there are no outputs.
HEARTBEAT = 30.0


class Run(RunChecks, RunRecording):
    """Solver, handlers and limits of one run."""

    def __init__(self, ivp, plan, timestep, solver=None):
        self.ivp, self.plan, self.timestep = ivp, plan, timestep
        self.time_unit = plan.units.get("time", "")
        stepper = find_stepper(plan.timestepper)
        self.stepper_name = stepper.__name__
        self.outputs = read_outputs(ivp, plan.outputs)
        self.projections = read_projections(ivp, plan.projections)
        self.watch = list(read_limits(ivp, "watch", plan.watch).values())
        self.expect = read_limits(ivp, "expect", plan.expect)
        check_output_units(plan.output_units, self.outputs)
        check_noise(ivp, stepper)
        self.truncation, self.truncation_note = stated_truncation(plan, self.stepper_name), ""
        self.handlers = [ScheduledOutput(n, o, ivp) for n, o in plan.handlers.items()]
        self.solver = solver or build_solver(ivp, stepper)
        self.initial_time = self.solver.sim_time
        self.engine, self.engine_note = "dedalus", ""
        self.folder = self.output = self.progress = self.checkpoints = None
        self.root, self.quiet = ivp.dist.comm.rank == 0, True
        self.step, self.earlier_seconds = 0, 0.0
        self._noted = -math.inf
        self._saved = self._began = time.monotonic()
        self._saved_step, self._seconds_per_step = None, 0.0
        self.known_outputs, self.values = {}, OperandValues(self.solver)
        self.failed = FailedMembers(self.solver)
        self.resolution = Resolution(ivp, plan.record.get("parameters") or {}, self.time_unit)
        self.filled_modes, self.truncation_watch = FilledModes(self.solver), None
        self.stability_watch = None

    def choose_engine(self, engine, steps, precision="double"):
        """Choose the engine that steps the solver."""
        try:
            self.engine, self.engine_note = choose_engine(
                self.solver, engine, self.projections, steps, precision=precision,
                sync_on_request=self.plan.each_step is None,
            )  # fmt: skip
        except InputError:
            # The engine fails where Dedalus does, which gives the reason.
            if self._has_unchecked_rates:
                self.check_right_side()
            raise
        if not self.keeps_state and self._has_unchecked_rates:
            self.check_right_side()
        if self.engine == "fused":
            self.values.is_fused = True
            # Expectations are measured at the end only.
            expect = self.expect.values() if self.values.is_large else ()
            for limit in [*self.watch, *expect]:
                limit.evaluate = partial(self.values, name=f"limit {limit.text}")

    @property
    def keeps_state(self):
        """Return whether the engine keeps the state between outputs, and takes whole steps."""
        return self.engine in ("fused", "jax")

    def synchronise(self):
        """Update the fields, if the engine keeps the state between outputs."""
        if self.keeps_state:
            self.solver.timestepper.synchronise()

    def restore(self, checkpoint, same_problem=True):
        """Continue from a checkpoint; outputs that exist already are not written again.

        Parameters
        ----------
        checkpoint : Checkpoint or None
            None to begin again with the initial state.
        same_problem : bool
            Whether the outputs after the checkpoint are those that this run would write.

        Returns
        -------
        bool
            Whether the bytes are those of the uninterrupted run.
        """
        exact = True
        if checkpoint is not None:
            self.output.known = {}
            exact = checkpoint.restore(self.solver, strict=same_problem)
            progress = checkpoint.progress
            self.step, self.initial_time = progress["step"], progress["initial_time"]
            for limit in self.watch:
                if limit.text in progress["watch"]:
                    limit.extreme, limit.place = progress["watch"][limit.text]
            self.resolution.restore(progress.get("resolution"))
            if same_problem and "operands" in progress:
                self.values.restore(progress["operands"])
            if self.stability_watch:
                self.stability_watch.restore(progress.get("stability"))
            failed = progress.get("failed_members") or {}
            self.failed.reasons = {int(member): reason for member, reason in failed.items()}
            self._exclude_failed()
        elapsed = self.solver.sim_time - self.initial_time
        if same_problem:
            self.output.skip_existing(compare=exact)
        for handler in self.handlers:
            handler.skip(self.step, elapsed, exact, same_problem)
        self._saved_step = self.step
        return exact

    def loop(self, steps_per_output, steps, remainder, request):
        """Take all steps; raise the reason if the run ends early.

        Parameters
        ----------
        steps_per_output, steps : int
        remainder : float
            Length of a last, shorter step; 0 for none.
        request : StopRequest
        """
        solver = self.solver
        if self.step == 0:
            self.filled_modes.measure()
            # The watches held at the start, before the bases truncated what the file filled in.
            self.output.write(self.timestep)
            self.resolution.start()
            self.write_handlers(self.timestep)
        while self.step < steps:
            step = self.step
            number = self._steps_ahead(
                step, min(steps, step + steps_per_output - step % steps_per_output)
            )
            before = time.monotonic()
            self.advance(self.timestep, number)
            self._seconds_per_step = (time.monotonic() - before) / number
            self.step = step = step + number
            # Multiples, not sums: a long run must not drift off its output times.
            solver.sim_time = self.initial_time + step * self.timestep
            if step % steps_per_output == 0:
                self.check_and_write(self.timestep)
                self.note_progress(NOTE_INTERVAL)
            else:
                if step % FINITE_CADENCE == 0 or step == 1:
                    self.check_finite()
                if step % WATCH_CADENCE == 0:
                    self.check_watches()
                self.check_growth()
                self.check_stability()
                self.note_progress(HEARTBEAT)
            self.write_handlers(self.timestep)
            self.progress.update(solver.sim_time, step)
            self.attend(request)
        # Before the shorter step: a run that is resumed with a later stop time does not have it.
        self.save_checkpoint()
        if remainder:
            self.advance(remainder)
            solver.sim_time = self.initial_time + self.plan.stop_time
            self.check_and_write(remainder)
        elif steps % steps_per_output:
            self.check_and_write(self.timestep)

    def check_and_write(self, timestep):
        """Write the present state, unless it is not finite or breaks a watch."""
        self.check_finite()
        self.check_watches()
        self.check_stability()
        self.check_truncation()
        self.output.write(timestep)

    def _steps_ahead(self, step, output):
        """Return how many steps to take in one call; `output` is the step of the next output.

        One if the engine cannot take several, at the beginning, where Dedalus measures times, and
        where the grid does not resolve the state, which may grow without bound.
        """
        if not self.keeps_state or step < FINITE_CADENCE or self.resolution.since is not None:
            return 1
        if self.handlers or self.plan.each_step or self.has_handlers_of_a_script():
            return 1
        if not self.solver.timestepper.can_batch:
            return 1
        most = MOST_STEPS_AHEAD
        if self._seconds_per_step > 0:
            most = max(1, min(most, int(LONGEST_CALL / self._seconds_per_step)))
        if self.stability_watch:
            most = min(most, self.stability_watch.steps_left(step))
        return min(most, FINITE_CADENCE - step % FINITE_CADENCE, output - step)

    def has_handlers_of_a_script(self):
        evaluator = self.solver.evaluator
        return any(handler not in evaluator.groups["F"] for handler in evaluator.handlers)

    def write_handlers(self, timestep):
        """Write the further outputs that are due."""
        elapsed = self.solver.sim_time - self.initial_time
        for handler in self.handlers:
            if handler.is_due(self.step, elapsed):
                self.synchronise()
                handler.output.write(timestep)

    def advance(self, timestep, number=1):
        """Take one step and its projections, or several."""
        if number > 1:
            self.solver.timestepper.step_many(timestep, number)
            return
        if self.plan.each_step is not None:
            self.plan.each_step(self.solver)
        self.solver.step(timestep)
        if self.keeps_state:
            # The step includes the projections.
            return
        project(self.projections)

    def _now(self):
        return f"{self.solver.sim_time:.6g} {self.time_unit}".rstrip()

    def kept(self):
        number = self.output.writes
        return (
            f"{number} output{'s' * (number != 1)} up to then {'is' if number == 1 else 'are'} kept"
        )

    def attend(self, request):
        """Write a checkpoint if one is due, and end the run in order on request."""
        due = time.monotonic() - self._saved >= self.plan.checkpoint_interval
        limit = request.is_over_limit(ahead=2 * self._seconds_per_step)
        wishes = np.array([request.signal_number, limit, due, self._seconds_per_step], float)
        if self.ivp.dist.comm.size > 1:
            # All ranks do the same; the slowest decides how many steps are taken at once.
            self.ivp.dist.comm.Allreduce(MPI.IN_PLACE, wishes, op=MPI.MAX)
            self._seconds_per_step = float(wishes[3])
        number, limit, due = int(wishes[0]), bool(wishes[1]), bool(wishes[2])
        if number or limit:
            self.check_finite()
            self.save_checkpoint()
            reason = signal.Signals(number).name if number else "the wall limit"
            raise Stopped(
                f"stopped by {reason} at t = {self._now()}, iteration {self.solver.iteration}; "
                f"{self.kept()}. Continue with: spinhydro resume {self.folder.path}"
            )
        if due:
            self.check_finite()
            self.save_checkpoint()

    def progress_record(self):
        """Return what a checkpoint holds beside the state."""
        return {
            "step": self.step,
            "initial_time": self.initial_time,
            "engine": self.engine,
            "timestepper": self.stepper_name,
            "watch": {limit.text: [limit.extreme, limit.place] for limit in self.watch},
            "failed_members": self.failed.reasons,
            "resolution": self.resolution.record(),
            "operands": self.values.record(),
            "stability": self.stability_watch and self.stability_watch.record(),
        }

    def save_checkpoint(self):
        """Write a checkpoint of the present state, unless there is one."""
        if self._saved_step == self.step:
            return
        self.synchronise()
        saved = self.checkpoints.save(self.timestep, self.progress_record(), self.failed)
        if saved:
            self._saved_step = self.step
        self._saved = time.monotonic()

    def end_line(self, seconds):
        """Return the line on the steps that were taken."""
        steps = max(1, self.solver.iteration)
        return (
            f"done: {self.solver.iteration} steps of {self.timestep:g} {self.time_unit}".rstrip()
            + f" in {elapsed(seconds)} ({1e3 * seconds / steps:.2g} ms per step)"
        )
