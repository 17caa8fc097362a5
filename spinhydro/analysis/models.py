"""Compare one magnet in several models: exchange energy, its errors, and the mean of m_z.

The models are those of paper B: atomistic (ASD), PS-LLE, and the k² kernel.
"""

import numpy as np

from spinhydro.errors import InputError

from .exchange import (
    energy_errors,
    exchange_energy,
    largest_error,
    mean_magnetization,
)
from .magnets import has_spins, known_kernel, magnet, scalar, spins
from .style import INK, axes_or_new, label, panel_letter, run_label, run_name, wrapped

ATOMISTIC, CONTINUUM, LONG_WAVES = "ASD", "PS-LLE", "$k^2$ kernel"
LOOK = {
    ATOMISTIC: {"color": INK, "ls": "", "marker": "o", "ms": 3.4, "mfc": "none", "mew": 0.7},
    CONTINUUM: {"color": "#1f4e79", "lw": 1.3},
    LONG_WAVES: {"color": "#c1272d", "lw": 1.3},
}
ORDER = (ATOMISTIC, CONTINUUM, LONG_WAVES)
# Circles per panel: more cannot be distinguished.
CIRCLES = 45
# Times at which series are printed, as fractions of the run.
SHARES = (0.01, 0.1, 0.25, 0.5, 1.0)


def model(ds):
    """Return ASD, PS-LLE or k² kernel, from the parameters `model` or `kernel` of a run.

    The law of the lattice in a heat bath is atomistic dynamics, which paper B has with temperature.
    """
    word = str(ds.attrs.get("model", ds.attrs.get("kernel", ""))).lower()
    if word in ("atomistic", "asd") or (word == "lattice" and _heated(ds)):
        return ATOMISTIC
    try:
        word = known_kernel(word or "chain")
    except InputError:
        return str(ds.attrs.get("kernel"))
    return {"chain": CONTINUUM, "micromagnetic": LONG_WAVES}.get(word, f"kernel {word}")


def in_order(runs):
    """Sort runs: ASD, PS-LLE, k² kernel, others."""
    return sorted(runs, key=lambda ds: ORDER.index(model(ds)) if model(ds) in ORDER else 9)


def exchange_series(ds, output="m"):
    """Return E_ex/NJ (t, member), from the spins or else from a scalar output E_exchange.

    E_exchange in joule is divided by N J where the run states J or its material.
    """
    if has_spins(ds, output):
        return exchange_energy(ds, output)
    for name in ("E_exchange", "E_ex"):
        if name in ds:
            energy = scalar(ds, name)
            if ds[name].attrs.get("units") == "J":
                if "N" not in ds.attrs:
                    raise InputError(
                        f"{name} is in joule; state the number of spins with --parameter N=NUMBER"
                    )
                energy = energy / (float(ds.attrs["N"]) * magnet(ds).J)
            return energy
    raise InputError(
        "this run has neither spins m nor an output E_exchange; name the output of the spins "
        "with --name m=OUTPUT"
    )


