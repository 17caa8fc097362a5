"""Maps of a two-component gas in a plane, and a tube against its reduction to one dimension."""

import numpy as np
from matplotlib.figure import Figure

from spinhydro.errors import InputError

from .profiles import plot_state
from .sampling import squeezed
from .style import CRITICAL, INK, colour_bar, label, run_name
from .vortices import half_vortices

CYCLIC = "twilight"


def has_plane(ds, name):
    """Raise InputError unless the spin density is given over x and y."""
    if "s" not in ds or not {"x", "y"} <= set(ds.s.dims) or "z" in ds.s.dims:
        raise InputError(f"{name}: it takes a run in a plane with the spin density as output 's'")


def draw_maps(ds, *, time=None):
    """Density, Z, relative phase and vorticity (or current) at one time, with the half-vortices.

    `time` in the units of the run; the nearest output is drawn, by default the last.
    """
    index = ds.t.size - 1 if time is None else int(np.argmin(np.abs(ds.t.values - float(time))))
    now = ds.isel(t=index).squeeze(drop=True)
    figure = Figure(figsize=(6.6, 5.6), layout="constrained")
    names = [name for name in ("n", "Z", "vorticity") if name in ds]
    axes = [figure.add_subplot(2, 2, i + 1) for i in range(len(names) + 1)]
    for name, ax in zip(names, axes, strict=False):
        plot_state(now[name], name, ax)
    phase = np.arctan2(now.s.values[1], now.s.values[0])
    image = axes[-1].pcolormesh(
        now.x, now.y, phase.T, cmap=CYCLIC, vmin=-np.pi, vmax=np.pi, rasterized=True
    )
    colour_bar(image, axes[-1], "relative phase (rad)")
    axes[-1].set(xlabel=label(ds.x), ylabel=label(ds.y), aspect="equal")
    for vortex in half_vortices(ds, index):
        for ax in axes:
            marker = "^" if vortex.sense > 0 else "v"
            ax.plot(vortex.x, vortex.y, marker, ms=5, mfc="none", mec=CRITICAL, mew=0.8)
    unit = ds.t.attrs.get("units", "")
    figure.suptitle(f"{run_name(ds)}   t = {float(ds.t[index]):.6g} {unit}")
    return figure


def draw_tube(ds):
    """s_z of all atoms at x and that of the reduction at four times, and their difference."""
    figure = Figure(figsize=(6.6, 4.6), layout="constrained")
    panels = figure.subplots(2, 3)
    times = np.linspace(0, ds.t.size - 1, 6).astype(int)[1:]
    here, reduced = (squeezed(ds[name]).real for name in ("s_z_line", "s_z_1d"))
    unit = ds.t.attrs.get("units", "")
    for ax, index in zip(panels.flat, times, strict=False):
        ax.plot(ds.x, here.isel(t=index), color=INK, label="three dimensions")
        ax.plot(ds.x, reduced.isel(t=index), color=CRITICAL, ls="--", label="reduction")
        ax.set(title=f"t = {float(ds.t[index]):.4g} {unit}", xlabel=label(ds.x))
        ax.set_ylabel("$s_z$ ($n_0$)")
    panels.flat[0].legend(loc="upper center")
    last = panels.flat[-1]
    last.plot(ds.t, np.abs(here - reduced).max("x"), color=INK)
    last.set(xlabel=label(ds.t), title="largest difference of $s_z$", ylim=(0, None))
    figure.suptitle(run_name(ds))
    return figure
