"""Continuation of a run: its folder, and its last checkpoint or another one."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from spinhydro.dedalus_support import parallel
from spinhydro.errors import InputError
from spinhydro.run import liveness, provenance
from spinhydro.run.checkpoint import find_checkpoint
from spinhydro.run.checkpoint_reading import Checkpoint
from spinhydro.run.folder import RunFolder
from spinhydro.run.messages import to_stderr
from spinhydro.run.record import read_record


@dataclass
class Continuation:
    """The run that is continued, and where.

    Attributes
    ----------
    folder : RunFolder
    checkpoint : Checkpoint or None
        None: from the initial state.
    changed : bool
        Whether the problem is not the one that ran before.
    note : dict
        Entry of run.json.
    """

    folder: RunFolder
    checkpoint: Checkpoint = None
    changed: bool = False
    note: dict = field(default_factory=dict)


def open_run(path):
    """Return the RunFolder of a run that is not alive, locked for this process.

    Wait until that is known: the node of a job that was queued again may have been lost just now.

    Raises
    ------
    InputError
        If there is no such run, or if it is still alive.
    """
    folder = Path(path)
    record = read_record(folder)
    if liveness.is_running(record) and not liveness.is_on_this_host(record):
        record = _record_after_patience(folder, record)
    if liveness.is_running(record):
        raise InputError(
            f"{folder} is still running: process {record.get('pid')} on {record.get('host')}, "
            f"last sign of life {record.get('heartbeat')}"
        )
    opened = RunFolder(folder, record)
    opened.hold()
    return opened


def _record_after_patience(folder, record):
    """Return the record of a run on another host, which is dead unless the record changes."""
    to_stderr(
        f"spinhydro: {folder} ran on {record.get('host')}, last sign of life "
        f"{record.get('heartbeat')}; it counts as dead after {liveness.PATIENCE:.0f} s without one"
    )
    first = record.get("heartbeat")
    while liveness.is_running(record) and record.get("heartbeat") == first:
        time.sleep(1)
        record = read_record(folder)
    return record


def continuation(comm, path, choice=None, changed=False, note=None):
    """Return the Continuation of a run; a collective operation.

    Parameters
    ----------
    comm : MPI communicator
    path : str or Path
        The run folder.
    choice : int, str or Path, optional
        See ``find_checkpoint``.
    changed : bool
        Whether the problem is not the one that ran before.
    note : dict
        Further entries of the record.

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
            f"it is complete (t = {record.get('sim_time')}); give a later stop_time=… to continue"
        ).at(str(continued.folder.path))
    if checkpoint is not None and checkpoint.progress["step"] > steps:
        raise InputError(
            f"{checkpoint.path} is at t = {checkpoint.sim_time:g}, beyond stop_time = "
            f"{plan.stop_time:g}: give a later stop_time=… or an earlier --checkpoint"
        )
