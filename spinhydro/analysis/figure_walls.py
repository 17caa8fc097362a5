"""Domain walls out of an in-plane grating (Fig. SI 5 of paper B), and temperature maps (SI 6)."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from spinhydro.errors import InputError

from .figure_grating import exchange_series, model
from .magnets import space_axes, spins
from .spacetime import draw_image
from .style import DIVERGING, axes_or_new, colour_bar, label, panel_letter, run_name
from .temperature import temperature_outputs, temperature_peak, temperature_profile
from .textures import sign_changes

COLOURS = ["#1f4e79", "#c1272d", "#4f7f3f"]


def draw_walls(
    ds, second=None, third=None, fourth=None, fifth=None, sixth=None, *, output="m", member=0
):
    """Map of m_z for each run, then sign changes of m_z and exchange energy against time.

    Runs with the same number of pulses stand in one row.
    """
    runs = [run for run in (ds, second, third, fourth, fifth, sixth) if run is not None]
    groups = {}
    for run in runs:
        groups.setdefault(run.attrs.get("pulses"), []).append(run)
    rows = [groups[key] for key in sorted(groups, key=lambda key: (key is None, key))]
    maps = max(map(len, rows))
    height = 2.2 * len(rows) + 0.85
    figure = Figure(figsize=(2.6 * (maps + 2) + 0.9, height))
    edges = {"top": 1 - 0.35 / height, "bottom": 0.72 / height, "hspace": 0.3}
    share = (maps + 0.35) / (maps + 2.35)
    left = figure.add_gridspec(len(rows), maps, left=0.055, right=share - 0.07, **edges)
    right = figure.add_gridspec(
        len(rows), 2, left=share + 0.04, right=0.99, wspace=0.38, width_ratios=[1, 1], **edges
    )
    letters = iter("abcdefghijklmnopqrstuvwx")
    for number, row in enumerate(rows):
        for column, run in enumerate(row):
            ax = figure.add_subplot(left[number, column])
            plot_m_z(run, ax, output, member, bar=column == len(row) - 1)
            pulses = run.attrs.get("pulses")
            text = "" if pulses is None else f", {pulses} pulse{'s' if pulses != 1 else ''}"
            ax.set_title(f"$m_z$, {model(run)}{text}")
            # One scale of time in a row, though one of its runs ends sooner.
            ax.set_ylim(top=max(float(other.t[-1]) for other in row))
            if column:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
            panel_letter(ax, next(letters))
        changes, energy = (figure.add_subplot(right[number, column]) for column in (0, 1))
        plot_wall_count(row, changes, output)
        plot_long_energy(row, energy, output)
        for ax in (changes, energy):
            panel_letter(ax, next(letters))
    names = ", ".join(run_name(run) for run in runs)
    figure.text(0.02, 0.1 / height, f"Runs {names}.", fontsize=6.5, va="bottom")
    return figure


def plot_wall_count(runs, ax=None, output="m"):
    """Sign changes of m_z around the ring against time, the mean over members."""
    ax = axes_or_new(ax)
    for colour, run in zip(COLOURS, runs, strict=False):
        changes = sign_changes(run, output).mean("member")
        ax.loglog(run.t[1:], changes[1:], color=colour, drawstyle="steps-post", label=model(run))
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel("sign changes of $m_z$")
    ax.yaxis.set_major_formatter("{x:.0f}")
    ax.yaxis.set_minor_formatter("{x:.0f}")
    ax.yaxis.set_minor_locator(LogLocator(subs=(2, 4, 6)))
    ax.legend()
    return ax


def plot_long_energy(runs, ax=None, output="m"):
    """Exchange energy against time, both logarithmic."""
    ax = axes_or_new(ax)
    for colour, run in zip(COLOURS, runs, strict=False):
        energy = exchange_series(run, output).mean("member")
        ax.loglog(run.t[1:], energy[1:], color=colour)
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    return ax


def plot_m_z(ds, ax, output="m", member=0, bar=True):
    """Map of m_z against x and t."""
    m = spins(ds, output)
    axes = space_axes(m)
    if len(axes) != 1:
        raise InputError(f"map of m_z: the spins run along {', '.join(axes)}; it needs one axis")
    values = m.isel(member=member, spin=2).values
    image = draw_image(ax, ds[axes[0]].values, ds.t.values, values, vmin=-1, vmax=1, cmap=DIVERGING)
    ax.set_xlabel(label(ds[axes[0]], axes[0]))
    ax.set_ylabel(label(ds.t, "t"))
    if bar:
        colour_bar(image, ax, "")
    return ax


def draw_temperature(ds, *, output=None, member=0):
    """a: map of the temperature against x and t; b: all temperatures at the hottest place."""
    T = temperature_profile(ds, output).isel(member=member)
    axes = space_axes(T)
    time, place, kelvin = temperature_peak(ds, output)
    figure = Figure(figsize=(8.0, 3.6) if axes else (4.6, 3.6))
    grid = {"left": 0.075, "right": 0.985, "top": 0.92, "bottom": 0.2, "wspace": 0.42}
    if axes:
        if len(axes) > 1:
            raise InputError(f"temperature map: it runs along {', '.join(axes)}; take a line first")
        left, right = figure.subplots(1, 2, gridspec_kw=grid)
        image = draw_image(left, ds[axes[0]].values, ds.t.values, T.values, cmap="inferno")
        left.set_xlabel(label(ds[axes[0]], axes[0]))
        left.set_ylabel(label(ds.t, "t"))
        colour_bar(image, left, "temperature (K)")
        panel_letter(left, "a")
        panel_letter(right, "b")
    else:
        right = figure.add_axes([0.14, 0.2, 0.83, 0.72])
    for name in [output] if output else temperature_outputs(ds):
        line = temperature_profile(ds, name).isel(member=member)
        if axes and axes[0] in line.dims:
            line = line.isel({axes[0]: int(np.argmin(np.abs(ds[axes[0]].values - place)))})
        right.plot(ds.t, line, label=f"${name}$" if "_" in name else name)
    right.plot(time, kelvin, "+", color="black", ms=7, mew=0.8)
    right.set_xlabel(label(ds.t, "t"))
    right.set_ylabel("temperature (K)")
    right.set_xlim(float(ds.t[0]), float(ds.t[-1]))
    right.set_ylim(bottom=0)
    right.legend()
    unit = ds.t.attrs.get("units", "")
    figure.text(
        0.03,
        0.02,
        f"Run {run_name(ds)}. Highest: {kelvin:.0f} K at {time:.2f} {unit}.",
        fontsize=6.5,
        va="bottom",
    )
    return figure


def has_in_plane(ds, name):
    """Raise InputError unless the spins run along one axis and start near the plane."""
    m = spins(ds)
    if len(space_axes(m)) != 1 or m.sizes["t"] < 2:
        raise InputError(f"{name}: needs spins along one axis at two or more times")
    if name == "bs5" and abs(float(m.isel(t=0, spin=2).mean())) > 0.2:
        raise InputError(
            f"{name}: starts from spins in the plane, and this run has <m_z> = "
            f"{float(m.isel(t=0, spin=2).mean()):.2f} at first; make one with "
            "spinhydro run problems/transient_grating.py plane=1 stop_time=100*ps "
            "output_interval=1*ps"
        )


def has_temperature(ds, name):
    """Raise InputError for a run without an output of a temperature."""
    if not temperature_outputs(ds):
        raise InputError(
            f"{name}: this run has no output T_e or temperature; make one with "
            "spinhydro run problems/laser_grating.py"
        )
