"""Space-time maps: any output that runs along time and one axis."""

import numpy as np

from spinhydro.errors import InputError

from .complex_outputs import as_real
from .sampling import squeezed
from .style import DIVERGING, SEQUENTIAL, axes_or_new, colour_bar, is_tensor, label

#: Magnetizations below this are drawn on their own scale: small waves about Z = 0.
FAINT = 0.1
#: Values below this are rounding.
ROUNDING = 1e-9


def space_time(variable, ax=None, colour_scale=None, bar=True, name=None):
    """Draw a variable (t, axis) against position (across) and time (up).

    Parameters
    ----------
    variable : DataArray of dimensions (t, axis); axes of one point are dropped
        Complex values are drawn as |value|².
    ax : matplotlib axes, optional
    colour_scale : (low, high), optional
        Default: -1 to 1 for Z (its own range below FAINT); symmetric about zero, with a
        diverging map, for values of both signs; the whole range otherwise.
    bar : bool
        Draw a colour bar.
    name : str, optional
        Label of the colour bar; default: the name of the variable.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    InputError
        Other dimensions, or fewer than two times.
    """
    variable = squeezed(variable)
    name = str(variable.name if name is None else name)
    if not _is_map(variable):
        raise InputError(
            f"space-time map: {name} runs along {', '.join(map(str, variable.dims))}, not time "
            "and one axis"
        )
    if variable.sizes["t"] < 2:
        raise InputError("space-time map: the run has one output so far; at least 2 are needed")
    position = variable.coords.get(variable.dims[1], variable[variable.dims[1]])
    values, text = as_real(np.asarray(variable.values)), label(variable, name)
    if np.iscomplexobj(values):
        values, text = np.abs(values) ** 2, f"|{name}|²"
    low, high, colours = _colours(name, values, colour_scale)
    ax = axes_or_new(ax)
    t = variable.t
    image = draw_image(ax, position.values, t.values, values, vmin=low, vmax=high, cmap=colours)
    ax.set_xlabel(label(position, variable.dims[1]))
    ax.set_ylabel(label(t, "t"))
    if bar:
        colour_bar(image, ax, text)
    return ax


def plot_spacetime(ds, name="Z", ax=None, colour_scale=None, bar=True):
    """Draw output `name` of a dataset as `space_time` does; see there."""
    return space_time(spacetime_variable(ds, name), ax, colour_scale, bar, name)


def first_map(ds):
    """Name of the first output along time and one axis, Z before all others; None without one.

    An output that is zero up to rounding at the start and at the end comes last.
    """
    names = [str(name) for name in ["Z", *ds.data_vars] if name in ds and _is_map(ds[name])]
    return next((name for name in names if not is_faint(ds[name])), names[0] if names else None)


def is_faint(variable):
    """Return whether the first and the last values of an output are zero up to rounding."""
    ends = variable.isel(t=[0, -1]).values
    return bool(np.nanmax(np.abs(ends), initial=0) < ROUNDING)


def spacetime_variable(ds, name):
    """The output `name` with dimensions (t, axis), axes of one point dropped; else InputError."""
    names = [str(key) for key in ds.data_vars if _is_map(ds[key])]
    if name not in ds or not _is_map(ds[name]):
        if name in ds:
            what = f"output {name!r} runs along {', '.join(ds[name].dims)}, not time and one axis"
        else:
            what = f"this run has no output {name!r}"
        offer = (
            f"choose one of {', '.join(names)}"
            if names
            else "no output runs along time and one axis"
        )
        raise InputError(f"space-time map: {what}; {offer}")
    if ds.sizes["t"] < 2:
        raise InputError("space-time map: the run has one output so far; at least 2 are needed")
    return squeezed(ds[name])


def _is_map(variable):
    dims = squeezed(variable).dims
    return len(dims) == 2 and dims[0] == "t" and not is_tensor(dims[1])


def _colours(name, values, limits):
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    span = max(abs(low), abs(high))
    if limits is None and name == "Z" and not 0 < span < FAINT:
        limits = (-1.0, 1.0)
    if limits is None:
        limits = (-span, span) if low < 0 < high else (low, high)
    return *limits, DIVERGING if limits[0] == -limits[1] else SEQUENTIAL


def draw_image(ax, x, t, values, **kwargs):
    """Map of values (t, x) with x across and t up, on regular and irregular points."""
    steps = np.diff(t)
    if (
        len(x) > 1
        and np.ptp(np.diff(x)) < 1e-6 * abs(x[-1] - x[0]) / len(x)
        and (np.ptp(steps) < 1e-3 * steps.mean())
    ):
        half_x, half_t = (x[1] - x[0]) / 2, steps.mean() / 2
        extent = (x[0] - half_x, x[-1] + half_x, t[0] - half_t, t[-1] + half_t)
        image = ax.imshow(
            values, extent=extent, origin="lower", aspect="auto", interpolation="nearest", **kwargs
        )
    else:
        # Irregular output times (a restart, an adaptive step) or a Chebyshev axis.
        image = ax.pcolormesh(x, t, values, shading="nearest", rasterized=True, **kwargs)
    ax.set_ylim(t[0], t[-1])
    ax.set_xlim(x.min(), x.max())
    return image
