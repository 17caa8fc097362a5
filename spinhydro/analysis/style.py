"""One look for all figures, and labels with units."""

import re
import textwrap
from contextlib import contextmanager
from pathlib import Path

from spinhydro.physics.ovf import TENSOR_AXES

DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
INK, CRITICAL, TORQUE = "black", "#c1272d", "#c1272d"
# The two spin components: distinct for all common kinds of colour vision, and in grey.
COMPONENT_UP, COMPONENT_DOWN = "#d55e00", "#0b4f9c"
# Figures show the part of the cloud above this fraction of the peak density.
SHOWN_DENSITY = 0.09
CYCLE = ["#1f4e79", "#c1272d", "#4f7f3f", "#b8860b", "#6a4c93", "#555555"]

_SETTINGS = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.prop_cycle": f"cycler(color={CYCLE})",
    "mathtext.fontset": "stixsans",
    "savefig.dpi": 200,
    "figure.dpi": 120,
}

_UNITS = {"um": "µm", "um/ms": "µm/ms", "1/um": "1/µm", "1": "", "n0": "$n_0$"}
_SYMBOLS = {"x": "$x$", "y": "$y$", "z": "$z$", "t": "$t$", "Z": "$Z$", "n": "$n$"}


@contextmanager
def house_style():
    """Context in which figures have the common style."""
    # Imported here: measurements use only the labels.
    import matplotlib as mpl

    with mpl.rc_context(_SETTINGS):
        yield


def label(variable, name=None):
    """Axis label of a Dataset variable or coordinate: symbol, then the unit in brackets."""
    name = str(variable.name if name is None else name)
    # The second grid of an axis, x_384, is still x.
    name = re.sub(r"^([xyz])_\d+$", r"\1", name)
    units = variable.attrs.get("units", "")
    units = _UNITS.get(units, units)
    return f"{_SYMBOLS.get(name, name)} ({units})" if units else _SYMBOLS.get(name, name)


def run_name(ds):
    """The last two parts of a run's folder: quantum_torque/0001."""
    return "/".join(Path(ds.attrs.get("run", "")).parts[-2:])


def run_label(ds):
    """The name of a run with the member and the cut that were selected from it."""
    chosen = ds.attrs.get("selection")
    return f"{run_name(ds)} ({chosen})" if chosen else run_name(ds)


def member_label(ds, member):
    """The name of a run with the member that a figure takes from a run with members."""
    if "member" not in ds.dims:
        return run_label(ds)
    return f"{run_name(ds)} (member {int(member) % ds.sizes['member']} of {ds.sizes['member']})"


def wrapped(text, width):
    """`text` broken into lines of at most `width` characters."""
    return "\n".join(textwrap.wrap(text, width))


def slope(ax, speed, line="-", name=None, start=0.0, end=None, origin=0.0):
    """Draw x = ±(start - speed (t - origin)) from the time `origin` to where it meets `end`.

    For a map with position across and time up; the lines run inwards on both sides of x = 0 as far
    as the axes go.
    """
    last = ax.get_ylim()[1]
    meet = last if not end else origin + (start - end) / speed
    times = [origin, min(meet, last)]
    for side in (-1, 1):
        places = [side * (start - speed * (time - origin)) for time in times]
        label = name if side > 0 else None
        ax.plot(places, times, line, color=INK, lw=1.2, label=label, path_effects=_halo())


def bars(ax, places, height):
    """Draw short vertical bars at positions `places` of a map, from the bottom up to `height`."""
    bottom = ax.get_ylim()[0]
    for place in places:
        ax.plot([place] * 2, [bottom, bottom + height], color=INK, lw=3, solid_capstyle="butt",
                path_effects=_halo())  # fmt: skip


def _halo():
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=3, foreground="white"), Normal()]


def grid_of_panels(figure, count, columns, size=(3.1, 2.5)):
    """Return `count` axes on `figure`, whose size follows; room is left for labels and bars.

    Margins are fixed: a layout computed from the texts costs as much time as the drawing itself.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    width, height = size[0] * columns + 0.1, size[1] * rows + 0.3
    figure.set_size_inches(width, height)
    left, right, bottom, top = 0.62, 0.5, 0.45, 0.46
    panel = (size[0] - left - right, size[1] - bottom - 0.35)
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, bottom=bottom / height, top=1 - top / height,
        wspace=(left + right) / panel[0], hspace=(bottom + 0.35) / panel[1],
    )  # fmt: skip
    return [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def sheet_title(figure, text):
    """Write a title above the panels of `grid_of_panels`."""
    height = figure.get_size_inches()[1]
    figure.suptitle(text, fontsize=8, y=1 - 0.08 / height, va="top")


def axes_or_new(ax):
    """The axes given, or those of a new figure in the user's own window."""
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots()
    return ax


def panel_letter(ax, letter):
    """Bold letter outside the upper left corner of a panel."""
    # Beside the letter, not below it.
    ax.yaxis.get_offset_text().set_x(0.15)
    ax.text(
        0,
        1.02,
        letter,
        transform=ax.transAxes,
        fontweight="bold",
        fontsize=10,
        ha="left",
        va="bottom",
    )


def colour_bar(image, ax, text):
    """Narrow colour bar at the right of a panel, inside the panel's column."""
    from matplotlib.ticker import MaxNLocator

    inset = ax.inset_axes([1.02, 0, 0.025, 1])
    bar = ax.figure.colorbar(image, cax=inset)
    bar.set_label(text)
    bar.locator = MaxNLocator(4, steps=[1, 2, 5, 10])
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    return bar


def frame_x(ax, ds, share=SHOWN_DENSITY):
    """Limits of x: where the first density is at least `share` of its peak; and the label."""
    density = ds.n.isel(t=0).squeeze(drop=True).values
    inside = ds.x.values[density >= share * density.max()]
    if len(inside):
        ax.set_xlim(inside.min(), inside.max())
    ax.set_xlabel(label(ds.x, "x"))


def is_tensor(dim):
    """True for the dimensions that `load` gives to tensor components."""
    return dim.startswith(TENSOR_AXES)
