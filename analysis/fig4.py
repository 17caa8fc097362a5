"""Figs. 4a and 4b of paper A: correlation of the magnetization in five rectangles of the map.

Farolfi et al., Nature Physics 17, 1359 (2021).  C_ZZ(dx) in five rectangles of the map of Z, which
an inset shows, with the fit in the last one.  Panel a of the paper is the 118 Hz run, panel b one
at 62 Hz to longer times.
"""

from matplotlib.patches import Rectangle

from spinhydro.analysis import maps, run_figure, style
from spinhydro.analysis.correlation import LONGEST, autocorrelation, domain_model, fit_domains
from spinhydro.analysis.interface import analytic_position, rabi_period
from spinhydro.analysis.style import CYCLE, INK, label
from spinhydro.errors import InputError

NEEDS = {"ds": ("coupled_gpe", "Z", "n", "Omega_R", "kappa_n0")}
LINE = True
PANELS = {"fig4a": "draw_a", "fig4b": "draw_b"}
# (low, high) of |x| in units of x_c, (first, last) of t in Rabi periods.  A lies in the
# self-trapped and B in the oscillating region, C to E in the fluctuating one, which grows.
RECTANGLES = {
    "A": (0.0, 0.3, 1.2, 2.0),
    "B": (1.25, 1.42, 1.4, 1.65),
    "C": (0.83, 1.08, 2.1, 2.6),
    "D": (0.72, 1.2, 3.1, 3.6),
    "E": (0.57, 1.22, 4.2, 4.72),
}
MARKERS = dict(zip("ABCDE", "osv^D", strict=True))


def rectangles(ds, chosen=None):
    """Return {letter: (low, high, first, last)} in the units of x and t of the run.

    `chosen` {letter: those four numbers, or None} replaces the default ones.  Rectangles that begin
    after the end of the run are left out, those that end after it are cut there.

    Raises InputError where none is left, or a chosen one is not four numbers.
    """
    x_c, period, last = analytic_position(ds), rabi_period(ds), float(ds.t[-1])
    out = {}
    for letter, share in RECTANGLES.items():
        own = (chosen or {}).get(letter)
        if own is None:
            low, high, begin, end = share
            own = (low * x_c, high * x_c, begin * period, end * period)
        elif len(own) != 4:
            raise InputError(f"rectangle {letter}: give x low, x high, t first, t last, not {own}")
        # An interval shorter than a third of what was meant is not that rectangle.
        if own[2] + (own[3] - own[2]) / 3 <= last:
            out[letter] = (*own[:3], min(own[3], last))
    if not out:
        raise InputError(
            f"figure 4: the run ends at t = {last:.4g}, before all rectangles; "
            f"it needs t = {RECTANGLES['A'][3] * period:.4g} at least, and for the fit "
            f"{RECTANGLES['E'][3] * period:.4g}"
        )
    return out


def correlations(ds, chosen=None, blur=0.0, longest=LONGEST):
    """Return {letter: Dataset of `autocorrelation`} in the rectangles of the run."""
    return {
        letter: autocorrelation(ds, (low, high), (first, last), blur, longest)
        for letter, (low, high, first, last) in rectangles(ds, chosen).items()
    }


