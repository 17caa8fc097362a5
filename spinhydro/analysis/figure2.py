r"""Figure 2 of Farolfi et al., Nature Physics 17, 1359 (2021): quantum torque at the interface.

a  local oscillation frequency against x, and Z(t) at four points A to D
b  magnetic anisotropy kappa n(x) and its critical value 2 Omega_R
c  magnetization without quantum torque       d  with quantum torque
e  Z, f  |j_s|/(n c_s), g  |dx j_s|/|H x s|_max near the interface as it breaks

Each panel is a function that takes and returns axes; the arrays behind it come from a function of
its own.  `ds` is the run with torque, `without` the run with torque=0.  Without the latter the
exact local solution on the density of `ds` stands in for it.
"""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.interpolate import CubicSpline

from spinhydro.errors import InputError

from .breaking import moments
from .frequencies import measured_frequency
from .interface import (
    WINDOW,
    analytic_position,
    effective_field_torque,
    length,
    magnetization_map,
    rabi_period,
    require,
    spin_currents,
)
from .josephson import local_frequency, magnetization
from .sampling import periodic_derivative, squeezed, unit
from .spacetime import plot_spacetime
from .style import (
    CRITICAL,
    INK,
    SHOWN_DENSITY,
    TORQUE,
    axes_or_new,
    frame_x,
    label,
    panel_letter,
    run_name,
)

PERIODS = (0.7, 0.8, 0.9, 1.0, 1.5)
# Points A to D, in units of x_c: deep and weakly self-trapped, weakly and deep in the oscillating
# regime.  The paper draws them without giving numbers.
POINTS = {"A": 0.25, "B": 0.96, "C": 1.04, "D": 1.4}


# Arrays


def has_torque(ds):
    """False only for a run that states torque = 0."""
    return float(ds.attrs.get("torque", 1)) != 0


def without_torque(ds, without=None):
    """Dataset with Z (t, x) without quantum torque, n and the parameters.

    It is `without` if given, `ds` itself if its torque is 0, and otherwise the exact local
    solution at the output times of `ds` on its own initial n(x); attribute `origin` says which.

    Raises InputError if something is missing, or if the two runs are of different clouds.
    """
    require(ds, ["Z", "n"], ["Omega_R", "kappa_n0"], "figure 2")
    if without is None and not has_torque(ds):
        without = ds
    if without is not None:
        require(without, ["Z", "n"], ["Omega_R", "kappa_n0"], "figure 2, run without torque")
        if has_torque(without):
            raise InputError(
                f"figure 2: the second run ({without.attrs.get('run')}) has "
                f"torque = {without.attrs.get('torque')}; give one with torque = 0"
            )
        for name in ("Omega_R", "kappa_n0"):
            if not np.isclose(ds.attrs[name], without.attrs[name], rtol=1e-9):
                raise InputError(
                    f"figure 2: the two runs have different {name} ({ds.attrs[name]:.6g} and "
                    f"{without.attrs[name]:.6g}); give two runs of the same cloud"
                )
        return without.assign_attrs(origin=f"run {run_name(without)}, torque = 0")
    kappa_n = _anisotropy(ds)
    exact = magnetization(ds.t.values, kappa_n, ds.attrs["Omega_R"])
    out = xr.Dataset({"Z": (("t", "x"), exact), "n": ds.n}, coords={"t": ds.t, "x": ds.x})
    return out.assign_attrs({**ds.attrs, "torque": 0, "origin": "exact local solution"})


