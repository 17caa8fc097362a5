"""A number of a sweep against one or two parameters (number=NAME)."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.errors import InputError, did_you_mean

NEEDS = {"sweep": ("quantum_torque",)}
#: Two parameters are drawn as lines if one of them has this many values or fewer.
MOST_LINES = 6


def draw(ax, sweep, number=None):
    """Draw `number` of a grid of one or two parameters, or of any cases.

    By default the first number that differs between cases.
    """
    names = numbers(sweep)
    name = number or next((one for one in names if _varies(_last(sweep[one]))), names[0])
    if name not in names:
        known = did_you_mean(name, names, f"it has {', '.join(map(repr, names))}")
        raise InputError(f"the sweep has no number '{name}'; {known}")
    values = _last(sweep[name])
    varied = [axis for axis in values.dims if axis != "case"]
    scalars = [
        key
        for key, held in sweep.coords.items()
        if held.dims == ("case",) and key != "case" and held.dtype.kind in "iuf"
    ]
    if len(varied) == 1:
        _line(ax, values, varied[0])
    elif len(varied) == 2 and min(values.sizes[axis] for axis in varied) <= MOST_LINES:
        _lines(ax, values, varied)
    elif len(varied) == 2:
        _map(ax, values, varied)
    elif "case" in values.dims and len(scalars) == 2:
        x, y = (sweep[key] for key in scalars)
        mesh = ax.scatter(x, y, c=values, cmap=style.SEQUENTIAL)
        ax.figure.colorbar(mesh, ax=ax, label=_label(name))
        ax.set_xlabel(style.label(x, scalars[0]))
        ax.set_ylabel(style.label(y, scalars[1]))
    else:
        along = scalars[0] if len(scalars) == 1 else "case"
        if "case" not in values.dims:
            raise InputError(
                f"{name} depends on {', '.join(varied)}: choose cases, as in load(SWEEP, "
                f"{varied[0]}=…)"
            )
        order = np.argsort(sweep[along].values)
        ax.plot(sweep[along].values[order], values.values[order], "o-", ms=4)
        ax.set_xlabel(along)
    if not ax.get_ylabel():
        ax.set_ylabel(_label(name))
    ax.set_title(style.run_name(sweep))
    finite = int(np.isfinite(values).sum())
    others = [f"number='{other}'" for other in names if other not in (name, "cpu_seconds")]
    lines = {"others": ", ".join(others)} if others else {}
    return {"cases": f"{finite} of {values.size} with a number", **lines}


def _line(ax, values, axis, text=None):
    along = values[axis]
    if along.dtype.kind in "iuf":
        ax.plot(along, values, "o-", ms=4, label=text)
    elif text:
        ax.plot([str(word) for word in along.values], values, "o", ms=4, label=text)
    else:
        ax.bar([str(word) for word in along.values], values)
    ax.set_xlabel(style.label(along, axis))


def _lines(ax, values, axes):
    """Draw one line for each value of the parameter that has fewer."""
    few, many = sorted(axes, key=lambda axis: values.sizes[axis])
    for value in values[few].values:
        _line(ax, values.sel({few: value}), many, f"{few} = {value}")
    ax.legend()


def _map(ax, values, axes):
    rows, columns = axes
    ticks = {}
    for axis in axes:
        along = values[axis].values
        ticks[axis] = along if along.dtype.kind in "iuf" else np.arange(len(along))
    mesh = ax.pcolormesh(ticks[columns], ticks[rows], values.values, cmap=style.SEQUENTIAL)
    ax.figure.colorbar(mesh, ax=ax, label=values.name)
    ax.set_xlabel(style.label(values[columns], columns))
    ax.set_ylabel(style.label(values[rows], rows))
    for axis, place in ((columns, ax.xaxis), (rows, ax.yaxis)):
        if values[axis].dtype.kind not in "iuf":
            place.set_ticks(ticks[axis], [str(word) for word in values[axis].values])


def numbers(sweep):
    """Names of the numbers that a sweep has for each case, results before costs."""
    axes = sweep["status"].dims
    names = [
        name
        for name, held in sweep.data_vars.items()
        if held.dims in (axes, (*axes, "t")) and held.dtype.kind in "iuf"
    ]
    return sorted(names, key=lambda name: (name == "cpu_seconds", name.startswith("expect ")))


def _last(values):
    """The number at the end of every run, of an output in time."""
    return values.isel(t=-1) if "t" in values.dims else values


def _varies(values):
    """True if a number differs between cases by more than rounding."""
    return float(values.max() - values.min()) > 1e-12 * float(abs(values).max())


def _label(name):
    """Name of a number as an axis shows it; an expectation is a deviation from what is expected."""
    return f"deviation: {name.removeprefix('expect ')}" if name.startswith("expect ") else name


def check(name, run):
    """Raise InputError for anything but a sweep."""
    if "sweep" not in run.attrs:
        raise InputError(f"{name}: this is one run; give the folder of a sweep")
    if not numbers(run):
        raise InputError(f"{name}: the sweep has no number for each case")


if __name__ == "__main__":
    run_figure(__file__)
