"""Read the output of a run, or of any Dedalus 3 script, into one xarray Dataset."""

import json
import re
import time
import warnings
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from spinhydro.errors import InputError, nearest

from .sweeps import is_sweep, load_sweep

SET_FILE = re.compile(r"(?P<handler>.+)_s(?P<number>\d+)\.h5$")
PROCESS_FILE = re.compile(r"(?P<joint>.+_s\d+)_p\d+\.h5$")
TIME_SCALES = ("sim_time", "iteration", "wall_time", "timestep", "write_number")
SPIN = ("x", "y", "z")
# A file that changed this recently (seconds) may be in the middle of a write: it is tried again.
FRESH = 30.0
ATTEMPTS, PAUSE = 8, 0.15

# print(ds) is to show every parameter; the default of xarray stops after a dozen lines.
if xr.get_options()["display_max_rows"] == 12:
    xr.set_options(display_max_rows=80)


def load(path, tasks=None, **where):
    """Read a run into an `xarray.Dataset`.

    Parameters
    ----------
    path : path-like, or list of path-like
        A run folder of spinhydro, the folder of a Dedalus file handler, one set file
        (`snapshots_s1.h5`, serial, gathered or virtual), or a list of set files.
    tasks : str or list of str, optional
        Read only these outputs.  Default: all of them.
    **where
        Of the folder of a sweep, only the cases with these values of parameters; see `load_sweep`.

    Returns
    -------
    xarray.Dataset
        One variable per output task under its own name, dimensions `(t, tensor axes, space)`.

        - `t` is the simulation time; `iteration`, `wall_time` (s), `timestep` and `write_number`
          are further coordinates along it.  Sets are joined in the order of their numbers.  Where
          a restart wrote a time again, the later write replaces it and what followed it;
          `superseded_writes` in the attributes counts what was left out.
        - `member` numbers the realisations of an ensemble from 0; a parameter that differs
          between them is a coordinate along it, under its own name.
        - `x`, `y`, `z` … are the grid points; constant axes are dropped.  A second grid of the
          same axis (another `scales`) is called after its number of points, `x_384`.
        - a tensor axis is `spin` with labels x, y, z where the file says so (`tensor_axes`),
          otherwise `component`, and `component2` for a second one.
        - coefficient-space tasks run along `kx`, `ky` …; the labels are the mode numbers as
          Dedalus stores them (in a real Fourier basis each stands twice: cosine, minus sine).

        Units are in the `units` attribute of variables and coordinates where the run states them.
        Attributes of the dataset: `problem`, `run` (folder), `status`, every scalar parameter by
        its own name (`ds.attrs["Omega_R"]`), `units` (those of all variables, for printing),
        `versions`, `git_commit`, `started`, `command`, `source` (text of the problem file);
        `kernel_W_k`, `kernel_W_omega` (omega(k) of a kernel W of the file, arrays), `warning` if
        something was not as it should be.

    Raises
    ------
    InputError
        Nothing at `path`, no output in it, a damaged file, sets that do not belong together, or
        an unknown task.

    Notes
    -----
    Files are opened read-only and unlocked, so a run may be read while it goes on: a last write
    that is not complete in every task is left out.  Data are read into memory; choose `tasks` if
    a run is large.
    """
    if is_sweep(path):
        return load_sweep(path, load, tasks, **where)
    if where:
        raise InputError(
            f"{path} is not a sweep: there are no cases to choose by {', '.join(where)}"
        )
    files, folder = _set_files(path)
    wanted = [tasks] if isinstance(tasks, str) else None if tasks is None else list(tasks)
    sets = [_read_set(file, wanted) for file in files]
    _check_same_tasks(sets)

    record, warning = _run_record(folder, sets)
    units = record.get("units") or {}
    names = _dimension_names(sets[0]["tasks"].values())
    filled = [one for one in sets if one["writes"]]
    if not filled:
        raise InputError(_no_writes(files[0].parent if folder is None else folder, record))

    time_scales = {
        name: np.concatenate([one["scales"][name] for one in filled]) for name in TIME_SCALES
    }
    keep = _kept_writes(time_scales["sim_time"])
    ds = xr.Dataset(coords=_time_coordinates(time_scales, keep, units.get("time")))
    for name, task in sets[0]["tasks"].items():
        data = np.concatenate([one["tasks"][name]["data"] for one in filled])
        if len(keep) < len(data):
            data = data[keep]
        dims = tuple(names[key] for key in task["axes"])
        for key, dim in zip(task["axes"], dims, strict=True):
            if dim not in ds.coords and key in task["values"]:
                ds = ds.assign_coords({dim: (dim, task["values"][key], _axis_units(dim, units))})
        # A task may carry the name of an axis ("x" saved as a field, say).
        free = name if name not in ds.dims and name not in ds.coords else f"{name}_task"
        attrs = {"units": task["units"]} if task["units"] else {}
        if task["coefficients"]:
            attrs["layout"] = "coefficient"
        ds[free] = xr.DataArray(data, dims=("t", *dims), attrs=attrs)

    ds = _label_members(ds, record)
    with_units = {**ds.coords, **ds.data_vars}.items()
    stated = [f"{name} {var.units}" for name, var in with_units if "units" in var.attrs]
    ds.attrs.update(_provenance(record, folder, files, sets, ", ".join(stated)))
    for name, (k, omega) in sets[0]["kernels"].items():
        # Arrays of numbers, so that the dataset can be saved as netCDF.
        ds.attrs.update({f"kernel_{name}_k": k, f"kernel_{name}_omega": omega})
    dropped = len(time_scales["sim_time"]) - len(keep)
    if dropped:
        ds.attrs["superseded_writes"] = dropped
    if warning:
        ds.attrs["warning"] = warning
    return ds


