"""Continuing a run in its own folder, from its last checkpoint or another one."""

from dataclasses import dataclass, field
from pathlib import Path

from spinhydro.dedalus_support import parallel
from spinhydro.errors import InputError
from spinhydro.run import liveness, provenance
from spinhydro.run.checkpoint import Checkpoint, find_checkpoint
from spinhydro.run.folder import RunFolder
from spinhydro.run.record import read_record


@dataclass
class Continuation:
    """What a run continues.

    Attributes
    ----------
    folder : RunFolder
    checkpoint : Checkpoint or None
        None: from the initial state.
    changed : bool
        Whether the problem is not the one that ran before.
    note : dict
        What run.json records of it.
    """

    folder: RunFolder
    checkpoint: Checkpoint = None
    changed: bool = False
    note: dict = field(default_factory=dict)


def open_run(path):
    """Return the RunFolder of a run that is not going on, for this process alone.

    Raises
    ------
    InputError
        If there is no such run, or if it is still alive.
    """
    folder = Path(path)
    record = read_record(folder)
    if liveness.is_running(record):
        raise InputError(
            f"{folder} is still running: process {record.get('pid')} on {record.get('host')}, "
            f"last sign of life {record.get('heartbeat')}"
        )
    opened = RunFolder(folder, record)
    opened.hold()
    return opened


def continuation(comm, path, choice=None, changed=False, note=None):
    """Return the Continuation of a run; a collective operation.

    Parameters
    ----------
    comm : MPI communicator
    path : str or Path
        The run folder.
    choice : int, str or Path, optional
        Which checkpoint: see ``find_checkpoint``.
    changed : bool
        Whether the problem is not the one that ran before.
    note : dict
        More for the record.

    Raises
    ------
    InputError
        If the run cannot be resumed.
    """
    opened = None

    def open_here():
        nonlocal opened
        opened = open_run(path)
        return opened.record

    record = parallel.on_root(comm, open_here)
    folder = opened or RunFolder(path, record)
    try:
        chosen = parallel.on_root(comm, lambda: _chosen_path(folder.place, choice))
        checkpoint = None if chosen is None else Checkpoint(chosen)
    except InputError:
        folder.let_go()
        raise
    return Continuation(
        folder,
        checkpoint,
        changed,
        {
            "at": provenance.now(),
            "from": "the beginning" if chosen is None else chosen.name,
            "iteration": 0 if chosen is None else checkpoint.iteration,
            "sim_time": None if chosen is None else checkpoint.sim_time,
            "ranks": comm.size,
            "changed": changed,
            "choice": None if choice is None else str(choice),
            "command": provenance.command(),
            **(note or {}),
        },
    )


def _chosen_path(folder, choice):
    checkpoint = find_checkpoint(folder, choice)
    return None if checkpoint is None else checkpoint.path


def resume_run(
    path, stop_time=None, checkpoint=None, edited=False, engine=None, quiet=False, values=None,
    **options,
):  # fmt: skip
    """Continue a run of a problem file to its stop time, or to a later one.

    The result has the bytes of the uninterrupted run on the same machine and number of ranks.

    Parameters
    ----------
    path : str or Path
        The run folder.
    stop_time : str or float, optional
        New stop time, as on the command line.
    checkpoint : int, str or Path, optional
        A number in the name of a checkpoint file, a negative number that counts from the last
        (-1), or a path. By default the last one; without any, the run begins again.
    edited : bool
        Take the problem file as it is now. By default the run continues with the problem as it was
        when it began, which is kept in the run folder.
    engine : str, optional
        By default that of the run.
    quiet : bool
    values : dict
        New values of other parameters; this changes the problem, and is recorded.
    **options
        See ``run_problem``.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        If the run is alive, complete, or cannot be resumed.
    """
    from spinhydro.run.simulation import run_problem

    path = Path(path)
    record = read_record(path)
    values = dict(values or {})
    if stop_time is not None:
        values["stop_time"] = stop_time
    problem, is_other = _load_problem(path, record, values, edited)
    kept = record.get("options") or {}
    engine = engine or kept.get("engine") or record.get("engine") or "auto"
    merged = {name: value for name, value in kept.items() if name != "engine"} | options
    return run_problem(
        problem, engine=engine, quiet=quiet, resume=path, checkpoint=checkpoint,
        edited=is_other, **merged,
    )  # fmt: skip


def _load_problem(path, record, values, edited):
    """Return (problem, whether it is another one than before)."""
    from spinhydro.problem.load import load

    name = record.get("problem")
    kept = path / f"{name}.py"
    original = Path(str(record.get("problem_path") or ""))
    if not kept.is_file() and not edited:
        raise InputError(
            f"{path} holds no problem file {name}.py: a run of a script is resumed by the script, "
            f'spinhydro.simulate(…, resume="{path}")'
        )
    overrides = record.get("overrides") or {}
    equations = record.get("given_equations") or []
    other = set(values) - {"stop_time"}
    if edited:
        return load(original, equations=equations, **{**overrides, **values}), True
    if _is_unedited(original, overrides, equations, kept):
        # Data and modules beside the problem file are found only from there.
        return load(original, equations=equations, **{**overrides, **values}), bool(other)
    return load(kept, **values), bool(other)


def _is_unedited(original, overrides, equations, kept):
    from spinhydro.problem.parameters import override
    from spinhydro.problem.source_file import read_source, replace_equations

    if not original.is_file():
        return False
    try:
        source, _ = override(read_source(original), overrides)
        if equations:
            source = replace_equations(source, equations)
    except InputError:
        return False
    return source.text == kept.read_text(encoding="utf-8")


def latest_run(out, name):
    """Return the folder of the last run of a name, or None."""
    runs = [p.parent for p in (Path(out) / name).glob("*/run.json") if p.parent.name.isdigit()]
    return max(runs, key=lambda folder: int(folder.name), default=None)


def check_not_complete(continued, plan, steps):
    """Raise InputError if a run has nothing left to do, or a checkpoint lies beyond its end."""
    record, checkpoint = continued.folder.record, continued.checkpoint
    is_done = record.get("status") == "done" and plan.stop_time <= (record.get("stop_time") or 0)
    if is_done and not continued.changed and continued.note.get("choice") is None:
        raise InputError(
            f"{continued.folder.path} is complete (t = {record.get('sim_time')}): give a later "
            "stop_time=… to continue it"
        )
    if checkpoint is not None and checkpoint.progress["step"] > steps:
        raise InputError(
            f"{checkpoint.path} is at t = {checkpoint.sim_time:g}, beyond stop_time = "
            f"{plan.stop_time:g}: give a later stop_time=… or an earlier --checkpoint"
        )
