r"""Figure 3 of Farolfi et al., Nature Physics 17, 1359 (2021): the theory panels.

b    magnetization Z(t, x), with the front that moves inwards and the slopes of c_s and c
f-h  densities of the two components over the total density at Omega_R t = 2 pi, 3 pi and 5 pi
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from spinhydro.errors import InputError

from .front import RANGE, THRESHOLDS, WIDTH, inward_front
from .interface import analytic_position, magnetization_map, rabi_period, require
from .sampling import at_times, squeezed
from .spacetime import plot_spacetime
from .style import (
    COMPONENT_DOWN,
    COMPONENT_UP,
    CRITICAL,
    INK,
    axes_or_new,
    frame_x,
    label,
    panel_letter,
    run_name,
)

HALO = [Stroke(linewidth=3, foreground="white"), Normal()]
TURNS = {"f": 1.0, "g": 1.5, "h": 2.5}


def component_densities(ds, turns):
    """(n_+/n, n_-/n, n/n(t=0) peak) of a run at Omega_R t/2π = `turns`: three arrays (N,).

    n_± = n (1 ± Z)/2.  Raises InputError if the run does not reach that time.
    """
    time = turns * rabi_period(ds)
    if time > float(ds.t[-1]) * (1 + 1e-9):
        raise InputError(
            f"Omega_R t = {2 * turns:g} pi needs t = {time:.4g}, and the run ends at "
            f"{float(ds.t[-1]):.4g}; let it go on, or resume it"
        )
    Z = at_times(magnetization_map(ds), ds.t.values, time)[0]
    n = at_times(squeezed(ds.n).transpose("t", "x").values, ds.t.values, time)[0]
    return (1 + Z) / 2, (1 - Z) / 2, n / squeezed(ds.n).isel(t=0).values.max()


def panel_b(ds, ax=None, thresholds=THRESHOLDS, fit_range=RANGE, width=WIDTH):
    """Map of Z; black bars x_c, solid the fitted front, dashed c_s, dash-dotted c from x_c on."""
    ax = axes_or_new(ax)
    plot_spacetime(ds, "Z", ax)
    frame_x(ax, ds)
    x_c = analytic_position(ds)
    for side in (-1, 1):
        bar = [side * x_c] * 2, [0, 0.4 * rabi_period(ds)]
        ax.plot(*bar, color=INK, lw=3, solid_capstyle="butt", path_effects=HALO)
    found = inward_front(ds, thresholds, width, fit_range)
    speed, start = found.attrs["speed"], float(np.nanmean(found.intercept))
    high, low = fit_range[1], fit_range[0]
    lines = [(speed, "-", f"front, {speed:.2f} {_speed_unit(ds)}")]
    if "sound_speed" in found.attrs:
        sound = found.attrs["sound_speed"]
        lines[0] = (speed, "-", f"front, {found.attrs['mach']:.2f} $c_s$")
        lines.append((sound, "--", "$c_s$"))
        if "g12_over_g" in ds.attrs:
            share = ds.attrs["g12_over_g"]
            # m c² = (g + g12) n/2, the paper's hbar kappa n g/(g - g12) but for g in place of the
            # mean of g and g12.
            lines.append((sound * np.sqrt((1 + share) / (1 - share)), "-.", "$c$"))
    begin = (start - high) / speed
    for slope, style, text in lines:
        for side in (-1, 1):
            end = min(begin + (high - low) / slope, float(ds.t[-1]))
            places = [side * high, side * (high - slope * (end - begin))]
            name = text if side > 0 else None
            ax.plot(places, [begin, end], style, color=INK, lw=1.2, label=name, path_effects=HALO)
    ax.legend(
        loc="lower center", ncols=3, frameon=True, framealpha=0.85, edgecolor="none", fontsize=6.5
    )
    return ax


def panel_profiles(ds, turns, ax=None, legend=False):
    """n_+/n and n_-/n where there is gas, and n over its initial peak in grey."""
    ax = axes_or_new(ax)
    up, down, n = component_densities(ds, turns)
    x = ds.x.values
    shown = n > 0.02
    ax.fill_between(x, n, color="0.86", lw=0, label="$n/n_0$")
    for values, colour, text in (
        (up, COMPONENT_UP, r"$n_{+1}/n$"),
        (down, COMPONENT_DOWN, r"$n_{-1}/n$"),
    ):
        ax.plot(x, np.where(shown, values, np.nan), color=colour, lw=0.8, label=text)
    x_c = analytic_position(ds)
    for side in (-1, 1):
        ax.axvline(side * x_c, color=CRITICAL, lw=0.6, ls=":")
    ax.set_ylim(0, 1.08)
    ax.set_ylabel("share of density")
    frame_x(ax, ds)
    ax.text(
        0.5,
        0.5,
        rf"$\Omega_R t = {2 * turns:g}\pi$",
        transform=ax.transAxes,
        ha="center",
    )
    if legend:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.1)
    return ax


def draw_panel_b(ds, *, thresholds=THRESHOLDS, fit_range=RANGE, width=WIDTH):
    """Fig. 3b on a sheet."""
    figure = Figure(figsize=(5.4, 4.2))
    ax = figure.add_axes([0.12, 0.19, 0.72, 0.73])
    panel_b(ds, ax, thresholds, fit_range, width)
    panel_letter(ax, "b")
    found = inward_front(ds, thresholds, width, fit_range)
    text = f"Run {run_name(ds)}. Front: {speed_text(found, ds)}; black bars: $x_c$.\n"
    recipe = found.attrs["recipe"].replace(", running", ",\nrunning")
    figure.text(0.03, 0.02, f"{text}{recipe}.", fontsize=6, va="bottom")
    return figure


def draw_profiles(ds, letters="fgh"):
    """Figs. 3f to h, or one of them, on a sheet."""
    figure = Figure(figsize=(5.4, 1.9 * len(letters) + 0.9))
    axes = figure.subplots(
        len(letters),
        1,
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "left": 0.11,
            "right": 0.97,
            "top": 1 - 0.35 / (1.9 * len(letters) + 0.9),
            "bottom": 0.62 / (1.9 * len(letters) + 0.9),
            "hspace": 0.14,
        },
    )[:, 0]
    for place, (letter, ax) in enumerate(zip(letters, axes, strict=True)):
        panel_profiles(ds, TURNS[letter], ax, legend=place == 0)
        panel_letter(ax, letter)
        ax.label_outer()
    figure.text(0.03, 0.012, f"Run {run_name(ds)}; dotted: $x_c$.", fontsize=6, va="bottom")
    return figure


def speed_text(found, ds):
    """The front's speed with its uncertainty, in words."""
    text = f"{found.attrs['speed']:.3f} ± {found.attrs['uncertainty']:.3f} {_speed_unit(ds)}"
    if "mach" in found.attrs:
        text += f" = {found.attrs['mach']:.2f} ± {found.attrs['mach_uncertainty']:.2f} $c_s$"
    return text


def reaches_front(ds, name):
    """Raise InputError unless at least a few outputs have the front inside the range."""
    try:
        inward_front(ds)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def reaches_turns(letters):
    """A check that the run reaches the first of the profiles."""

    def check(ds, name):
        require(ds, ["Z", "n"], ["Omega_R"], name)
        needed = max(TURNS[letter] for letter in letters) * rabi_period(ds)
        if float(ds.t[-1]) < needed * (1 - 1e-9):
            raise InputError(
                f"{name}: needs t = {needed:.4g}, and the run ends at {float(ds.t[-1]):.4g}; "
                "let it go on, or run with a larger stop_time"
            )

    return check


def _speed_unit(ds):
    return f"{label(ds.x, '').strip(' ()')}/{label(ds.t, '').strip(' ()')}"