def _label_members(ds, record):
    """Whole numbers along `member`, and the parameters that differ between members."""
    if "member" not in ds.dims:
        return ds
    ds = ds.assign_coords(member=ds["member"].values.astype(int))
    parameters = record.get("parameters") or {}
    for name in record.get("per_member") or []:
        values = parameters.get(name)
        if isinstance(values, list) and len(values) == ds.sizes["member"] and name not in ds:
            ds = ds.assign_coords({name: ("member", np.asarray(values))})
    return ds


# Which files


def _set_files(path):
    """Set files in the order of their numbers, and the run folder they belong to (or None)."""
    if isinstance(path, (list, tuple)):
        if not path:
            raise InputError("the list of set files is empty; give at least one .h5 file")
        files = [Path(one) for one in path]
        for file in files:
            _require_set_file(file)
        files.sort(key=_set_number)
        return files, _run_folder(files[0])
    path = Path(path)
    if not path.exists():
        raise InputError(_missing(path))
    if path.is_file():
        _require_set_file(path)
        return [path], _run_folder(path)
    return _files_in_folder(path)


def _files_in_folder(folder):
    is_run = (folder / "run.json").exists()
    found = _handlers(folder)
    if not found:
        below = {
            child.name: _handlers(child) for child in sorted(folder.iterdir()) if child.is_dir()
        }
        below = {name: handlers for name, handlers in below.items() if handlers}
        if "fields" in below and (is_run or "fields" in below["fields"]):
            below = {"fields": below["fields"]}
        if len(below) > 1:
            raise InputError(
                f"{folder} holds several output folders ({', '.join(below)}); "
                f"choose one, for example load({str(folder / next(iter(below)))!r})"
            )
        found = next(iter(below.values()), {})
    if len(found) > 1:
        raise InputError(
            f"{folder} holds the sets of several handlers ({', '.join(sorted(found))}); "
            "give the set files of one of them as a list"
        )
    if not found:
        if is_run:
            record, _ = _read_run_json(folder / "run.json")
            raise InputError(_no_writes(folder, record or {}))
        raise InputError(_not_a_run(folder))
    (files,) = found.values()
    return sorted(files, key=_set_number), folder if is_run else _run_folder(files[0])


def _handlers(folder):
    """{handler name: set files} of one folder."""
    found = {}
    for file in folder.glob("*_s*.h5"):
        match = SET_FILE.match(file.name)
        if match and file.is_file():
            found.setdefault(match["handler"], []).append(file)
    return found


