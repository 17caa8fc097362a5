"""Draw dispersion maps: power against k and f, the ridge in it, and the law beside it."""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError

from .laws import SMALL_WAVES, Law, distances, laws_of
from .magnets import (
    frequency_unit,
    has_spins,
    known_kernel,
    magnet,
    other_kernels,
    space_axes,
    spacing,
    spins,
)
from .maps import first_map
from .spectra import (
    interval_of,
    mean_axis,
    ridge,
    spacetime_spectrum,
    strongest_wave,
    wave_power,
)
from .style import CRITICAL, INK, is_tensor, panel_letter, run_label, wrapped

__all__ = ["SMALL_WAVES", "Dispersion", "Law", "analyse", "draw_sheet", "plot_spectrum"]

# Powers of ten below the highest that the grey scale spans.
DECADES = 7
COLOURS = "Greys"
# Part of the power of waves below which a direction holds none.
FEW = 1e-6
# Range of k beside the largest wavenumber with power, where few waves have power.
SHOWN_RANGE = 4.0
#: Least mean spin of a state that carries small waves: hot chains have less.
ORDERED = 0.9
SMALLER = {"THz": "GHz", "GHz": "MHz", "MHz": "kHz", "kHz": "Hz"}


@dataclass(frozen=True)
class Dispersion:
    """Data of the dispersion map of one run.

    power : DataArray (f, k); found : Dataset of `ridge`; law, other : Law or None
    error : DataArray (k), ridge minus the nearest branch of the law, or None without a law
    note : why there is no law
    """

    power: object
    found: object
    interval: float
    size: int
    law: Law | None
    other: Law | None
    error: object
    note: str = ""

    @property
    def largest(self):
        """Largest distance of the ridge from the law; NaN where there is nothing to compare."""
        if self.error is None or np.isnan(self.error.values).all():
            return float("nan")
        return float(np.nanmax(np.abs(self.error.values)))

    @property
    def is_signed(self):
        """Return whether there are negative frequencies: those of a complex quantity."""
        return bool(self.power.f[0] < 0)

    @property
    def bin(self):
        """Spacing of the frequencies of the record, in cycles per time unit."""
        return 1 / (self.interval * self.size)

    @property
    def place(self):
        """Wavenumber of the largest distance."""
        return float(self.error.k[int(np.nanargmax(np.abs(self.error.values)))])

    @property
    def unseen(self):
        """Number of wavenumbers whose power is too small for a ridge."""
        return int(np.count_nonzero(np.isnan(self.found.frequency.values)))


def analyse(ds, law=None, **options):
    """Return the `Dispersion` of a run.

    Parameters
    ----------
    ds : Dataset
    law : str, optional
        "chain", "micromagnetic", "own", "none", or a formula in k, the kernels and the parameters
        of the run, in rad per time: law="sqrt(W*(W + omega_K))".  Default: the branches of small
        waves that the run has taken from its equations (see `waves.RecordedWaves`), by the name
        of a kernel's law if they are that law; none if its initial state is not uniform.
    **options
        `output`, `component`, `window`, `detrend`, `direction` of `spectra.spacetime_spectrum`.

    Raises
    ------
    InputError
        See `spectra.spacetime_spectrum`; a law that is neither known nor a formula.
    """
    options.setdefault("output", default_output(ds))
    power, found = spacetime_spectrum(ds, **options), ridge(ds, **options)
    interval = interval_of(ds)
    own, other, note = laws_of(ds, law, options)
    error = None
    if own is not None:
        signed = bool(power.f[0] < 0)
        values = distances(found.frequency.values, own, found.k.values, interval, signed)
        error = found.frequency.copy(data=values).rename("ridge_error")
    return Dispersion(power, found, interval, ds.sizes["t"], own, other, error, note)


def default_output(ds):
    """Return "m" for a run with spins, otherwise the first output with an axis of space."""
    if has_spins(ds):
        return "m"
    name = first_map(ds)
    if name is None:
        names = [str(one) for one in ds.data_vars if _is_scalar_field(ds[one])]
        name = names[0] if names else None
    if name is None:
        spins(ds)  # the error lists the outputs, and explains how to name the spins
    return name


