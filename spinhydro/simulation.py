"""The run loop: the only one there is.

A run goes through: check (nothing is written) -> run folder -> steps, projections, watches,
outputs -> record of how it ended.
"""

import json
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dedalus.core.problems import InitialValueProblem
from mpi4py import MPI

from spinhydro import __version__, parallel, provenance
from spinhydro.declarations import (
    check_output_units,
    read_limits,
    read_outputs,
    read_projections,
)
from spinhydro.engines import build_solver, check_engine, choose_engine, stepper_kind
from spinhydro.equations import check_complete, fields_of
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    OutputError,
    ParameterError,
    SpinhydroError,
    Stopped,
    WatchError,
    no_such,
)
from spinhydro.output import FieldOutput, RunFolder, check_writable
from spinhydro.plan import Plan, schedule
from spinhydro.progress import Progress, duration
from spinhydro.solver import no_stored_outputs
from spinhydro.stability import check_timestep
from spinhydro.steppers import check_noise, find_stepper
from spinhydro.watch import grid_values

#: Steps between two looks at whether the state is finite.
FINITE_CADENCE = 10
#: Steps between two looks at the watches (and at every output).
WATCH_CADENCE = 100


@dataclass
class RunResult:
    """How a run ended.

    Attributes
    ----------
    folder : Path
        The run folder.
    status : str
        "done".
    watch, expect : dict
        Largest values of the watches; value, limit and verdict of the expectations.
    timestep : float
        The timestep that was taken.
    wall_seconds : float
    """

    folder: Path
    status: str
    watch: dict
    expect: dict
    timestep: float
    wall_seconds: float


def run_problem(problem, out="runs", engine="auto", quiet=False, force=False):
    """Run a loaded problem file; see ``simulate`` for what is raised.

    Parameters
    ----------
    problem : spinhydro.problem.Problem
    out : str or Path
        Folder of all runs.
    engine : str
        "fused" (compiled right-hand side), "lean" (Dedalus's evaluator, linear algebra wavenumber
        by wavenumber), "dedalus" (all its own), or "auto": the first of these that is possible,
        and a line of the log that says why it is not an earlier one.
    quiet : bool
        No progress and no summary on the terminal.
    force : bool
        Run with a timestep that the stability check refuses.
    """
    declared = problem.declared
    for name in ("timestep", "stop_time"):
        if name not in problem.namespace:
            raise InputError(
                f"{problem.path} sets no {name}; write for example {name} = "
                + ("0.01" if name == "timestep" else "40")
            )
    plan = Plan(
        name=problem.name,
        timestep=declared("timestep"),
        stop_time=declared("stop_time"),
        output_interval=declared("output_interval"),
        timestepper=declared("timestepper", "RK4"),
        outputs=declared("outputs"),
        output_units=declared("output_units") or {},
        projections=declared("projections") or {},
        watch=declared("watch") or [],
        expect=declared("expect") or {},
        advice=problem.advice,
        units=problem.units,
        record={
            "parameters": problem.parameters,
            "expressions": problem.expressions,
            "overrides": problem.overrides,
            "equations": problem.equations,
            "advice": problem.advice,
            "seed": problem.parameters.get("seed"),
            "problem_git": provenance.git_state(problem.path.parent),
            "changed_by_hand": problem.changed_by_hand(),
            **problem.member_record(),
        },
        source=problem.source,
    )
    try:
        return execute(problem.ivp, plan, out=out, engine=engine, quiet=quiet, force=force)
    except SpinhydroError as error:
        if isinstance(error, InputError):
            error.at(problem.place_of(error.declaration))
        raise


def simulate(
    problem, timestep, stop_time, name="script", out="runs", engine="auto", quiet=False,
    force=False, **options,
):  # fmt: skip
    """Run any ``d3.IVP`` of a plain Dedalus script with this run loop.

    Parameters
    ----------
    problem : d3.IVP
        Its variables hold the initial state.
    timestep, stop_time : float
    name : str
        The run folder is ``<out>/<name>/NNNN``.
    **options
        ``output_interval``, ``timestepper``, ``outputs``, ``output_units``, ``projections``,
        ``watch``, ``expect``, ``units``: as the declarations of a problem file.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        Before anything is written.
    NotFiniteError, WatchError, OutputError, Stopped
        With the run folder kept and its run.json saying why.

    Examples
    --------
    >>> spinhydro.simulate(problem, timestep=0.01, stop_time=10, outputs={"Z": "s@ez"})
    """
    if not isinstance(problem, InitialValueProblem):
        raise InputError(f"simulate() takes a d3.IVP, not {type(problem).__name__}")
    if not (isinstance(name, str) and name.isidentifier()):
        raise InputError(f"name = {name!r}: the run folder needs a simple name such as 'script'")
    check_complete(problem)
    parallel.abort_all_on_error()
    allowed = set(Plan.__dataclass_fields__) - {"name", "timestep", "stop_time", "record", "source"}
    for option in options:
        if option not in allowed:
            raise InputError(f"simulate() has {no_such('option', option, sorted(allowed))}")
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else None
    source = script.read_text(encoding="utf-8") if script and script.is_file() else ""
    plan = Plan(name=name, timestep=timestep, stop_time=stop_time, source=source, **options)
    plan.record["problem_git"] = provenance.git_state(script.parent if script else ".")
    return execute(problem, plan, out=out, engine=engine, quiet=quiet, force=force)


