"""Spin density along a tube, three dimensions against one.

s_z of all atoms at x and that of the reduction to one dimension at five times, and the largest
difference.
"""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.sampling import squeezed
from spinhydro.analysis.style import CRITICAL, INK, label

NEEDS = {"run": ("tight_tube", "s_z_line", "s_z_1d")}


def draw(figure, run):
    """Draw s_z at five times, and the largest difference against time."""
    panels = style.grid_of_panels(figure, 6, 3, size=(2.6, 2.4))
    times = np.linspace(0, run.t.size - 1, 6).astype(int)[1:]
    here, reduced = (squeezed(run[name]).real for name in ("s_z_line", "s_z_1d"))
    unit = run.t.attrs.get("units", "")
    for ax, index in zip(panels, times, strict=False):
        ax.plot(run.x, here.isel(t=index), color=INK, label="three dimensions")
        ax.plot(run.x, reduced.isel(t=index), color=CRITICAL, ls="--", label="reduction")
        ax.set(title=f"t = {float(run.t[index]):.4g} {unit}", xlabel=label(run.x))
        ax.set_ylabel("$s_z$ ($n_0$)")
    panels[0].legend(loc="upper center")
    last = panels[-1]
    last.plot(run.t, np.abs(here - reduced).max("x"), color=INK)
    last.set(xlabel=label(run.t), title="largest difference of $s_z$", ylim=(0, None))
    style.sheet_title(figure, style.run_label(run))
    return {"largest difference of s_z": float(np.abs(here - reduced).max())}


if __name__ == "__main__":
    run_figure(__file__)
