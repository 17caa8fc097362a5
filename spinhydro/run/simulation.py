"""Run a problem file or any ``d3.IVP``, from the checks to the final record.

A run goes through: check (nothing is written) -> run folder -> steps, projections, watches,
outputs -> final record.
"""

import sys
from pathlib import Path

import numpy as np
from dedalus.core.problems import InitialValueProblem
from dedalus.core.solvers import InitialValueSolver

from spinhydro.dedalus_support import parallel
from spinhydro.engines.choose import stepper_kind
from spinhydro.errors import InputError, SpinhydroError, unknown_name_message
from spinhydro.kernels.listing import tables_of
from spinhydro.language.equations import check_complete
from spinhydro.run import provenance
from spinhydro.run.phases import carry_out
from spinhydro.run.plan import (
    Plan,
)
from spinhydro.run.record import read_record
from spinhydro.run.resume import latest_run


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
        chooses_stepper="timestepper" not in problem.overrides,
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
            "dimensions": problem.dimensions,
            "overrides": problem.overrides,
            "equations": problem.equations,
            "advice": problem.advice,
            "seed": problem.parameters.get("seed"),
            "problem_path": str(problem.path.absolute()),
            "given_equations": problem.given_equations,
            **provenance.git_states(problem.path.parent),
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
        return carry_out(
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
        How long the run lasts, from the time of the problem: it is the time at the end where that
        begins at 0. By default to ``solver.stop_sim_time``, or the time of `stop_iteration`.
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
        "name", "timestep", "stop_time", "record", "source", "modules", "chooses_stepper",
        "candidates", "given_up",
    }  # fmt: skip
    for option in options:
        if option not in allowed:
            raise InputError(
                f"simulate() has {unknown_name_message('option', option, sorted(allowed))}"
            )
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else None
    source = script.read_text(encoding="utf-8") if script and script.is_file() else ""
    plan = Plan(
        name=name, timestep=timestep, stop_time=stop_time, source=source,
        chooses_stepper="timestepper" not in options, **options,
    )  # fmt: skip
    plan.record |= provenance.git_states(script.parent if script else ".")
    plan.record["equations"] = [_text_of(equation) for equation in problem.equations]
    if resume is True:
        resume = parallel.on_root(problem.dist.comm, lambda: _last_incomplete(out, name))
    return carry_out(
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