def _set_number(file):
    match = SET_FILE.match(file.name)
    return (int(match["number"]) if match else 0, file.name)


def _run_folder(file):
    """The folder with run.json that a set file stands in, or None for a plain Dedalus script."""
    for folder in (file.parent.parent, file.parent):
        if (folder / "run.json").exists():
            return folder
    return None


def _require_set_file(file):
    if not file.is_file():
        raise InputError(_missing(file) if not file.exists() else f"{file} is not a file")
    part = PROCESS_FILE.match(file.name)
    if part:
        joint = file.parent.parent / f"{part['joint']}.h5"
        raise InputError(f"{file} holds the part of one process only; load the joint file {joint}")


def _missing(path):
    """Message for a path that does not exist, with the nearest one that does."""
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    try:
        inside = sorted(child.name for child in parent.iterdir())
    except OSError:
        inside = []
    first, *rest = path.relative_to(parent).parts if parent != path else (path.name,)
    message = f"there is no {path}"
    likely = nearest(first, inside)
    if likely is None and first.isdigit():
        # Numbered runs: the highest number is the latest run.
        likely = max((name for name in inside if name.isdigit()), default=None)
    if likely is not None:
        guess = parent / likely
        if guess.joinpath(*rest).exists():
            guess = guess.joinpath(*rest)
        return f"{message}; did you mean {guess}?"
    shown = ", ".join(inside[:8]) + (" …" if len(inside) > 8 else "")
    return f"{message}; {parent} holds {shown or 'nothing'}. Give a run folder or a .h5 file"


def _not_a_run(folder):
    runs = sorted(file.parent for file in folder.glob("*/run.json"))
    runs = runs or sorted(file.parent for file in folder.glob("*/*/run.json"))
    if runs:
        return f"{folder} is not one run but holds {len(runs)}; the last is {runs[-1]}"
    inside = sorted(child.name for child in folder.iterdir())
    shown = ", ".join(inside[:6]) + (" …" if len(inside) > 6 else "")
    return (
        f"{folder} is neither a run folder nor the folder of a Dedalus file handler: "
        f"no run.json and no set file <name>_s1.h5 in it (it holds {shown or 'nothing'})"
    )


def _no_writes(where, record):
    status = record.get("status")
    if status == "running":
        return f"{where} has no output yet; the run is going on, try again later"
    state = f" (status: {status}; {record.get('message') or 'no message'})" if status else ""
    return f"{where} has no output: nothing has been written{state}"


# One set file


def _open(file):
    """Open for reading without a lock; a file in the middle of a write is tried again."""
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


def _read_set(file, wanted):
    with _open(file) as h5:
        try:
            return _read_open_set(h5, file, wanted)
        except (OSError, RuntimeError, KeyError) as error:
            raise InputError(
                f"{file} is damaged: {error}. "
                "Give the other set files as a list to read what is left"
            ) from error


def _read_open_set(h5, file, wanted):
    if "tasks" not in h5 or "sim_time" not in h5.get("scales", ()):
        inside = ", ".join(h5) or "nothing"
        raise InputError(
            f"{file} is not the output of a Dedalus file handler: "
            f"it holds {inside} instead of the groups scales and tasks"
        )
    datasets = {}
    h5["tasks"].visititems(
        # Dedalus names a task by its text, and "a/b" becomes a group in HDF5.
        lambda name, item: datasets.update({name: item}) if isinstance(item, h5py.Dataset) else None
    )
    if wanted is not None:
        for name in wanted:
            if name not in datasets:
                raise InputError(_unknown_task(name, datasets, file))
        datasets = {name: datasets[name] for name in wanted}

    writes = min(
        *(len(h5["scales"][name]) for name in TIME_SCALES if name in h5["scales"]),
        *(_task_length(dataset, file) for dataset in datasets.values()),
        int(h5.attrs.get("writes", np.iinfo(int).max)),
        np.iinfo(int).max,
    )
    scales = {
        name: h5["scales"][name][:writes] if name in h5["scales"] else np.full(writes, np.nan)
        for name in TIME_SCALES
    }
    return {
        "file": file,
        "writes": writes,
        "scales": scales,
        "tasks": {name: _read_task(dataset, writes) for name, dataset in datasets.items()},
        "attrs": {
            name: h5.attrs[name]
            for name in ("handler_name", "spinhydro_version", "problem_source", "run")
            if name in h5.attrs
        },
        "kernels": {name: table[:] for name, table in h5.get("kernels", {}).items()},
    }


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
        if not part.exists():
            raise InputError(
                f"{file} is a virtual file and its part {part} is missing; "
                "copy the folder of the same name along with it"
            )
        with _open(part) as h5:
            length = min(length, len(h5[source.dset_name]))
    return length


