"""Draw dispersion maps: power against k and f, the ridge in it, and the law beside it."""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError

from .formula import evaluate
from .magnets import (
    EXCHANGE,
    frequency_unit,
    has_spins,
    known_kernel,
    magnet,
    other_kernels,
    recorded_kernels,
    space_axes,
    spacing,
    spins,
)
from .maps import first_map
from .spectra import (
    direction_steps,
    folded,
    interval_of,
    mean_axis,
    ridge,
    ridge_error,
    spacetime_spectrum,
)
from .style import CRITICAL, INK, is_tensor, panel_letter, run_label
from .waves import waves_along

# Powers of ten below the highest that the grey scale spans.
DECADES = 7
COLOURS = "Greys"
NAMES = {
    "chain": "chain law",
    "micromagnetic": "long waves, $k^2$",
    "own": r"$\omega(k)$ of the run's file",
}
SMALL_WAVES = "small waves of the run's equation"
# Largest difference of two laws, over the largest frequency, at which they are the same; that of
# the table of a kernel from the kernel is 1e-7.
LIKE = 1e-5
SMALLER = {"THz": "GHz", "GHz": "MHz", "MHz": "kHz", "kHz": "Hz"}


@dataclass(frozen=True)
class Law:
    """A dispersion law: `name` for the legend, `omega` a function of signed k, rad per time."""

    name: str
    omega: object


@dataclass(frozen=True)
class Dispersion:
    """Data of the dispersion map of one run.

    power : DataArray (f, k); found : Dataset of `ridge`; law, other : Law or None
    error : DataArray (k), ridge minus law, or None without a law; note : why there is no law
    """

    power: object
    found: object
    interval: float
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
        of the run, in rad per time: law="sqrt(W*(W + omega_K))".  Default: omega(k) + omega_K of
        the run's own kernel, if W is its only kernel and the run keeps no other frequencies of
        small waves; otherwise those (see `waves.recorded_waves`), or none.
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
    own, other, note = _laws(ds, law, options)
    if law is None and has_spins(ds, options["output"]):
        waves = _small_waves(ds, options)
        if waves is not None and not _agree(own, waves, found.k.values):
            own, other, note = waves, None, ""
    error = None if own is None else ridge_error(found, own.omega, interval)
    return Dispersion(power, found, interval, own, other, error, note)


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


def draw_sheet(figure, runs, law=None, **options):
    """Draw one column for each run: the map, and below it ridge minus law; return report lines."""
    several = len(runs) > 1
    figure.set_size_inches(4.2 * len(runs) + 0.5, 5.0)
    left = 0.14 if not several else 0.09 if len(runs) == 2 else 0.06
    grid = figure.add_gridspec(
        2, len(runs), left=left, right=0.985, top=0.93, bottom=0.17,
        height_ratios=[3.2, 1], hspace=0.08, wspace=0.2,
    )  # fmt: skip
    lines = []
    for column, run in enumerate(runs):
        found = analyse(run, law, **options)
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
    names = ", ".join(run_label(run) for run in runs)
    what = component_text(runs[0], options)
    window = options.get("window", "hann")
    figure.text(
        0.03, 0.015,
        f"Run {names}. Grey: power of {what}, {window} window, {DECADES} decades.\n"
        "Below: ridge minus the law of the run.",
        fontsize=6.5, va="bottom",
    )  # fmt: skip
    return lines


def report_line(ds, found):
    """Return one line with the numbers that the picture of a run shows."""
    unit = frequency_unit(ds)
    seen = f"({found.unseen} of {found.found.sizes['k']} wavenumbers have too little power)"
    if found.law is None:
        return f"{run_label(ds)}: no law drawn: {found.note} {seen}"
    text = (
        f"{run_label(ds)}: ridges within {found.largest:.2g} {unit} of {found.law.name} {seen}"
    ).replace("$", "")
    if found.other is not None:
        k = found.found.k.values
        missed = (found.other.omega(k) - found.law.omega(k)) / (2 * np.pi)
        name = found.other.name.replace("$", "")
        text += f"; {name} differs from it by up to {np.nanmax(np.abs(missed)):.3g}"
    return text


