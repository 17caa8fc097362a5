"""The run loop, the only one there is: steps, projections, limits and outputs of one run."""

import json
import math
import signal
import sys
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
from spinhydro.run import provenance
from spinhydro.run.output import FieldOutput
from spinhydro.run.progress import Progress, duration
from spinhydro.steppers import check_noise, find_stepper
from spinhydro.steppers.projections import project

#: Steps between two looks at whether the state is finite.
FINITE_CADENCE = 10
#: Steps between two looks at the watches (and at every output).
WATCH_CADENCE = 100
#: Seconds between two notes in the record of how far a run is.
NOTE_INTERVAL = 1.0


class Run:
    """Solver, handlers and limits of one run."""

    def __init__(self, ivp, plan, timestep):
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
        self.solver = build_solver(ivp, stepper)
        self.initial_time = self.solver.sim_time
        self.engine, self.engine_note = "dedalus", ""
        self.folder = self.output = self.progress = None
        self.root, self.quiet = ivp.dist.comm.rank == 0, True
        self._noted = -math.inf

    def check_start(self):
        """Everything that can be known before the first step is known here.

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
        """Let a faster engine step the solver, if asked and possible."""
        self.engine, self.engine_note = choose_engine(
            self.solver, engine, self.projections, steps, precision=precision
        )

    @property
    def keeps_state(self):
        """Whether the engine keeps the state between outputs, and takes whole steps."""
        return self.engine in ("fused", "jax")

    def synchronise(self):
        """Bring the fields up to date, where the engine keeps the state between outputs."""
        if self.keeps_state:
            self.solver.timestepper.synchronise()

    def open(self, folder, quiet):
        """Record the beginning in the run folder and create the output handler."""
        self.folder, self.quiet, plan = folder, quiet, self.plan
        record = {
            "problem": plan.name,
            "status": "running",
            "reason": "",
            "exit_code": None,
            "message": "",
            "command": provenance.command(),
            "units": plan.units,
            "outputs": plan.outputs or {name: name for name in self.outputs},
            "engine": self.engine,
            "timestepper": self.stepper_name,
            "timestep": self.timestep,
            "stop_time": plan.stop_time,
            "sim_time": self.initial_time,
            "iteration": 0,
            "ranks": self.ivp.dist.comm.size,
            "versions": provenance.versions(),
            "git": provenance.git_state(Path(__file__).parent),
            "started": provenance.now(),
            **plan.record,
        }
        if self.root:
            folder.update(**record)
        attributes = {
            "spinhydro_version": __version__,
            "problem_source": plan.source,
            "run": json.dumps(record, ensure_ascii=False, default=str),
        }
        self.output = FieldOutput(
            self.solver, folder.place / "fields", self.outputs, plan.output_units, attributes,
            kernels=plan.kernels,
        )  # fmt: skip
        self.progress = Progress(
            plan.stop_time, self.time_unit, enabled=self.root and not quiet, stream=sys.stderr
        )

    def say(self, line):
        """One line for the log of the run, and for the terminal unless quiet."""
        if self.root:
            self.folder.log(line)
            if not self.quiet:
                self.progress.finish()
                print(line, file=sys.stderr, flush=True)

    def loop(self, steps_per_output, steps, remainder, signals):
        """All steps; raises the reason if it ends early."""
        solver = self.solver
        self.output.write(self.timestep)
        step = 0
        while step < steps:
            number = self._steps_ahead(
                step, min(steps, step + steps_per_output - step % steps_per_output)
            )
            self.advance(self.timestep, number)
            step += number
            # Multiples, not sums: a long run must not drift off its output times.
            solver.sim_time = self.initial_time + step * self.timestep
            if step % steps_per_output == 0:
                self.check_and_write(self.timestep)
                self.note_progress()
            else:
                if step % FINITE_CADENCE == 0 or step == 1:
                    self.check_finite()
                if step % WATCH_CADENCE == 0:
                    self.check_watches()
            self.progress.update(solver.sim_time - self.initial_time, step)
            self.check_signals(signals)
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
        self.output.write(timestep)

    def _steps_ahead(self, step, output):
        """How many steps there are until somebody looks at the state; `output` is one such step.

        One if the engine cannot take several, and at the beginning, where Dedalus takes times.
        """
        if not self.keeps_state or step < FINITE_CADENCE:
            return 1
        if not self.solver.timestepper.runs_ahead:
            return 1
        return min(FINITE_CADENCE - step % FINITE_CADENCE, output - step)

    def advance(self, timestep, number=1):
        """One step and its projections, or several."""
        if number > 1:
            self.solver.timestepper.run_ahead(timestep, number)
            return
        self.solver.step(timestep)
        if self.keeps_state:
            # They are part of its step.
            return
        project(self.projections)

    def check_finite(self):
        if self.keeps_state and self._on_all_ranks(self.solver.timestepper.is_finite()):
            return
        self.synchronise()
        for variable in self.solver.state:
            if not self._is_finite(variable):
                raise NotFiniteError(
                    f"{variable.name} is not finite at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: {self._kept()}. Usual causes: a timestep that is "
                    "too long, or an equation that grows without bound"
                )

    def check_watches(self):
        self.synchronise()
        for limit in self.watch:
            value = limit.measure()
            if not limit.holds(value):
                at = f" at {limit.place}" if limit.place else ""
                raise WatchError(
                    f"the watch '{limit.text}' is broken at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: the value is {value:.3g}{at}; {self._kept()}. Usual "
                    "causes: a timestep that is too long, or too few grid points"
                )

    def _now(self):
        return f"{self.solver.sim_time:.6g} {self.time_unit}".rstrip()

    def _kept(self):
        return f"{self.output.writes} outputs up to then are kept"

    def check_signals(self, signals):
        """End the run in order, with the present state written, if a signal has come."""
        number = signals["number"]
        if self.ivp.dist.comm.size > 1:
            number = self.ivp.dist.comm.allreduce(number, op=MPI.MAX)
        if number:
            name = signal.Signals(number).name
            self.check_finite()
            self.synchronise()
            if self.output.last_time != self.solver.sim_time:
                self.output.write(self.timestep)
            raise Stopped(
                f"stopped by {name} at t = {self._now()}, iteration {self.solver.iteration}; "
                f"{self._kept()}"
            )

    def note_progress(self):
        """Bring the record up to date, if it was not just now: that waits for the disk."""
        now = time.monotonic()
        if self.root and now - self._noted >= NOTE_INTERVAL:
            self._noted = now
            self.folder.update(
                sim_time=self.solver.sim_time,
                iteration=self.solver.iteration,
                watch={limit.text: limit.extreme for limit in self.watch},
            )

    def measure_expectations(self):
        """Value, limit and verdict of every expectation, at the present state."""
        found = {}
        for name, limit in self.expect.items():
            value = limit.measure()
            met = bool(limit.holds(value))
            found[name] = {"text": limit.text, "value": value, "limit": limit.limit, "met": met}
            self.say(
                f"expected {name}: {value:.3g} {'>=' if limit.is_lower else '<='} {limit.limit:g}  "
                + ("ok" if met else "MISSED")
                + (f" ({limit.place})" if limit.place and "member" in limit.place else "")
            )
        return found

    def close(self, status, error, seconds, expect=None):
        """Record how the run ended."""
        self.progress.finish()
        if not self.root:
            return
        message = str(error) if error is not None else ""
        entries = {
            "status": status,
            "reason": type(error).__name__ if error is not None else "stop time reached",
            "message": message,
            "exit_code": getattr(error, "exit_code", 1) if error is not None else 0,
            "sim_time": self.solver.sim_time,
            "iteration": self.solver.iteration,
            "wall_seconds": round(seconds, 3),
            "finished": provenance.now(),
            "watch": {limit.text: limit.extreme for limit in self.watch},
            "expect": expect or {},
        }
        try:
            self.folder.update(**entries)
            self.folder.log(message or f"done in {duration(seconds)}")
            self.folder.release_reserve()
        except OutputError:
            if error is None:
                raise
            # The first error says more than this one, which is its consequence.
        if status == "done":
            self.report(seconds)

    def report(self, seconds):
        steps = max(1, self.solver.iteration)
        self.say(
            f"done: {self.solver.iteration} steps of {self.timestep:g} {self.time_unit} in "
            f"{duration(seconds)} ({1e3 * seconds / steps:.2g} ms per step)"
        )
        for limit in self.watch:
            self.say(limit.summary())
