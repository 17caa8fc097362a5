"""Dispersion maps: Figs. 1 and SI 2 of paper B, and the like of any spin run along one axis."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from spinhydro.errors import InputError

from .magnets import frequency_unit, known_kernel, magnet, space_axes, spacing, spins
from .spectra import folded, interval_of, ridge, ridge_error, spacetime_spectrum
from .style import CRITICAL, INK, axes_or_new, panel_letter, run_name

# Powers of ten below the highest that the grey scale spans.
DECADES = 7
COLOURS = "Greys"
NAMES = {
    "chain": "chain law",
    "micromagnetic": "long waves, $k^2$",
    "own": r"$\omega(k)$ of the run's file",
}
MAKE = {"chain": "lattice", "micromagnetic": "micromagnetic"}


def draw_dispersion(
    ds,
    second=None,
    *,
    output="m",
    component="perpendicular",
    window="hann",
    detrend="none",
    law=None,
):
    """Spectrum of one or two runs with the ridge, the law of the run and that of long waves.

    Panels below show ridge minus law.  `law` names another law than the run's own kernel.
    """
    runs = [ds] if second is None else [ds, second]
    figure = Figure(figsize=(4.2 * len(runs) + 0.5, 5.0))
    grid = figure.add_gridspec(
        2,
        len(runs),
        left=0.08 if second is not None else 0.14,
        right=0.985,
        top=0.93,
        bottom=0.17,
        height_ratios=[3.2, 1],
        hspace=0.08,
        wspace=0.2,
    )
    for column, run in enumerate(runs):
        top = figure.add_subplot(grid[0, column])
        options = {"output": output, "component": component, "window": window, "detrend": detrend}
        plot_spectrum(run, top, law=law, **options)
        low = figure.add_subplot(grid[1, column], sharex=top)
        plot_ridge_error(run, low, law=law, **options)
        top.tick_params(labelbottom=False)
        top.set_xlabel("")
        if len(runs) > 1:
            panel_letter(top, "ab"[column])
        top.set_title(_title(run))
        if column:
            top.set_ylabel("")
    names = ", ".join(run_name(run) for run in runs)
    what = _component_text(output, component)
    figure.text(
        0.03,
        0.015,
        f"Run {names}. Grey: power of {what}, {window} window, {DECADES} decades.\n"
        "Below: ridge minus the law of the run.",
        fontsize=6.5,
        va="bottom",
    )
    return figure


def plot_spectrum(ds, ax=None, law=None, **options):
    """Map of the power against k and f; on its right half the ridge and the laws.

    The law of the run is folded into the range of frequencies as its outputs fold.
    """
    ax = axes_or_new(ax)
    power = spacetime_spectrum(ds, **options)
    top = float(power.max())
    k, f = power.k.values, power.f.values
    limits = (top * 10.0 ** (-DECADES), top)
    ax.imshow(
        np.clip(_coarse(power.values), *limits),
        extent=(k[0], k[-1], f[0], f[-1]),
        origin="lower",
        aspect="auto",
        norm=LogNorm(*limits),
        cmap=COLOURS,
        interpolation="nearest",
    )
    found = ridge(ds, **options).sel(k=slice(0, None))
    every = max(1, found.sizes["k"] // 28)
    ax.plot(
        found.k[::every],
        found.frequency[::every],
        "o",
        ms=3,
        mfc="none",
        mew=0.7,
        color="#1f4e79",
        label="ridge",
        zorder=3,
    )
    interval = interval_of(ds)
    lines = np.linspace(0, k[-1], 2001)
    own, other = _laws(ds, law)
    frequency = magnet(ds).magnon(lines, own) / (2 * np.pi)
    folds = frequency.max() > 0.5 / interval
    text = NAMES[own] + (", folded" if folds else "")
    ax.plot(lines, _broken(folded(frequency, interval)), color=CRITICAL, lw=0.9, label=text)
    frequency = magnet(ds).magnon(lines, other) / (2 * np.pi)
    ax.plot(lines, frequency, color=CRITICAL, lw=0.9, ls=(0, (4, 2)), label=NAMES[other])
    low = magnet(ds).magnon(lines, own).max() / (2 * np.pi) < 0.4 * f[-1]
    ax.set_ylim(f[0] if folds and f[0] < 0 else 0, f[-1])
    ax.set_xlim(k[0], k[-1])
    place = "lower center" if folds else "upper left" if low else "lower left"
    ax.legend(loc=place, handlelength=1.6)
    ax.set_xlabel(f"$k$ (rad/{_length(ds)})")
    ax.set_ylabel(rf"$\Omega/2\pi$ ({frequency_unit(ds)})")
    return ax


def _coarse(values, most=360):
    """The largest value of blocks of points, so that thin ridges survive in a small picture."""
    for axis in (0, 1):
        starts = np.unique(np.linspace(0, values.shape[axis], most + 1).astype(int)[:-1])
        values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def plot_ridge_error(ds, ax=None, law=None, **options):
    """Ridge minus the law of the run, on a scale that is linear near zero."""
    ax = axes_or_new(ax)
    found = ridge(ds, **options)
    name, _ = _laws(ds, law)
    error = ridge_error(found, lambda k: magnet(ds).magnon(k, name), interval_of(ds))
    size = float(np.nanmax(np.abs(error.values)))
    ax.axhline(0, color=INK, lw=0.5)
    ax.plot(error.k, 1e3 * error, ".", ms=2.2, color="#1f4e79")
    unit = {"THz": "GHz", "GHz": "MHz", "MHz": "kHz", "kHz": "Hz"}.get(frequency_unit(ds))
    ax.set_ylabel(f"error ({unit})" if unit else f"error (10⁻³ {frequency_unit(ds)})")
    ax.set_ylim(-1.35e3 * size, 1.35e3 * size)
    ax.text(
        0.98,
        0.93,
        f"largest {size:.2g} {frequency_unit(ds)}",
        transform=ax.transAxes,
        ha="right",
        va="top",
        fontsize=6.5,
    )
    ax.set_xlabel(f"$k$ (rad/{_length(ds)})")
    return ax


def has_waves(ds, name):
    """Raise InputError where a run cannot give a dispersion map."""
    m = spins(ds)
    if len(space_axes(m)) != 1:
        raise InputError(f"{name}: needs spins along one axis; take a line of this run first")
    interval_of(ds)
    magnet(ds)


def has_small_defect(ds, name):
    """As `has_waves`, for a run whose own law is that of the chain (Fig. 1) or k² (SI 2)."""
    has_waves(ds, name)
    wanted = "micromagnetic" if name == "bs2" else "chain"
    if known_kernel(magnet(ds).kernel) != wanted:
        raise InputError(
            f"{name}: needs a run with kernel={MAKE[wanted]}, and this one has "
            f"kernel={magnet(ds).kernel} (--figure dispersion draws any); make it with "
            f"spinhydro run problems/pslle_dispersion.py kernel={MAKE[wanted]}"
        )


def _laws(ds, law):
    own = known_kernel(law or magnet(ds).kernel)
    return own, "micromagnetic" if own != "micromagnetic" else "chain"


def _broken(values):
    """A line that is not drawn across a fold."""
    values = values.copy()
    jumps = np.flatnonzero(np.abs(np.diff(values)) > np.ptp(values) / 2)
    values[jumps] = np.nan
    return values


def _title(ds):
    cell = spacing(ds, next(dim for dim in ("x", "y", "z") if dim in ds.dims))
    laws = {"chain": "PS-LLE", "micromagnetic": "$k^2$ kernel", "own": "own kernel"}
    law = laws[known_kernel(magnet(ds).kernel)]
    return f"{law}, cell {cell:.3g} {_length(ds)}"


def _length(ds):
    return next((ds[d].attrs["units"] for d in "xyz" if d in ds and "units" in ds[d].attrs), "unit")


def _component_text(output, component):
    return r"$m_x + i m_y$" if component == "perpendicular" else f"${output}_{component}$"
