"""Start a problem from the last state of a run."""

from pathlib import Path

from spinhydro.run.checkpoint import find_checkpoint
from spinhydro.run.checkpoint_reading import Checkpoint
from spinhydro.run.record import read_record
from spinhydro.run.snapshot import start_from


def start_at_end(problem, source):
    """Fill the variables and the time of a problem with the last state of a run.

    Parameters
    ----------
    problem : Problem
    source : str or Path
        A run folder: its last checkpoint is taken, or its last output if it has none. Or a file,
        a checkpoint or one of `spinhydro.save_state`.

    Returns
    -------
    str
        A line for a table: the source, its time, and the values with which it ran.

    Raises
    ------
    InputError
        If there is no such run or state, or its variables, grid, members or dtype are others.
    """
    source = Path(source)
    values = ""
    if source.is_file():
        checkpoint = Checkpoint(source)
    else:
        record = read_record(source)
        changed = [f"{name}={value}" for name, value in (record.get("overrides") or {}).items()]
        values = ", with " + " ".join(changed) if changed else ""
        checkpoint = find_checkpoint(source)
    ivp = problem.ivp
    if checkpoint is not None:
        checkpoint.load_fields(ivp.variables)
        time = checkpoint.sim_time
    else:
        time = start_from(source, *ivp.variables)
    ivp.time["g"] = time
    unit = problem.units.get("time", "")
    return f"start: {source} at t = {time:g} {unit}".rstrip() + values


def check_source(source):
    """Raise InputError if there is no such run folder or file."""
    if not Path(source).is_file():
        read_record(source)
