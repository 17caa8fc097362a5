"""Checkpoints of plain Dedalus scripts: the whole state of a solver in one file."""

from pathlib import Path

from spinhydro.run.checkpoint_reading import Checkpoint
from spinhydro.run.checkpoint_writing import save_checkpoint


def save_state(solver, path, timestep=0.0):
    """Write the state of a solver, with the history of a multistep scheme; a collective operation.

    The file is complete or does not exist, whenever the process is killed.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    path : str or Path
        An HDF5 file; ``solver.load_state`` of Dedalus reads it too, without the history.
    timestep : float
        For `load_state` to return.

    Returns
    -------
    bool
        False, and nothing is written, if the state is not finite.

    Raises
    ------
    OutputError
        If it could not be written and read back.

    Examples
    --------
    >>> spinhydro.save_state(solver, "state.h5", timestep)
    """
    return save_checkpoint(solver, Path(path), timestep, {})


def load_state(solver, path):
    """Continue from `save_state`, or from a checkpoint of a run, with the same bytes.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        Of the same problem and scheme; before its first step.
    path : str or Path

    Returns
    -------
    float
        The timestep that was saved.

    Raises
    ------
    InputError
        If the file is damaged, of another problem, or if the history of a multistep scheme cannot
        be continued on this number of ranks.

    Examples
    --------
    >>> timestep = spinhydro.load_state(solver, "state.h5")
    """
    checkpoint = Checkpoint(path)
    checkpoint.restore(solver)
    return checkpoint.timestep