def default_direction(ds, output, component="perpendicular"):
    """None, the first axis; or the direction of the strongest wave, if none runs along that axis.

    Parameters
    ----------
    ds, output, component : see `spectra.wave_amplitudes`
    """
    wave, share = strongest_wave(ds, output, component)
    if share > FEW or not any(wave):
        return None
    sign = 1 if wave > (0,) * len(wave) else -1
    return tuple(sign * n // int(np.gcd.reduce(wave)) for n in wave)


def draw_sheet(figure, runs, law=None, **options):
    """Draw one column for each run: the map, and below it ridge minus law; return report lines."""
    several = len(runs) > 1
    figure.set_size_inches(4.2 * len(runs) + 0.5, 5.0)
    left = 0.14 if not several else 0.09 if len(runs) == 2 else 0.06
    grid = figure.add_gridspec(
        2, len(runs), left=left, right=0.985, top=0.93, bottom=0.17,
        height_ratios=[3.2, 1], hspace=0.08, wspace=0.2,
    )  # fmt: skip
    lines, drawn = [], []
    for column, run in enumerate(runs):
        found = analyse(run, law, **options)
        drawn.append(found)
        top = figure.add_subplot(grid[0, column])
        plot_spectrum(run, found, top)
        low = figure.add_subplot(grid[1, column], sharex=top)
        plot_ridge_error(run, found, low)
        top.tick_params(labelbottom=False)
        top.set_xlabel("")
        if several:
            panel_letter(top, "abcdefgh"[column % 8])
        top.set_title(_title(run, options))
        if column:
            top.set_ylabel("")
        lines.append(report_line(run, found))
    figure.text(0.03, 0.015, _caption(runs, drawn, options), fontsize=6.5, va="bottom")
    return lines


def _caption(runs, drawn, options):
    """Names of the runs, what the grey scale and the lower panels show, and missing laws."""
    names = ", ".join(run_label(run) for run in runs)
    what, window = component_text(runs[0], options), options.get("window", "hann")
    members = runs[0].sizes.get("member", 1)
    mean = f", mean of {members} members" if members > 1 else ""
    text = f"Run {names}. Grey: power of {what}{mean}, {window} window, {DECADES} decades."
    if any(found.law is not None for found in drawn):
        text += " Below: ridge minus the nearest branch of the law."
    notes = dict.fromkeys(found.note for found in drawn if found.law is None and found.note)
    text += "".join(f" No law is drawn: {note}." for note in notes)
    return wrapped(text, 62 * len(runs) + 10)


def report_line(ds, found):
    """Return one line with the numbers that the picture of a run shows."""
    unit = frequency_unit(ds)
    seen = f"({found.unseen} of {found.found.sizes['k']} wavenumbers have too little power)"
    if found.law is None:
        return f"{run_label(ds)}: no law drawn: {found.note} {seen}"
    name = found.law.name.replace("$", "")
    if np.isnan(found.largest):
        return f"{run_label(ds)}: no ridge to compare with {name} {seen}"
    text = (
        f"{run_label(ds)}: largest distance of a ridge from {name}: {found.largest:.2g} {unit}, "
        f"{found.largest / found.bin:.2g} of a frequency bin, at k = {found.place:.4g} {seen}"
    )
    if found.other is not None:
        k = found.found.k.values
        missed = (found.other.omega(k) - found.law.branches(k)[:, 0]) / (2 * np.pi)
        name = found.other.name.replace("$", "")
        text += f"; {name} differs from it by up to {np.nanmax(np.abs(missed)):.3g} {unit}"
    return text


def plot_spectrum(ds, found, ax):
    """Map of the power against k and f, both signs of k, with the ridge and the laws.

    The law of the run is folded into the range of frequencies as its outputs fold.
    """
    from matplotlib.colors import LogNorm

    power = found.power
    k, f = power.k.values, power.f.values
    top = float(wave_power(power).max())
    if not np.isfinite(top) or top <= 0:
        raise InputError("dispersion: the output has no power, or is not finite")
    limits = (top * 10.0 ** (-DECADES), top)
    values = power.values
    if values.max() > 1 / FEW * top:
        # A uniform background: its leakage would hide all frequencies of k = 0.
        values = np.where(k == 0, 0, values)
    ax.imshow(
        np.clip(_coarse(values), *limits),
        extent=(*_edges(k), *_edges(f)), origin="lower", aspect="auto", norm=LogNorm(*limits),
        cmap=COLOURS, interpolation="nearest",
    )  # fmt: skip
    every = max(1, found.found.sizes["k"] // 56)
    seen = found.found.isel(k=slice(None, None, every))
    ax.plot(
        seen.k, seen.frequency, "o", ms=3, mfc="none", mew=0.7, color="#1f4e79", label="ridge",
        zorder=3,
    )  # fmt: skip
    left, right = _shown_range(found)
    lines, highest, folds = np.linspace(left, right, 4001), 0.0, False
    if found.law is not None:
        own = found.law.branches(lines) / (2 * np.pi)
        folds = bool(np.nanmax(np.abs(own), initial=0) > 0.5 / found.interval)
        shown = found.law.shown(lines, found.interval, found.is_signed)
        highest = float(np.nanmax(np.abs(shown), initial=0))
        text = found.law.name + (", folded" if folds else "")
        for branch in shown[:, np.isfinite(shown).any(axis=0)].T:
            ax.plot(
                lines, _broken(branch, 0.5 / found.interval), color=CRITICAL, lw=0.9, label=text
            )
            text = None
    if found.other is not None:
        other = found.other.omega(lines) / (2 * np.pi)
        ax.plot(lines, other, color=CRITICAL, lw=0.9, ls=(0, (4, 2)), label=found.other.name)
    ridges = found.found.frequency.sel(k=slice(left, right))
    highest = max(highest, float(np.nanmax(np.abs(ridges), initial=0)))
    top = f[-1] if folds else min(f[-1], max(1.6 * highest, 8 * found.bin))
    negative = bool((ridges < -1e-9 * f[-1]).any()) or folds
    ax.set_ylim(-top if found.is_signed and negative else 0, top)
    ax.set_xlim(left, right)
    ax.legend(
        loc="upper center", handlelength=1.6, frameon=True,
        facecolor="white", edgecolor="none", framealpha=0.8,
    )  # fmt: skip
    ax.set_xlabel(f"$k$ (rad/{length_unit(ds)})")
    ax.set_ylabel(rf"$\Omega/2\pi$ ({frequency_unit(ds)})")
    return ax


def _shown_range(found):
    """Range of k: all, or that of a few waves which alone have power."""
    k = found.power.k.values
    seen = np.abs(k[np.isfinite(found.found.frequency.values)])
    largest = SHOWN_RANGE * seen.max(initial=0)
    if len(seen) > 0.25 * len(k) or not 0 < largest < k[-1]:
        return k[0], k[-1]
    return -largest, largest


def plot_ridge_error(ds, found, ax):
    """Ridge minus the law of the run; the number in the panel is the one that is printed."""
    ax.set_xlabel(f"$k$ (rad/{length_unit(ds)})")
    if found.error is None or np.isnan(found.largest):
        text = "no ridge with enough power"
        if found.error is None:
            text = wrapped(f"no law: {found.note}", 50)
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=6.5)
        ax.set_yticks([])
        return ax
    unit, size = frequency_unit(ds), found.largest
    ax.axhline(0, color=INK, lw=0.5)
    ax.plot(found.error.k, 1e3 * found.error, ".", ms=2.2, color="#1f4e79")
    small = SMALLER.get(unit)
    ax.set_ylabel(f"error ({small})" if small else f"error (10⁻³ {unit})")
    limit = 1.35e3 * max(size, 1e-15)
    ax.set_ylim(-limit, limit)
    ax.ticklabel_format(axis="y", scilimits=(-2, 4))
    text = f"largest {size:.2g} {unit}"
    ax.text(0.98, 0.93, text, transform=ax.transAxes, ha="right", va="top", fontsize=6.5)
    return ax


def require_waves(name, ds):
    """Raise InputError where a run cannot give a dispersion map."""
    output = default_output(ds)
    variable = spins(ds) if output == "m" else ds[output]
    axes = [axis for axis in space_axes(variable) if not is_tensor(axis)]
    if not axes:
        raise InputError(f"{name}: needs an output along an axis of space")
    if not any(_is_uniform(ds, axis) for axis in axes):
        raise InputError(f"{name}: {', '.join(axes)} is not a uniform grid: no wavenumbers")
    interval_of(ds)


def _is_uniform(ds, axis):
    try:
        spacing(ds, axis)
    except (InputError, KeyError):
        return False
    return True


def require_law(name, ds, wanted, make):
    """Raise InputError unless the run has free waves on a uniform state, and W is `wanted`."""
    require_waves(name, ds)
    if known_kernel(magnet(ds).kernel) != wanted:
        raise InputError(
            f"{name}: needs a run with kernel={make}, and this one has "
            f"kernel={magnet(ds).kernel} (--figure dispersion draws any); make it with "
            f"spinhydro run problems/pslle_dispersion.py kernel={make}"
        )
    reason = _reason_against_free_waves(ds)
    if reason:
        raise InputError(
            f"{name}: needs waves on a uniform state; {reason} (--figure dispersion draws any); "
            f"make it with spinhydro run problems/pslle_dispersion.py kernel={make}"
        )


def _reason_against_free_waves(ds):
    """Why the first and the last spins of a run are not small waves on a uniform state, or None."""
    ends = np.asarray(spins(ds).isel(t=[0, -1]).values)
    if np.ptp(ends[0], axis=tuple(range(2, ends.ndim - 1))).max() < 1e-12:
        return "this run starts without waves"
    mean = ends.mean(axis=tuple(range(3, ends.ndim)))
    order = float(np.linalg.norm(mean, axis=2).min())
    if order < ORDERED:
        return f"the mean spin of this run falls to {order:.2f}"
    return None


def component_text(ds, options):
    """Name of the transformed quantity, for a caption."""
    output = options.get("output") or default_output(ds)
    if not has_spins(ds, output):
        return output
    component = options.get("component", "perpendicular")
    if component != "perpendicular":
        return f"${output}_{component}$"
    axis = mean_axis(spins(ds, output))
    first, second = ("xyz"[(axis + shift) % 3] for shift in (1, 2))
    # Without spaces, at which a caption might break it.
    return rf"$m_{first}+i\,m_{second}$"


def length_unit(ds):
    """Unit of length of a run, or "unit"."""
    return next((ds[d].attrs["units"] for d in "xyz" if d in ds and "units" in ds[d].attrs), "unit")


def _is_scalar_field(variable):
    return (
        "t" in variable.dims
        and not any(is_tensor(dim) for dim in variable.dims)
        and (len([dim for dim in variable.dims if dim not in ("t", "member")]) > 0)
    )


def _coarse(values, most=360):
    """The largest value of blocks of points, so that thin ridges survive in a small picture."""
    for axis in (0, 1):
        starts = np.unique(np.linspace(0, values.shape[axis], most + 1).astype(int)[:-1])
        values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def _edges(values):
    half = (values[1] - values[0]) / 2 if len(values) > 1 else 0.5
    return values[0] - half, values[-1] + half


def _broken(values, fold):
    """A line that is not drawn across a fold."""
    values = values.copy()
    jumps = np.flatnonzero(np.abs(np.diff(values)) > fold)
    values[jumps] = np.nan
    return values


def _title(ds, options):
    axes = [dim for dim in ("x", "y", "z") if dim in ds.dims]
    text = f"cell {spacing(ds, axes[0]):.3g} {length_unit(ds)}"
    direction = options.get("direction")
    if direction is not None:
        text += f", along {direction}"
    if not has_spins(ds):
        return text
    try:
        law = known_kernel(magnet(ds).kernel)
    except InputError:
        return text
    if other_kernels(ds):
        return text
    words = {"chain": "PS-LLE", "micromagnetic": "$k^2$ kernel", "own": "own kernel"}
    return f"{words[law]}, {text}"