def execute(ivp, plan, out="runs", engine="auto", quiet=False, force=False):
    """Check a plan, make the run folder, and carry the plan out."""
    started = time.monotonic()
    check_engine(engine)
    _agree_on_times(plan, ivp.dist.comm)
    parallel.on_root(ivp.dist.comm, lambda: check_writable(out, plan.name))
    timestep, steps_per_output, steps, remainder = schedule(plan)
    with np.errstate(all="ignore"):
        run = _Run(ivp, plan, timestep)
        run.check_start()
        run.choose_engine(engine, steps)
        try:
            line = check_timestep(
                run.solver, run.stepper_name, timestep, plan.units.get("time", ""), force
            )
        except ParameterError as error:
            if timestep != plan.timestep:
                error.args = (
                    f"timestep = {plan.timestep:g}, shortened to divide the output interval: "
                    f"{error.body()}",
                )
            raise error.within("timestep") from None
        folder = parallel.on_root(ivp.dist.comm, lambda: _make_folder(out, plan))
        run.open(folder, quiet)
        run.say(f"{plan.name}: run folder {folder.path}")
        run.say(f"engine: {run.engine}{run.engine_note}")
        run.say(line)
        for sentence in plan.advice:
            run.say(f"warning: {sentence}")
        with _signals() as signals:
            try:
                run.loop(steps_per_output, steps, remainder, signals)
                expect = run.measure_expectations()
            except SpinhydroError as error:
                run.close(_status_of(error), error, time.monotonic() - started)
                error.folder = folder.path
                raise
            except BaseException as error:
                run.close("failed", error, time.monotonic() - started)
                raise
        seconds = time.monotonic() - started
        run.close("done", None, seconds, expect)
    return RunResult(
        folder=folder.path,
        status="done",
        watch={limit.text: limit.extreme for limit in run.watch},
        expect=expect,
        timestep=timestep,
        wall_seconds=seconds,
    )


def _agree_on_times(plan, comm):
    """A timestep that was computed from the members of each rank is the smallest of them."""
    for name, extreme in (("timestep", MPI.MIN), ("output_interval", MPI.MIN),
                          ("stop_time", MPI.MAX)):  # fmt: skip
        value = getattr(plan, name)
        if comm.size > 1 and isinstance(value, (int, float)):
            setattr(plan, name, comm.allreduce(value, op=extreme))


def _make_folder(out, plan):
    folder = RunFolder(out, plan.name)
    if plan.source:
        folder.write_text(f"{plan.name}.py", plan.source)
    return folder


def _status_of(error):
    return "stopped" if isinstance(error, (NotFiniteError, WatchError, Stopped)) else "failed"


class _Run:
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

    def choose_engine(self, engine, steps):
        """Let the fused engine step the solver, if asked and possible."""
        self.engine, self.engine_note = choose_engine(self.solver, engine, self.projections, steps)

    def synchronise(self):
        """The fused engine keeps the state to itself between outputs."""
        if self.engine == "fused":
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
            self.solver, folder.path / "fields", self.outputs, plan.output_units, attributes
        )
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
        for step in range(1, steps + 1):
            self.advance(self.timestep)
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

    def advance(self, timestep):
        """One step and its projections."""
        self.solver.step(timestep)
        if self.engine == "fused":
            # They are part of its step.
            return
        for variable, operand in self.projections:
            result = operand.evaluate()
            scales = result.domain.dealias
            result.change_scales(scales)
            variable.preset_scales(scales)
            variable["g"] = result["g"]
            # The state is what its basis holds: outputs must not show more.
            variable.require_coeff_space()

    def check_finite(self):
        if self.engine == "fused" and self._on_all_ranks(self.solver.timestepper.is_finite()):
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
        if self.root:
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


@contextmanager
def _signals():
    """Note the signals that end programs; the loop looks for them after each step."""
    noted = {"number": 0}

    def note(number, _):
        noted["number"] = number

    previous = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
            try:
                previous[number] = signal.signal(number, note)
            except ValueError:
                # Only the main thread may do this; elsewhere signals keep their meaning.
                break
        yield noted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
