"""Measured fields with named axes, from netCDF, HDF5, NumPy or CSV files and from run folders."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from spinhydro.errors import InputError

#: Names of the axes, in the order in which arrays are kept.
AXES = ("t", "x", "y", "z")


@dataclass
class Data:
    """Values on a grid of times and places.

    Attributes
    ----------
    axes : dict
        ``{"t": times, "x": places, …}``, ascending.
    values : dict
        ``{name: array}``, with the axes in this order; nan where nothing was measured.
    """

    axes: dict
    values: dict

    def window(self, name, low, high):
        """The part between two values of an axis."""
        if name not in self.axes:
            raise InputError(f"--window {name}: the data have the axes {', '.join(self.axes)}")
        chosen = (self.axes[name] >= low) & (self.axes[name] <= high)
        if not chosen.any():
            raise InputError(f"--window {name}={low:g}:{high:g} holds none of the data")
        place = list(self.axes).index(name)
        return Data(
            {n: v[chosen] if n == name else v for n, v in self.axes.items()},
            {n: np.compress(chosen, v, axis=place) for n, v in self.values.items()},
        )


def read_data(
    path, wanted, units=None, skip_nan=False, output_units=None, all_of_them=False
):  # fmt: skip
    """The measured values of some outputs.

    Parameters
    ----------
    path : str
        netCDF (.nc), HDF5 (.h5, .hdf5), .npz or .csv with arrays t, x (y, z) and values of the
        names of outputs; or a run folder.
    wanted : sequence of str
        Names of outputs; those that the file holds are taken, averages over space only if it
        holds no fields.
    units : dict
        ``{"length": "um", "time": "ms"}`` of the problem: other units are refused.
    skip_nan : bool
        Take nan as not measured.
    output_units : dict
        ``{name: unit}`` of outputs, pure numbers are left out: other units are refused.
    all_of_them : bool
        Refuse a file that lacks some of the outputs.

    Raises
    ------
    InputError
        With what is wrong, in one line.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file '{path}'")
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path} is empty")
    arrays, dims, found_units = _read(path, wanted)
    axes = {name: _axis(path, name, arrays[name]) for name in AXES if name in arrays}
    if "t" not in axes:
        raise InputError(f"{path} has no axis t; arrays: {', '.join(arrays)}")
    _check_units(path, found_units, axes, units or {})
    names = [name for name in wanted if name in arrays]
    if not names or (all_of_them and len(names) < len(wanted)):
        missing = [name for name in wanted if name not in arrays]
        raise InputError(
            f"{path} holds {'no' if names else 'none of the outputs'} {', '.join(missing)}; "
            f"arrays: {', '.join(arrays)}"
        )
    _check_output_units(path, found_units, names, output_units or {})
    averages = [name for name in names if _is_average(arrays[name], dims.get(name), axes)]
    if len(averages) == len(names):
        axes = {"t": axes["t"]}
    elif all_of_them and averages:
        raise InputError(
            f"{path}: {', '.join(averages)} are averages over space, the other outputs are fields: "
            "--observe takes one kind"
        )
    names = [name for name in names if name not in averages] or averages
    values = {
        name: _values(path, name, arrays[name], dims.get(name), axes, skip_nan) for name in names
    }
    return Data(axes, values)


def _is_average(values, dims, axes):
    """Return whether values depend on the time alone."""
    return tuple(dims) == ("t",) if dims else np.shape(values) == (len(axes["t"]),)


def _read(path, wanted):
    """(arrays, names of their dimensions, units) of any kind of file."""
    if path.is_dir():
        from spinhydro.analysis import load

        return _of_dataset(load(path), wanted)
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}, {}, {}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise InputError(f"{path} cannot be read: {_first_line(error)}") from None
    if path.suffix == ".csv":
        return _read_rows(path)
    if path.suffix in (".nc", ".h5", ".hdf5"):
        return _read_hdf5(path, wanted)
    raise InputError(f"{path}: data are .nc, .h5, .hdf5, .npz or .csv, or a run folder")


def _of_dataset(dataset, wanted):
    names = [n for n in (*AXES, *wanted) if n in dataset]
    arrays = {n: np.asarray(dataset[n].values) for n in names}
    units = {n: dataset[n].attrs["units"] for n in names if "units" in dataset[n].attrs}
    return arrays, {n: dataset[n].dims for n in names}, units


