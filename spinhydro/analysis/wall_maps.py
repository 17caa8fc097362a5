"""Draw domain walls: maps of m_z, the number of walls, and the exchange energy against time."""

import numpy as np

from spinhydro.errors import InputError

from .magnets import space_axes, spins
from .maps import draw_image
from .models import at_shares, exchange_series, model, name_of
from .style import DIVERGING, axes_or_new, colour_bar, label, member_label, panel_letter
from .textures import sign_changes

COLOURS = ["#1f4e79", "#c1272d", "#4f7f3f"]
# A passage of m_z through more than half of the range is a wall.
WALL = 0.5


def draw_sheet(figure, runs, output="m", member=0):
    """Draw a map of m_z for each run, then sign changes of m_z and energy against time.

    Runs with the same number of pulses share a row.  Returns lines with the number of walls.
    """
    groups = {}
    for run in runs:
        groups.setdefault(run.attrs.get("pulses"), []).append(run)
    rows = [groups[key] for key in sorted(groups, key=lambda key: (key is None, key))]
    maps = max(map(len, rows))
    height = 2.2 * len(rows) + 0.85
    figure.set_size_inches(2.6 * (maps + 2) + 0.9, height)
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
            # One time scale per row, even if one of its runs ends sooner.
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
    names = ", ".join(member_label(run, member) for run in runs)
    figure.text(0.02, 0.1 / height, f"Runs {names}.", fontsize=6.5, va="bottom")
    return report(runs, output)


def report(runs, output="m"):
    """Return lines: sign changes of m_z, and walls, at some times."""
    lines = []
    for run in runs:
        changes = at_shares(run, sign_changes(run, output), ".0f")
        walls = at_shares(run, sign_changes(run, output, threshold=WALL), ".0f")
        lines.append(f"{name_of(run)}: sign changes of m_z {changes}")
        lines.append(f"{name_of(run)}: through more than half of the way {walls}")
    return lines


def plot_wall_count(runs, ax=None, output="m"):
    """Draw the sign changes of m_z around the ring against time, the mean over members."""
    ax = axes_or_new(ax)
    for number, run in enumerate(runs):
        changes = sign_changes(run, output).mean("member")
        ax.plot(run.t[1:], changes[1:], color=COLOURS[number % len(COLOURS)],
                drawstyle="steps-post", label=model(run))  # fmt: skip
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel("sign changes of $m_z$")
    _logarithmic(ax, whole_numbers=True)
    ax.legend()
    return ax


def plot_long_energy(runs, ax=None, output="m"):
    """Draw the exchange energy against time."""
    ax = axes_or_new(ax)
    for number, run in enumerate(runs):
        energy = energy_or_none(run, output)
        if energy is not None:
            energy = energy.mean("member")
            ax.plot(run.t[1:], energy[1:], color=COLOURS[number % len(COLOURS)])
    if not ax.lines:
        text = "no exchange law\nin the parameters"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=6.5)
    else:
        _logarithmic(ax)
    ax.set_xlabel(label(runs[0].t, "t"))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    return ax


def _logarithmic(ax, whole_numbers=False):
    """Make those axes logarithmic whose lines span a factor of 30; others stay linear."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis, index in ((ax.xaxis, 0), (ax.yaxis, 1)):
        values = np.concatenate([np.ravel(line.get_data()[index]) for line in ax.lines])
        positive = values[values > 0]
        if len(positive) < len(values) or not len(values) or values.max() < 30 * values.min():
            continue
        (ax.set_xscale if index == 0 else ax.set_yscale)("log")
        axis.set_minor_formatter(NullFormatter())
        if whole_numbers and index == 1:
            axis.set_major_formatter("{x:.0f}")
            axis.set_minor_formatter("{x:.0f}")
            axis.set_minor_locator(LogLocator(subs=(2, 4, 6)))


def plot_m_z(ds, ax, output="m", member=0, bar=True):
    """Draw a map of m_z against x and t."""
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


def require_in_plane(name, ds, starts_in_plane=False):
    """Raise InputError unless the spins run along one axis (and start near the plane)."""
    m = spins(ds)
    if len(space_axes(m)) != 1 or m.sizes["t"] < 2:
        raise InputError(f"{name}: needs spins along one axis at two or more times")
    if starts_in_plane and abs(float(m.isel(t=0, spin=2).mean())) > 0.2:
        raise InputError(
            f"{name}: starts from spins in the plane, and this run has <m_z> = "
            f"{float(m.isel(t=0, spin=2).mean()):.2f} at first; make one with "
            "spinhydro run problems/transient_grating.py plane=1 stop_time=100*ps "
            "output_interval=1*ps"
        )


def energy_or_none(run, output):
    """Return E_ex/NJ of a run, None without an exchange law (panel c is then left out)."""
    try:
        return exchange_series(run, output)
    except InputError:
        return None
