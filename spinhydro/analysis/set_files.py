"""One set file of a Dedalus file handler: its contents, and lazy arrays of its tasks.

Files are opened for every read and closed again, read-only and unlocked, so that a run may go on
while it is read and any number of sets may belong to it.
"""

import os
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from spinhydro.errors import InputError, shorten

TIME_SCALES = ("sim_time", "iteration", "wall_time", "timestep", "write_number")
SPIN = ("x", "y", "z")
#: A file that changed this recently (seconds) may be in the middle of a write: it is tried again.
FRESH = 30.0
ATTEMPTS, PAUSE = 8, 0.15
#: Rows up to this size (bytes) are read whole, so that their checksum can be compared.
VERIFIED_ROW = 1 << 26


@dataclass
class Task:
    """One output in one set: shape without time and constant axes, dtype, and a key per axis.

    full_shape : shape without time in the file
    axes : keys ("space", label, size, digest) or ("tensor", name, size, repeat)
    values : {key: points or labels}
    constant : axes (time is 0) of one point without a basis, which are dropped
    """

    shape: tuple
    full_shape: tuple
    dtype: np.dtype
    axes: list
    values: dict
    constant: tuple
    units: str = ""
    coefficients: bool = False
    plain_scales: bool = True


@dataclass
class SetFile:
    """The index of one set file.

    writes : number of complete writes; scales : {name: array (writes,)}
    tasks : {name: Task}; attrs : root attributes; kernels : {name: (k, omega)}
    waves : tables of small waves, flat arrays and their shape, or a note why there are none
    checksums : {column: array (writes,) of CRC-32}, empty if the file has none
    grids : names of the datasets in the group scales; all_tasks : False if some were chosen
    warnings : lines about what is not as it should be
    number : number of the set that the file states, or None
    """

    file: Path
    writes: int
    scales: dict
    tasks: dict
    attrs: dict
    kernels: dict
    waves: dict
    checksums: dict = field(default_factory=dict)
    grids: list = field(default_factory=list)
    all_tasks: bool = True
    warnings: list = field(default_factory=list)
    number: int | None = None

    def rows(self, name, rows, rest):
        """Values of a task for some writes: array (len(rows), …) after the outer index `rest`.

        Raises InputError if the file is damaged, or if a checksum shows another value than was
        written.
        """
        task = self.tasks[name]
        row_bytes = int(np.prod(task.full_shape, dtype=float)) * task.dtype.itemsize
        whole = all(isinstance(one, slice) and one == slice(None) for one in rest)
        with opened(self.file) as h5, damage(self.file):
            dataset = h5["tasks"][name]
            if dataset.shape[1:] != task.full_shape or len(dataset) <= max(rows):
                raise InputError(f"{self.file} has changed since it was loaded; load it again")
            if row_bytes > VERIFIED_ROW and not whole:
                parts = [_part_of_row(dataset, row, task, rest)[None] for row in rows]
                return parts[0] if len(parts) == 1 else np.concatenate(parts)
            values = self._whole_rows(dataset, name, rows)
        values = np.squeeze(values, tuple(axis + 1 for axis in task.constant))
        if whole:
            return values
        return values[np.ix_(np.arange(len(rows)), *_indices(rest, task.shape))]

    def _whole_rows(self, dataset, name, rows):
        first, last = min(rows), max(rows)
        if len(rows) == 1:
            # Large writes are read once, without a copy.
            values = dataset[first : first + 1]
        elif last - first + 1 == len(rows) and all(np.diff(rows) == 1):
            values = dataset[first : last + 1]
        else:
            values = np.stack([dataset[row] for row in rows])
        sums = self.checksums.get(name)
        for place, row in enumerate(rows if sums is not None else ()):
            found = zlib.crc32(np.ascontiguousarray(values[place]).reshape(-1).view(np.uint8))
            if found != sums[row]:
                raise InputError(
                    f"{self.file} is damaged: write {row + 1} of output {name!r} is not what was "
                    "written (checksum)"
                )
        return values


def _part_of_row(dataset, row, task, rest):
    """Part of one large write, read without the rest of it; at most one axis by a list."""
    full, chosen = [], iter(rest)
    lists = []
    for axis, size in enumerate(task.full_shape):
        if axis in task.constant:
            full.append(slice(0, size))
            continue
        one = next(chosen)
        if isinstance(one, np.ndarray):
            lists.append((axis, one))
            one = slice(int(one.min()), int(one.max()) + 1) if one.size else slice(0, 0)
        elif one.step is not None and one.step < 0:
            indices = np.arange(size)[one]
            lists.append((axis, indices))
            one = slice(int(indices.min()), int(indices.max()) + 1) if indices.size else slice(0, 0)
        full.append(one)
    values = dataset[(row, *full)]
    for axis, indices in lists:
        first = full[axis].start
        values = np.take(values, indices - first, axis=axis)
    return np.squeeze(values, task.constant)


def _indices(rest, shape):
    return [
        np.arange(size)[one] if isinstance(one, slice) else one
        for one, size in zip(rest, shape, strict=True)
    ]


@contextmanager
def opened(file):
    """Open an HDF5 file for reading without a lock; one in the middle of a write is tried again."""
    h5 = _open(file)
    try:
        yield h5
    finally:
        h5.close()


@contextmanager
def damage(file):
    """Convert HDF5's errors about a damaged file into one InputError."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        reason = shorten(" ".join(str(error).split()), 160)
        raise InputError(
            f"{file} is damaged: {reason}. Give the other set files as a list to read what is left"
        ) from error


def _open(file):
    if not file.is_file():
        raise InputError(f"{file} is not a regular file")
    for attempt in range(ATTEMPTS):
        try:
            return h5py.File(file, "r", locking=False)
        except OSError as error:
            reason = str(error)
        if "locking flag" in reason:
            # This process itself has the file open, under the lock of a writer.
            return h5py.File(file, "r")
        if time.time() - file.stat().st_mtime > FRESH or attempt == ATTEMPTS - 1:
            break
        time.sleep(PAUSE)
    size = file.stat().st_size
    state = "is empty (0 bytes)" if size == 0 else f"cannot be read ({size} bytes): {reason}"
    raise InputError(
        f"{file} {state}. It is damaged or was cut off; "
        "give the other set files as a list to read what is left"
    )


def physical_memory():
    """Bytes of memory of this machine; infinite if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return float("inf")
