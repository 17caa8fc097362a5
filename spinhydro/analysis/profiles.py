"""The last state of every output, for any run in any number of dimensions."""

import numpy as np
from matplotlib.figure import Figure

from spinhydro.errors import InputError

from .style import DIVERGING, SEQUENTIAL, colour_bar, is_tensor, label, run_name

_COLUMNS = 3


def draw_profiles(ds):
    """Figure of all outputs: lines in one dimension, maps in two, the middle slice in three.

    Scalars are drawn against time.  Components of a vector share a panel in one dimension and have
    one each in two.  Complex outputs are drawn as |value|.

    Raises InputError if the run has no outputs.
    """
    panels = [panel for name in ds.data_vars for panel in _panels(ds, str(name))]
    if not panels:
        raise InputError("profiles: this run has no outputs to draw")
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.4 * rows + 0.4), layout="constrained")
    for index, (variable, name) in enumerate(panels):
        plot_state(variable, name, figure.add_subplot(rows, columns, index + 1), t=ds.t)
    figure.suptitle(f"{run_name(ds)}   t = {float(ds.t[-1]):.6g} {ds.t.attrs.get('units', '')}")
    return figure


def plot_state(variable, name, ax, t=None):
    """Draw one state (a DataArray without time), or a time series if its dimension is t."""
    values = np.abs(variable) if np.iscomplexobj(variable.values) else variable
    tensor = [dim for dim in values.dims if is_tensor(dim)]
    space = [dim for dim in values.dims if not is_tensor(dim)]
    if len(space) <= 1:
        axis = values[space[0]] if space else None
        lines = values.stack(entry=tensor) if tensor else values.expand_dims("entry")
        for column in range(lines.sizes["entry"]):
            line = lines.isel(entry=column)
            if axis is None:
                ax.plot(0, line.values, "o")
            else:
                text = ", ".join(map(str, np.atleast_1d(line.entry.values[()]))) if tensor else None
                modes = axis.name.startswith("k") or axis.size < 3
                style = {"ls": "", "marker": ".", "ms": 3} if modes else {"lw": 0.7, "alpha": 0.8}
                ax.plot(axis.values, line.values, label=text and f"{name} {text}", **style)
        if 2 <= lines.sizes["entry"] <= 4:
            ax.legend(loc="upper right", frameon=True, edgecolor="none", framealpha=0.8)
        ax.set_xlabel(label(t if t is not None and axis.name == "t" else axis, axis.name))
        ax.set_ylabel(label(variable, name))
        return ax
    across, up = space
    data = values.transpose(up, across)
    span = float(np.nanmax(np.abs(data)))
    both = float(np.nanmin(data)) < 0 < float(np.nanmax(data))
    scale = {"cmap": DIVERGING, "vmin": -span, "vmax": span} if both else {"cmap": SEQUENTIAL}
    image = ax.pcolormesh(
        data[across].values,
        data[up].values,
        data.values,
        shading="nearest",
        rasterized=True,
        **scale,
    )
    ax.set_xlabel(label(data[across], across))
    ax.set_ylabel(label(data[up], up))
    ax.set_title(name)
    colour_bar(image, ax, "")
    return ax


def _panels(ds, name):
    """(state, title) of every panel that one output takes."""
    variable = ds[name]
    if variable.dims == ("t",):
        return [(variable, name)]
    state = variable.isel(t=-1)
    space = [dim for dim in state.dims if not is_tensor(dim)]
    if len(space) > 2:
        cut = {dim: state.sizes[dim] // 2 for dim in space[2:]}
        text = ", ".join(f"{dim} = {float(state[dim][at]):.3g}" for dim, at in cut.items())
        state, name = state.isel(cut), f"{name} ({text})"
        space = space[:2]
    tensor = [dim for dim in state.dims if is_tensor(dim)]
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


def _entry(parts, index):
    entry = parts.entry.values[index]
    return ", ".join(map(str, entry)) if isinstance(entry, tuple) else str(entry)
