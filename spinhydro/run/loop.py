"""The run loop, the only one: steps, projections, limits, outputs and checkpoints of one run."""

import json
import math
import signal
import time
from pathlib import Path

import numpy as np
from mpi4py import MPI

from spinhydro import __version__
from spinhydro.dedalus_support.solver import no_stored_outputs
from spinhydro.engines.choose import build_solver, choose_engine, stepper_kind
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    OutputError,
    SpinhydroError,
    Stopped,
    WatchError,
)
from spinhydro.language.declarations import (
    check_output_units,
    read_limits,
    read_outputs,
    read_projections,
)
from spinhydro.language.equations import fields_of
from spinhydro.language.watch import grid_values
from spinhydro.run import liveness, provenance
from spinhydro.run.checkpoint import Checkpoints
from spinhydro.run.filled_modes import FilledModes
from spinhydro.run.folder import RunFolder
from spinhydro.run.handlers import ScheduledOutput
from spinhydro.run.members import FailedMembers
from spinhydro.run.messages import to_stderr
from spinhydro.run.output import FieldOutput
from spinhydro.run.progress import Progress, duration
from spinhydro.run.record import read_record
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


class Run:
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
        self.failed = FailedMembers(self.solver)
        self.resolution = Resolution(ivp, plan.record.get("parameters") or {}, self.time_unit)
        self.filled_modes, self.truncation_watch = FilledModes(self.solver), None

    def check_start(self):
        """Check everything that can be known before the first step.

        Raises InputError if a field is not finite, if any string cannot be evaluated at the
        initial state, or if a watch does not hold there.
        """
        for variable in sorted(fields_of(self.ivp), key=lambda f: str(f.name)):
            if not self._is_finite(variable):
                kind = "initial state of" if variable in self.solver.state else "field"
                raise InputError(
                    f"the {kind} '{variable.name}' is not finite before the first step; check how "
                    "the file fills it"
                )
        self._try("the right side of the equations", "", self._evaluate_right_side)
        if hasattr(stepper_kind(self.solver), "find_spins"):
            self.solver.timestepper.find_spins()
        if hasattr(stepper_kind(self.solver), "check_problem"):
            stepper_kind(self.solver).check_problem(self.solver)
        for name, operand in self.outputs.items():
            self._try(f"outputs['{name}']", "outputs", lambda o=operand: grid_values(o))
        for variable, operand in self.projections:
            self._try(
                f"projections['{variable.name}']", "projections", lambda o=operand: grid_values(o)
            )
        for limit in self.expect.values():
            self._try(f"expect '{limit.text}'", "expect", limit.start)
        for limit in self.watch:
            value = self._try(f"watch '{limit.text}'", "watch", limit.start)
            if not limit.holds(value):
                at = f" at {limit.place}" if limit.place else ""
                raise InputError(
                    f"the watch '{limit.text}' does not hold at the initial state, where the value "
                    f"is {value:.3g}{at}: check how the file fills its fields, or the limit"
                ).within("watch")

    def _evaluate_right_side(self):
        with no_stored_outputs(self.ivp):
            self.solver.evaluator.evaluate_group("F")

    @staticmethod
    def _try(what, declaration, evaluate):
        try:
            return evaluate()
        except SpinhydroError:
            raise
        except Exception as error:
            raise InputError(
                f"{what} cannot be evaluated at the initial state: {type(error).__name__}: {error}"
            ).within(declaration) from error

    def _is_finite(self, variable):
        return self._on_all_ranks(np.isfinite(np.sum(variable.data)))

    def _on_all_ranks(self, holds):
        return self.ivp.dist.comm.allreduce(int(not holds), op=MPI.SUM) == 0

    def choose_engine(self, engine, steps, precision="double"):
        """Choose the engine that steps the solver."""
        self.engine, self.engine_note = choose_engine(
            self.solver, engine, self.projections, steps, precision=precision,
            sync_on_request=self.plan.each_step is None,
        )  # fmt: skip

    @property
    def keeps_state(self):
        """Return whether the engine keeps the state between outputs, and takes whole steps."""
        return self.engine in ("fused", "jax")

    def synchronise(self):
        """Update the fields, if the engine keeps the state between outputs."""
        if self.keeps_state:
            self.solver.timestepper.synchronise()

    def open(self, resumed=None):
        """Record the beginning in the run folder and create the output handler.

        Parameters
        ----------
        resumed : dict, optional
            Entry of the record about this continuation of an earlier run.
        """
        folder, plan = self.folder, self.plan
        state = {
            "status": "running",
            "reason": "",
            "exit_code": None,
            "message": "",
            "sim_time": self.solver.sim_time,
            "iteration": int(self.solver.iteration),
            "stop_time": plan.stop_time,
            "timestep": self.timestep,
            "ranks": self.ivp.dist.comm.size,
            **liveness.signature(),
        }
        record = {
            "problem": plan.name,
            **state,
            "command": provenance.command(),
            "units": plan.units,
            "outputs": plan.outputs or {name: name for name in self.outputs},
            "engine": self.engine,
            "timestepper": self.stepper_name,
            "truncate": self.truncation or 1.0,
            "versions": provenance.versions(),
            "git": provenance.git_state(Path(__file__).parent),
            "started": provenance.now(),
            **plan.record,
        }
        if resumed is not None:
            earlier = folder.record.get("resumed") or []
            self.earlier_seconds = folder.record.get("wall_seconds") or 0.0
            kept = record if resumed.get("changed") else state
            record = {**folder.record, **kept, "resumed": [*earlier, resumed], "finished": None}
        if self.root:
            folder.update(**record)
        attributes = {
            "spinhydro_version": __version__,
            "problem_source": plan.source,
            "run": json.dumps(record, ensure_ascii=False, default=str),
        }
        self.output = FieldOutput(
            self.solver, folder.place / "fields", self.outputs, plan.output_units, attributes,
            kernels=plan.kernels, max_writes=plan.max_writes,
        )  # fmt: skip
        for handler in self.handlers:
            handler.open(self.solver, folder.place, plan.output_units, attributes)
        self.checkpoints = Checkpoints(self.solver, folder.place, plan.checkpoints_kept)
        self.progress = Progress(
            plan.stop_time, self.time_unit, enabled=self.root and not self.quiet
        )

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
            exact = checkpoint.restore(self.solver, strict=same_problem)
            progress = checkpoint.progress
            self.step, self.initial_time = progress["step"], progress["initial_time"]
            for limit in self.watch:
                if limit.text in progress["watch"]:
                    limit.extreme, limit.place = progress["watch"][limit.text]
            self.resolution.restore(progress.get("resolution"))
            failed = progress.get("failed_members") or {}
            self.failed.reasons = {int(member): reason for member, reason in failed.items()}
            self._exclude_failed()
        iteration, elapsed = int(self.solver.iteration), self.solver.sim_time - self.initial_time
        if same_problem:
            self.output.skip_existing(iteration, compare=exact)
        for handler in self.handlers:
            handler.skip(self.step, elapsed, iteration, exact, same_problem)
        self._saved_step = self.step
        return exact

    def log(self, line):
        """Write one line to the log of the run, and to the terminal unless quiet."""
        if self.root:
            self.folder.log(line)
            if not self.quiet:
                self.progress.finish()
                to_stderr(line)

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
        self.check_truncation()
        self.output.write(timestep)

    def check_truncation(self):
        """Measure the spectrum; warn, or stop, where a truncation distorts it."""
        found = self.filled_modes.measure()
        if self.truncation_watch is None:
            return
        warning = self.truncation_watch.check(found, self._now())
        if warning:
            self.log(warning)

    def _steps_ahead(self, step, output):
        """Return how many steps to take in one call; `output` is the step of the next output.

        One if the engine cannot take several, and at the beginning, where Dedalus measures times.
        """
        if not self.keeps_state or step < FINITE_CADENCE:
            return 1
        if self.handlers or self.plan.each_step or self._has_handlers_of_a_script():
            return 1
        if not self.solver.timestepper.can_batch:
            return 1
        most = MOST_STEPS_AHEAD
        if self._seconds_per_step > 0:
            most = max(1, min(most, int(LONGEST_CALL / self._seconds_per_step)))
        return min(most, FINITE_CADENCE - step % FINITE_CADENCE, output - step)

    def _has_handlers_of_a_script(self):
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

    def check_finite(self):
        if self.keeps_state and self._on_all_ranks(self.solver.timestepper.is_finite()):
            return
        if self._continues_without_some() and self._discard_not_finite():
            return
        self.synchronise()
        for variable in self.solver.state:
            if not self._is_finite(variable):
                raise NotFiniteError(
                    f"{variable.name} is not finite at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: {self._kept()}. "
                    + self.resolution.cause(
                        "a timestep that is too long, or an equation that grows without bound"
                    )
                )

    def _continues_without_some(self):
        return self.failed.size > 1 and self.plan.members_fail == "continue"

    def _discard_not_finite(self):
        """Go on without the members that are not finite; False if that is impossible."""
        members = self.failed.not_finite()
        if members is None or len(members) == self.failed.size:
            return False
        self._discard(members - self.failed.numbers, "not finite")
        return True

    def _discard(self, members, reason):
        if not members:
            return
        self.failed.discard(members, reason)
        self._exclude_failed()
        left = self.failed.size - len(self.failed.reasons)
        for member in sorted(members):
            self.log(
                f"warning: member {member} failed at t = {self._now()}, iteration "
                f"{self.solver.iteration} ({reason}); it is NaN from now on, {left} members go on"
            )

    def _exclude_failed(self):
        for output in [self.output, *(handler.output for handler in self.handlers)]:
            output.failed_members = self.failed.numbers
        for limit in [*self.watch, *self.expect.values()]:
            limit.excluded = self.failed.numbers

    def check_watches(self):
        """Warn of what the grid does not resolve; end the run if a limit is broken."""
        self.synchronise()
        for line in self.resolution.check(self.solver.sim_time):
            self.log(line)
        for limit in self.watch:
            value = limit.measure()
            if not limit.holds(value) and self._continues_without_some():
                members = limit.failing_members()
                if members and len(members | self.failed.numbers) < self.failed.size:
                    self._discard(members, f"{limit.text} is broken")
                    continue
            if not limit.holds(value):
                at = f" at {limit.place}" if limit.place else ""
                raise WatchError(
                    f"the watch '{limit.text}' is broken at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: the value is {value:.3g}{at}; {self._kept()}. "
                    + self.resolution.cause("a timestep that is too long, or too few grid points")
                )

    def _now(self):
        return f"{self.solver.sim_time:.6g} {self.time_unit}".rstrip()

    def _kept(self):
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
                f"{self._kept()}. Continue with: spinhydro resume {self.folder.path}"
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

    def note_progress(self, interval):
        """Update the record, unless that was done recently: it waits for the disk."""
        now = time.monotonic()
        if self.root and now - self._noted >= interval:
            self._noted = now
            self.folder.update(
                sim_time=self.solver.sim_time,
                iteration=int(self.solver.iteration),
                heartbeat=provenance.now(),
                wall_seconds=round(self.earlier_seconds + now - self._began, 3),
                watch={limit.text: limit.extreme for limit in self.watch},
            )

    def _why_missed(self, limit):
        """Return why an expectation of the file is meaningless for this run, or ""."""
        if self.plan.record.get("given_equations"):
            return " (an expectation of the file, whose equations were replaced)"
        time = self.ivp.time
        depends = any(
            hasattr(equation["F"], "has") and time is not None and equation["F"].has(time)
            for equation in self.ivp.equations
        )
        if limit.is_drift and depends:
            return " (an equation depends on time: what drift() follows need not be conserved)"
        return ""

    def measure_expectations(self):
        """Return value, limit and verdict of every expectation, at the present state."""
        found = {}
        for name, limit in self.expect.items():
            value = limit.measure()
            met = bool(limit.holds(value))
            found[name] = {"text": limit.text, "value": value, "limit": limit.limit, "met": met}
            members = limit.values_of_members()
            if members is not None:
                found[name]["members"] = [
                    {"value": float(v), "met": limit.holds(v)} for v in members
                ]
            self.log(
                f"expected {name}: {value:.3g} {'>=' if limit.is_lower else '<='} {limit.limit:g}  "
                + ("ok" if met else f"MISSED{self._why_missed(limit)}")
                + (f" ({limit.place})" if limit.place and "member" in limit.place else "")
            )
        return found

    def close(self, status, error, seconds, expect=None):
        """Record how the run ended."""
        if self.progress:
            self.progress.finish()
        if not self.root:
            return
        message = str(error) if error is not None else ""
        entries = {
            "status": status,
            "reason": type(error).__name__ if error is not None else "stop time reached",
            "message": message,
            "exit_code": getattr(error, "exit_code", 1) if error is not None else 0,
            "failed_members": self.failed.reasons,
            "sim_time": self.solver.sim_time,
            "iteration": int(self.solver.iteration),
            "wall_seconds": round(self.earlier_seconds + seconds, 3),
            "finished": provenance.now(),
            "watch": {limit.text: limit.extreme for limit in self.watch},
            "expect": expect or {},
        }
        if error is None and self.failed.reasons:
            entries |= {"message": self.failed.summary(), "exit_code": NotFiniteError.exit_code}
        try:
            self.folder.update(**entries)
            self.folder.log(message or f"done in {duration(seconds)}")
            self.folder.release_reserve()
        except OutputError:
            if error is None:
                raise
            # This error is a consequence of the first, which is reported.
        if status == "done":
            self.report(seconds)

    def record_failure(self, error):
        """Record the error of a rank that will end all ranks; rank 0 may be waiting for it."""
        rank = self.ivp.dist.comm.rank
        try:
            folder = RunFolder(self.folder.path, read_record(self.folder.place))
            folder.update(
                status="failed",
                reason=type(error).__name__,
                message=f"rank {rank}: {error}",
                exit_code=getattr(error, "exit_code", 1),
                finished=provenance.now(),
            )
        except (SpinhydroError, OSError):
            # The error itself is printed.
            return

    def report(self, seconds):
        """Report the duration of the run and the worst values of the watches."""
        if self.output.differs:
            self.log(
                "warning: outputs that were computed again differ from those that were written "
                "before the run was interrupted; those are kept"
            )
        self.log(self.end_line(seconds))
        for limit in self.watch:
            self.log(limit.summary())
        advice = self.filled_modes.advice(self.truncation or 1.0)
        if advice:
            self.log(advice)

    def end_line(self, seconds):
        """Return the line on the steps that were taken."""
        steps = max(1, self.solver.iteration)
        return (
            f"done: {self.solver.iteration} steps of {self.timestep:g} {self.time_unit} in "
            f"{duration(seconds)} ({1e3 * seconds / steps:.2g} ms per step)"
        )
