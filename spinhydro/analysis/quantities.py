"""Numbers of any run: its final outputs, conserved means, and textures."""

import numpy as np

from spinhydro.errors import InputError

from .complex_outputs import as_real
from .magnets import has_spins, space_axes, spins
from .means import has_modes, mean
from .rows import Row, attempt
from .style import is_tensor, run_label

#: Shorter vectors are rounding in the empty space around a magnet.
EMPTY = 1e-6


def title(ds):
    """Return the heading of the general table."""
    unit = ds.t.attrs.get("units", "")
    return (
        f"{run_label(ds)} ({ds.attrs.get('problem', 'plain script')}): {ds.sizes['t']} outputs to "
        f"t = {float(ds.t[-1]):.6g} {unit}".rstrip()
    )


def numbers(ds):
    """Return rows: every scalar output first and last, means of fields, and textures of spins."""
    rows = []
    with_spins = has_spins(ds)
    for name in map(str, ds.data_vars):
        if not (with_spins and name == spins(ds).name):
            rows += _of_output(ds, name)
    if with_spins:
        rows += _of_spins(ds)
    return rows


def _of_output(ds, name):
    variable, unit = ds[name], ds[name].attrs.get("units", "")
    unit = "" if unit == "1" else unit
    if variable.dims[:1] != ("t",) or variable.sizes["t"] == 0 or has_modes(variable):
        return []
    if variable.dtype.kind not in "fiuc":
        return []
    tensor = [str(dim) for dim in variable.dims if is_tensor(str(dim))]
    axes = tuple(range(len(tensor)))
    ends = as_real(np.asarray(variable.isel(t=[0, -1]).transpose("t", *tensor, ...)))
    bars = f"|{name}|" if tensor or np.iscomplexobj(ends) else name
    rows = []
    for word, values in zip(("first", "last"), ends, strict=True):
        values = np.abs(values) if np.iscomplexobj(values) else values
        if len(variable.dims) == 1:
            rows.append(Row(f"{bars}, {word}", float(values), unit))
        elif tensor:
            value, exact = mean(np.sum(values**2, axis=axes), variable)
            rows.append(Row(f"{_over('rms', exact)} {bars}, {word}", np.sqrt(value), unit))
        else:
            value, exact = mean(values, variable)
            rows.append(Row(f"{_over('mean', exact)} {bars}, {word}", value, unit))
    return rows


def _over(kind, exact):
    """ "mean of", or "mean over the points of" on a grid whose weights are unknown."""
    return f"{kind} of" if exact else f"{kind} over the points of"


def _of_spins(ds):
    m = spins(ds)
    size = np.sqrt(np.sum(np.square(m.values), axis=2))
    # The space around a body is empty: m = 0 there.
    filled = size > EMPTY
    rows = [Row("max ||m| - 1|", float(np.abs(size - 1)[filled].max(initial=0)))]
    for index, axis in enumerate("xyz"):
        last = m.isel(t=-1, spin=index).values[filled[-1]]
        rows.append(Row(f"mean of m_{axis}, last", float(last.mean()) if last.size else np.nan))
    axes = len(space_axes(m))
    if axes == 1:
        rows += attempt(lambda: _last(_textures().sign_changes(ds)), "sign changes of m_z, last")
        rows += attempt(lambda: _last(_textures().winding_number(ds)), "winding number, last")
    elif axes == 2:
        charge = _textures().topological_charge
        rows += attempt(lambda: _first(charge(ds)), "topological charge, first")
        rows += attempt(lambda: _last(charge(ds)), "topological charge, last")
    elif axes == 3:
        from .tracking import hopf_index

        rows += attempt(lambda: hopf_index(ds, index=0), "Hopf index, first")
        rows += attempt(lambda: hopf_index(ds), "Hopf index, last")
    return rows


def _textures():
    from . import textures

    return textures


def _last(series):
    return float(series.isel(t=-1).mean())


def _first(series):
    if not series.sizes["t"]:
        raise InputError("the run has no output")
    return float(series.isel(t=0).mean())
