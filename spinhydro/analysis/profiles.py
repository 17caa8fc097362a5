"""Draw every output of any run: the last state in space, averages in time, scans in a parameter."""

import numpy as np

from spinhydro.errors import InputError, unknown_name_message

from .complex_outputs import as_real
from .style import (
    DIVERGING,
    SEQUENTIAL,
    colour_bar,
    grid_of_panels,
    is_tensor,
    label,
    run_label,
    sheet_title,
)

_COLUMNS = 3
# More panels than this are illegible on one sheet.
MOST_PANELS = 24
# Part of its size by which a quantity that is constant varies.
CONSTANT = 1e-6
# Component of a vector, relative to the largest one, that is drawn magnified; and rounding.
SMALL, ROUNDING = 0.01, 1e-9
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# More lines than this in one panel cannot be distinguished; then no legend is drawn.
MOST_LABELS = 6


def draw_outputs(figure, ds, output=None):
    """Draw all outputs of `ds` on `figure`, or the one of a name.

    - Fields: the last state; lines in one dimension, maps in two, the middle slice in three.
      Components of a vector share a panel in one dimension and have one each in two.
    - Outputs without an axis of space: against time; in a scan (members that differ in a
      parameter), the last value against that parameter.
    - Complex outputs are drawn as |value|, as the title shows.  Of a run with members that is
      not a scan, member 0 is drawn where its fields need two axes.

    Raises InputError if the run has no outputs, or none of that name.
    """
    require_outputs("profiles", ds)
    if output is not None and output not in ds.data_vars:
        raise InputError(unknown_name_message("output", output, list(map(str, ds.data_vars))))
    names = ds.data_vars if output is None else [output]
    panels = [panel for name in names for panel in _panels(ds, str(name))]
    left_out = max(0, len(panels) - MOST_PANELS)
    panels = panels[:MOST_PANELS]
    axes = grid_of_panels(figure, len(panels), _COLUMNS)
    for (variable, name), ax in zip(panels, axes, strict=True):
        plot_state(variable, name, ax)
    title = f"{run_label(ds)}   t = {float(ds.t[-1]):.6g} {ds.t.attrs.get('units', '')}"
    if left_out:
        title += f"   ({left_out} more panels left out)"
    sheet_title(figure, title)


def require_outputs(name, ds):
    """Raise InputError for a run without outputs."""
    if not len(ds.data_vars):
        raise InputError(f"{name}: this run has no outputs to draw")


def scan_parameter(ds):
    """Name of the number that differs between members; None if there is none, or several."""
    if "member" not in ds.dims:
        return None
    names = [
        str(name)
        for name, coord in ds.coords.items()
        if coord.dims == ("member",) and name != "member"
        and np.issubdtype(coord.dtype, np.number) and len(np.unique(coord.values)) > 1
    ]  # fmt: skip
    return names[0] if len(names) == 1 else None


def plot_state(variable, name, ax):
    """Draw one panel: a DataArray with one or two axes, and tensor components in the first case."""
    values = as_real(variable)
    if np.iscomplexobj(values.values):
        values, name = np.abs(values), f"|{name}|"
    if not np.isfinite(values.values).any():
        ax.text(0.5, 0.5, "no finite value", transform=ax.transAxes, ha="center", va="center")
        ax.set_title(name)
        return ax
    space = [dim for dim in values.dims if not is_tensor(dim)]
    if len(space) <= 1:
        return _plot_lines(values, space, name, ax)
    return _plot_map(values, space, name, ax)


def _plot_lines(values, space, name, ax):
    tensor = [dim for dim in values.dims if is_tensor(dim)]
    lines = values.stack(entry=tensor) if tensor else values.expand_dims("entry")
    # The member or the cut is named once, at the axis.
    count, short = lines.sizes["entry"], name.split(" (")[0]
    axis = values[space[0]] if space else None
    largest = float(np.nanmax(np.abs(values.values)))
    for column in range(count):
        line = lines.isel(entry=column)
        text = ", ".join(map(str, np.atleast_1d(line.entry.values[()]))) if tensor else None
        if axis is None:
            ax.plot(column, line.values, "o", label=text)
            continue
        factor, times = _magnified(line.values, largest) if tensor else (1, "")
        ax.plot(
            axis.values, factor * line.values, label=text and f"{short} {text}{times}",
            **_line_style(axis),
        )  # fmt: skip
    if 2 <= count <= MOST_LABELS:
        ax.legend(loc="best", frameon=True, edgecolor="none", framealpha=0.8)
    if axis is None:
        ax.set_xticks([])
    else:
        ax.set_xlabel(label(axis, axis.name))
    ax.set_ylabel(label(values, name))
    finite = values.values[np.isfinite(values.values)]
    if 0 < np.ptp(finite) <= CONSTANT * largest:
        # A drift by rounding is a constant, without an offset at the axis.
        ax.set_ylim(finite.mean() - 0.05 * largest, finite.mean() + 0.05 * largest)
    return ax


