"""Run a problem file or any ``d3.IVP``, from the checks to the final record.

A run goes through: check (nothing is written) -> run folder -> steps, projections, watches,
outputs -> final record.
"""

import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from dedalus.core.problems import InitialValueProblem
from dedalus.core.solvers import InitialValueSolver
from mpi4py import MPI

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.memory import separate_large_blocks
from spinhydro.dedalus_support.solver import is_large
from spinhydro.engines.choose import check_engine, stepper_kind
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    OutputError,
    ParameterError,
    SpinhydroError,
    Stopped,
    WatchError,
    unknown_name_message,
)
from spinhydro.kernels.listing import tables_of
from spinhydro.language.equations import check_complete
from spinhydro.run import provenance
from spinhydro.run.adaptive import AdaptiveRun
from spinhydro.run.controlled import ControlledRun, read_tolerance
from spinhydro.run.folder import RunFolder, check_writable
from spinhydro.run.loop import Run
from spinhydro.run.members import CHOICES
from spinhydro.run.plan import (
    Plan,
    check_number_of_outputs,
    controlled_schedule,
    schedule,
    shortening,
)
from spinhydro.run.record import read_record
from spinhydro.run.resume import check_not_complete, continuation, latest_run
from spinhydro.run.signals import StopRequest, noted_signals
from spinhydro.run.truncation import truncate
from spinhydro.run.watchdog import RankWatch
from spinhydro.steppers.accuracy import accuracy_warning
from spinhydro.steppers.stability import check_timestep


@dataclass
class RunResult:
    """Result of a run.

    Attributes
    ----------
    folder : Path
        The run folder.
    status : str
        "done".
    watch, expect : dict
        Largest values of the watches; value, limit and verdict of the expectations.
    timestep : float
        The timestep that was taken, the last one if it is adaptive.
    tolerance : float or None
        That of adaptive timesteps.
    wall_seconds : float
    failed_members : dict
        ``{member: {"reason", "sim_time", "iteration"}}`` of members that are NaN from then on.
    """

    folder: Path
    status: str
    watch: dict
    expect: dict
    timestep: float
    wall_seconds: float
    failed_members: dict = field(default_factory=dict)
    tolerance: float = None