def _read_task(dataset, writes):
    """Data of one task with a key per axis: ("space", label, size, digest) or ("tensor", …)."""
    labels = [dim.label for dim in dataset.dims][1:]
    shape = dataset.shape[1:]
    tensor_names = [
        name.decode() if isinstance(name, bytes) else str(name)
        for name in np.atleast_1d(dataset.attrs.get("tensor_axes", []))
    ]
    axes, values, constant, tensor_rank = [], {}, [], 0
    for axis, (label, size) in enumerate(zip(labels, shape, strict=True)):
        if label == "constant":
            constant.append(axis + 1)
            continue
        if label:
            points = _points(dataset.dims[axis + 1], size, labels[tensor_rank:].index(label))
            key = ("space", label, size, None if points is None else points.tobytes())
            if points is not None:
                values[key] = points
        else:
            base = tensor_names[tensor_rank] if tensor_rank < len(tensor_names) else "component"
            tensor_rank += 1
            repeat = sum(1 for used in axes if used[0] == "tensor" and used[1] == base)
            key = ("tensor", base, size, repeat)
            if base == "spin" and size == 3:
                values[key] = np.array(SPIN)
        axes.append(key)
    units = dataset.attrs.get("units", "")
    grid_space = np.atleast_1d(dataset.attrs.get("grid_space", True))
    scales = np.atleast_1d(dataset.attrs.get("scales", 1.0))
    return {
        "data": np.squeeze(dataset[:writes], axis=tuple(constant)),
        "axes": axes,
        "values": values,
        "units": units.decode() if isinstance(units, bytes) else str(units),
        "coefficients": not bool(np.all(grid_space)),
        "plain_scales": bool(np.all(scales == 1)),
    }


def _points(dim, size, space_axis):
    """Grid points or mode numbers along an axis, or None where the file does not tell them.

    Mode numbers stand in the file as an array over all space axes, and Dedalus 3.0 writes those
    of the first axis for every axis: an array that does not vary along its own axis is not used.
    """
    if not len(dim):
        return None
    points = dim[0][()]
    if points.ndim > space_axis and points.shape[space_axis] == size:
        along = np.moveaxis(points, space_axis, 0).reshape(size, -1)[:, 0]
        points = along if points.ndim == 1 or size == 1 or np.ptp(along) > 0 else points
    return points if points.shape == (size,) else None


# Names of dimensions


def _dimension_names(tasks):
    """A dimension name for every axis key; the grid of most tasks keeps the bare label."""
    uses = Counter()
    for task in tasks:
        for key in task["axes"]:
            # A task on scales 1 outweighs any number of tasks on dealiased grids.
            uses[key] += 1000 if task["plain_scales"] and key[0] == "space" else 1
    names, taken = {}, set()
    for key, _ in uses.most_common():
        kind, label, size, extra = key
        base = label if kind == "space" or not extra else f"{label}{extra + 1}"
        name = base
        if name in taken:
            name = f"{base}_{size}" if kind == "space" else f"{base}_of_{size}"
        serial = 2
        while name in taken:
            name = f"{base}_{size}_{serial}"
            serial += 1
        taken.add(name)
        names[key] = name
    return names