def plot_energy(runs, ax=None, output="m"):
    """Draw E_ex/NJ against time."""
    ax = axes_or_new(ax)
    for run in runs:
        energy = exchange_series(run, output)
        band(ax, energy.t.values, energy.values, LOOK.get(model(run), {}), legend_text(run))
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    last = max(float(run.t[-1]) for run in runs)
    ax.set_xlim(0, min(last, 5.0) if runs[0].t.attrs.get("units") == "ps" else last)
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def plot_errors(runs, ax=None, output="m"):
    """Draw the percent error against the first run: of E_ex (full) and of the raw sum (dashed).

    For one run the panel says which others it takes.
    """
    ax = axes_or_new(ax)
    if len(runs) < 2:
        text = (
            "errors are between models:\ngive runs of two or three of kernel=chain,\n"
            "kernel=micromagnetic and the atomistic one,\nwith the same seed, pulses and r_max"
        )
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=7)
        ax.set_yticks([])
        ax.set_xlabel(label(runs[0].t, "t"))
        return ax
    for run in runs[1:]:
        errors = energy_errors(run, runs[0], output)
        colour = LOOK.get(model(run), {}).get("color")
        for name, dashes in (("P_ex", "-"), ("P_raw", (0, (3, 1.5)))):
            shown = np.where(errors[name] > 0, errors[name], np.nan).T
            for member, line in enumerate(shown):
                ax.semilogy(errors.t, line, color=colour, ls=dashes, lw=1.0 if not member else 0.4)
        (at_ex, ex), (at_raw, raw) = largest_error(errors), largest_error(errors, "P_raw")
        unit = runs[0].t.attrs.get("units", "")
        text = f"{model(run)}: {_percent(ex)} % at {at_ex:.2g} {unit}\n"
        text += f"   raw sum {_percent(raw)} % at {at_raw:.2g} {unit}"
        ax.plot([], [], color=colour, label=text)
    ax.plot([], [], color="0.4", label=r"of $E_\mathrm{ex}$")
    ax.plot([], [], color="0.4", ls=(0, (3, 1.5)), label=r"of the raw sum $\sum m_i\cdot m_{i+1}$")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, 1e-14), max(high, 1e2))
    from matplotlib.ticker import LogLocator

    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(f"error against {model(runs[0])} (%)")
    last = max(float(run.t[-1]) for run in runs)
    ax.set_xlim(0, min(last, 5.0) if runs[0].t.attrs.get("units") == "ps" else last)
    # There is room between lines that are many decades apart.
    ax.legend(fontsize=6.5, loc="center right" if high / low > 1e8 else "best")
    return ax


def plot_sheet(figure, runs, output="m"):
    """Draw energy (a), errors (b) and mean magnetization (c) on one sheet."""
    figure.set_size_inches(8.2, 5.6)
    grid = figure.add_gridspec(
        2, 2, left=0.075, right=0.985, top=0.95, bottom=0.16, wspace=0.24, hspace=0.14
    )
    energy = figure.add_subplot(grid[0, 0])
    errors = figure.add_subplot(grid[1, 0], sharex=energy)
    mean = figure.add_subplot(grid[:, 1])
    plot_energy(runs, energy, output)
    plot_errors(runs, errors, output)
    plot_mean(runs, mean, output)
    energy.tick_params(labelbottom=False)
    energy.set_xlabel("")
    for ax, letter in zip((energy, errors, mean), "abc", strict=True):
        panel_letter(ax, letter)
    footnote(figure, runs)


def plot_mean(runs, ax=None, output="m", logarithmic=None):
    """Draw ⟨m_z⟩ against time."""
    ax = axes_or_new(ax)
    last = max(float(run.t[-1]) for run in runs)
    if logarithmic is None:
        logarithmic = last > 10
    for run in runs:
        mean = mean_magnetization(run, output)
        if logarithmic:
            mean = mean.isel(t=mean.t.values > 0)
        band(ax, mean.t.values, mean.values, LOOK.get(model(run), {}), legend_text(run))
    if logarithmic:
        ax.set_xscale("log")
        ax.set_xlim(0.9 * min(float(run.t[run.t > 0][0]) for run in runs), last)
    else:
        ax.set_xlim(0, last)
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(r"$\langle m_z\rangle$")
    ax.legend(loc="lower right")
    return ax


