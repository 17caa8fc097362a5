r"""Figs. 3f to 3h of paper A: densities of the two components at Omega_R t = 2, 3 and 5 pi.

Farolfi et al., Nature Physics 17, 1359 (2021).
"""

import numpy as np

from spinhydro.analysis import interface, run_figure, style
from spinhydro.analysis.sampling import at_times, squeezed
from spinhydro.errors import InputError

NEEDS = {"gpe": ("coupled_gpe", "Z", "n", "Omega_R", "kappa_n0")}
LINE = True
PANELS = {"fig3f": "draw_f", "fig3g": "draw_g", "fig3h": "draw_h"}
TURNS = {"f": 1.0, "g": 1.5, "h": 2.5}


def draw(figure, gpe, letters="fgh"):
    """Component densities at Omega_R t = 2, 3 and 5 pi."""
    height = 1.9 * len(letters) + 0.9
    figure.set_size_inches(5.4, height)
    edges = {
        "left": 0.11, "right": 0.97, "top": 1 - 0.35 / height, "bottom": 0.62 / height,
        "hspace": 0.14,
    }  # fmt: skip
    axes = figure.subplots(len(letters), 1, sharex=True, squeeze=False, gridspec_kw=edges)[:, 0]
    for place, (letter, ax) in enumerate(zip(letters, axes, strict=True)):
        panel(gpe, TURNS[letter], ax, legend=place == 0)
        style.panel_letter(ax, letter)
        ax.label_outer()
    text = f"Run {style.run_label(gpe)}; dotted: $x_c$."
    figure.text(0.03, 0.012, text, fontsize=6, va="bottom")


def draw_f(figure, gpe):
    """Component densities at Omega_R t = 2 pi."""
    draw(figure, gpe, "f")


def draw_g(figure, gpe):
    """Component densities at Omega_R t = 3 pi."""
    draw(figure, gpe, "g")


def draw_h(figure, gpe):
    """Component densities at Omega_R t = 5 pi."""
    draw(figure, gpe, "h")


def check(name, gpe):
    """Raise InputError unless the run reaches the last of the profiles."""
    interface.critical_position(gpe)
    needed = max(TURNS[letter] for letter in name[4:]) * interface.rabi_period(gpe)
    if float(gpe.t[-1]) < needed * (1 - 1e-9):
        raise InputError(
            f"{name}: needs t = {needed:.4g}, and the run ends at {float(gpe.t[-1]):.4g}; "
            "let it go on, or run with a larger stop_time"
        )


def component_densities(ds, turns):
    """Return n_+/n, n_-/n and n over its initial peak at Omega_R t/2π = `turns`: three arrays (N,).

    n_± = n (1 ± Z)/2.  Raises InputError if the run does not reach that time.
    """
    time = turns * interface.rabi_period(ds)
    if time > float(ds.t[-1]) * (1 + 1e-9):
        raise InputError(
            f"Omega_R t = {2 * turns:g} pi needs t = {time:.4g}, and the run ends at "
            f"{float(ds.t[-1]):.4g}; let it go on, or resume it"
        )
    Z = at_times(interface.magnetization_map(ds), ds.t.values, time)[0]
    n = at_times(squeezed(ds.n).transpose("t", "x").values, ds.t.values, time)[0]
    return (1 + Z) / 2, (1 - Z) / 2, n / squeezed(ds.n).isel(t=0).values.max()


def panel(ds, turns, ax, legend=False):
    """Draw n_+/n and n_-/n where there is gas, and n over its initial peak in grey."""
    up, down, n = component_densities(ds, turns)
    x = ds.x.values
    shown = n > 0.02
    ax.fill_between(x, n, color="0.86", lw=0, label="$n/n_0$")
    for values, colour, text in (
        (up, style.COMPONENT_UP, r"$n_{+1}/n$"),
        (down, style.COMPONENT_DOWN, r"$n_{-1}/n$"),
    ):
        ax.plot(x, np.where(shown, values, np.nan), color=colour, lw=0.8, label=text)
    x_c = interface.critical_position(ds)
    for side in (-1, 1):
        ax.axvline(side * x_c, color=style.CRITICAL, lw=0.6, ls=":")
    ax.set_ylim(0, 1.08)
    ax.set_ylabel("share of density")
    style.frame_x(ax, ds)
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


if __name__ == "__main__":
    run_figure(__file__)
