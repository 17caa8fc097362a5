"""Transient grating in several models: Figs. 3, 4, SI 1, SI 3, SI 4 and SI 7 of paper B."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from spinhydro.errors import InputError

from .exchange import (
    energy_errors,
    exchange_energy,
    largest_error,
    mean_magnetization,
)
from .magnets import has_spins, known_kernel, magnet, scalar, spins
from .style import INK, axes_or_new, label, panel_letter, run_name

ATOMISTIC, CONTINUUM, LONG_WAVES = "ASD", "PS-LLE", "$k^2$ kernel"
LOOK = {
    ATOMISTIC: {"color": INK, "ls": "", "marker": "o", "ms": 3.4, "mfc": "none", "mew": 0.7},
    CONTINUUM: {"color": "#1f4e79", "lw": 1.3},
    LONG_WAVES: {"color": "#c1272d", "lw": 1.3},
}
ORDER = (ATOMISTIC, CONTINUUM, LONG_WAVES)
# Circles per panel: more cannot be told apart.
CIRCLES = 45
PULSES = {"b3": 8, "b4": 8, "bs1": 8, "bs3": 1, "bs4": 16}


def model(ds):
    """ASD, PS-LLE or k² kernel, from the parameters `model` or `kernel` of a run.

    The law of the lattice in a heat bath is atomistic dynamics, which paper B has with temperature.
    """
    word = str(ds.attrs.get("model", ds.attrs.get("kernel", ""))).lower()
    if word in ("atomistic", "asd") or (word == "lattice" and _heated(ds)):
        return ATOMISTIC
    try:
        word = known_kernel(word or "chain")
    except InputError:
        return str(ds.attrs.get("kernel"))
    return {"chain": CONTINUUM, "micromagnetic": LONG_WAVES}[word]


def in_order(runs):
    """ASD, PS-LLE, k² kernel, whatever order they were given in."""
    return sorted(runs, key=lambda ds: ORDER.index(model(ds)) if model(ds) in ORDER else 9)


def draw_energy(ds, second=None, third=None, *, output="m"):
    """a: exchange energy against time; b: errors against the atomistic (else first) run."""
    runs = _runs(ds, second, third)
    figure = Figure(figsize=(8.2, 3.6))
    left, right = figure.subplots(
        1,
        2,
        gridspec_kw={"left": 0.07, "right": 0.985, "top": 0.92, "bottom": 0.22, "wspace": 0.24},
    )
    plot_energy(runs, left, output)
    plot_errors(runs, right, output)
    for ax, letter in zip((left, right), "ab", strict=True):
        panel_letter(ax, letter)
    _footnote(figure, runs)
    return figure


def draw_mean(ds, second=None, third=None, *, output="m", logarithmic=None):
    """Mean out-of-plane magnetization against time, and below it the difference between models.

    Times are on a logarithmic axis if `logarithmic` is 1; by default for runs longer than 10.
    """
    runs = _runs(ds, second, third)
    figure = Figure(figsize=(5.4, 4.6 if len(runs) > 1 else 3.8))
    edges = {"left": 0.135, "right": 0.975, "top": 0.96, "bottom": 0.19 if len(runs) > 1 else 0.22}
    if len(runs) == 1:
        plot_mean(runs, figure.add_subplot(figure.add_gridspec(1, 1, **edges)[0]), output)
    else:
        grid = figure.add_gridspec(2, 1, height_ratios=[2.2, 1], hspace=0.08, **edges)
        upper = figure.add_subplot(grid[0])
        lower = figure.add_subplot(grid[1], sharex=upper)
        plot_mean(runs, upper, output, logarithmic)
        plot_mean_difference(runs, lower, output)
        upper.tick_params(labelbottom=False)
        upper.set_xlabel("")
    _footnote(figure, runs, errors=False, width=104)
    return figure


def draw_grating(ds, second=None, third=None, *, output="m"):
    """Energy, errors and mean magnetization on one sheet, for any number of pulses."""
    runs = _runs(ds, second, third)
    figure = Figure(figsize=(8.2, 5.6))
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
    _footnote(figure, runs)
    return figure


def draw_initial(ds, *, output="m", member=0):
    """m_z and m_x of the first output against x."""
    m = spins(ds, output).isel(t=0, member=member)
    figure = Figure(figsize=(5.6, 4.0))
    upper, lower = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"left": 0.11, "right": 0.98, "top": 0.94, "bottom": 0.17}
    )
    for ax, spin, letter in ((upper, 2, "a"), (lower, 0, "b")):
        ax.plot(ds.x, m.isel(spin=spin), ".", ms=1.8, color="#1f4e79")
        lowest = float(m.isel(spin=spin).min())
        ax.set_ylim(*((-1.08, 1.08) if lowest < -0.1 else (-0.05, 1.08)))
        ax.set_ylabel(f"$m_{'xyz'[spin]}$")
        panel_letter(ax, letter)
    lower.set_xlabel(label(ds.x, "x"))
    lower.set_xlim(float(ds.x.min()), float(ds.x.max()))
    figure.text(0.03, 0.02, f"Run {run_name(ds)}, {_numbers(ds)}.", fontsize=6.5, va="bottom")
    return figure


def draw_continuation(ds, second=None, third=None, fourth=None, *, output="m", zero=0.0):
    """Exchange energy of continuations of one hot state, from the time `zero` on.

    The run that led to that state may be among them: its times are then before `zero`.
    """
    runs = [run for run in (ds, second, third, fourth) if run is not None]
    figure = Figure(figsize=(5.2, 3.7))
    ax = figure.add_axes([0.12, 0.22, 0.85, 0.72])
    look = {**LOOK, ATOMISTIC: {"color": INK, "lw": 1.1}}
    named = set()
    for run in runs:
        energy = exchange_series(run, output)
        text = _legend(run)
        _band(
            ax,
            energy.t.values - zero,
            energy.values,
            look.get(model(run), {}),
            None if text in named else text,
        )
        named.add(text)
    ax.set_xlabel(label(ds.t, "t") + (f" after {zero:g}" if zero else ""))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    ax.set_ylim(bottom=0)
    ax.legend()
    _footnote(figure, runs, errors=False, width=104)
    return figure


def exchange_series(ds, output="m"):
    """E_ex/NJ (t, member), from the spins or else from a scalar output E_exchange.

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
        "this run has neither spins m nor an output E_exchange; say which output is the spins "
        "with --name m=OUTPUT"
    )


