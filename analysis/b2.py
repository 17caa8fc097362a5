"""Fig. 2 of paper B: growth rates and grown spectrum of the modulational instability.

Rockwell et al., arXiv:2312.14068.  Each run is an ensemble for one n_bar, or several of them on one
member axis.
"""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.growth import (
    LINEAR,
    cut_off,
    cut_off_formula,
    ensembles,
    growth_formula,
    growth_rates,
    growth_report,
    largest_growth,
    rate_unit,
)
from spinhydro.analysis.magnets import magnet
from spinhydro.analysis.spectra import wave_amplitudes
from spinhydro.analysis.style import INK
from spinhydro.errors import InputError

NEEDS = {"runs": ("modulational_instability",)}
SHADES = ["#1f4e79", "#c1272d", "#4f7f3f", "#b8860b", "#6a4c93"]


def draw(figure, *runs, output="m", until=None):
    """Draw growth rates against wavenumber (a) and the spectrum of m_z as it has grown (b)."""
    parts = [part for run in runs for part in ensembles(run, output)]
    parts.sort(key=lambda part: part.attrs["n_bar_mean"])
    figure.set_size_inches(8.2, 3.8)
    axes = figure.subplots(
        1,
        2,
        gridspec_kw={"left": 0.07, "right": 0.985, "top": 0.92, "bottom": 0.26, "wspace": 0.22},
    )
    for row, part in enumerate(parts):
        colour = SHADES[row % len(SHADES)]
        plot_growth_rates(part, axes[0], output, until, colour=colour)
        plot_grown_spectrum(part, axes[1], output, until, colour=colour)
    for ax, letter in zip(axes, "ab", strict=True):
        style.panel_letter(ax, letter)
    axes[0].legend(title=r"$\bar n$:  $\Gamma_{\max}$, cut-off", loc="upper left", handlelength=1.2)
    largest = max(cut_off_formula(magnet(part), part.attrs["n_bar_mean"]) for part in parts)
    axes[0].set_xlim(0, 1.25 * largest)
    axes[0].set_ylim(0, 1.32 * axes[0].get_ylim()[1])
    axes[1].set_xlim(0, 2 * largest)
    names = ", ".join(style.run_label(run) for run in runs)
    members = ", ".join(str(part.sizes.get("member", 1)) for part in parts)
    figure.text(
        0.03,
        0.015,
        f"Runs {names} ({members} members).\n"
        "a: points from inverting cosh² of the mean power, lines "
        "$\\Gamma^2 = \\omega(k)[(1-\\bar n^2)\\omega_K - \\omega(k)]$, dotted: cut-off of Eq. (4) "
        "with $H_k$.\n"
        "b: points at the last output of the linear stage, crosses at the start, lines: the start "
        "times cosh Γt.",
        fontsize=6.5,
        va="bottom",
    )
    return [line for run in runs for line in growth_report(run, output)]


def check(name, ds):
    """Raise InputError where a run is not a modulational instability."""
    n = wave_amplitudes(ds.isel(t=slice(0, 3)), "m", "z")
    if n.sizes["t"] < 3:
        raise InputError(f"{name}: needs three outputs; let the run go on")
    magnet(ds)
    first = np.mean(np.abs(n.isel(t=0).values) ** 2, axis=0)
    noise = np.sqrt(first[n.k.values != 0].sum())
    if not 0 < noise < LINEAR or first[n.k.values == 0].max() > (1 - 1e-3) ** 2:
        raise InputError(
            f"{name}: needs a uniform tilted state with small noise on m_z at the start; make it "
            "with spinhydro run problems/modulational_instability.py n_bar=0.25"
        )


def plot_growth_rates(ds, ax, output="m", until=None, colour=INK):
    """Measured growth rates (points) over the formula (line) of one ensemble."""
    rates = growth_rates(ds, output, until)
    material, n_bar = magnet(ds), rates.attrs["n_bar"]
    scale, unit = rate_unit(ds)
    k = np.linspace(0, float(rates.k.max()), 20001)
    formula = growth_formula(material, k, n_bar)
    known = rates.growth_squared.notnull().values
    # Oscillations beyond the cut-off would lie on the axis.
    known &= rates.growth_squared.values > 0
    ax.plot(k, scale * formula, color=colour, lw=0.9)
    ax.plot(
        rates.k.values[known],
        scale * rates.growth.values[known],
        "o",
        ms=3.4,
        mfc="none",
        mew=0.8,
        color=colour,
        label=_label(rates, scale),
    )
    if n_bar**2 < 1:
        ax.axvline(cut_off_formula(material, n_bar), color=colour, lw=0.6, ls=":")
    ax.set_xlabel(f"$k$ (rad/{ds.x.attrs.get('units', 'unit')})")
    ax.set_ylabel(rf"$\Gamma$ ({unit})")


def plot_grown_spectrum(ds, ax, output="m", until=None, colour=INK):
    """Root mean square amplitude of m_z per wave at the start and at the end of linear growth."""
    rates = growth_rates(ds, output, until)
    n = wave_amplitudes(ds, output, "z")
    n = n.isel(k=np.flatnonzero(n.k.values > 0))
    elapsed = rates.attrs["until"]
    last = int(np.argmin(np.abs(n.t.values - n.t.values[0] - elapsed)))
    size = np.sqrt(np.mean(np.abs(n.values) ** 2, axis=1))
    k, n_bar = n.k.values, rates.attrs["n_bar"]
    material = magnet(ds)
    omega = material.exchange(k)
    squared = omega * ((1 - n_bar**2) * material.omega_K - omega)
    factor = np.abs(np.cosh(np.sqrt(squared.astype(complex)) * elapsed).real)
    growing = squared > 0
    ax.semilogy(k, size[0], "+", ms=3, mew=0.6, color=colour, alpha=0.5)
    ax.semilogy(k, size[last], "o", ms=2.8, mfc="none", mew=0.7, color=colour)
    ax.semilogy(k[growing], (size[0] * factor)[growing], color=colour, lw=0.9)
    ax.axvline(cut_off_formula(material, n_bar), color=colour, lw=0.6, ls=":")
    ax.set_xlabel(f"$k$ (rad/{ds.x.attrs.get('units', 'unit')})")
    ax.set_ylabel(r"rms $\hat m_z(k)$")
    ax.set_ylim(bottom=0.02 * np.median(size[0]))


def _label(rates, scale):
    """n_bar with the measured maximum and cut-off, as far as the run gives them."""
    text = f"{round(rates.attrs['n_bar'], 4) + 0.0:g}"
    try:
        return f"{text}: {scale * largest_growth(rates)[1]:.2f}, {cut_off(rates):.5f}"
    except InputError:
        return text


if __name__ == "__main__":
    run_figure(__file__)
