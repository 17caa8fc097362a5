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

from spinhydro.errors import InputError, nearest, shorten

TIME_SCALES = ("sim_time", "iteration", "wall_time", "timestep", "write_number")
SPIN = ("x", "y", "z")
#: A file that changed this recently (seconds) may be in the middle of a write: it is tried again.
FRESH = 30.0
ATTEMPTS, PAUSE = 8, 0.15
#: Rows up to this size (bytes) are read whole, so that their checksum can be compared.
VERIFIED_ROW = 1 << 26
#: Rows up to this size are read to see whether the last one was written at all.
LOOKED_AT = 1 << 22
#: Types of the scales in the order in which a checksum covers them (see docs/output_format.md).
CHECKED_SCALES = {
    "sim_time": "<f8",
    "wall_time": "<f8",
    "timestep": "<f8",
    "iteration": "<i8",
    "write_number": "<i8",
}


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


def read_set(file, wanted=None):
    """Read the index of a set file; no data of its tasks.

    Parameters
    ----------
    file : Path
    wanted : list of str, optional
        Only these tasks.

    Raises
    ------
    InputError
        The file is damaged, not that of a file handler, or lacks a wanted task.
    """
    with opened(file) as h5, damage(file):
        return _read_open_set(h5, file, wanted)


def read_next_set(file, like):
    """Read the index of a set that follows `like`; common entries are not read again.

    Much faster than `read_set` where the outputs have the same names, shapes and types, and the
    grids the same names; otherwise the same.
    """
    with opened(file) as h5, damage(file):
        scales, tasks = h5.get("scales"), h5.get("tasks")
        if not isinstance(scales, h5py.Group) or not isinstance(tasks, h5py.Group):
            return _read_open_set(h5, file, list(like.tasks))
        same = all(name in tasks for name in like.tasks) and sorted(scales) == like.grids
        datasets = {name: tasks[name] for name in like.tasks} if same else {}
        same = same and all(
            isinstance(one, h5py.Dataset)
            and one.shape[1:] == task.full_shape
            and one.dtype == task.dtype
            and not one.is_virtual
            for one, task in zip(datasets.values(), like.tasks.values(), strict=True)
        )
        if not same or not isinstance(h5.attrs.get("writes"), (int, np.integer)):
            return _read_open_set(h5, file, None if like.all_tasks else list(like.tasks))
        stated = max(0, int(h5.attrs["writes"]))
        writes = min(stated, *(len(one) for one in datasets.values()), len(scales["sim_time"]))
        found = SetFile(
            file=file,
            writes=writes,
            scales={name: scales[name][:writes] for name in TIME_SCALES},
            tasks=like.tasks,
            attrs=like.attrs,
            kernels=like.kernels,
            waves=like.waves,
            checksums=_checksums(_child(h5, "checksums"), writes),
            grids=like.grids,
            all_tasks=like.all_tasks,
            number=_number(h5),
        )
        _drop_unwritten(found, datasets)
        return found


def _read_open_set(h5, file, wanted):
    groups = {name: _child(h5, name) for name in ("scales", "tasks")}
    if not all(isinstance(group, h5py.Group) for group in groups.values()) or not isinstance(
        _child(groups["scales"], "sim_time"), h5py.Dataset
    ):
        inside = ", ".join(h5) or "nothing"
        raise InputError(
            f"{file} is not the output of a Dedalus file handler: "
            f"it holds {shorten(inside, 100)} instead of the groups scales and tasks"
        )
    warnings = []
    datasets = dict(_datasets(groups["tasks"]))
    if wanted is not None:
        for name in wanted:
            if name not in datasets:
                raise InputError(_unknown_task(name, datasets, file))
        datasets = {name: datasets[name] for name in wanted}
    for name in list(datasets):
        reason = _unusable(datasets[name])
        if reason and wanted is None:
            warnings.append(f"{file}: output {shorten(name)!r} is left out: {reason}")
            del datasets[name]
        elif reason:
            raise InputError(f"{file}: output {shorten(name)!r} {reason}")
    scales = {}
    for name in TIME_SCALES:
        found = _child(groups["scales"], name)
        if isinstance(found, h5py.Dataset) and found.ndim == 1 and found.dtype.kind in "iuf":
            scales[name] = found
        elif name == "sim_time":
            raise InputError(f"{file} is damaged: scales/sim_time is not a list of numbers")
    lengths = [len(one) for one in scales.values()]
    lengths += [_task_length(dataset, file) for dataset in datasets.values()]
    stated = h5.attrs.get("writes")
    if isinstance(stated, (int, np.integer)) and 0 <= stated:
        lengths.append(int(stated))
    elif stated is not None:
        warnings.append(f"{file}: the attribute writes is {shorten(repr(stated), 40)}; not used")
    writes = min(lengths)
    scales = {
        name: scales[name][:writes] if name in scales else np.full(writes, np.nan)
        for name in TIME_SCALES
    }
    found = SetFile(
        file=file,
        writes=writes,
        scales=scales,
        tasks={name: _read_task(dataset) for name, dataset in datasets.items()},
        attrs={
            name: _text(h5.attrs[name])
            for name in ("handler_name", "spinhydro_version", "problem_source", "run")
            if name in h5.attrs
        },
        kernels=_kernels(_child(h5, "kernels")),
        waves=_waves(_child(h5, "waves")),
        checksums=_checksums(_child(h5, "checksums"), writes),
        grids=sorted(groups["scales"]),
        all_tasks=wanted is None,
        warnings=warnings,
        number=_number(h5),
    )
    _drop_unwritten(found, datasets)
    return found