def _line_style(axis):
    if axis.name.startswith("k") or axis.attrs.get("scan"):
        return {"ls": "", "marker": ".", "ms": 3}
    return {"lw": 0.7, "alpha": 0.8, "marker": "o" if axis.size < 3 else "", "ms": 2.5}


def _magnified(values, largest):
    """(factor, its text) that makes a component visible beside one of a size `largest`."""
    size = np.nanmax(np.abs(values))
    if not ROUNDING * largest < size < SMALL * largest:
        return 1, ""
    power = int(np.floor(np.log10(largest / size)))
    return 10.0**power, f" × 10{str(power).translate(_SUPERSCRIPTS)}"


def _plot_map(values, space, name, ax):
    across, up = space
    data = values.transpose(up, across)
    finite = data.values[np.isfinite(data.values)]
    span = float(np.abs(finite).max())
    both = float(finite.min()) < 0 < float(finite.max())
    scale = {"cmap": DIVERGING, "vmin": -span, "vmax": span} if both else {"cmap": SEQUENTIAL}
    if not both and np.ptp(finite) <= CONSTANT * span:
        scale |= {"vmin": finite.mean() - 0.05 * span, "vmax": finite.mean() + 0.05 * span}
    image = ax.pcolormesh(
        data[across].values, data[up].values, data.values, shading="nearest", rasterized=True,
        **scale,
    )  # fmt: skip
    ax.set_xlabel(label(data[across], across))
    ax.set_ylabel(label(data[up], up))
    ax.set_title(name)
    if {across, up} <= {"x", "y", "z"}:
        ax.set_aspect("equal")
    colour_bar(image, ax, "")
    return ax


def _panels(ds, name):
    """(values, title) of every panel that one output takes."""
    variable = ds[name]
    variable = variable.squeeze([d for d, n in variable.sizes.items() if n == 1 and d != "t"],
                                drop=True)  # fmt: skip
    free = [dim for dim in variable.dims if not is_tensor(dim)]
    if "t" not in free:
        return [(variable, name)]
    if free == ["t"]:
        return [(variable, name)]
    scan = scan_parameter(ds)
    if set(free) == {"t", "member"}:
        return _of_members(ds, variable, name, scan)
    state = variable.isel(t=-1, drop=True)
    space = [dim for dim in state.dims if not is_tensor(dim)]
    tensor = [dim for dim in state.dims if is_tensor(dim)]
    if "member" in space:
        if len(space) == 2 and not tensor:
            state = _along(state, ds, scan)
            space = [dim for dim in state.dims if not is_tensor(dim)][::-1]
            return [(state.transpose(*space), name)]
        state = state.isel(member=0, drop=True)
        name = f"{name} (member 0 of {ds.sizes['member']})"
        space.remove("member")
    if len(space) > 2:
        cut = {dim: _middle(state, dim) for dim in space[2:]}
        text = ", ".join(f"{dim} = {float(state[dim][at]):.3g}" for dim, at in cut.items())
        state, name = state.isel(cut, drop=True), f"{name} ({text})"
        space = space[:2]
    if len(space) == 2 and tensor:
        parts = state.stack(entry=tensor)
        return [
            (
                parts.isel(entry=index).drop_vars(["entry", *tensor], errors="ignore"),
                f"{name} {_entry(parts, index)}",
            )
            for index in range(parts.sizes["entry"])
        ]
    return [(state, name)]


def _middle(state, dim):
    """Index of the middle of the part that is not empty: bodies fill a part of their box."""
    size = np.abs(state).max([other for other in state.dims if other != dim]).values
    filled = np.flatnonzero(size > 1e-9 * size.max())
    return int(filled[filled.size // 2]) if filled.size else state.sizes[dim] // 2


def _of_members(ds, variable, name, scan):
    """Averages of members: the last value against the scanned parameter, or lines in time."""
    if scan is None:
        lines = variable.rename(member="component_member")
        return [(lines, name)]
    last = _along(variable.isel(t=-1, drop=True), ds, scan)
    return [(last, f"{name} at the end")]


def _along(state, ds, scan):
    """`state` with the scanned parameter in place of the member number, in ascending order."""
    if scan is None:
        return state
    rest = [n for n, c in state.coords.items() if "member" in c.dims and n not in (scan, "member")]
    state = state.drop_vars([*rest, "member"], errors="ignore")
    if scan not in state.coords:
        state = state.assign_coords({scan: ("member", ds[scan].values)})
    state = state.swap_dims(member=scan).sortby(scan)
    state[scan].attrs.update(ds[scan].attrs, scan=1)
    return state


def _entry(parts, index):
    entry = parts.entry.values[index]
    return ", ".join(map(str, entry)) if isinstance(entry, tuple) else str(entry)
