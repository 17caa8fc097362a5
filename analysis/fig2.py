r"""Fig. 2 of paper A: quantum torque at the magnetic interface, panels a to g.

Farolfi et al., Nature Physics 17, 1359 (2021).

a  local oscillation frequency against x, and Z(t) at four points A to D
b  magnetic anisotropy kappa n(x) and its critical value 2 Omega_R
c  magnetization without quantum torque       d  with quantum torque
e  Z, f  |j_s|/(n c_s), g  |dx j_s|/|H x s|_max near the interface as it breaks

`ds` is the run with torque, `without` the run with torque=0; without the latter, the exact local
solution on the density of `ds` replaces it.
"""

import numpy as np

from spinhydro.analysis import interface, maps, run_figure, style
from spinhydro.analysis.breaking import PROFILE_PERIODS, interface_profiles, reached
from spinhydro.analysis.interface import analytic_position, rabi_period
from spinhydro.analysis.local_dynamics import (
    frequency_profile,
    has_torque,
    require_one_state,
    require_torque,
    torque_first,
    without_torque,
)
from spinhydro.analysis.style import CRITICAL, INK, TORQUE
from spinhydro.errors import InputError

NEEDS = {
    "ds": ("quantum_torque", "n", "Omega_R", "kappa_n0"),
    "without": ("quantum_torque torque=0", "Z", "n", "Omega_R", "kappa_n0"),
}
LINE = True
PANELS = {
    "fig2a": "panel_a",
    "fig2b": "panel_b",
    "fig2c": "panel_c",
    "fig2d": "panel_d",
    "fig2e": "panel_e",
    "fig2f": "panel_f",
    "fig2g": "panel_g",
    "fig2cd": "draw_maps",
}
# Points A to D, in units of x_c: deep and weakly self-trapped, weakly and deep in the oscillating
# regime.  The paper draws them without giving numbers.
POINTS = {"A": 0.25, "B": 0.96, "C": 1.04, "D": 1.4}
TITLES = {"c": "without torque", "d": "with torque"}


def draw(figure, ds, without=None):
    """Draw all panels: a to d in the left column over a common x, e to g in the right."""
    figure.set_size_inches(8.6, 9.2)
    left = figure.add_gridspec(
        4, 1, left=0.075, right=0.555, top=0.965, bottom=0.085,
        height_ratios=[1.9, 0.9, 1.25, 1.25], hspace=0.16,
    )  # fmt: skip
    right = figure.add_gridspec(3, 1, left=0.715, right=0.985, top=0.965, bottom=0.085, hspace=0.14)
    spots = [left[row] for row in range(4)] + [right[row] for row in range(3)]
    for letter, spot in zip("abcdefg", spots, strict=True):
        ax = figure.add_subplot(spot)
        globals()[f"panel_{letter}"](ax, ds, without)
        style.panel_letter(ax, letter)
        if letter in "fg":
            ax.get_legend().remove()
        if letter in "abcef":
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    figure.text(0.075, 0.02, _caption(ds, without), fontsize=7, va="bottom")


def draw_maps(figure, ds, without=None):
    """Z(t, x) without and with quantum torque; prints x_c and the breaking time."""
    figure.set_size_inches(8.6, 3.7)
    edges = {"left": 0.065, "right": 0.91, "bottom": 0.2, "top": 0.9, "wspace": 0.12}
    axes = figure.subplots(1, 2, sharey=True, sharex=True, gridspec_kw=edges)
    for letter, panel, ax in zip("cd", (panel_c, panel_d), axes, strict=True):
        panel(ax, ds, without)
        style.panel_letter(ax, letter)
        ax.set_title(TITLES[letter])
    axes[0].child_axes[0].remove()
    axes[1].set_ylabel("")
    figure.text(0.065, 0.03, _caption(ds, without), fontsize=7, va="bottom")
    return interface.report(ds)