def run_problem(
    problem, out="runs", engine="auto", quiet=False, force=False, precision="double", resume=None,
    checkpoint=None, edited=False, **limits,
):  # fmt: skip
    """Run a loaded problem file; see ``simulate`` for what is raised.

    Parameters
    ----------
    problem : spinhydro.problem.load.Problem
    out : str or Path
        Folder of all runs.
    engine : str
        "fused" (compiled right-hand side), "lean" (Dedalus's evaluator, linear algebra wavenumber
        by wavenumber), "dedalus" (stock), or "auto": the first of these that is possible; the log
        reports why earlier ones are not. "jax" needs the optional
        package JAX and runs on its devices.
    quiet : bool
        Suppress progress and summary on the terminal.
    force : bool
        Run with a timestep that the stability check refuses.
    precision : str
        "double", or "single" with the engine "jax".
    resume : str or Path, optional
        A run folder: continue that run, in that folder.
    checkpoint : int, str or Path, optional
        Checkpoint to continue from; by default from the last (see ``resume_run``).
    edited : bool
        Allow a problem that differs from that of the run; this is recorded.
    **limits
        ``checkpoint_interval``, ``checkpoints_kept``, ``wall_limit``, ``grace``: see ``Plan``.
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
        tolerance=declared("tolerance"),
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
            "problem_path": str(problem.path.absolute()),
            "given_equations": problem.given_equations,
            "problem_git": provenance.git_state(problem.path.parent),
            "changed_by_hand": problem.changed_by_hand(),
            **problem.member_record(),
        },
        source=problem.source,
        modules=problem.modules,
        kernels=tables_of(problem),
        truncate=declared("truncate"),
        **{"members_fail": declared("members_fail", "continue"), **checked_limits(limits)},
    )
    try:
        return execute(
            problem.ivp, plan, out=out, engine=engine, quiet=quiet, force=force,
            precision=precision, resume=resume, checkpoint=checkpoint, edited=edited,
        )  # fmt: skip
    except SpinhydroError as error:
        if isinstance(error, InputError):
            error.at(problem.place_of(error.declaration))
        raise


def simulate(
    problem, timestep, stop_time=None, name="script", out="runs", engine="auto", quiet=False,
    force=False, resume=None, checkpoint=None, edited=False, **options,
):  # fmt: skip
    """Run any ``d3.IVP`` of a plain Dedalus script with this run loop.

    Parameters
    ----------
    problem : d3.IVP or d3.InitialValueSolver
        Its variables hold the initial state. A solver, ``problem.build_solver(…)``, comes with the
        options, handlers and stop criteria that the script has given it.
    timestep : float, "auto", d3.CFL or callable
        A number, or the timestep of each step: ``CFL``, ``CFL.compute_timestep`` or a function; or
        "auto", by the option `tolerance`. Outputs are met exactly in all cases.
    stop_time : float
        By default ``solver.stop_sim_time``, or the time of `stop_iteration`.
    name : str
        The run folder is ``<out>/<name>/NNNN``.
    resume : str, Path or True, optional
        A run folder: continue that run, in that folder. True: continue the last run of this name if
        it is not complete, and begin a new one if there is none.
    checkpoint : int, str or Path, optional
        Checkpoint to continue from; by default from the last (see ``resume_run``).
    edited : bool
        Allow a problem that differs from that of the run; this is recorded.
    **options
        ``output_interval``, ``timestepper``, ``tolerance``, ``outputs``, ``output_units``,
        ``projections``, ``watch``, ``expect``, ``units``: as the declarations of a problem file;
        ``handlers``, ``each_step``, ``max_writes``, ``stop_iteration``, ``wall_limit``, …: see
        ``Plan``.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        If anything in the problem or the options is wrong; before anything is written.
    NotFiniteError, WatchError, OutputError, Stopped
        The run folder is kept; its run.json holds the reason.

    Examples
    --------
    >>> spinhydro.simulate(problem, timestep=0.01, stop_time=10, outputs={"Z": "s@ez"})
    """
    solver = None
    if isinstance(problem, InitialValueSolver):
        solver, problem = problem, problem.problem
        stop_time, options = _criteria_of(solver, stop_time, options)
    if not isinstance(problem, InitialValueProblem):
        raise InputError(f"simulate() takes a d3.IVP, not {type(problem).__name__}")
    if not (isinstance(name, str) and name.isidentifier()):
        raise InputError(f"name = {name!r}: the run folder needs a simple name such as 'script'")
    check_complete(problem)
    parallel.abort_all_on_error()
    allowed = set(Plan.__dataclass_fields__) - {
        "name", "timestep", "stop_time", "record", "source", "modules"
    }  # fmt: skip
    for option in options:
        if option not in allowed:
            raise InputError(
                f"simulate() has {unknown_name_message('option', option, sorted(allowed))}"
            )
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else None
    source = script.read_text(encoding="utf-8") if script and script.is_file() else ""
    plan = Plan(name=name, timestep=timestep, stop_time=stop_time, source=source, **options)
    plan.record["problem_git"] = provenance.git_state(script.parent if script else ".")
    plan.record["equations"] = [_text_of(equation) for equation in problem.equations]
    if resume is True:
        resume = parallel.on_root(problem.dist.comm, lambda: _last_incomplete(out, name))
    return execute(
        problem, plan, out=out, engine=engine, quiet=quiet, force=force, resume=resume,
        checkpoint=checkpoint, edited=edited, solver=solver,
    )  # fmt: skip


def _criteria_of(solver, stop_time, options):
    """Return the stop time and the options of a script's solver, as defaults."""
    if solver.iteration != solver.initial_iteration:
        raise InputError("simulate() takes a solver before its first step")
    options = {"timestepper": stepper_kind(solver), **options}
    if stop_time is None and np.isfinite(solver.stop_sim_time):
        stop_time = solver.stop_sim_time - solver.sim_time
    if np.isfinite(solver.stop_iteration):
        options.setdefault("stop_iteration", int(solver.stop_iteration))
    if np.isfinite(solver.stop_wall_time):
        options.setdefault("wall_limit", solver.stop_wall_time)
    return stop_time, options


def _text_of(equation):
    return f"{equation['LHS']} = {equation['RHS']}"


def _last_incomplete(out, name):
    folder = latest_run(out, name)
    if folder is None or read_record(folder).get("status") == "done":
        return None
    return folder


def checked_limits(limits):
    """Return the options of a run given by name; raise InputError for unknown ones."""
    known = ("members_fail", "checkpoint_interval", "checkpoints_kept", "wall_limit", "grace")
    for name in limits:
        if name not in known:
            raise InputError(f"a run has {unknown_name_message('option', name, known)}")
    return limits