def _number(h5):
    stated = h5.attrs.get("set_number")
    return int(stated) if isinstance(stated, (int, np.integer)) else None


def _drop_unwritten(found, datasets):
    """Leave out writes with damaged scales; flag a last row of zeros.

    A process that is killed within a write leaves a row of zeros in files without checksums.
    """
    if "scales" in found.checksums:
        for row in range(found.writes):
            parts = (np.array(found.scales[n][row], kind) for n, kind in CHECKED_SCALES.items())
            if (
                zlib.crc32(b"".join(part.tobytes() for part in parts))
                != found.checksums["scales"][row]
            ):
                raise InputError(
                    f"{found.file} is damaged: the time of write {row + 1} is not what was written "
                    "(checksum)"
                )
        return
    last = found.writes - 1
    if last < 1:
        return
    if all(found.scales[name][last] == 0 for name in ("sim_time", "iteration")) and (
        found.scales["sim_time"][last - 1] != 0
    ):
        found.warnings.append(f"{found.file}: write {last + 1} was not completed; it is left out")
        found.writes = last
        found.scales = {name: values[:last] for name, values in found.scales.items()}
        return
    for name, dataset in datasets.items():
        row_bytes = np.prod(dataset.shape[1:], dtype=float) * dataset.dtype.itemsize
        if row_bytes <= LOOKED_AT and not np.any(dataset[last]) and np.any(dataset[last - 1]):
            found.warnings.append(
                f"{found.file}: output {shorten(name)!r} is exactly zero in write {last + 1}, the "
                "last of the file; that write may not have been completed"
            )


def _child(group, name):
    """The object of a name in a group; None if there is none or the link is external."""
    if not isinstance(group, h5py.Group):
        return None
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return group.get(name)


def _datasets(group, prefix="", depth=0):
    """(name, dataset) of all tasks; Dedalus names a task by its text, and "a/b" is a group."""
    for name in group:
        found = _child(group, name)
        if isinstance(found, h5py.Dataset):
            yield prefix + name, found
        elif isinstance(found, h5py.Group) and depth < 20:
            yield from _datasets(found, f"{prefix}{name}/", depth + 1)


def _unusable(dataset):
    """Reason why a dataset cannot be an output; empty if it can."""
    if dataset.dtype.kind not in "biufc":
        return f"holds {dataset.dtype}, not numbers"
    if dataset.ndim == 0:
        return "is one number, not one for each write"
    return ""


def _unknown_task(name, datasets, file):
    likely = nearest(name, list(datasets))
    hint = f"Did you mean {likely!r}? " if likely else ""
    return f"no output {name!r} in {file}. {hint}It holds: {', '.join(datasets) or 'none'}"


def _task_length(dataset, file):
    """Complete writes of one task.

    HDF5 shows missing process files of a virtual dataset as zeros, so each of them is looked at.
    """
    length = len(dataset)
    if not dataset.is_virtual:
        return length
    for source in dataset.virtual_sources():
        part = file.parent / source.file_name
        if file.parent.resolve() not in part.resolve().parents:
            raise InputError(f"{file} is a virtual file and points outside its folder, to {part}")
        if not part.exists():
            raise InputError(
                f"{file} is a virtual file and its part {part} is missing; "
                "copy the folder of the same name along with it"
            )
        with opened(part) as h5:
            length = min(length, len(h5[source.dset_name]))
    return length