def plot_mean_difference(runs, ax=None, output="m"):
    """Draw ⟨m_z⟩ of every run but PS-LLE (or the first) minus that of the latter, times 1000."""
    ax = axes_or_new(ax)
    base = next((run for run in runs if model(run) == CONTINUUM), runs[0])
    mean = mean_magnetization(base, output).mean("member")
    for run in runs:
        if run is base:
            continue
        other = mean_magnetization(run, output).mean("member")
        both = (other.t.values <= float(mean.t[-1])) & (other.t.values > float(mean.t[0]))
        shared = np.isin(np.round(other.t.values, 6), np.round(mean.t.values, 6)) & both
        t = other.t.values[shared]
        if not len(t):
            continue
        at = mean.values[np.searchsorted(mean.t.values, t - 1e-6)]
        look = {**LOOK.get(model(run), {}), "markevery": max(1, len(t) // CIRCLES)}
        ax.plot(t, 1e3 * (other.values[shared] - at), **look)
    ax.axhline(0, color=INK, lw=0.5)
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(rf"$10^3\,\Delta\langle m_z\rangle$ from {model(base)}", fontsize=7)
    return ax


def band(ax, t, values, look, text):
    """Draw the mean over members, with the range of one standard deviation around it."""
    look = dict(look)
    if look.get("marker"):
        look["markevery"] = max(1, len(t) // CIRCLES)
    mean = values.mean(axis=1)
    (line,) = ax.plot(t, mean, label=text, **look)
    if values.shape[1] > 1:
        spread = values.std(axis=1, ddof=1)
        ax.fill_between(t, mean - spread, mean + spread, color=line.get_color(), alpha=0.2, lw=0)


def _percent(value):
    if value >= 1e-3 or value == 0:
        return f"{value:.3g}"
    power = int(np.floor(np.log10(value)))
    return rf"${value / 10.0**power:.1f}\cdot 10^{{{power}}}$"


def legend_text(ds):
    """Return the model of a run, with its temperature."""
    temperature = ds.attrs.get("temperature", 0)
    if isinstance(temperature, (int, float)) and temperature:
        return f"{model(ds)}, {temperature:g} K"
    return f"{model(ds)}, heat bath" if _heated(ds) else model(ds)


def _heated(ds):
    return ds.attrs.get("heat_bath") in (1, 1.0)


def distinct(runs):
    """Return the runs in the order of ORDER; raise InputError if two have the same label."""
    runs = in_order(runs)
    labels = [legend_text(run) for run in runs]
    for one in labels:
        if labels.count(one) > 1:
            raise InputError(
                f"two of the runs are both {one}; give one run of each model "
                "(kernel=chain, kernel=micromagnetic, and the atomistic one)"
            )
    return runs


def numbers(ds):
    """Return the parameters that identify a grating, as text."""
    shown = [("N", "N"), ("pulses", "pulses"), ("r_max", "r_max"), ("seed", "seed"), ("alpha", "α")]
    # No-break spaces: lines do not break here.
    parts = [
        f"{text}\u00a0=\u00a0{ds.attrs[name]:g}" for name, text in shown if _is_number(ds, name)
    ]
    return ", ".join(parts)


def _is_number(ds, name):
    return isinstance(ds.attrs.get(name), (int, float))


def footnote(figure, runs, errors=True, width=150):
    """Write the runs and their parameters below a figure."""
    names = ", ".join(f"{run_label(run)} ({legend_text(run)})" for run in runs)
    text = wrapped(f"Runs {names}; {numbers(runs[0])}.", width)
    if errors:
        text += "\nRaw sum: the energy of the ground state, $-J$ per site, not taken off."
    figure.text(0.03, 0.02, text, fontsize=6.5, va="bottom")


# Text


def name_of(ds):
    """Return the name of a run and its model, as plain text."""
    return f"{run_name(ds)} ({model(ds).replace('$k^2$', 'k²')})"


def at_shares(ds, values, form=".6f", shares=SHARES):
    """Return values (t, member), averaged over members, at `shares` of the duration, as text."""
    times = float(ds.t[0]) + (float(ds.t[-1]) - float(ds.t[0])) * np.array(shares)
    chosen = values.mean("member").sel(t=times, method="nearest")
    pairs = zip(chosen.values, chosen.t.values, strict=True)
    unit = ds.t.attrs.get("units", "")
    return ", ".join(f"{value:{form}} at {time:.4g}" for value, time in pairs) + f" {unit}"


def require_pulses(name, ds, wanted=None):
    """Raise InputError unless `ds` is a grating with the number of pulses that the figure shows."""
    if not has_spins(ds) and "E_exchange" not in ds:
        spins(ds)
    found = ds.attrs.get("pulses")
    make = f"spinhydro run problems/transient_grating.py pulses={wanted or 8}"
    if found is None:
        raise InputError(f"{name}: this run is not a transient grating; make one with {make}")
    if wanted is not None and found != wanted:
        raise InputError(
            f"{name}: shows {wanted} pulses and this run has {found}; make one with {make}, or "
            "draw any number with --figure grating"
        )


def require_energy(name, ds):
    """Raise InputError where a run has no exchange energy."""
    if not has_spins(ds) and "E_exchange" not in ds:
        raise InputError(
            f"{name}: this run has neither spins m nor E_exchange; make one with "
            "spinhydro run problems/laser_grating.py"
        )
