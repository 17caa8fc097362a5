"""`spinhydro plot RUN [RUN_WITHOUT_TORQUE] [--figure NAME] [--save FILE]`: draw a run."""

import argparse
import sys
import warnings
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spinhydro.errors import InputError, SpinhydroError, nearest

from . import figure2
from .interface import (
    analytic_position,
    breaking_time,
    interface_position,
    is_unit_vector,
    norm_error,
    rabi_period,
)
from .load import load
from .profiles import draw_profiles
from .spacetime import plot_spacetime, spacetime_variable
from .style import house_style, is_tensor, run_name


def _draw_spacetime(ds, without, output):
    name = output or _first_map(ds)
    figure = Figure(figsize=(5.4, 4.0))
    ax = plot_spacetime(ds, name, figure.add_axes([0.13, 0.14, 0.7, 0.76]))
    ax.set_title(run_name(ds))
    return figure


def _first_map(ds):
    """Z if the run has it, otherwise the first output along time and one axis."""
    for name in ["Z", *ds.data_vars]:
        try:
            spacetime_variable(ds, name)
        except InputError:
            continue
        return name
    return "Z"


FIGURES = {
    "fig2": lambda ds, without, output: figure2.draw_figure2(ds, without),
    **{
        f"fig2{letter}": lambda ds, without, output, letter=letter: figure2.draw_panel(
            letter, ds, without
        )
        for letter in figure2.PANELS
    },
    "fig2cd": lambda ds, without, output: figure2.draw_maps(ds, without),
    "spacetime": _draw_spacetime,
    "profiles": lambda ds, without, output: draw_profiles(ds),
}


def main(argv=None):
    """Draw a figure of a run into a file; its path is the last line on standard output.

    Returns the exit code: 0, or 2 with one line on standard error if the figure cannot be drawn.
    """
    arguments = _parser().parse_args(argv)
    try:
        if arguments.figure is not None and arguments.figure not in FIGURES:
            raise InputError(_unknown_figure(arguments.figure))
        ds = _load(arguments.run)
        without = None if arguments.without is None else _load(arguments.without)
        if without is not None and not figure2.has_torque(ds) and figure2.has_torque(without):
            ds, without = without, ds
        name = arguments.figure or default_figure(ds)
        with house_style():
            figure = FIGURES[name](ds, without, arguments.output)
            path = _save(figure, arguments.save, Path(arguments.run), name)
    except SpinhydroError as error:
        print(f"spinhydro: error: {error}", file=sys.stderr)
        return error.exit_code
    if name == "fig2cd":
        for line in interface_report(ds):
            print(line)
    print(path)
    return 0


def _load(path):
    """A run; what is wrong with its record goes to standard error as one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = load(path)
    if "warning" in ds.attrs:
        print(f"spinhydro: warning: {ds.attrs['warning']}", file=sys.stderr)
    return ds


def default_figure(ds):
    """fig2 for a quantum_torque run with torque, spacetime in one dimension, profiles elsewhere."""
    if ds.attrs.get("problem") == "quantum_torque" and figure2.has_torque(ds) and "Z" in ds:
        return "fig2"
    axes = {len([dim for dim in ds[name].dims[1:] if not is_tensor(dim)]) for name in ds.data_vars}
    if max(axes, default=0) > 1:
        return "profiles"
    try:
        spacetime_variable(ds, _first_map(ds))
    except InputError:
        return "profiles"
    return "spacetime"


def interface_report(ds):
    """Lines with x_c, breaking time and norm error; a quantity that cannot be had says why."""

    def line(title, text):
        try:
            return f"{title}: {text()}"
        except InputError as error:
            return f"{title}: not available ({error})"

    unit = ds.x.attrs.get("units", "")
    periods = (0.75, 0.9, 1.0)

    def position():
        values = ", ".join(f"{value:.2f}" for value in interface_position(ds, periods))
        return f"{values} {unit} at Omega_R t/2pi = {', '.join(map(str, periods))}"

    def breaking():
        time = breaking_time(ds)
        unit = ds.t.attrs.get("units", "")
        return f"Omega_R t/2pi = {time / rabi_period(ds):.3f} (t = {time:.3f} {unit})"

    def norm():
        length = "1" if is_unit_vector(ds) else "n"
        return f"max | |s| - {length} | = {norm_error(ds):.2e}"

    return [
        line("x_c from n(x)", lambda: f"{analytic_position(ds):.3f} {unit}"),
        line("x_c in the simulation", position),
        line("interface breaks at", breaking),
        line("norm error", norm),
    ]


def _parser():
    parser = argparse.ArgumentParser(
        prog="spinhydro plot",
        description="Draw a figure of a run.",
        epilog=f"Figures: {', '.join(FIGURES)}.",
    )
    parser.add_argument("run", metavar="RUN", help="run folder, handler folder or .h5 file")
    parser.add_argument(
        "without",
        metavar="RUN_WITHOUT_TORQUE",
        nargs="?",
        help="the same cloud with torque=0 (figures fig2, fig2a, fig2c, fig2cd)",
    )
    parser.add_argument(
        "--figure",
        metavar="NAME",
        help="default: fig2 for quantum_torque, else spacetime (1-D) or profiles",
    )
    parser.add_argument("--output", metavar="NAME", help="what the spacetime figure shows")
    parser.add_argument(
        "--save", metavar="FILE", help="default: RUN/<figure>.png, with a number if that exists"
    )
    return parser


def _unknown_figure(name):
    likely = nearest(name, list(FIGURES))
    hint = f"did you mean {likely!r}? " if likely else ""
    return f"no figure {name!r}; {hint}Figures: {', '.join(FIGURES)}"


def _save(figure, save, run, name):
    if save is None:
        folder = run if run.is_dir() else run.parent
        path = _free_name(folder / f"{name}.png")
    else:
        path = _free_name(Path(save))
    FigureCanvasAgg(figure)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot save the figure as {path}: {error}. Choose another place or type with --save"
        ) from error
    return path


def _free_name(path):
    """`path`, or path-2, path-3 … if there is a file of that name: nothing is overwritten."""
    free, serial = path, 2
    while free.exists():
        free = path.with_name(f"{path.stem}-{serial}{path.suffix}")
        serial += 1
    return free


if __name__ == "__main__":
    sys.exit(main())