def _read_task(dataset):
    labels = [_text(dim.label) for dim in dataset.dims][1:]
    shape = dataset.shape[1:]
    names = np.atleast_1d(dataset.attrs.get("tensor_axes", []))
    names = [_text(name) if _text(name).isidentifier() else "component" for name in names]
    axes, values, constant, tensor_rank = [], {}, [], 0
    for axis, (text, size) in enumerate(zip(labels, shape, strict=True)):
        if text == "constant":
            constant.append(axis)
            continue
        if text:
            points = _points(dataset.dims[axis + 1], size, labels[tensor_rank:].index(text))
            key = ("space", text, size, None if points is None else points.tobytes())
            if points is not None:
                values[key] = points
        else:
            base = names[tensor_rank] if tensor_rank < len(names) else "component"
            tensor_rank += 1
            repeat = sum(1 for used in axes if used[0] == "tensor" and used[1] == base)
            key = ("tensor", base, size, repeat)
            if base == "spin" and size == 3:
                values[key] = np.array(SPIN)
        axes.append(key)
    return Task(
        full_shape=shape,
        shape=tuple(n for axis, n in enumerate(shape) if axis not in constant),
        dtype=dataset.dtype,
        axes=axes,
        values=values,
        constant=tuple(constant),
        units=_text(dataset.attrs.get("units", "")),
        coefficients=not bool(np.all(np.atleast_1d(dataset.attrs.get("grid_space", True)))),
        plain_scales=bool(np.all(np.atleast_1d(dataset.attrs.get("scales", 1.0)) == 1)),
    )


def _points(dim, size, space_axis):
    """Grid points or mode numbers along an axis, or None if the file lacks them.

    Mode numbers are stored as an array over all space axes, and Dedalus 3.0 writes those
    of the first axis for every axis: an array that does not vary along its own axis is not used.
    """
    if not len(dim):
        return None
    points = dim[0][()]
    if getattr(points, "dtype", np.dtype(object)).kind not in "iuf":
        return None
    if points.ndim > space_axis and points.shape[space_axis] == size:
        along = np.moveaxis(points, space_axis, 0).reshape(size, -1)[:, 0]
        points = along if points.ndim == 1 or size == 1 or np.ptp(along) > 0 else points
    return points if points.shape == (size,) else None


def _kernels(group):
    """{name: (k, omega)} of the scalar kernels in a file."""
    found = {}
    for name in group if isinstance(group, h5py.Group) else ():
        table = _child(group, name)
        if isinstance(table, h5py.Dataset) and table.ndim == 2 and len(table) == 2:
            if table.dtype.kind in "iuf" and np.all(np.diff(table[0]) > 0):
                found[name] = (table[0], table[1])
    return found


def _waves(group):
    """Tables of small waves on the initial state in a file (see ``run.linear_waves``), or {}.

    Returns
    -------
    dict
        ``{"note": text}``, or flat arrays and their ``shape``: members, waves, branches, axes.
    """
    if not isinstance(group, h5py.Group):
        return {}
    tables = {name: _child(group, name) for name in group}
    tables = {name: one for name, one in tables.items() if isinstance(one, h5py.Dataset)}
    note = tables.get("note")
    if note is not None:
        return {"note": _text(note[()])} if note.shape == () else {}
    if not {"k", "step", "rates"} <= tables.keys() or tables["k"].ndim != 2:
        return {}
    waves, axes = tables["k"].shape
    members, branches = tables["rates"].shape[0], tables["rates"].shape[-2:-1]
    if not branches or tables["k"].dtype.kind != "i" or tables["step"].shape != (axes,):
        return {}
    shapes = {"rates": (members, waves, *branches, *branches, 2)}
    found = {"shape": np.array([members, waves, *branches, axes])}
    for name, table in tables.items():
        if name.startswith("output_") and table.ndim == 5 and table.shape[2] in (1, 2, 3, 6):
            shapes[name] = (members, waves, table.shape[2], *branches, 2)
        elif name.startswith("turn_") and table.ndim == 2 and table.shape[1] in (1, 6):
            shapes[name] = (members, table.shape[1])
        if name not in ("k", "step") and table.shape != shapes.get(name):
            return {}
        if table.dtype.kind not in "if":
            return {}
        found[name] = table[()].ravel()
        # Only a turn may be nan: that of an output which the frame does not turn.
        if not name.startswith("turn_") and not np.isfinite(found[name]).all():
            return {}
    return found


def _checksums(dataset, writes):
    """{"scales" or task: array (writes,)} of the CRC-32 that the writer kept."""
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 2 or len(dataset) < writes:
        return {}
    columns = [_text(name) for name in np.atleast_1d(dataset.attrs.get("columns", []))]
    if len(columns) != dataset.shape[1]:
        return {}
    table = dataset[:writes]
    return {name: table[:, column] for column, name in enumerate(columns)}


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def physical_memory():
    """Bytes of memory of this machine; infinite if unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return float("inf")
