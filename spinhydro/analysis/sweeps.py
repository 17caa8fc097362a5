"""Read a sweep as one lazy Dataset: the parameters of its cases are coordinates."""

import csv
import json
from functools import lru_cache
from math import isclose
from pathlib import Path

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from spinhydro.errors import InputError, did_you_mean

#: Data of runs that are kept open while a sweep is read.
OPEN_RUNS = 16


def is_sweep(path):
    """Return whether a path is the folder of a sweep."""
    return isinstance(path, (str, Path)) and (Path(path) / "sweep.json").is_file()


def read_table(path):
    """Return the rows of ``sweep.csv`` as dictionaries; numbers are numbers.

    Raises
    ------
    InputError
    """
    file = Path(path) / "sweep.csv"
    try:
        with open(file, newline="", encoding="utf-8") as text:
            return [{k: _value(v) for k, v in row.items()} for row in csv.DictReader(text)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} cannot be read: {error}") from None


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            pass
    return text


def _equal(held, value):
    """True for equal texts, and for numbers that differ by rounding only."""
    try:
        return isclose(held, value, rel_tol=1e-9)
    except TypeError:
        return str(held) == str(value)


def load_sweep(path, load_run, tasks=None, **where):
    """Read the cases of a sweep into one Dataset; data are read lazily.

    Parameters
    ----------
    path : path-like
        The folder of a sweep.
    load_run : callable
        ``load_run(run, tasks)`` gives the Dataset of a run.
    tasks : str or list of str, optional
        Only these outputs.
    **where
        Only cases with this value of a parameter, as ``kernel="lattice"``.

    Returns
    -------
    xarray.Dataset
        Every output, with the axes of the sweep before those of the output. A full grid of
        parameters has an axis for each of them; other designs have the axis `case`, with the
        parameters as coordinates along it. `status` is the final status of every case; cases
        without a result are NaN. Numbers of the table (expectations, cost) are variables too.

    Raises
    ------
    InputError
        Nothing computed yet, an unknown parameter, or cases on different grids: choose some of
        them with `where`.
    """
    path = Path(path)
    try:
        record = json.loads((path / "sweep.json").read_text(encoding="utf-8"))
        names, shape = record["design"]["names"], record["design"]["shape"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / 'sweep.json'} is damaged: {error}") from None
    rows = read_table(path)
    for name, value in where.items():
        if name not in names:
            raise InputError(f"the sweep varies no '{name}'; {did_you_mean(name, names)}")
        rows = [row for row in rows if _equal(row[name], value)]
        shape = []
    computed = [row for row in rows if row.get("run")]
    if not computed:
        raise InputError(f"{path}: no case has been computed yet (`spinhydro sweep --resume`)")
    opened = lru_cache(OPEN_RUNS)(lambda run: load_run(path / run, tasks))
    axes, shape = (names, shape) if shape else (["case"], [len(rows)])
    first = _case(opened, computed[0])
    _check_grids(first, opened, computed)
    values = _parameters(opened, rows, names)
    units = _units(path, computed[0])
    ds = xr.Dataset(coords={k: v for k, v in first.coords.items() if "member" not in v.dims})
    if axes == ["case"]:
        ds = ds.assign_coords(case=("case", [row["case"] for row in rows]))
        ds = ds.assign_coords({name: ("case", values[name]) for name in names})
    else:
        for axis, name in enumerate(names):
            grid = np.array(values[name], dtype=object).reshape(shape)
            along = np.moveaxis(grid, axis, 0).reshape(shape[axis], -1)[:, 0]
            ds = ds.assign_coords({name: (name, np.array(along.tolist()))})
    for name, variable in first.data_vars.items():
        data = indexing.LazilyIndexedArray(_Cases(opened, rows, name, variable, shape))
        ds[name] = xr.Variable((*axes, *variable.dims), data, variable.attrs)
    ds["status"] = (axes, np.array([row["status"] for row in rows]).reshape(shape))
    for name in _numbers(rows, {*names, *ds.variables, "case", "task", "member"}):
        column = [row[name] if row[name] != "" else np.nan for row in rows]
        ds[name] = (axes, np.array(column, dtype=float).reshape(shape))
    for name, unit in units.items():
        if unit:
            ds[name].attrs["units"] = unit
    ds.attrs.update(run=str(path), sweep=str(path), problem=record["options"]["problem"])
    return ds


def _case(opened, row):
    """Dataset of one case: its member of the run."""
    ds = opened(row["run"])
    member = row.get("member", "")
    return ds.isel(member=int(member), drop=True) if "member" in ds.dims and member != "" else ds


def _check_grids(first, opened, rows):
    sizes = dict(first.sizes)
    for run in dict.fromkeys(row["run"] for row in rows):
        row = next(row for row in rows if row["run"] == run)
        other = dict(_case(opened, row).sizes)
        if other != sizes:
            raise InputError(
                f"case {row['case']} has {other} points and case {rows[0]['case']} {sizes}: "
                "read cases of one grid, as load(SWEEP, N=128)"
            )


def _parameters(opened, rows, names):
    """Values of the varied parameters of every case: numbers of the table, else of the runs."""
    values = {name: [] for name in names}
    for row in rows:
        attributes = _case(opened, row) if row.get("run") else None
        for name in names:
            value = row[name]
            if attributes is not None and isinstance(value, str):
                held = attributes.coords.get(name)
                found = held.item() if held is not None and held.size == 1 else None
                value = attributes.attrs.get(name, value) if found is None else found
            values[name].append(value)
    return values


def _units(path, row):
    """``{name: unit}`` of the varied parameters, as the task of a case has stored them."""
    try:
        file = path / "tasks" / f"{int(row['task']):04d}" / "task.json"
        units = json.loads(file.read_text(encoding="utf-8")).get("units")
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
    return units if isinstance(units, dict) else {}


def _numbers(rows, taken):
    """Columns of the table that hold numbers only, besides those taken already."""
    return [
        name
        for name in rows[0]
        if name not in taken
        and any(row[name] != "" for row in rows)
        and all(row[name] == "" or isinstance(row[name], (int, float)) for row in rows)
    ]


class _Cases(BackendArray):
    """One output of all cases as a lazy array."""

    def __init__(self, opened, rows, name, variable, shape):
        self.opened, self.rows, self.name = opened, rows, name
        self.grid = np.arange(len(rows)).reshape(shape)
        self.shape = (*shape, *variable.shape)
        self.dtype = np.result_type(variable.dtype, np.float64)

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key):
        axes = self.grid.ndim
        chosen = self.grid[key[:axes]]
        rest = tuple(key[axes:])
        parts = [self._of_case(int(number), rest) for number in np.ravel(chosen)]
        return (
            np.stack(parts).reshape(*np.shape(chosen), *parts[0].shape)
            if parts
            else (np.empty((*np.shape(chosen), *self._of_case(0, rest).shape), self.dtype))
        )

    def _of_case(self, number, rest):
        row = self.rows[number]
        if not row.get("run"):
            lengths = np.empty(self.shape[self.grid.ndim :], bool)[rest].shape
            return np.full(lengths, np.nan, self.dtype)
        variable = _case(self.opened, row)[self.name].variable
        return np.asarray(variable[rest].values, self.dtype)
