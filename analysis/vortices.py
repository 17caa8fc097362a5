"""Density and phase of a gas in a plane with its vortices, and the paths that they took."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.rows import Row
from spinhydro.analysis.style import CRITICAL, INK, label
from spinhydro.analysis.tracking import velocity
from spinhydro.analysis.vortices import vortex_tracks, vortices
from spinhydro.errors import InputError

NEEDS = {"run": ("vortex_dipole", "psi")}
SIGNS = ((1, "^", CRITICAL), (-1, "v", INK))


def draw(figure, run, index=-1):
    """Draw |psi|^2 and arg psi at one output, and the paths of all vortices until the last."""
    panels = style.grid_of_panels(figure, 3, 3, size=(2.5, 2.4))
    psi = run.psi.isel(t=index)
    psi = (psi.isel(member=0) if "member" in psi.dims else psi).transpose("y", "x")
    density, phase = np.abs(psi.values) ** 2, np.angle(psi.values)
    now, tracks = vortices(run, "psi", index), _tracks(run)
    unit = run.t.attrs.get("units", "")
    panels[0].pcolormesh(run.x, run.y, density, cmap="Greys_r", vmin=0)
    panels[0].set_title(f"$|\\psi|^2$, t = {float(run.t[index]):.4g} {unit}")
    panels[1].pcolormesh(run.x, run.y, phase, cmap="twilight", vmin=-np.pi, vmax=np.pi)
    panels[1].set_title(r"arg $\psi$")
    for charge, marker, colour in SIGNS:
        chosen = now.charge.values == charge
        for ax in panels[:2]:
            ax.plot(now.x.values[chosen], now.y.values[chosen], marker, color=colour, ms=4)
        if tracks is not None:
            chosen = tracks.charge.values == charge
            panels[2].plot(tracks.x.values[:, chosen], tracks.y.values[:, chosen], color=colour)
    panels[2].set_title("paths" if tracks is not None else "no vortex at the start")
    panels[2].axis("on" if tracks is not None else "off")
    for ax in panels:
        ax.set(aspect="equal", xlabel=label(run.x), ylabel=label(run.y))
    style.sheet_title(figure, style.run_label(run))
    return {"vortices": int(now.charge.size)}


def _tracks(run):
    """Paths of the vortices of the first output; None without any."""
    try:
        return vortex_tracks(run)
    except InputError:
        return None


def check(name, run):
    """Raise InputError unless psi lies in a plane."""
    if not {"x", "y"} <= set(run.psi.dims) or "z" in run.psi.dims:
        raise InputError(f"{name}: psi runs along {', '.join(run.psi.dims)}, not along x and y")


def title(ds):
    """Return the heading of the table."""
    return f"{style.run_label(ds)}: vortices"


def measure(ds, others=(), exact=False):
    """Return rows: velocity of every vortex; along x beside that of point vortices with images."""
    tracks, rows = vortex_tracks(ds), []
    for vortex, charge in enumerate(tracks.charge.values):
        for axis in "xy":
            found = float(velocity(tracks[axis])[vortex])
            expected = {}
            if "speed" in ds.attrs and axis == "x":
                expected = {"reference": ds.attrs["speed"], "tolerance": 0.01 * ds.attrs["speed"]}
            rows.append(
                Row(f"v_{axis} of vortex {vortex}, charge {charge:+d}", found, "um/ms", **expected)
            )
    return rows


if __name__ == "__main__":
    run_figure(__file__)
