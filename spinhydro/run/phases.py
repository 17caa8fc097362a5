"""The phases of a run: checks, run folder, steps, final record."""

import json
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.field_sizes import any_capacity
from spinhydro.dedalus_support.memory import separate_large_blocks
from spinhydro.dedalus_support.solver import is_large
from spinhydro.engines.choose import check_engine
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    OutputError,
    ParameterError,
    SpinhydroError,
    Stopped,
    WatchError,
)
from spinhydro.run.adaptive import AdaptiveRun
from spinhydro.run.controlled import (
    ControlledRun,
    check_checkpoint,
    keep_stepper,
    read_tolerance,
)
from spinhydro.run.folder import RunFolder, check_writable
from spinhydro.run.linear_waves import waves_of
from spinhydro.run.loop import Run
from spinhydro.run.plan import (
    check_free_space,
    check_limits,
    check_memory,
    check_number_of_outputs,
    controlled_schedule,
    schedule,
    shortening,
)
from spinhydro.run.rates import calls_functions
from spinhydro.run.resume import check_not_complete, continuation
from spinhydro.run.signals import StopRequest, noted_signals
from spinhydro.run.stability_watch import StabilityWatch
from spinhydro.run.truncation import truncate
from spinhydro.run.watchdog import RankWatch
from spinhydro.steppers.accuracy import accuracy_warning
from spinhydro.steppers.stability import examine_timestep


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


def carry_out(
    ivp, plan, out="runs", engine="auto", quiet=False, force=False, precision="double", resume=None,
    checkpoint=None, edited=False, solver=None,
):  # fmt: skip
    """Check a plan, make the run folder or open that of an earlier run, and carry the plan out."""
    started, comm = time.monotonic(), ivp.dist.comm
    parallel.prepare(comm)
    check_engine(engine, precision)
    is_controlled = read_tolerance(ivp, plan)
    _agree_on_times(plan, comm)
    plan.record["options"] = {
        "engine": engine, "force": force, "precision": precision,
        "checkpoint_interval": plan.checkpoint_interval, "checkpoints_kept": plan.checkpoints_kept,
    }  # fmt: skip
    check_limits(plan)
    if not force:
        check_memory(ivp)
    plan.record["stated"] = _stated(plan)
    continued = None
    if resume is None:
        parallel.on_root(comm, lambda: check_writable(out, plan.name))
    else:
        continued = continuation(comm, resume, checkpoint, edited)
    try:
        with any_capacity():
            return _check_and_run(
                ivp, plan, is_controlled, continued, started, out, engine, quiet, force, precision,
                solver,
            )  # fmt: skip
    finally:
        if continued is not None:
            continued.folder.let_go()


def _check_and_run(
    ivp, plan, is_controlled, continued, started, out, engine, quiet, force, precision, solver
):
    comm = ivp.dist.comm
    if continued is not None:
        _check_same_problem(plan, continued)
        if continued.checkpoint is not None:
            parallel.on_root(comm, lambda: continued.checkpoint.check_variables(ivp.variables))
        keep_stepper(plan, continued.folder.record)
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
        plan.waves = waves_of(ivp, run.outputs)
        if not is_adaptive and continued is None and not force:
            operands, outputs = list(run.outputs.values()), steps // steps_per_output
            parallel.on_root(comm, lambda: check_free_space(outputs, operands, Path(out)))
        run.choose_engine(engine, None if is_adaptive else steps, precision)
        if run.has_large_state:
            run.check_limits()
        truncate(run, continued)
        if is_controlled:
            line = run.start_control()
        else:
            line = "" if is_adaptive else _checked_timestep(run, force)
        run.check_outputs()
        shortened = "" if is_adaptive else shortening(plan, timestep)
        line = "\n".join(filter(None, (line, shortened)))
        if continued is not None:
            parallel.on_root(comm, lambda: check_not_complete(continued, plan, steps))
            if is_controlled:
                parallel.on_root(comm, lambda: check_checkpoint(continued.checkpoint))
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
    is_checked = run.timestep and not calls_functions(run.ivp)
    inaccurate = is_checked and accuracy_warning(run.solver, run.stepper_name, run.timestep, unit)
    if inaccurate:
        run.log(inaccurate)
    for sentence in plan.advice:
        run.log(f"warning: {sentence}")
    if continued is None:
        if is_checked and run.stays_zero():
            names = ", ".join(str(variable.name) for variable in run.ivp.variables)
            run.log(
                f"warning: the initial state is zero ({names}) and the equations leave it zero: "
                "does the file fill it, as in s['g'] = …?"
            )
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
    if calls_functions(run.ivp):
        return (
            "stability: not checked: the right side calls a function of the script, which is "
            "called in steps only"
        )
    try:
        line, check = examine_timestep(
            run.solver, run.stepper_name, timestep, plan.units.get("time", ""), force,
            plan.stop_time,
            ", while the grid resolves the fields" if run.resolution.is_watching else "",
        )  # fmt: skip
    except ParameterError as error:
        if timestep != plan.timestep:
            error.args = (
                f"timestep = {plan.timestep:g}, shortened to divide the output interval: "
                f"{error.body()}",
            )
        raise error.within("timestep") from None
    if check is None or check.is_unstable:
        return line
    # Of an ensemble, a member that is not finite is named.
    run.stability_watch = StabilityWatch(run, check, ends=not force and run.failed.size <= 1)
    return "\n".join(filter(None, (line, run.stability_watch.look_ahead(plan.stop_time))))


def _check_same_problem(plan, continued):
    """Raise InputError if a plan differs from the run that it continues, unless `edited`."""
    if continued.changed:
        return
    earlier = continued.folder.record.get("stated") or {}
    for name, mine in plan.record["stated"].items():
        if name in earlier and earlier[name] != mine:
            raise InputError(
                f"{continued.folder.path} ran with {_difference(name, earlier[name], mine)}; give "
                "edited=True (--edited) to continue with another problem, or with the same file if "
                "another version of spinhydro recorded the run"
            )


def _difference(name, earlier, mine):
    if isinstance(earlier, dict) and isinstance(mine, dict):
        for key in {**earlier, **mine}:
            if key not in mine:
                return f"{key} = {earlier[key]}, which the problem does not have now"
            if key not in earlier:
                return f"no {key}, and the problem has {key} = {mine[key]} now"
            if earlier[key] != mine[key]:
                return f"{key} = {earlier[key]}, not {mine[key]}"
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
