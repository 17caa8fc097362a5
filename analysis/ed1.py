r"""Extended Data 1 of paper A: spin hydrodynamics (SH) against the Landau-Lifshitz equation (LLE).

Farolfi et al., Nature Physics 17, 1359 (2021).  The first run is SH (a Gross-Pitaevskii or
hydrodynamic run), the second the LLE (frozen density); the region around the interface before and
after it breaks:

a  n/n(t=0) - 1    b  |n v|         c  Z of the SH
d  |j_s|           e  Z of the LLE  f  |j_torque|, the part of j_s whose divergence is the torque

Currents in atoms/ms: densities in units of the peak are scaled to `atoms` in the whole cloud.
"""

import numpy as np
import xarray as xr

from spinhydro.analysis import maps, run_figure, style
from spinhydro.analysis.interface import (
    analytic_position,
    length,
    magnetization_map,
    rabi_period,
    require,
    spin_currents,
)
from spinhydro.analysis.sampling import squeezed
from spinhydro.errors import InputError

NEEDS = {
    "ds": ("coupled_gpe", "Z", "n", "s", "Omega_R", "kappa_n0", "hbar_over_m"),
    "lle": ("quantum_torque", "Z", "n", "Omega_R", "kappa_n0"),
}
LINE = True
PANELS = {
    "ed1a": "draw_a",
    "ed1b": "draw_b",
    "ed1c": "draw_c",
    "ed1d": "draw_d",
    "ed1e": "draw_e",
    "ed1f": "draw_f",
}
ATOMS = 5e5
HALF_WIDTH = 25.0
PERIODS = (0.4, 2.0)
TITLES = {
    "a": r"$\delta n/n$ (%), SH",
    "b": r"$|j|$, SH",
    "c": r"$Z$, SH",
    "d": r"$|\mathbf{j}_s|$, SH",
    "e": r"$Z$, LLE",
    "f": r"$|\mathbf{j}_s|$, torque part, SH",
}


