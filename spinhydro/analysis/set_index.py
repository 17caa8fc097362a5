"""The index of a set file: its writes, outputs, scales and tables, without the data of outputs."""

import zlib

import h5py
import numpy as np

from spinhydro.errors import InputError, nearest, shorten

from .set_files import SPIN, TIME_SCALES, SetFile, Task, damage, opened
from .set_tables import child, kernels, text, waves

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
            checksums=_checksums(child(h5, "checksums"), writes),
            grids=like.grids,
            all_tasks=like.all_tasks,
            number=_number(h5),
        )
        _drop_unwritten(found, datasets)
        return found


def _read_open_set(h5, file, wanted):
    groups = {name: child(h5, name) for name in ("scales", "tasks")}
    if not all(isinstance(group, h5py.Group) for group in groups.values()) or not isinstance(
        child(groups["scales"], "sim_time"), h5py.Dataset
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
        found = child(groups["scales"], name)
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
            name: text(h5.attrs[name])
            for name in ("handler_name", "spinhydro_version", "problem_source", "run")
            if name in h5.attrs
        },
        kernels=kernels(child(h5, "kernels")),
        waves=waves(child(h5, "waves")),
        checksums=_checksums(child(h5, "checksums"), writes),
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


def _datasets(group, prefix="", depth=0):
    """(name, dataset) of all tasks; Dedalus names a task by its text, and "a/b" is a group."""
    for name in group:
        found = child(group, name)
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
    labels = [text(dim.label) for dim in dataset.dims][1:]
    shape = dataset.shape[1:]
    names = np.atleast_1d(dataset.attrs.get("tensor_axes", []))
    names = [text(name) if text(name).isidentifier() else "component" for name in names]
    axes, values, constant, tensor_rank = [], {}, [], 0
    for axis, (label, size) in enumerate(zip(labels, shape, strict=True)):
        if label == "constant":
            constant.append(axis)
            continue
        if label:
            points = _points(dataset.dims[axis + 1], size, labels[tensor_rank:].index(label))
            key = ("space", label, size, None if points is None else points.tobytes())
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
        units=text(dataset.attrs.get("units", "")),
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
    if points.shape == (size,):
        return points
    return _uniform(points, size) if dim.label in ("x", "y", "z", "phi") else None


def _uniform(points, size):
    """The uniform periodic grid of `size` points on the interval of another one, or None.

    With scales that differ between axes, Dedalus 3.0 writes the grids of all axes for the scale of
    the first.
    """
    steps = np.diff(points) if points.ndim == 1 else []
    if len(steps) < 2 or np.ptp(steps) > 1e-6 * abs(steps.mean()):
        return None
    return points[0] + np.arange(size) * (len(points) * steps.mean() / size)


def _checksums(dataset, writes):
    """{"scales" or task: array (writes,)} of the CRC-32 that the writer kept."""
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 2 or len(dataset) < writes:
        return {}
    columns = [text(name) for name in np.atleast_1d(dataset.attrs.get("columns", []))]
    if len(columns) != dataset.shape[1]:
        return {}
    table = dataset[:writes]
    return {name: table[:, column] for column, name in enumerate(columns)}
