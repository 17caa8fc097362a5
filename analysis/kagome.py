"""Spins of a kagome lattice at their sites, and the frequency of their precession."""

import numpy as np

from spinhydro.analysis import run_figure, style

NEEDS = {"run": ("kagome", "m_A", "m_B", "m_C")}
#: Primitive vectors over the lattice constant, and the places of the sites as multiples of them.
VECTORS = np.array([[1, 0], [1 / 2, np.sqrt(3) / 2]])
SITES = {"m_A": (0, 0), "m_B": (1 / 2, 0), "m_C": (0, 1 / 2)}


def draw(ax, run, member=0):
    """Draw the last output: colours for 1 - m_z, arrows for the part in the plane."""
    if "member" in run.dims:
        run = run.isel(member=int(member))
    now = [run[name].isel(t=-1).transpose("spin", "x", "y").values for name in SITES]
    tilt, across = (max(np.max(f(m)) for m in now) for f in (lambda m: 1 - m[2], _across))
    cells = np.stack(np.meshgrid(run.x.values, run.y.values, indexing="ij"), axis=-1)
    a = float(run.x[1] - run.x[0])
    for m, site in zip(now, SITES.values(), strict=True):
        x, y = np.moveaxis((cells + a * np.array(site)) @ VECTORS, -1, 0)
        points = ax.scatter(x, y, c=1 - m[2], s=40, cmap="YlOrRd", vmin=0, vmax=tilt)
        ax.quiver(
            x, y, m[0], m[1], angles="xy", scale_units="xy", scale=2.2 * across / a, width=4e-3,
            headwidth=4, headlength=4, headaxislength=4, pivot="mid",
        )  # fmt: skip
    ax.set(aspect="equal", xlabel=f"x ({run.x.units})", ylabel=f"y ({run.y.units})")
    style.colour_bar(points, ax, "$1 - m_z$")
    return {"frequency": frequency(run), "exact": float(run.attrs["Omega"])}


def frequency(run):
    """Slope of the azimuth of that spin A which has the largest part in the plane."""
    m = run.m_A.transpose("t", "spin", "x", "y").values
    wave = (m[:, 0] + 1j * m[:, 1]).reshape(run.t.size, -1)
    wave = wave[:, np.argmax(np.abs(wave[0]))]
    return float(np.polyfit(run.t.values, np.unwrap(np.angle(wave)), 1)[0])


def _across(m):
    return np.hypot(m[0], m[1])


if __name__ == "__main__":
    run_figure(__file__)