# Panels


def plot_energy(runs, ax=None, output="m"):
    """E_ex/NJ against time."""
    ax = axes_or_new(ax)
    for run in runs:
        energy = exchange_series(run, output)
        _band(ax, energy.t.values, energy.values, LOOK.get(model(run), {}), _legend(run))
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    last = max(float(run.t[-1]) for run in runs)
    ax.set_xlim(0, min(last, 5.0) if runs[0].t.attrs.get("units") == "ps" else last)
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def plot_errors(runs, ax=None, output="m"):
    """Percent error against the first run: of E_ex (full lines) and of the raw sum (dashed)."""
    ax = axes_or_new(ax)
    if len(runs) < 2:
        raise InputError(
            "errors are between models: give runs of two or three of kernel=chain, "
            "kernel=micromagnetic and the atomistic one, with the same seed, pulses and r_max"
        )
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
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(f"error against {model(runs[0])} (%)")
    last = max(float(run.t[-1]) for run in runs)
    ax.set_xlim(0, min(last, 5.0) if runs[0].t.attrs.get("units") == "ps" else last)
    # Between lines that are many decades apart there is room in the middle.
    ax.legend(fontsize=6.5, loc="center right" if high / low > 1e8 else "best")
    return ax


def plot_mean(runs, ax=None, output="m", logarithmic=None):
    """⟨m_z⟩ against time."""
    ax = axes_or_new(ax)
    last = max(float(run.t[-1]) for run in runs)
    if logarithmic is None:
        logarithmic = last > 10
    for run in runs:
        mean = mean_magnetization(run, output)
        if logarithmic:
            mean = mean.isel(t=mean.t.values > 0)
        _band(ax, mean.t.values, mean.values, LOOK.get(model(run), {}), _legend(run))
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
    """⟨m_z⟩ of every run but PS-LLE (or the first) minus that of the latter, times 1000."""
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


# Parts


def _band(ax, t, values, look, text):
    """The mean over members, with the range of one standard deviation around it."""
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


def _legend(ds):
    temperature = ds.attrs.get("temperature", 0)
    if isinstance(temperature, (int, float)) and temperature:
        return f"{model(ds)}, {temperature:g} K"
    return f"{model(ds)}, heat bath" if _heated(ds) else model(ds)


def _heated(ds):
    return ds.attrs.get("heat_bath") in (1, 1.0)


def _runs(*runs):
    runs = [run for run in runs if run is not None]
    labels = [_legend(run) for run in runs]
    for one in labels:
        if labels.count(one) > 1:
            raise InputError(
                f"two of the runs are both {one}; give one run of each model "
                "(kernel=chain, kernel=micromagnetic, and the atomistic one)"
            )
    return runs


def _numbers(ds):
    shown = [("N", "N"), ("pulses", "pulses"), ("r_max", "r_max"), ("seed", "seed"), ("alpha", "α")]
    # No-break spaces: a line does not end inside of these.
    parts = [
        f"{text}\u00a0=\u00a0{ds.attrs[name]:g}" for name, text in shown if _is_number(ds, name)
    ]
    return ", ".join(parts)


def _is_number(ds, name):
    return isinstance(ds.attrs.get(name), (int, float))


def _footnote(figure, runs, errors=True, width=150):
    names = ", ".join(f"{run_name(run)} ({_legend(run)})" for run in runs)
    text = "\n".join(textwrap.wrap(f"Runs {names}; {_numbers(runs[0])}.", width))
    if errors:
        text += "\nRaw sum: the energy of the ground state, $-J$ per site, not taken off."
    figure.text(0.03, 0.02, text, fontsize=6.5, va="bottom")


# What a run must have


def has_pulses(ds, name):
    """Raise InputError unless this is a grating of the number of pulses that the figure shows."""
    if not has_spins(ds) and "E_exchange" not in ds:
        spins(ds)
    wanted = PULSES.get(name)
    found = ds.attrs.get("pulses")
    make = f"spinhydro run problems/transient_grating.py pulses={wanted or 8}"
    if found is None:
        raise InputError(f"{name}: this run is no transient grating; make one with {make}")
    if wanted is not None and found != wanted:
        raise InputError(
            f"{name}: shows {wanted} pulses and this run has {found}; make one with {make}, or "
            "draw any number with --figure grating"
        )


def has_energy(ds, name):
    """Raise InputError where a run has no exchange energy."""
    if not has_spins(ds) and "E_exchange" not in ds:
        raise InputError(
            f"{name}: this run has neither spins m nor E_exchange; make one with "
            "spinhydro run problems/laser_grating.py"
        )