def panel(ds, ax, chosen=None, blur=0.0, longest=LONGEST):
    """Draw C_ZZ with standard deviations over outputs and sides, and the fit of the last rectangle.

    Return the result of `fit_domains`, or None where there is nothing to fit.
    """
    found = correlations(ds, chosen, blur, longest)
    for letter, one in found.items():
        colour = CYCLE["ABCDE".index(letter)]
        step = max(1, one.sizes["dx"] // 32)
        ax.errorbar(
            one.dx[::step],
            one.correlation[::step],
            one.deviation[::step],
            fmt=MARKERS[letter],
            ms=3,
            mfc="white",
            mew=0.8,
            color=colour,
            elinewidth=0.5,
            lw=0,
            label=letter,
        )
    last = found.get("E")
    fit = None
    if last is not None:
        try:
            fit = fit_domains(last)
        except InputError:
            fit = None
    if fit is not None:
        ax.plot(
            last.dx,
            domain_model(last.dx.values, fit["L1"], fit["L2"]),
            color=INK,
            lw=1.2,
            zorder=5,
            label="fit to E",
        )
    ax.axhline(0, color="0.6", lw=0.5, zorder=0)
    ax.set_xlim(0, longest)
    ax.set_ylim(-0.6, 1.08)
    ax.set_xlabel(rf"$\Delta x$ ({label(ds.x, '').strip(' ()')})")
    ax.set_ylabel(r"$C_{ZZ}(\Delta x)$")
    ax.legend(loc="lower left", ncols=6, columnspacing=0.9, handletextpad=0.3, handlelength=1.2)
    return fit


def map_with_rectangles(ds, ax, chosen=None):
    """Draw the map of Z with the rectangles in it."""
    maps.plot_spacetime(ds, "Z", ax)
    style.frame_x(ax, ds)
    for letter, (low, high, first, last) in rectangles(ds, chosen).items():
        sides = ((low, high), (-high, -low)) if low > 0 else ((-high, high),)
        for left, right in sides:
            corner, size = (left, first), (right - left, last - first)
            ax.add_patch(Rectangle(corner, *size, fc="none", ec="white", lw=2.2))
            ax.add_patch(Rectangle(corner, *size, fc="none", ec=INK, lw=1))
        ax.text(
            (sides[0][0] + sides[0][1]) / 2,
            (first + last) / 2,
            letter,
            ha="center",
            va="center",
            fontsize=7,
            fontweight="bold",
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.8},
        )


def draw_a(figure, ds, blur=0.0, longest=LONGEST, A=None, B=None, C=None, D=None, E=None):
    """C_ZZ in five rectangles, the 118 Hz run (blur=, longest=, A= to E=x,x,t,t)."""
    _draw(figure, ds, "a", blur, longest, {"A": A, "B": B, "C": C, "D": D, "E": E})


def draw_b(figure, ds, blur=0.0, longest=LONGEST, A=None, B=None, C=None, D=None, E=None):
    """C_ZZ in five rectangles, the 62 Hz run to 80 ms (blur=, longest=, A= to E=x,x,t,t)."""
    _draw(figure, ds, "b", blur, longest, {"A": A, "B": B, "C": C, "D": D, "E": E})


def check(name, ds):
    """Raise InputError where the run ends before all rectangles."""
    rectangles(ds)


def _draw(figure, ds, letter, blur, longest, chosen):
    figure.set_size_inches(8.2, 3.7)
    ax = figure.add_axes([0.07, 0.22, 0.5, 0.69])
    fit = panel(ds, ax, chosen, blur, longest)
    style.panel_letter(ax, letter)
    map_with_rectangles(ds, figure.add_axes([0.66, 0.22, 0.26, 0.69]), chosen)
    figure.text(0.03, 0.025, _caption(ds, fit, blur), fontsize=6.5, va="bottom")


def _caption(ds, fit, blur):
    text = (
        f"Run {style.run_label(ds)}: $2\\pi/\\Omega_R$ = {rabi_period(ds):.4g} "
        f"{ds.t.attrs.get('units', '')}, $\\Omega_R/\\kappa n_0$ = "
        f"{ds.attrs['Omega_R'] / ds.attrs['kappa_n0']:.3g}"
    )
    if blur:
        text += f", imaging blur {blur:g} {label(ds.x, '').strip(' ()')}"
    if fit is None:
        return f"{text}. No fit: rectangle E is not reached or has no domains."
    lengths = ", ".join(
        f"$L_{number}$ = {fit[f'L{number}']:.2f} "
        f"({fit[f'L{number}_interval'][0]:.2f} to {fit[f'L{number}_interval'][1]:.2f})"
        for number in (1, 2)
    )
    lengths = lengths.replace("inf", "∞")
    unit = label(ds.x, "").strip(" ()")
    return (
        f"{text}.\nFit to E: {lengths} {unit}, 95 % intervals; minimum {fit['minimum']:.3f} "
        f"at {fit['minimum_at']:.1f} {unit}."
    )


if __name__ == "__main__":
    run_figure(__file__)