def _check_same_tasks(sets):
    first = sets[0]
    for one in sets[1:]:
        if one["tasks"].keys() != first["tasks"].keys():
            odd = sorted(one["tasks"].keys() ^ first["tasks"].keys())
            raise InputError(
                f"{first['file']} and {one['file']} do not hold the same outputs "
                f"(only in one of them: {', '.join(odd)}); load them apart, or choose tasks=…"
            )
        for name, task in one["tasks"].items():
            if task["axes"] != first["tasks"][name]["axes"]:
                shapes = [entry["tasks"][name]["data"].shape[1:] for entry in (first, one)]
                raise InputError(
                    f"output {name!r} is on different grids in {first['file']} {shapes[0]} "
                    f"and {one['file']} {shapes[1]}; load the files apart"
                )


# Times


def _kept_writes(times):
    """Indices of the writes that no later write replaces."""
    if len(times) < 2 or np.all(np.diff(times) < 0) or not np.all(np.isfinite(times)):
        return np.arange(len(times))
    steps = np.abs(np.diff(times))
    tolerance = 1e-6 * np.median(steps[steps > 0]) if np.any(steps > 0) else 0.0
    earliest_later = np.append(np.minimum.accumulate(times[::-1])[::-1][1:], np.inf)
    return np.flatnonzero(earliest_later > times + tolerance)


def _time_coordinates(scales, keep, unit):
    units = {"units": unit} if unit else {}
    coords = {"t": ("t", scales["sim_time"][keep], {"long_name": "simulation time", **units})}
    for name in ("iteration", "write_number"):
        coords[name] = ("t", scales[name][keep])
    coords["timestep"] = ("t", scales["timestep"][keep], units)
    coords["wall_time"] = ("t", scales["wall_time"][keep], {"units": "s"})
    return coords


def _axis_units(dim, units):
    length = units.get("length")
    label = dim.split("_")[0]
    if not length:
        return {}
    return {"units": length} if label in ("x", "y", "z") else {}


# Provenance


def _read_run_json(file):
    """(record, warning): run.json is replaced as a whole, so a damaged one stays damaged."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError) as error:
        return None, f"{file} is damaged: {error}"
    return record, None


def _run_record(folder, sets):
    """The run's record: run.json, or what the data files say of it."""
    record = warning = None
    if folder is not None:
        record, warning = _read_run_json(folder / "run.json")
    if record is None and "run" in sets[-1]["attrs"]:
        try:
            record = json.loads(sets[-1]["attrs"]["run"])
        except ValueError as error:
            warning = f"{warning or ''} the run record in the data is damaged: {error}".strip()
        else:
            if warning:
                warning += "; parameters are those that the data file states"
                record["status"] = "unknown"
    if warning:
        warnings.warn(warning, stacklevel=3)
    return (record if isinstance(record, dict) else {}), warning


def _provenance(record, folder, files, sets, units):
    """Attributes of the dataset: scalars and text only, so that it can be saved as netCDF."""
    attrs = {"units": units}
    for name in (
        "problem",
        "status",
        "reason",
        "message",
        "started",
        "finished",
        "command",
        "engine",
        "timestepper",
        "ranks",
        "seed",
        "wall_seconds",
        "changed_by_hand",
        "replaced_equations",
    ):
        value = record.get(name)
        joint = " " if name == "command" else ", "
        attrs[name] = joint.join(map(str, value)) if isinstance(value, list) else value
    attrs["run"] = str(folder if folder is not None else files[0].parent)
    attrs["handler"] = sets[0]["attrs"].get("handler_name")
    attrs["files"] = ", ".join(file.name for file in files)
    versions = record.get("versions") or {}
    attrs["versions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    git = record.get("git") or {}
    if git.get("commit"):
        attrs["git_commit"] = f"{git['commit']}{' (dirty)' if git.get('dirty') else ''}"
    attrs["source"] = sets[0]["attrs"].get("problem_source")
    # The order is the one in which they are printed.
    order = ("problem", "run", "status", "reason", "message", "units", "versions", "git_commit")
    attrs = {name: attrs.get(name) for name in (*order, *attrs)}
    attrs = {name: value for name, value in attrs.items() if value not in (None, "")}
    attrs = {
        name: value.decode() if isinstance(value, bytes) else value for name, value in attrs.items()
    }

    for name, value in (record.get("parameters") or {}).items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, (int, float, str)) and value != attrs.get(name):
            attrs[name if name not in attrs else f"parameter_{name}"] = value
    return attrs
