"""Checkpoints: the state of a run in files from which it can be resumed with the same bytes.

A checkpoint is a Dedalus set file with one write: its tasks are the variables in coefficient space,
so that ``solver.load_state`` reads it on any number of ranks. The group ``exact`` holds what the
same number of ranks needs to continue with the same bytes: the engine's own form of the state and
the history of the time stepper. The attribute ``progress`` holds the rest, as JSON.
"""

import re
from pathlib import Path

from spinhydro.dedalus_support import parallel
from spinhydro.errors import InputError
from spinhydro.run.checkpoint_reading import Checkpoint
from spinhydro.run.checkpoint_writing import NAME, save_checkpoint
from spinhydro.run.durable import make_folder

_FILE = re.compile(rf"{NAME}_s(\d+)\.h5$")


def checkpoint_files(folder):
    """Return ``{number: path}`` of the checkpoints of a run folder, in the order of time."""
    found = {}
    for path in (Path(folder) / NAME).glob(f"{NAME}_s*.h5"):
        match = _FILE.search(path.name)
        if match:
            found[int(match[1])] = path
    return dict(sorted(found.items()))


class Checkpoints:
    """The checkpoints of a run: numbered, the last few kept.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    folder : Path
        The run folder.
    kept : int
        Number of checkpoints kept, at least 1.
    """

    def __init__(self, solver, folder, kept=2):
        self.solver, self.folder, self.kept = solver, Path(folder), kept
        comm = solver.dist.comm
        files = parallel.on_root(comm, lambda: checkpoint_files(folder))
        self.number = max(files, default=0)

    def save(self, timestep, progress, failed=None):
        """Write the next checkpoint, then delete those that are too old.

        Returns
        -------
        bool
            False if the state is not finite: the old checkpoints are kept then.
        """
        path = self.folder / NAME / f"{NAME}_s{self.number + 1}.h5"
        comm = self.solver.dist.comm
        parallel.on_root(comm, lambda: make_folder(path.parent))
        if not save_checkpoint(self.solver, path, timestep, progress, failed):
            return False
        self.number += 1
        parallel.on_root(comm, self._prune)
        return True

    def _prune(self):
        files = checkpoint_files(self.folder)
        for number in [n for n in files if n <= self.number][: -self.kept]:
            files[number].unlink(missing_ok=True)


def find_checkpoint(folder, choice=None):
    """Return a verified checkpoint of a run folder, or None if it has none.

    Parameters
    ----------
    folder : Path
    choice : int, str or Path, optional
        The number in the name of the file, a negative number that counts from the last (-1), or
        the path of a file. By default the last one that is not damaged.

    Raises
    ------
    InputError
        If there is no such checkpoint, or if all are damaged.
    """
    files = checkpoint_files(folder)
    if choice is None:
        return _last_good(list(files.values()))
    if isinstance(choice, (str, Path)) and not _is_whole(choice):
        return Checkpoint(choice)
    number = int(choice)
    paths = list(files.values())
    if number < 0 and -number <= len(paths):
        return Checkpoint(paths[number])
    if number not in files:
        listed = ", ".join(map(str, files)) or "none"
        raise InputError(f"{folder} has no checkpoint {choice}; it has: {listed}")
    return Checkpoint(files[number])


def _is_whole(text):
    return re.fullmatch(r"-?\d+", str(text)) is not None


def _last_good(paths):
    damaged = None
    for path in reversed(paths):
        try:
            return Checkpoint(path)
        except InputError as error:
            damaged = damaged or error
    if damaged:
        raise damaged
    return None