def draw(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Draw all panels; `lle` is the Landau-Lifshitz run of the same cloud (panel e)."""
    figure.set_size_inches(9.4, 6.4)
    data = interface_maps(ds, lle, atoms, half_width, periods)
    letters = [letter for letter in "abcdef" if letter in data]
    places = {"a": (0, 0), "c": (0, 1), "e": (0, 2), "b": (1, 0), "d": (1, 1), "f": (1, 2)}
    grid = figure.add_gridspec(
        2, 3, left=0.055, right=0.93, top=0.93, bottom=0.13, wspace=0.5, hspace=0.22
    )
    limit = float(np.nanquantile(data.d, 0.999))
    for letter in letters:
        row, column = places[letter]
        ax = plot_map(data, letter, figure.add_subplot(grid[row, column]), limit)
        style.panel_letter(ax, letter)
        if row == 0:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    figure.text(0.055, 0.02, caption(ds, lle, atoms), fontsize=6.5, va="bottom")


def draw_a(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Density modulation around the interface."""
    _draw_panel(figure, "a", ds, lle, atoms, half_width, periods)


def draw_b(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """|n v| around the interface."""
    _draw_panel(figure, "b", ds, lle, atoms, half_width, periods)


def draw_c(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Z around the interface."""
    _draw_panel(figure, "c", ds, lle, atoms, half_width, periods)


def draw_d(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """|j_s| around the interface."""
    _draw_panel(figure, "d", ds, lle, atoms, half_width, periods)


def draw_e(figure, ds, lle, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Z of the LLE, the second run, around the interface."""
    _draw_panel(figure, "e", ds, lle, atoms, half_width, periods)


def draw_f(figure, ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Torque part of |j_s| around the interface."""
    _draw_panel(figure, "f", ds, lle, atoms, half_width, periods)


def check(name, ds):
    """Raise InputError for a run at rest, or a cloud without an interface."""
    if "v" not in ds:
        raise InputError(
            f"{name}: this run has no velocity v; run problems/coupled_gpe.py or "
            "problems/spinor_hydrodynamics.py"
        )
    _part(ds, analytic_position(ds), HALF_WIDTH, PERIODS, rabi_period(ds))


def order(runs):
    """Sort runs with a velocity before those with a frozen density."""
    return sorted(runs, key=lambda ds: "v" not in ds)


def _draw_panel(figure, letter, ds, lle, atoms, half_width, periods):
    figure.set_size_inches(4.6, 3.6)
    data = interface_maps(ds, lle, atoms, half_width, periods)
    ax = plot_map(data, letter, figure.add_axes([0.13, 0.2, 0.66, 0.7]))
    style.panel_letter(ax, letter)
    text = style.wrapped(caption(ds, lle, atoms), 90)
    figure.text(0.03, 0.02, text, fontsize=5.5, va="bottom")


def interface_maps(ds, lle=None, atoms=ATOMS, half_width=HALF_WIDTH, periods=PERIODS):
    """Return the six maps around the right interface.

    Parameters
    ----------
    ds : Dataset with Z, n, v (t, x), s (t, spin, x), parameters Omega_R, kappa_n0, hbar_over_m
    lle : Dataset with Z (t, x), optional; without it `e` is left out
    atoms : float, number of atoms in the cloud; 0 leaves densities in units of their peak
    half_width : float, the region x_c ± half_width
    periods : (first, last) of Omega_R t/2π

    Returns
    -------
    Dataset with variables a, b, c, d, f (t, x) and e (t_lle, x_lle).

    Raises
    ------
    InputError
        What is missing; a frozen density (no v); two runs of different clouds; no outputs in the
        interval.
    """
    if "v" not in ds:
        raise InputError(
            "Extended Data 1: this run has no velocity v; the panels need spin hydrodynamics, "
            "as spinhydro run problems/coupled_gpe.py gives"
        )
    require(ds, ["Z", "n", "s", "v"], ["Omega_R", "kappa_n0", "hbar_over_m"], "Extended Data 1")
    x_c, period = analytic_position(ds), rabi_period(ds)
    n = squeezed(ds.n).transpose("t", "x").values
    spacing = float(np.mean(np.diff(ds.x.values)))
    scale = atoms / (n[0].sum() * spacing) if atoms else 1.0
    rows, columns = _part(ds, x_c, half_width, periods, period)
    part = ds.isel(t=rows)
    currents = spin_currents(part)
    n, v = n[rows], squeezed(part.v).transpose("t", "x").values
    total = currents.j_torque.values + currents.advection.values
    start = squeezed(ds.n).isel(t=0).values
    panels = {
        "a": 100 * (n / np.where(start > 0, start, np.nan) - 1),
        "b": scale * np.abs(n * v),
        "c": magnetization_map(part),
        "d": scale * length(total),
        "f": scale * length(currents.j_torque.values),
    }
    units = {"b": "atoms/ms", "d": "atoms/ms", "f": "atoms/ms"} if atoms else {}
    out = xr.Dataset(
        {
            name: (("t", "x"), values[:, columns], {"units": units.get(name, "")})
            for name, values in panels.items()
        },
        coords={"t": part.t, "x": ds.x[columns]},
        attrs=ds.attrs,
    )
    if lle is not None:
        require(lle, ["Z", "n"], ["Omega_R", "kappa_n0"], "Extended Data 1, LLE run")
        for name in ("Omega_R", "kappa_n0"):
            if not np.isclose(ds.attrs[name], lle.attrs[name], rtol=1e-9):
                raise InputError(
                    f"Extended Data 1: the two runs have different {name} "
                    f"({ds.attrs[name]:.6g} and {lle.attrs[name]:.6g}); give runs of one cloud"
                )
        rows, columns = _part(lle, x_c, half_width, periods, period)
        Z = magnetization_map(lle)[rows][:, columns]
        out["e"] = (("t_lle", "x_lle"), Z)
        out = out.assign_coords(t_lle=lle.t.values[rows], x_lle=lle.x.values[columns])
    return out


def plot_map(panels, letter, ax, limit=None):
    """Draw one of the maps on `ax`, with x_c dotted; `limit`: common scale of d and f."""
    data = panels[letter]
    if letter == "e":
        data = data.rename(t_lle="t", x_lle="x")
        data = data.assign_coords(t=data.t.assign_attrs(panels.t.attrs))
        data = data.assign_coords(x=data.x.assign_attrs(panels.x.attrs))
    frame = data.rename(TITLES[letter]).to_dataset()
    scales = {"c": (-1, 1), "e": (-1, 1)}
    if letter == "a":
        # The largest excursions are narrow: they saturate, the rest is seen.
        span = float(np.nanquantile(np.abs(data), 0.995))
        scales["a"] = (-span, span)
    elif letter in "bdf":
        own = letter == "b" or limit is None
        scales[letter] = (0, float(np.nanquantile(data, 0.999)) if own else limit)
    maps.plot_spacetime(frame, TITLES[letter], ax, scales.get(letter))
    ax.axvline(float(panels.x[0] + panels.x[-1]) / 2, color=style.CRITICAL, lw=0.8, ls=":")
    return ax


def caption(ds, lle, atoms):
    """Return what the maps were drawn from."""
    text = f"SH: run {style.run_label(ds)}"
    if lle is not None:
        text += f"; LLE: run {style.run_label(lle)}"
    if atoms:
        text += f"; currents for {atoms:.3g} atoms"
    unit = style.label(ds.x, "").strip(" ()")
    return f"{text}.  Dotted: $x_c$ = {analytic_position(ds):.2f} {unit}."


def _part(ds, x_c, half_width, periods, period):
    t, x = ds.t.values, ds.x.values
    rows = np.flatnonzero((t >= periods[0] * period - 1e-9) & (t <= periods[1] * period + 1e-9))
    columns = np.flatnonzero(np.abs(x - x_c) <= half_width)
    if len(rows) < 2 or len(columns) < 2:
        raise InputError(
            f"Extended Data 1: {len(rows)} outputs with Omega_R t/2pi from {periods[0]:g} to "
            f"{periods[1]:g} and {len(columns)} grid points within {half_width:g} of x_c; two of "
            "each are needed"
        )
    return rows, columns


if __name__ == "__main__":
    run_figure(__file__)
