"""Run a problem file or any ``d3.IVP``, from the checks to the record of how it ended.

A run goes through: check (nothing is written) -> run folder -> steps, projections, watches,
outputs -> record of how it ended.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dedalus.core.problems import InitialValueProblem
from mpi4py import MPI

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.memory import separate_large_blocks
from spinhydro.dedalus_support.solver import is_large
from spinhydro.engines.choose import check_engine
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    ParameterError,
    SpinhydroError,
    Stopped,
    WatchError,
    no_such,
)
from spinhydro.kernels.listing import tables_of
from spinhydro.language.equations import check_complete
from spinhydro.run import provenance
from spinhydro.run.folder import RunFolder, check_writable
from spinhydro.run.loop import Run
from spinhydro.run.plan import Plan, schedule
from spinhydro.run.signals import noted_signals
from spinhydro.steppers.stability import check_timestep


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


def run_problem(problem, out="runs", engine="auto", quiet=False, force=False, precision="double"):
    """Run a loaded problem file; see ``simulate`` for what is raised.

    Parameters
    ----------
    problem : spinhydro.problem.load.Problem
    out : str or Path
        Folder of all runs.
    engine : str
        "fused" (compiled right-hand side), "lean" (Dedalus's evaluator, linear algebra wavenumber
        by wavenumber), "dedalus" (all its own), or "auto": the first of these that is possible,
        and a line of the log that says why it is not an earlier one. "jax" needs the optional
        package JAX and runs on its devices.
    quiet : bool
        No progress and no summary on the terminal.
    force : bool
        Run with a timestep that the stability check refuses.
    precision : str
        "double", or "single" with the engine "jax".
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
        kernels=tables_of(problem),
    )
    try:
        return execute(
            problem.ivp, plan, out=out, engine=engine, quiet=quiet, force=force, precision=precision
        )
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


def execute(ivp, plan, out="runs", engine="auto", quiet=False, force=False, precision="double"):
    """Check a plan, make the run folder, and carry the plan out."""
    started = time.monotonic()
    check_engine(engine, precision)
    _agree_on_times(plan, ivp.dist.comm)
    parallel.on_root(ivp.dist.comm, lambda: check_writable(out, plan.name))
    timestep, steps_per_output, steps, remainder = schedule(plan)
    with np.errstate(all="ignore"):
        separate_large_blocks(any(map(is_large, ivp.variables)))
        run = Run(ivp, plan, timestep)
        run.check_start()
        run.choose_engine(engine, steps, precision)
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
        with noted_signals() as signals:
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
    folder = RunFolder.create(out, plan.name)
    if plan.source:
        folder.write_text(f"{plan.name}.py", plan.source)
    return folder


def _status_of(error):
    return "stopped" if isinstance(error, (NotFiniteError, WatchError, Stopped)) else "failed"
