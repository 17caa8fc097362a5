"""Numbered run folders and the record run.json."""

import fcntl
import json
import os
import tempfile
from pathlib import Path

from spinhydro.errors import InputError, OutputError, shorten
from spinhydro.run.durable import Reserve, replace_file

#: Bytes that are set aside for the last record of a run, at least.
RESERVED = 1 << 16


def check_writable(out, problem):
    """Raise InputError now if the run folder ``<out>/<problem>/NNNN`` could not be made later.

    No file is left behind.
    """
    if not str(out):
        raise InputError("results need a folder: --out DIR")
    try:
        existing = (Path(out) / problem).absolute()
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise InputError(
                f"results cannot go to '{out}': {existing} is a file, not a folder; choose "
                "another place with --out DIR"
            )
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(
            f"results cannot go to '{shorten(out)}': no permission to write in "
            f"{shorten(existing, 200)} ({error.strerror}); choose another place with --out DIR"
        ) from None


class RunFolder:
    """``runs/<problem>/NNNN``: one for every run, never overwritten.

    Attributes
    ----------
    path : Path
        Path as given.
    place : Path
        Absolute path, so that ``os.chdir`` in a problem file changes nothing.
    record : dict
        Contents of run.json.
    """

    def __init__(self, path, record=None):
        self.path, self.place = Path(path), Path(path).absolute()
        self.record = dict(record or {})
        self._reserve = Reserve(self.place / ".reserve")
        self._lock = None

    @classmethod
    def create(cls, out, problem):
        """Make the next free folder ``<out>/<problem>/NNNN``.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        parent = Path(out) / problem
        try:
            parent.mkdir(parents=True, exist_ok=True)
            numbers = [int(p.name) for p in parent.iterdir() if p.name.isdigit()]
            number = max(numbers, default=0) + 1
            while True:
                path = parent / f"{number:04d}"
                try:
                    path.mkdir()
                    break
                except FileExistsError:
                    # Another run has taken this number in the meantime.
                    number += 1
        except OSError as error:
            raise OutputError(f"no run folder could be made in {parent}: {error}") from None
        return cls(path)

    def hold(self):
        """Keep other processes from resuming this run until `let_go`.

        Raises
        ------
        InputError
            If another process holds it.
        """
        handle = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise InputError(f"{self.path} is being resumed by another process") from None
        except OSError:
            # Some network file systems have no locks; the record still names the process.
            os.close(handle)
            return
        self._lock = handle

    def let_go(self):
        """Allow other processes to resume this run, once its record names this process."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_text(self, name, text):
        """Write a small file atomically."""
        replace_file(self.place / name, text.encode())

    def update(self, **entries):
        """Merge entries into run.json.

        Raises
        ------
        OutputError
            If it cannot be written, not even with the space that is set aside for it.
        """
        self.record.update(entries)
        text = json.dumps(self.record, indent=2, ensure_ascii=False, default=str) + "\n"
        data = text.encode(errors="replace")
        self._reserve.hold(max(RESERVED, 2 * len(data)))
        try:
            replace_file(self.place / "run.json", data)
        except OutputError:
            self._reserve.spend(self.place / "run.json", data)

    def release_reserve(self):
        """Free the space that is set aside for the record."""
        self._reserve.release()

    def log(self, line):
        """Append one line to log.txt; a line that cannot be written is not an error of the run."""
        try:
            with open(self.place / "log.txt", "a", encoding="utf-8", errors="replace") as file:
                file.write(line + "\n")
        except OSError:
            return