def plot_spectrum(ds, found, ax):
    """Map of the power against k and f, both signs of k, with the ridge and the laws.

    The law of the run is folded into the range of frequencies as its outputs fold.
    """
    from matplotlib.colors import LogNorm

    power = found.power
    top = float(power.max())
    k, f = power.k.values, power.f.values
    if not np.isfinite(top) or top <= 0:
        raise InputError("dispersion: the output has no power, or is not finite")
    limits = (top * 10.0 ** (-DECADES), top)
    ax.imshow(
        np.clip(_coarse(power.values), *limits),
        extent=(*_edges(k), *_edges(f)), origin="lower", aspect="auto", norm=LogNorm(*limits),
        cmap=COLOURS, interpolation="nearest",
    )  # fmt: skip
    every = max(1, found.found.sizes["k"] // 56)
    seen = found.found.isel(k=slice(None, None, every))
    ax.plot(
        seen.k, seen.frequency, "o", ms=3, mfc="none", mew=0.7, color="#1f4e79", label="ridge",
        zorder=3,
    )  # fmt: skip
    lines = np.linspace(k[0], k[-1], 4001)
    folds, highest = False, 0.0
    if found.law is not None:
        own = found.law.omega(lines) / (2 * np.pi)
        highest = float(np.nanmax(np.abs(own)))
        folds = highest > 0.5 / found.interval
        text = found.law.name + (", folded" if folds else "")
        ax.plot(lines, _broken(folded(own, found.interval)), color=CRITICAL, lw=0.9, label=text)
    if found.other is not None:
        other = found.other.omega(lines) / (2 * np.pi)
        ax.plot(lines, other, color=CRITICAL, lw=0.9, ls=(0, (4, 2)), label=found.other.name)
    negative = bool((found.found.frequency < -1e-9 * f[-1]).any())
    ax.set_ylim(f[0] if f[0] < 0 and (folds or negative) else 0, f[-1])
    ax.set_xlim(k[0], k[-1])
    low = 0 < highest < 0.4 * f[-1]
    ax.legend(loc="lower center" if folds else "upper center" if low else "best", handlelength=1.6)
    ax.set_xlabel(f"$k$ (rad/{length_unit(ds)})")
    ax.set_ylabel(rf"$\Omega/2\pi$ ({frequency_unit(ds)})")
    return ax


def plot_ridge_error(ds, found, ax):
    """Ridge minus the law of the run; the number in the panel is the one that is printed."""
    ax.set_xlabel(f"$k$ (rad/{length_unit(ds)})")
    if found.error is None or np.isnan(found.largest):
        text = f"no law: {found.note}" if found.error is None else "no ridge with enough power"
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
    text = f"largest {size:.2g} {unit}"
    ax.text(0.98, 0.93, text, transform=ax.transAxes, ha="right", va="top", fontsize=6.5)
    return ax


def require_waves(name, ds):
    """Raise InputError where a run cannot give a dispersion map."""
    output = default_output(ds)
    variable = spins(ds) if output == "m" else ds[output]
    if not [axis for axis in space_axes(variable) if not is_tensor(axis)]:
        raise InputError(f"{name}: needs an output along an axis of space")
    interval_of(ds)


def require_law(name, ds, wanted, make):
    """Raise InputError unless W of the run is the law `wanted`."""
    require_waves(name, ds)
    if known_kernel(magnet(ds).kernel) != wanted:
        raise InputError(
            f"{name}: needs a run with kernel={make}, and this one has "
            f"kernel={magnet(ds).kernel} (--figure dispersion draws any); make it with "
            f"spinhydro run problems/pslle_dispersion.py kernel={make}"
        )


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
    return f"$m_{first} + i m_{second}$"


def length_unit(ds):
    """Unit of length of a run, or "unit"."""
    return next((ds[d].attrs["units"] for d in "xyz" if d in ds and "units" in ds[d].attrs), "unit")


def _laws(ds, law, options):
    """(law of the run or None, another known law or None, why there is none)."""
    if law == "none":
        return None, None, "none requested"
    names = (*NAMES, "lattice", "atomistic", "asd", "pslle", "k2", "k^2", "llg")
    if law is not None and str(law).lower() not in names and _is_formula(law, ds):
        return Law(str(law), lambda k: _formula(str(law), ds, k)), None, ""
    if not has_spins(ds, options.get("output", "m")):
        return None, None, "state one with law=FORMULA"
    steps = direction_steps(space_axes(spins(ds, options["output"])), options.get("direction"))
    own_axis = sum(map(abs, steps)) == 1 and steps[0]
    others = other_kernels(ds)
    if law is None and (others or not own_axis):
        what = f"{', '.join(others)} besides {EXCHANGE}" if others else "another direction than x"
        return None, None, f"{what}; state it with law=FORMULA"
    try:
        material = magnet(ds)
    except InputError as error:
        if law is not None:
            raise
        if EXCHANGE not in recorded_kernels(ds):
            return None, None, str(error).split(";")[0]
        text = f"{EXCHANGE} + omega_K" if _is_number(ds.attrs.get("omega_K")) else EXCHANGE
        return Law(text, lambda k: _formula(text, ds, k)), None, ""
    own = known_kernel(law or material.kernel)
    other = "micromagnetic" if own != "micromagnetic" else "chain"
    return (
        Law(NAMES[own], lambda k: material.magnon(k, own)),
        Law(NAMES[other], lambda k: material.magnon(k, other)),
        "",
    )


def _small_waves(ds, options):
    """The law that the run has taken from its equation, for the transformed component; or None."""
    omega = waves_along(ds, options.get("direction")) if options["output"] == "m" else None
    component = options.get("component", "perpendicular")
    if omega is None or component == "xyz"[mean_axis(spins(ds))]:
        return None
    if component == "perpendicular":
        return Law(SMALL_WAVES, omega)

    def positive(k):
        # A real component holds omega(k) and -omega(-k); its ridge is the positive one.
        pair = np.stack([omega(k), -omega(-np.asarray(k))])
        single = np.count_nonzero(pair > 0, axis=0) == 1
        return np.where(single, np.max(pair, axis=0), np.nan)

    return Law(SMALL_WAVES, positive)


def _agree(law, waves, k):
    """Return whether a law is that of the recorded waves, or nothing can be compared."""
    wanted = waves.omega(k)
    seen = np.isfinite(wanted)
    if not seen.any():
        return True
    if law is None:
        return False
    difference = np.abs(law.omega(k[seen]) - wanted[seen])
    return bool(np.all(difference <= LIKE * np.abs(wanted[seen]).max()))


def _is_formula(law, ds):
    """True for a formula; raises InputError for a name that is neither a law nor a formula."""
    if str(law).isidentifier() and law not in recorded_kernels(ds) and law not in ds.attrs:
        known_kernel(law)
    return True


def _formula(text, ds, k):
    k = np.asarray(k, dtype=float)
    numbers = {str(name): value for name, value in ds.attrs.items() if _is_number(value)}
    kernels = {}
    for name, (places, omega) in recorded_kernels(ds).items():
        kernels[name] = np.interp(k, places, omega)
    return evaluate(text, {**numbers, **kernels, "k": k}) * np.ones_like(k)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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


def _broken(values):
    """A line that is not drawn across a fold."""
    values = values.copy()
    jumps = np.flatnonzero(np.abs(np.diff(values)) > np.ptp(values) / 2)
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
