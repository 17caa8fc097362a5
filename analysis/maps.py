"""Maps in a plane: density, Z, relative phase and half-vortices, or the spins of a magnet (time=).

Of a gas: n, Z, the vorticity if the run has it, and the relative phase with the half-vortices
(triangles).  Of a magnet: m_z with arrows for the part in the plane, the azimuth, and the density
of topological charge, whose sum is printed.
"""

import numpy as np

from spinhydro.analysis import profiles, run_figure, style
from spinhydro.analysis.magnets import has_spins, space_axes, spins
from spinhydro.analysis.textures import charge_density, topological_charge
from spinhydro.analysis.vortices import half_vortices
from spinhydro.errors import InputError

NEEDS = {"run": ("rabi_wall",)}
CYCLIC = "twilight"
# Arrows along an axis: more hide the map below them.
ARROWS = 20


def draw(figure, run, time=None, member=0):
    """Draw the output nearest to `time` (default: the last)."""
    index = run.t.size - 1 if time is None else int(np.argmin(np.abs(run.t.values - float(time))))
    unit = run.t.attrs.get("units", "")
    text = f"{style.member_label(run, member)}   t = {float(run.t[index]):.6g} {unit}"
    style.sheet_title(figure, text)
    if "member" in run.dims:
        run = run.isel(member=int(member))
    if _is_gas(run):
        return _draw_gas(figure, run, index)
    return _draw_magnet(figure, run, index)


def check(name, run):
    """Raise InputError unless the spins are given over x and y."""
    if _is_gas(run):
        return
    if not has_spins(run) or space_axes(spins(run)) != ["x", "y"]:
        raise InputError(
            f"{name}: needs spins s or m over x and y; a volume needs a plane, --cut z=0"
        )


def _is_gas(run):
    return "s" in run and "n" in run and {"x", "y"} <= set(run.s.dims) and "z" not in run.s.dims


def _draw_gas(figure, run, index):
    now = run.isel(t=index).squeeze(drop=True)
    names = [name for name in ("n", "Z", "vorticity") if name in run]
    axes = style.grid_of_panels(figure, len(names) + 1, 2, size=(3.5, 2.9))
    for name, ax in zip(names, axes, strict=False):
        profiles.plot_state(now[name].transpose("x", "y"), name, ax)
    phase = np.arctan2(now.s.values[1], now.s.values[0])
    _angle(axes[-1], now, phase, "relative phase (rad)")
    found = half_vortices(run, index)
    for vortex in found:
        for ax in axes:
            marker = "^" if vortex.sense > 0 else "v"
            ax.plot(vortex.x, vortex.y, marker, ms=5, mfc="none", mec=style.CRITICAL, mew=0.8)
    return {"half-vortices": len(found)}


def _draw_magnet(figure, run, index):
    m = spins(run).isel(t=[index])
    now = m.isel(t=0, member=0).transpose("spin", "x", "y")
    up, turn, charge = style.grid_of_panels(figure, 3, 3, size=(3.5, 2.9))
    profiles.plot_state(now.isel(spin=2, drop=True), "$m_z$", up)
    every = [max(1, run.sizes[axis] // ARROWS) for axis in "xy"]
    few = now.isel(x=slice(None, None, every[0]), y=slice(None, None, every[1]))
    up.quiver(few.x, few.y, few[0].T, few[1].T, pivot="mid", scale=1.4 * ARROWS, width=0.004)
    _angle(turn, now, np.arctan2(now.values[1], now.values[0]), "azimuth (rad)")
    density = charge_density(run.isel(t=[index])).isel(t=0, member=0)
    profiles.plot_state(density, "topological charge per cell", charge)
    total = float(topological_charge(run.isel(t=[index])).values[0, 0])
    return {"topological charge": f"{total:.4f}"}


def _angle(ax, now, angle, text):
    image = ax.pcolormesh(
        now.x, now.y, angle.T, cmap=CYCLIC, vmin=-np.pi, vmax=np.pi, rasterized=True
    )
    style.colour_bar(image, ax, text)
    ax.set(xlabel=style.label(now.x, "x"), ylabel=style.label(now.y, "y"), aspect="equal")


if __name__ == "__main__":
    run_figure(__file__)
