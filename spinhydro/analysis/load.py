"""Read the output of a run, or of any Dedalus 3 script, into one xarray Dataset."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from spinhydro.errors import InputError, did_you_mean

from .paths import PREFERRED, handlers_of, no_writes, set_number
from .record import provenance, run_record
from .set_files import TIME_SCALES, physical_memory
from .set_index import read_next_set, read_set
from .sweeps import is_sweep, load_sweep

#: Runs whose data take less than this (bytes) are read into memory at once.
EAGER = 1 << 25
#: Names of coordinates along time, which an axis of space cannot have.
RESERVED = ("t", *TIME_SCALES)
#: The handler argument that means all of them.
ALL = "*"

# print(ds) should show every parameter; xarray's default stops after a dozen lines.
if xr.get_options()["display_max_rows"] == 12:
    xr.set_options(display_max_rows=80)


def load(path, tasks=None, handler=None, **where):
    """Read a run into an `xarray.Dataset`, lazily where it is large.

    Parameters
    ----------
    path : path-like, or list of path-like
        A run folder of spinhydro, the folder of a Dedalus file handler, one set file
        (`snapshots_s1.h5`, serial, gathered or virtual), a pattern ("snapshots_s*.h5"), or a list
        of set files.
    tasks : str or list of str, optional
        Read only these outputs.  Default: all of them.
    handler : str, optional
        Which file handler, where the folder holds several; "*" for all of them in a DataTree with
        one node for each and "_" for "/" in names.  Default: the only one, or "fields" of a run.

    **where
        Of the folder of a sweep, only the cases with these values of parameters; see `load_sweep`.

    Returns
    -------
    xarray.Dataset, or xarray.DataTree if `handler` is "*"
        One variable per output task under its own name, dimensions `(t, tensor axes, space)`.

        - Up to 32 MB are read into memory; larger data are read from the files when they are used,
          and only the part that is used: `ds.m.isel(t=-1)` reads one write.
        - `t` is the simulation time; `iteration`, `wall_time` (s), `timestep` and `write_number`
          are further coordinates along it.  Sets are joined in the order of their numbers.  Where
          a restart wrote a time again, the later write replaces it and what followed it;
          `superseded_writes` in the attributes counts what was left out.
        - `member` numbers the realisations of an ensemble from 0; a parameter that differs
          between them is a coordinate along it, under its own name.
        - `x`, `y`, `z` … are the grid points; constant axes are dropped.  A second grid of the
          same axis (another `scales`) is called after its number of points, `x_384`; an axis that
          is called t in the file is `t_axis`.
        - a tensor axis is `spin` with labels x, y, z if declared in the file (`tensor_axes`),
          otherwise `component`, and `component2` for a second one.
        - coefficient-space tasks run along `kx`, `ky` …; the labels are the mode numbers as
          Dedalus stores them (in a real Fourier basis each appears twice: cosine, minus sine).

        Units are in the `units` attribute of variables and coordinates where the run states them.
        Attributes of the dataset: `problem`, `run` (folder), `status`, every scalar parameter by
        its own name (`ds.attrs["Omega_R"]`), `units` (those of all variables, for printing),
        `versions`, `git_commit`, `started`, `command`, `source` (text of the problem file);
        `kernel_W_k`, `kernel_W_omega` (omega(k) of a kernel W of the file, arrays),
        `waves_rates` and others (small waves on the initial state, see `waves.RecordedWaves`), or
        `waves_note` (why there are none),
        `warning` if something was not as it should be.

    Raises
    ------
    InputError
        Nothing at `path`, no output in it, a damaged file, sets that do not belong together, or
        an unknown task or handler.  Values whose checksum is not the one that the run wrote raise
        it when they are read.

    Warns
    -----
    UserWarning
        A last set that cannot be read is left out, a set in between is missing, a write was not
        completed, run.json is damaged.  The attribute `warning` keeps the text.

    Notes
    -----
    Files are opened read-only and unlocked, so a run may be read while it is running: a last write
    that is not complete in every task is left out.
    """
    if is_sweep(path):
        return load_sweep(path, load, tasks, **where)
    if where:
        raise InputError(
            f"{path} is not a sweep: there are no cases to choose by {', '.join(where)}"
        )
    found = handlers_of(path)
    wanted = [tasks] if isinstance(tasks, str) else None if tasks is None else list(tasks)
    if handler == ALL:
        nodes = {f"/{name}": _dataset(*one, wanted, path) for name, one in found.items()}
        return xr.DataTree.from_dict({name: _without_slashes(ds) for name, ds in nodes.items()})
    return _dataset(*found[_chosen(found, handler, path)], wanted, path)


def _without_slashes(ds):
    """The dataset with "_" for "/" in names, which a DataTree takes for paths."""
    names = {name: str(name).replace("/", "_") for name in ds.data_vars if "/" in str(name)}
    return ds.rename({old: new for old, new in names.items() if new not in ds.variables})


def _chosen(found, handler, path):
    if handler is not None:
        if handler not in found:
            hint = did_you_mean(handler, found)
            raise InputError(f"{path} has no handler {handler!r}; {hint} It has {', '.join(found)}")
        return handler
    if PREFERRED in found:
        return PREFERRED
    if len(found) > 1:
        raise InputError(
            f"{path} holds the sets of several handlers ({', '.join(found)}); choose one with "
            f"load(…, handler={next(iter(found))!r}), or all of them with handler='*'"
        )
    return next(iter(found))


def _dataset(files, folder, wanted, path):
    sets, lines = _read_sets(files, wanted)
    is_folder = not isinstance(path, (list, tuple)) and Path(path).is_dir()
    lines = _gaps(files, is_folder) + _exchanged(sets) + lines
    record, warning = run_record(folder, sets)
    lines += [warning] if warning else []
    filled = [one for one in sets if one.writes]
    if not filled:
        raise InputError(no_writes(files[0].parent if folder is None else folder, record))
    units = record["units"]
    names = _dimension_names(sets[0].tasks.values())
    time_scales = {
        name: np.concatenate([one.scales[name] for one in filled]) for name in TIME_SCALES
    }
    keep = _kept_writes(time_scales["sim_time"])
    coords, attrs = _time_coordinates(time_scales, keep, units.get("time")), {}
    variables = {}
    source = _Writes(filled, keep)
    small = sum(source.bytes_of(name) for name in sets[0].tasks) <= EAGER
    for name, task in sets[0].tasks.items():
        dims = tuple(names[key] for key in task.axes)
        for key, dim in zip(task.axes, dims, strict=True):
            if dim not in coords and key in task.values:
                points, line = _grid_points(dim, key, task)
                lines += [line] if line else []
                if points is not None:
                    coords[dim] = (dim, points, _axis_units(dim, units))
        array = _TaskArray(source, name, task)
        data = array.read() if small else indexing.LazilyIndexedArray(array)
        attributes = {"units": task.units} if task.units else {}
        if task.coefficients:
            attributes["layout"] = "coefficient"
        # A task may carry the name of an axis ("x" saved as a field, say).
        free = name if name not in names.values() and name not in RESERVED else f"{name}_task"
        variables[free] = xr.Variable(("t", *dims), data, attributes)
    ds = _label_members(xr.Dataset(variables, coords), record)
    with_units = {**ds.coords, **ds.data_vars}.items()
    stated = [f"{name} {var.units}" for name, var in with_units if "units" in var.attrs]
    attrs.update(provenance(record, folder, files, sets[0].attrs, ", ".join(stated)))
    for name, (k, omega) in sets[0].kernels.items():
        # Arrays of numbers, so that the dataset can be saved as netCDF.
        attrs.update({f"kernel_{name}_k": k, f"kernel_{name}_omega": omega})
    attrs |= {f"waves_{name}": table for name, table in sets[0].waves.items()}
    dropped = len(time_scales["sim_time"]) - len(keep)
    if dropped:
        attrs["superseded_writes"] = dropped
    if lines:
        attrs["warning"] = "; ".join(dict.fromkeys(lines))
        warnings.warn(attrs["warning"], stacklevel=3)
    return ds.assign_attrs(attrs)


def _read_sets(files, wanted):
    """(indices of the set files, warnings): a last one that cannot be read is left out."""
    sets, lines = [], []
    for place, file in enumerate(files):
        try:
            found = read_next_set(file, sets[0]) if sets else read_set(file, wanted)
        except InputError as error:
            if place == 0 or place < len(files) - 1:
                raise
            lines.append(f"the last set is left out: {error}")
            break
        sets.append(found)
        lines += found.warnings
        if found.tasks is not sets[0].tasks:
            _check_same_tasks(sets[0], found)
    return sets, lines


def _gaps(files, is_folder):
    """Warnings about set numbers that are missing between those of the files."""
    numbers = [set_number(file) for file in files]
    lines = []
    for (one, first), (other, second) in zip(
        zip(files, numbers, strict=True), zip(files[1:], numbers[1:], strict=True), strict=False
    ):
        if first is not None and second is not None and second > first + 1:
            last = second - 1
            gone = f"set {last} is" if last == first + 1 else f"sets {first + 1} to {last} are"
            lines.append(
                f"{gone} missing between {one.name} and {other.name}: the record has a hole"
            )
    if is_folder and numbers[0] is not None and numbers[0] > 1:
        lines.append(f"the first set is {files[0].name}: earlier ones are missing")
    return lines


def _exchanged(sets):
    """Warnings about files that hold another set than their name says."""
    return [
        f"{one.file.name} holds set {one.number}: a copy, or renamed; set {wanted} is missing"
        for one in sets
        for wanted in [set_number(one.file)]
        if None not in (one.number, wanted) and one.number != wanted
    ]


class _Writes:
    """The writes of several sets as one sequence, without those that a restart replaced."""

    def __init__(self, sets, keep):
        self.sets = sets
        counts = [one.writes for one in sets]
        self.set_of = np.repeat(np.arange(len(sets)), counts)[keep]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self.row_of = keep - starts[self.set_of]

    def __len__(self):
        return len(self.set_of)

    def bytes_of(self, name):
        """Size of a task in all writes; a float, as a damaged file may state any shape."""
        task = self.sets[0].tasks[name]
        return float(np.prod(task.shape, dtype=float)) * task.dtype.itemsize * len(self)

    def read(self, name, writes, rest):
        """Array (len(writes), …) of a task after the outer index `rest` along the other axes."""
        changes = np.flatnonzero(np.diff(self.set_of[writes])) + 1
        parts = [
            self.sets[self.set_of[part[0]]].rows(name, self.row_of[part].tolist(), rest)
            for part in np.split(writes, changes)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class _TaskArray(BackendArray):
    """A task in all writes, read when it is indexed."""

    def __init__(self, source, name, task):
        self.source, self.name = source, name
        self.shape, self.dtype = (len(source), *task.shape), np.dtype(task.dtype)

    def read(self):
        """All values."""
        return self._getitem((slice(None),) * len(self.shape))

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._getitem
        )

    def _getitem(self, key):
        first, *rest = key
        writes = np.atleast_1d(np.arange(self.shape[0])[first])
        rest = [np.array([one]) if isinstance(one, (int, np.integer)) else one for one in rest]
        sizes = [
            len(range(*one.indices(n))) if isinstance(one, slice) else len(one)
            for one, n in zip(rest, self.shape[1:], strict=True)
        ]
        needed = float(np.prod([len(writes), *sizes], dtype=float)) * self.dtype.itemsize
        if needed > 0.8 * physical_memory():
            raise InputError(
                f"output {self.name!r}: {needed / 1e9:.3g} GB do not fit into memory; choose a "
                "part of it first, as ds.isel(t=-1)"
            )
        if not len(writes):
            return np.empty((0, *sizes), self.dtype)
        values = self.source.read(self.name, writes, rest)
        scalar = [axis for axis, one in enumerate(key) if isinstance(one, (int, np.integer))]
        return np.squeeze(values, tuple(scalar)) if scalar else values


def _label_members(ds, record):
    """Whole numbers along `member`, and the parameters that differ between members."""
    if "member" not in ds.dims:
        return ds
    if "member" in ds.coords:
        ds = ds.assign_coords(member=ds["member"].values.astype(int))
    for name in record["per_member"]:
        values = record["parameters"].get(name)
        if isinstance(values, list) and len(values) == ds.sizes["member"] and name not in ds:
            ds = ds.assign_coords({name: ("member", np.asarray(values))})
    return ds


# Axes


def _dimension_names(tasks):
    """A dimension name for every axis key; the grid of most tasks keeps the bare label."""
    uses = Counter()
    for task in tasks:
        for key in task.axes:
            # A task on scales 1 outweighs any number of tasks on dealiased grids.
            uses[key] += 1000 if task.plain_scales and key[0] == "space" else 1
    names, taken = {}, set()
    for key, _ in uses.most_common():
        kind, label, size, extra = key
        base = label if kind == "space" or not extra else f"{label}{extra + 1}"
        base = f"{base}_axis" if base in RESERVED else base
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


def _grid_points(dim, key, task):
    """(points, warning): grid points of an axis, None where they cannot be a grid."""
    points = task.values[key]
    is_grid = key[0] == "space" and not task.coefficients
    if is_grid and len(points) > 1 and not np.all(np.isfinite(points)):
        return None, f"the grid points of {dim} are not finite; it has none"
    if is_grid and len(points) > 1:
        steps = np.diff(points)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            return None, f"the grid points of {dim} are not in order; it has none"
    return points, None


def _check_same_tasks(first, one):
    if one.tasks.keys() != first.tasks.keys():
        odd = sorted(one.tasks.keys() ^ first.tasks.keys())
        raise InputError(
            f"{first.file} and {one.file} do not hold the same outputs "
            f"(only in one of them: {', '.join(odd)}); load them separately, or choose tasks=…"
        )
    for name, task in one.tasks.items():
        if task.axes != first.tasks[name].axes:
            raise InputError(
                f"output {name!r} is on different grids in {first.file} "
                f"{first.tasks[name].shape} and {one.file} {task.shape}; load the files separately"
            )


def _axis_units(dim, units):
    length = units.get("length")
    label = dim.split("_")[0]
    return {"units": length} if length and label in ("x", "y", "z") else {}


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