def check(name, ds):
    """Raise InputError where the run lacks what a panel needs."""
    letters = name.removeprefix("fig2")
    if letters in ("", *"defg", "cd"):
        require_torque(ds, f"figure {name.removeprefix('fig')}")
    outputs = {"": "Zns", "a": "Zn", "b": "n", "c": "Zn", "d": "Zn", "cd": "Zn"}.get(letters, "ns")
    parameters = ["hbar_over_m"] if letters in ("", *"efg") else []
    interface.require(ds, outputs, parameters, name)
    if not ds.attrs["Omega_R"] or not np.isfinite(ds.attrs["kappa_n0"]):
        raise InputError(f"{name}: this run has no Rabi coupling, Omega_R = 0")
    if letters != "c":
        analytic_position(ds)
    if letters in ("", "a", "c", "cd") and has_torque(ds):
        require_one_state(ds, name)
    if letters in ("", *"efg"):
        reached(ds, PROFILE_PERIODS, name)


order = torque_first


# Panels


def panel_a(ax, ds, without=None):
    """Local frequency against x (line: exact, points: measured) with Z(t) at A to D above it."""
    local, profile = without_torque(ds, without), frequency_profile(ds, without)
    ax.plot(profile.x, profile.analytic, color=INK, label="exact, no torque")
    if "measured" in profile:
        ax.plot(
            profile.x_measured,
            profile.measured,
            "o",
            ms=2.6,
            mfc="none",
            mew=0.7,
            color=CRITICAL,
            label="run without torque",
        )
    highest = float(np.nanmax(profile.analytic))
    ax.set_ylim(0, 1.95 * highest)
    ax.set_yticks(np.arange(0, np.floor(highest) + 1))
    ax.set_ylabel(r"$\Omega/\Omega_R$")
    ax.yaxis.set_label_coords(-0.075, 0.26)
    ax.legend(loc="lower center", handlelength=1.4)
    style.frame_x(ax, ds)
    height = 1 / 1.95
    for column, (letter, index) in enumerate(_points(ds).items()):
        place = float(ds.x[index])
        level = float(profile.analytic.interp(x=place))
        ax.plot(place, level, "o", ms=4, color=INK)
        beside = (4, -9) if letter == "C" else (4, 3)
        ax.annotate(
            letter, (place, level), xytext=beside, textcoords="offset points", fontweight="bold"
        )
        inset = ax.inset_axes([0.045 + 0.24 * column, height + 0.13, 0.205, 0.93 - height - 0.12])
        _inset(inset, ds, local, place, letter, first=column == 0)


def panel_b(ax, ds, without=None):
    """Magnetic anisotropy kappa n(x), with the critical value 2 Omega_R."""
    scale, text = _frequency_unit(ds)
    critical = 2 * abs(ds.attrs["Omega_R"]) * scale
    kappa_n = interface.anisotropy(ds) * scale
    ax.plot(ds.x, kappa_n, color=INK)
    ax.axhline(critical, color=CRITICAL)
    ax.text(
        0.985,
        critical + 0.03 * kappa_n.max(),
        r"$2\Omega_R$",
        color=CRITICAL,
        ha="right",
        va="bottom",
        transform=ax.get_yaxis_transform(),
    )
    for letter, index in _points(ds).items():
        ax.plot(ds.x[index], kappa_n[index], "o", ms=4, color=INK)
        ax.annotate(
            letter,
            (float(ds.x[index]), kappa_n[index]),
            xytext=(4, 3),
            textcoords="offset points",
            fontweight="bold",
        )
    ax.set_ylim(0, 1.15 * kappa_n.max())
    ax.set_ylabel(rf"$\kappa n{text}")
    style.frame_x(ax, ds)


def panel_c(ax, ds, without=None):
    """Map of Z without quantum torque."""
    _map(without_torque(ds, without), ax)


def panel_d(ax, ds, without=None):
    """Map of Z with quantum torque."""
    _map(ds, ax)


def panel_e(ax, ds, without=None):
    """Profiles of Z near the interface."""
    _profiles(ds, "Z", r"$Z$", ax)