def execute(
    ivp, plan, out="runs", engine="auto", quiet=False, force=False, precision="double", resume=None,
    checkpoint=None, edited=False, solver=None,
):  # fmt: skip
    """Check a plan, make the run folder or open that of an earlier run, and carry the plan out."""
    started, comm = time.monotonic(), ivp.dist.comm
    parallel.prepare(comm)
    check_engine(engine, precision)
    is_controlled = read_tolerance(plan)
    _agree_on_times(plan, comm)
    plan.record["options"] = {
        "engine": engine, "force": force, "precision": precision,
        "checkpoint_interval": plan.checkpoint_interval, "checkpoints_kept": plan.checkpoints_kept,
    }  # fmt: skip
    if plan.members_fail not in CHOICES:
        raise InputError(
            f"members_fail: {unknown_name_message('choice', plan.members_fail, CHOICES)}"
        )
    plan.record["stated"] = _stated(plan)
    continued = None
    if resume is None:
        parallel.on_root(comm, lambda: check_writable(out, plan.name))
    else:
        continued = continuation(comm, resume, checkpoint, edited)
    try:
        return _carry_out(
            ivp, plan, is_controlled, continued, started, out, engine, quiet, force, precision,
            solver,
        )  # fmt: skip
    finally:
        if continued is not None:
            continued.folder.let_go()


def _carry_out(
    ivp, plan, is_controlled, continued, started, out, engine, quiet, force, precision, solver
):
    comm = ivp.dist.comm
    if continued is not None:
        _check_same_problem(plan, continued)
        if plan.output_interval is None:
            plan.output_interval = continued.folder.record.get("output_interval")
    timestep, steps_per_output, steps, remainder = (
        controlled_schedule(plan) if is_controlled else schedule(plan)
    )
    is_adaptive = timestep is None
    if not is_adaptive:
        check_number_of_outputs(plan, steps, steps_per_output, force)
    plan.record["output_interval"] = (
        plan.output_interval if is_adaptive else steps_per_output * timestep
    )
    request = StopRequest(plan.wall_limit, plan.grace, started)
    with np.errstate(all="ignore"):
        separate_large_blocks(any(map(is_large, ivp.variables)))
        kind = ControlledRun if is_controlled else AdaptiveRun if is_adaptive else Run
        run = kind(ivp, plan, timestep, solver)
        run.check_start()
        run.choose_engine(engine, None if is_adaptive else steps, precision)
        truncate(run, continued)
        if is_controlled:
            line = run.start_control()
        else:
            line = "" if is_adaptive else _checked_timestep(run, force)
        shortened = "" if is_adaptive else shortening(plan, timestep)
        line = "\n".join(filter(None, (line, shortened)))
        if continued is not None:
            parallel.on_root(comm, lambda: check_not_complete(continued, plan, steps))
        with noted_signals(request):
            # All ranks note signals from here on, before there is a folder.
            stopped = comm.allreduce(request.signal_number, op=MPI.MAX)
            if stopped:
                raise Stopped(f"stopped by {signal.Signals(stopped).name} before the first step")
            folder = _folder_for(comm, out, plan, continued)
            run.folder, run.quiet = folder, quiet
            loop = (steps_per_output, steps, remainder, request)
            return _to_the_end(run, continued, line, loop, started)


def _to_the_end(run, continued, stability, loop, started):
    """Run the loop and record how it ends."""
    try:
        run.open(continued and continued.note)
        run.folder.let_go()
        _begin(run, continued, stability)
        with RankWatch(run.ivp.dist.comm, run.record_failure):
            run.loop(*loop)
        expect = run.measure_expectations()
        _agree(run, None)
    except SpinhydroError as error:
        error = _agree(run, error)
        run.close(_status_of(error), error, time.monotonic() - started)
        error.folder = run.folder.path
        raise error from None
    except BaseException as error:
        _agree(run, error)
        run.close("failed", error, time.monotonic() - started)
        raise
    seconds = time.monotonic() - started
    try:
        run.close("done", None, seconds, expect)
    except OutputError as error:
        run.close("failed", error, seconds, expect)
        error.folder = run.folder.path
        raise
    return RunResult(
        folder=run.folder.path,
        status="done",
        watch={limit.text: limit.extreme for limit in run.watch},
        expect=expect,
        timestep=run.timestep,
        wall_seconds=seconds,
        failed_members=run.failed.reasons,
        tolerance=run.plan.tolerance,
    )


def _agree(run, error):
    """Return the error of this run, the same on all ranks; an error of one rank ends all.

    Raises the error of another rank if this one has none.
    """
    try:
        parallel.agree(
            error, comm=run.ivp.dist.comm, before_abort=lambda: run.record_failure(error)
        )
    except SpinhydroError as agreed:
        if error is None:
            raise
        return agreed
    except BaseException:
        return error
    return error