def _read_rows(path):
    """A table with one row for each point, and a header."""
    try:
        if not path.read_text(encoding="utf-8").strip():
            raise InputError(f"{path} is empty")
        table = np.genfromtxt(path, delimiter=",", names=True, dtype=float, encoding="utf-8")
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path} cannot be read as a table: {_first_line(error)}") from None
    names = table.dtype.names or ()
    axes = [name for name in AXES if name in names]
    if not axes:
        raise InputError(f"{path}: the first line names the columns, such as t,x,Z")
    table = np.atleast_1d(table)
    grids = [np.unique(table[axis], return_inverse=True) for axis in axes]
    shape = tuple(len(points) for points, _ in grids)
    arrays = {axis: points for axis, (points, _) in zip(axes, grids, strict=True)}
    places = np.stack([place for _, place in grids], axis=1)
    unique, first = np.unique(places, axis=0, return_index=True)
    if len(unique) < len(places):
        row = min(set(range(len(places))) - set(first.tolist()))
        point = ", ".join(f"{axis} = {table[axis][row]:g}" for axis in axes)
        raise InputError(f"{path} has more than one row for {point}: keep one, or their mean")
    for name in names:
        if name not in axes:
            values = np.full(shape, np.nan)
            values[tuple(place for _, place in grids)] = table[name]
            arrays[name] = values
    return arrays, {}, {}


def _read_hdf5(path, wanted):
    import h5py

    if not h5py.is_hdf5(path):
        import xarray

        try:
            with xarray.open_dataset(path, engine="scipy") as dataset:
                return _of_dataset(dataset.load(), wanted)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path} cannot be read: {_first_line(error)}") from None
    arrays, dims, units = {}, {}, {}
    try:
        with h5py.File(path, "r") as file:
            for name, item in file.items():
                if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiuc":
                    continue
                arrays[name] = item[()]
                scales = [[s.name.strip("/") for s in dim.values()] for dim in item.dims]
                if all(scales) and item.ndim:
                    dims[name] = tuple(names[0] for names in scales)
                if "units" in item.attrs:
                    value = item.attrs["units"]
                    units[name] = value.decode() if isinstance(value, bytes) else str(value)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    return arrays, dims, units


def _first_line(error):
    # NumPy's first line only announces the second, on the columns of a table.
    lines = [line.strip() for line in str(error).splitlines() if "errors were detected" not in line]
    return (lines or [type(error).__name__])[0]


def _numbers(path, name, values):
    """An array of real numbers; raises InputError for anything else."""
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        kind = "text" if values.dtype.kind in "US" else values.dtype.name
        raise InputError(f"{path}: {name} holds {kind}, not real numbers")
    return values.astype(float)


def _axis(path, name, values):
    values = _numbers(path, name, values)
    if values.size == 0:
        raise InputError(f"{path}: the axis {name} is empty")
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise InputError(f"{path}: the axis {name} must be a list of finite numbers")
    if values.size > 1 and not np.all(np.diff(values) > 0):
        place = int(np.argmax(np.diff(values) <= 0))
        raise InputError(
            f"{path}: the axis {name} must ascend: {values[place]:g} is followed by "
            f"{values[place + 1]:g}"
        )
    return values


def _values(path, name, values, dims, axes, skip_nan):
    values = np.asarray(values)
    if np.iscomplexobj(values):
        raise InputError(f"{path}: {name} is complex; fit its real and imaginary part")
    values = _numbers(path, name, values)
    if dims:
        if set(dims) - set(axes):
            raise InputError(f"{path}: {name} has the axes {', '.join(dims)}, not {_shown(axes)}")
        order = [dims.index(axis) for axis in axes if axis in dims]
        values = values.transpose(order)
    shape = tuple(len(v) for v in axes.values())
    if values.shape != shape:
        hint = ": transpose it" if sorted(values.shape) == sorted(shape) else ""
        raise InputError(
            f"{path}: {name} has the shape {values.shape}, its axes {_shown(axes)} have "
            f"{shape}{hint}"
        )
    missing = int(np.sum(~np.isfinite(values)))
    if missing and not skip_nan:
        raise InputError(
            f"{path}: {missing} of {values.size} values of {name} are not finite: choose a part "
            "with --window, or leave them out with --skip-nan"
        )
    return np.where(np.isfinite(values), values, np.nan)


def _shown(axes):
    return "(" + ", ".join(axes) + ")"


def _check_units(path, found, axes, units):
    for name in axes:
        unit, given = units.get("time" if name == "t" else "length"), _plain_unit(found.get(name))
        if unit and given and given != unit:
            raise InputError(f"{path}: {name} is in {given}, the problem in {unit}: convert it")


def _check_output_units(path, found, names, units):
    for name in names:
        unit, given = _plain_unit(units.get(name)), _plain_unit(found.get(name))
        if given and given != unit:
            raise InputError(
                f"{path}: {name} is in {given}, the output of the problem "
                f"{f'in {unit}' if unit else 'is a pure number'}: convert it, or correct the "
                "attribute units"
            )


def _plain_unit(text):
    """A unit in ASCII; the empty text for none and for those of pure numbers."""
    text = str(text or "").strip().replace("µ", "u").replace("μ", "u")
    return "" if text in ("1", "dimensionless", "none") else text