def frequency_profile(ds, without=None):
    """Local frequency of Z without torque, in units of Omega_R.

    Dataset with `analytic` (x), on grid points and on points that close in on ±x_c, where the
    frequency falls to zero; and `measured` (x_measured) at 160 grid points over the cloud, from
    Z(t) of the run without torque, NaN where no oscillation fits in.  `measured` is left out where
    there is no such run or it has fewer than six outputs.
    """
    local = without_torque(ds, without)
    Omega_R = abs(ds.attrs["Omega_R"])
    grid = local.x.values
    kappa_n = CubicSpline(grid, _anisotropy(local))
    critical = kappa_n.solve(2 * Omega_R, extrapolate=False)
    offsets = np.geomspace(1e-9, 1, 60) * (grid[1] - grid[0])
    offsets = np.concatenate([-offsets[::-1], [0], offsets])
    closing = (critical[:, None] + offsets).ravel()
    x = np.unique(np.concatenate([grid, closing[(closing > grid[0]) & (closing < grid[-1])]]))
    frequency = local_frequency(kappa_n(x), Omega_R) / Omega_R
    out = xr.Dataset({"analytic": ("x", frequency)}, coords={"x": x})
    if local.attrs["origin"] != "exact local solution" and local.sizes["t"] >= 6:
        inside = np.flatnonzero(_density(local) >= SHOWN_DENSITY)
        chosen = inside[:: max(1, len(inside) // 160)]
        measured = measured_frequency(magnetization_map(local)[:, chosen], local.t.values)
        out["measured"] = ("x_measured", measured / Omega_R)
        out = out.assign_coords(x_measured=grid[chosen])
    return out


def interface_profiles(ds, periods=PERIODS, window=WINDOW):
    """Z, spin current and its divergence while the interface breaks.

    Parameters
    ----------
    ds : Dataset with s (t, spin, x), n (t, x), parameters Omega_R, kappa_n0, hbar_over_m; v (t, x)
    periods : sequence of float
        Omega_R t / 2π; those after the end of the run are left out.
    window : float
        |H x s|_max is taken within this distance of ±x_c, in units of x.

    Returns
    -------
    Dataset (period, x): `Z`; `current` = |j_s|/(n c_s) with the local 2 m c_s² = hbar kappa n and
    j_s = v s + (hbar/2m) n dx(s_hat) x s_hat; `divergence` = |dx j_s| / |H x s|_max.  Where
    n < 0.001 the current is NaN.

    Raises
    ------
    InputError
        What is missing, or the run ends before the first of the times.
    """
    require(ds, ["s", "n"], ["Omega_R", "kappa_n0", "hbar_over_m"], "figure 2 e-g")
    times = reached(ds, periods, "figure 2 e-g")
    moment = moments(ds, times * rabi_period(ds))
    currents = spin_currents(moment)
    current = currents.j_torque.values
    if "advection" in currents:
        current = current + currents.advection.values
    x, n = ds.x.values, moment.n.values
    near = np.abs(np.abs(x) - analytic_position(ds)) <= window
    strongest = length(effective_field_torque(moment).values)[:, near].max(axis=1)
    sound = np.sqrt(ds.attrs["hbar_over_m"] * ds.attrs["kappa_n0"] * np.maximum(n, 0) / 2)
    scale = np.where(n > 1e-3, n * sound, np.nan)
    divergence = length(periodic_derivative(current, x)) / strongest[:, None]
    dims = ("period", "x")
    return xr.Dataset(
        {
            "Z": (dims, unit(moment.s.values)[:, 2]),
            "current": (dims, length(current) / scale),
            "divergence": (dims, divergence),
        },
        coords={"period": times, "x": ds.x},
    )


def reached(ds, periods, what):
    """Those of `periods` (Omega_R t/2π) that lie within the run, as an array.

    Raises InputError where there are none.
    """
    period = rabi_period(ds)
    last = float(ds.t[-1]) / period
    inside = np.array([value for value in periods if value <= last * (1 + 1e-9)])
    if not len(inside) or ds.sizes["t"] < 2:
        raise InputError(
            f"{what}: needs Omega_R t/2pi >= {min(periods):g}, that is "
            f"t >= {min(periods) * period:.4g}, and the run ends at t = {float(ds.t[-1]):.4g}; "
            "let it go on, or resume it"
        )
    return inside


def points_of_interest(ds):
    """{letter: grid index} of the points A to D on the right half of the cloud."""
    x_c = analytic_position(ds)
    x = ds.x.values
    return {letter: int(np.argmin(np.abs(x - share * x_c))) for letter, share in POINTS.items()}


def caption(ds, without=None, both=True):
    """What the figure was drawn from; without torque only if `both`."""
    period, unit = rabi_period(ds), ds.t.attrs.get("units", "")
    text = (
        f"Run {run_name(ds)}: $2\\pi/\\Omega_R$ = {period:.4g} {unit}, "
        f"$\\Omega_R/\\kappa n_0$ = {ds.attrs['Omega_R'] / ds.attrs['kappa_n0']:.3g}, "
        f"{ds.sizes['x']} points."
    )
    if not both:
        return text
    local = without_torque(ds, without)
    if local.attrs["origin"] == "exact local solution":
        return f"{text}  Without torque: exact local (Josephson) solution on this run's n(x)."
    return f"{text}  Without torque: {local.attrs['origin']}."


# Panels


def panel_a(ds, without=None, ax=None):
    """Local frequency against x (line: exact, points: measured) with Z(t) at A to D above it."""
    ax = axes_or_new(ax)
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
    frame_x(ax, ds)
    height = 1 / 1.95
    for column, (letter, index) in enumerate(points_of_interest(ds).items()):
        place = float(ds.x[index])
        level = float(profile.analytic.interp(x=place))
        ax.plot(place, level, "o", ms=4, color=INK)
        beside = (4, -9) if letter == "C" else (4, 3)
        ax.annotate(
            letter, (place, level), xytext=beside, textcoords="offset points", fontweight="bold"
        )
        inset = ax.inset_axes([0.045 + 0.24 * column, height + 0.13, 0.205, 0.93 - height - 0.12])
        _inset(inset, ds, local, place, letter, first=column == 0)
    return ax


def panel_b(ds, without=None, ax=None):
    """Magnetic anisotropy kappa n(x), with the critical value 2 Omega_R."""
    ax = axes_or_new(ax)
    require(ds, ["n"], ["Omega_R", "kappa_n0"], "figure 2b")
    scale, text = _frequency_unit(ds)
    critical = 2 * abs(ds.attrs["Omega_R"]) * scale
    kappa_n = _anisotropy(ds) * scale
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
    for letter, index in points_of_interest(ds).items():
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
    frame_x(ax, ds)
    return ax


def panel_c(ds, without=None, ax=None):
    """Map of Z without quantum torque."""
    local = without_torque(ds, without)
    return _map(local, axes_or_new(ax))


def panel_d(ds, without=None, ax=None):
    """Map of Z with quantum torque."""
    require_torque(ds, "2d")
    require(ds, ["Z", "n"], ["Omega_R", "kappa_n0"], "figure 2d")
    return _map(ds, axes_or_new(ax))


def panel_e(ds, without=None, ax=None):
    """Profiles of Z near the interface."""
    return _profiles(ds, "Z", r"$Z$", axes_or_new(ax), legend=True)


def panel_f(ds, without=None, ax=None):
    """Profiles of |j_s|/(n c_s) near the interface."""
    return _profiles(ds, "current", r"$|\mathbf{j}_s|\,/\,n c_s$", axes_or_new(ax))


def panel_g(ds, without=None, ax=None):
    """Profiles of |dx j_s|/|H x s|_max near the interface."""
    text = r"$|\partial_x\mathbf{j}_s|\,/\,|\mathbf{H}\times\mathbf{s}|_{\max}$"
    return _profiles(ds, "divergence", text, axes_or_new(ax))


PANELS = {
    "a": panel_a,
    "b": panel_b,
    "c": panel_c,
    "d": panel_d,
    "e": panel_e,
    "f": panel_f,
    "g": panel_g,
}


# Sheets


def draw_figure2(ds, without=None):
    """The whole figure: a to d in the left column over a common x, e to g in the right."""
    require_torque(ds, "2")
    figure = Figure(figsize=(8.6, 9.2))
    left = figure.add_gridspec(
        4,
        1,
        left=0.075,
        right=0.555,
        top=0.965,
        bottom=0.085,
        height_ratios=[1.9, 0.9, 1.25, 1.25],
        hspace=0.16,
    )
    right = figure.add_gridspec(3, 1, left=0.715, right=0.985, top=0.965, bottom=0.085, hspace=0.14)
    spots = [left[row] for row in range(4)] + [right[row] for row in range(3)]
    for letter, spot in zip(PANELS, spots, strict=True):
        ax = figure.add_subplot(spot)
        PANELS[letter](ds, without, ax)
        panel_letter(ax, letter)
        if letter in "abcef":
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
    figure.text(0.075, 0.02, caption(ds, without), fontsize=7, va="bottom")
    return figure


def draw_panel(letter, ds, without=None):
    """One panel on a sheet of its own."""
    if letter in "defg":
        require_torque(ds, f"2{letter}")
    figure = Figure(figsize=(5.6, 4.2) if letter == "a" else (4.8, 3.4))
    ax = figure.add_axes([0.13, 0.2, 0.72, 0.71])
    PANELS[letter](ds, without, ax)
    panel_letter(ax, letter)
    if letter in "fg":
        _period_legend(ax)
    text = caption(ds, without, both=letter in "ac")
    figure.text(0.03, 0.025, text.replace("  ", "\n"), fontsize=6, va="bottom")
    return figure


def draw_maps(ds, without=None):
    """Panels c and d side by side."""
    require_torque(ds, "2c-d")
    figure = Figure(figsize=(8.6, 3.7))
    axes = figure.subplots(
        1,
        2,
        sharey=True,
        sharex=True,
        gridspec_kw={"left": 0.065, "right": 0.91, "bottom": 0.2, "top": 0.9, "wspace": 0.12},
    )
    for letter, title, ax in zip("cd", ("without torque", "with torque"), axes, strict=True):
        PANELS[letter](ds, without, ax)
        panel_letter(ax, letter)
        ax.set_title(title)
    axes[0].child_axes[0].remove()
    axes[1].set_ylabel("")
    figure.text(0.065, 0.03, caption(ds, without), fontsize=7, va="bottom")
    return figure


# Parts of panels


def _map(ds, ax):
    ax = plot_spacetime(ds, "Z", ax)
    frame_x(ax, ds)
    return ax


def _inset(ax, ds, local, place, letter, first):
    for run, line in ((local, {"color": INK}), (ds, {"color": TORQUE, "ls": (0, (3, 1.2))})):
        if run is local or has_torque(run):
            index = int(np.argmin(np.abs(run.x.values - place)))
            ax.plot(run.t, magnetization_map(run)[:, index], lw=0.8, **line)
    ax.set_title(f"$Z$ at {letter}, {place:.0f} {label(ds.x, '').strip(' ()')}", fontsize=7, pad=2)
    ax.set_ylim(-1.08, 1.08)
    ax.set_xlim(float(ds.t[0]), float(ds.t[-1]))
    ax.set_yticks([-1, 0, 1], labels=["-1", "0", "1"] if first else [])
    ax.tick_params(labelsize=6, pad=1.5, length=2)
    ax.set_xlabel(label(ds.t, "t"), fontsize=6, labelpad=0)


def _profiles(ds, name, text, ax, legend=False):
    require_torque(ds, "2e-g")
    profiles = interface_profiles(ds)
    x_c = analytic_position(ds)
    low, high = x_c - WINDOW, x_c + WINDOW
    near = (profiles.x >= low) & (profiles.x <= high)
    for row, period in enumerate(profiles.period.values):
        shade = str(0.75 * row / max(1, len(PERIODS) - 1))
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
    ax.set_xlabel(label(ds.x, "x"))
    ax.set_ylabel(text)
    if legend:
        _period_legend(ax)
    return ax


def _period_legend(ax):
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


def _density(ds):
    return squeezed(ds.n).isel(t=0).values


def _anisotropy(ds):
    return abs(ds.attrs["kappa_n0"]) * np.maximum(_density(ds), 0)


def require_torque(ds, panel):
    """Raise InputError for a run that states torque = 0."""
    if not has_torque(ds):
        raise InputError(
            f"figure {panel}: needs a run with quantum torque, and {ds.attrs.get('run')} has "
            "torque = 0; give one with torque = 1 first and this one second"
        )