def _begin(run, continued, stability):
    """Log the set-up, and continue from a checkpoint if there is one."""
    plan, folder = run.plan, run.folder
    run.log(f"{plan.name}: run folder {folder.path}")
    run.log(f"engine: {run.engine}{run.engine_note}")
    if run.truncation_note:
        run.log(run.truncation_note)
    run.log(stability or "timestep: chosen at each step by the script")
    unit = plan.units.get("time", "")
    inaccurate = run.timestep and accuracy_warning(run.solver, run.stepper_name, run.timestep, unit)
    if inaccurate:
        run.log(inaccurate)
    for sentence in plan.advice:
        run.log(f"warning: {sentence}")
    if continued is None:
        return
    exact = run.restore(continued.checkpoint, same_problem=not continued.changed)
    where = continued.note["from"]
    at = "" if continued.checkpoint is None else f" at t = {continued.checkpoint.sim_time:g}"
    run.log(
        f"resumed from {where}{at}"
        + ("" if exact else ", to rounding: another number of ranks, engine or time stepper")
    )


def _checked_timestep(run, force):
    """Return the log line on the timestep; raise ParameterError if it is unstable."""
    plan, timestep = run.plan, run.timestep
    try:
        return check_timestep(
            run.solver, run.stepper_name, timestep, plan.units.get("time", ""), force,
            plan.stop_time,
        )  # fmt: skip
    except ParameterError as error:
        if timestep != plan.timestep:
            error.args = (
                f"timestep = {plan.timestep:g}, shortened to divide the output interval: "
                f"{error.body()}",
            )
        raise error.within("timestep") from None


def _check_same_problem(plan, continued):
    """Raise InputError if a plan differs from the run that it continues, unless `edited`."""
    if continued.changed:
        return
    earlier = continued.folder.record.get("stated") or {}
    for name, mine in plan.record["stated"].items():
        if name in earlier and earlier[name] != mine:
            raise InputError(
                f"{continued.folder.path} ran with {_difference(name, earlier[name], mine)}; give "
                "edited=True (--edited) to continue with another problem"
            )


def _difference(name, earlier, mine):
    if isinstance(earlier, dict) and isinstance(mine, dict):
        for key in {**earlier, **mine}:
            if earlier.get(key) != mine.get(key):
                return f"{key} = {earlier.get(key)}, not {mine.get(key)}"
    return f"{name} = {earlier}, not {mine}"


def _stated(plan):
    """Return the entries of run.json that identify a problem."""
    parameters = plan.record.get("parameters") or {}
    stated = {
        "equations": plan.record.get("equations"),
        "parameters": {name: v for name, v in parameters.items() if name != "stop_time"},
        "outputs": plan.outputs, "projections": plan.projections,
        "timestep": plan.timestep if isinstance(plan.timestep, (int, float)) else "chosen",
        "tolerance": plan.tolerance,
        "timestepper": getattr(plan.timestepper, "__name__", plan.timestepper),
        "truncate": plan.truncate,
    }  # fmt: skip
    return json.loads(json.dumps(stated, default=str))


def _agree_on_times(plan, comm):
    """Reduce a timestep that depends on the members of each rank to the smallest of all."""
    for name, extreme in (("timestep", MPI.MIN), ("output_interval", MPI.MIN),
                          ("stop_time", MPI.MAX)):  # fmt: skip
        value = getattr(plan, name)
        if comm.size > 1 and isinstance(value, (int, float)):
            setattr(plan, name, comm.allreduce(value, op=extreme))


def _folder_for(comm, out, plan, continued):
    if continued is not None:
        if continued.changed and plan.source:
            number = 1 + len(continued.folder.record.get("resumed") or [])
            name = f"{plan.name}_resumed_{number}.py"
            parallel.on_root(comm, lambda: continued.folder.write_text(name, plan.source))
        return continued.folder
    return parallel.on_root(comm, lambda: _make_folder(out, plan))


def _make_folder(out, plan):
    folder = RunFolder.create(out, plan.name)
    if plan.source:
        folder.write_text(f"{plan.name}.py", plan.source)
    for name, text in plan.modules.items():
        # Modules beside the problem file, so that its copy runs in the folder of the run.
        if not name.startswith(".."):
            (folder.place / name).parent.mkdir(parents=True, exist_ok=True)
            folder.write_text(name, text)
    return folder


def _status_of(error):
    return "stopped" if isinstance(error, (NotFiniteError, WatchError, Stopped)) else "failed"