def panel_f(ax, ds, without=None):
    """Profiles of |j_s|/(n c_s) near the interface."""
    _profiles(ds, "current", r"$|\mathbf{j}_s|\,/\,n c_s$", ax)


def panel_g(ax, ds, without=None):
    """Profiles of |dx j_s|/|H x s|_max near the interface."""
    text = r"$|\partial_x\mathbf{j}_s|\,/\,|\mathbf{H}\times\mathbf{s}|_{\max}$"
    _profiles(ds, "divergence", text, ax)


# Parts of panels


def _caption(ds, without=None):
    """Return what the figure was drawn from."""
    text = (
        rf"Run {style.run_label(ds)}: $2\pi/\Omega_R$ = {rabi_period(ds):.4g} "
        f"{ds.t.attrs.get('units', '')}, "
        rf"$\Omega_R/\kappa n_0$ = {ds.attrs['Omega_R'] / ds.attrs['kappa_n0']:.3g}, "
        f"{ds.sizes['x']} points."
    )
    local = without_torque(ds, without)
    if local.attrs["origin"] == "exact local solution":
        return f"{text}  Without torque: exact local (Josephson) solution on this run's n(x)."
    return f"{text}  Without torque: {local.attrs['origin']}."


def _points(ds):
    """Return {letter: grid index} of the points A to D on the right half of the cloud."""
    x_c, x = analytic_position(ds), ds.x.values
    return {letter: int(np.argmin(np.abs(x - share * x_c))) for letter, share in POINTS.items()}


def _map(ds, ax):
    ax = maps.plot_spacetime(ds, "Z", ax)
    style.frame_x(ax, ds)


def _inset(ax, ds, local, place, letter, first):
    for run, line in ((local, {"color": INK}), (ds, {"color": TORQUE, "ls": (0, (3, 1.2))})):
        if run is local or has_torque(run):
            index = int(np.argmin(np.abs(run.x.values - place)))
            ax.plot(run.t, interface.magnetization_map(run)[:, index], lw=0.8, **line)
    unit = style.label(ds.x, "").strip(" ()")
    ax.set_title(f"$Z$ at {letter}, {place:.0f} {unit}", fontsize=7, pad=2)
    ax.set_ylim(-1.08, 1.08)
    ax.set_xlim(float(ds.t[0]), float(ds.t[-1]))
    ax.set_yticks([-1, 0, 1], labels=["-1", "0", "1"] if first else [])
    ax.tick_params(labelsize=6, pad=1.5, length=2)
    ax.set_xlabel(style.label(ds.t, "t"), fontsize=6, labelpad=0)


def _profiles(ds, name, text, ax):
    profiles = interface_profiles(ds)
    x_c = analytic_position(ds)
    low, high = x_c - interface.WINDOW, x_c + interface.WINDOW
    near = (profiles.x >= low) & (profiles.x <= high)
    for row, period in enumerate(profiles.period.values):
        shade = str(0.75 * row / max(1, len(PROFILE_PERIODS) - 1))
        # The early, smooth profiles stay on top of the late, broken one.
        ax.plot(
            profiles.x[near],
            profiles[name][row, near],
            color=shade,
            label=f"{period:g}",
            zorder=3 - 0.1 * row,
        )
    ax.axvline(x_c, color=CRITICAL, lw=0.6, ls=":")
    ax.set_xlim(low, high)
    if name == "Z":
        ax.set_ylim(-1.05, 1.05)
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlabel(style.label(ds.x, "x"))
    ax.set_ylabel(text)
    ax.legend(
        title=r"$\Omega_R t/2\pi$",
        title_fontsize=7,
        loc="upper left",
        handlelength=1.2,
        labelspacing=0.2,
    )


def _frequency_unit(ds):
    """Factor and label text that turn a rate into Hz where the time unit is known."""
    if ds.t.attrs.get("units") == "ms":
        return 1e3 / (2 * np.pi), r"/2\pi$ (Hz)"
    return 1.0, "$"


if __name__ == "__main__":
    run_figure(__file__)
