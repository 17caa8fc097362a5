"""Path of a vortex core in the plane, and the point about which it turns in the end."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.sampling import squeezed

NEEDS = {"run": ("mumag5", "x_c", "y_c")}


def draw(ax, run, member=0):
    """Draw the path of one member."""
    x, y = path(run, member)
    ax.plot(x, y, lw=0.8)
    ax.plot(x[0], y[0], "o", ms=4, label="start")
    rest = centre(x, y)
    ax.plot(*rest, "x", color=style.CRITICAL, label="centre of the last turn")
    unit = run.x.attrs.get("units", "")
    ax.set(aspect="equal", xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    ax.legend()
    return {"x": rest[0], "y": rest[1]}


def path(run, member=0):
    """Positions of the core at all outputs, two arrays."""
    if "member" in run.dims:
        run = run.isel(member=int(member))
    return tuple(np.atleast_1d(squeezed(run[name]).values) for name in ("x_c", "y_c"))


def centre(x, y):
    """Mean position during the last full turn, counted about the mean of the last half."""
    half = len(x) // 2
    angle = np.unwrap(np.arctan2(y - y[half:].mean(), x - x[half:].mean()))
    turn = np.flatnonzero(np.abs(angle - angle[-1]) >= 2 * np.pi)
    first = turn[-1] if turn.size else half
    return float(x[first:].mean()), float(y[first:].mean())


if __name__ == "__main__":
    run_figure(__file__)
