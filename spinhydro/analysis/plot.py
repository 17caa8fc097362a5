"""`spinhydro plot RUN [RUN …] [--figure NAME] [OPTION=VALUE …]`: draw a run into a file."""

import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from spinhydro.errors import InputError, SpinhydroError

from . import arguments as line
from .figures import FIGURES, default_figure, draw, find, listing, unavailable
from .interface import (
    analytic_position,
    breaking_time,
    interface_position,
    is_unit_vector,
    norm_error,
    rabi_period,
)
from .reports import report
from .style import house_style


def main(argv=None):
    """Draw a figure of a run into a file; its path is the last line on standard output.

    Returns the exit code: 0, or 2 with one line on standard error if the figure cannot be drawn.
    """
    try:
        arguments = _parser().parse_intermixed_args(argv)
        name = None if arguments.figure is None else find(arguments.figure)
        paths, options = line.split(arguments.words)
        if arguments.output is not None:
            options["output"] = arguments.output
        if not paths:
            raise InputError("name a run folder, for example runs/quantum_torque/0001")
        whole = [line.read(path) for path in paths]
        if name is not None and FIGURES[name].whole:
            runs = [line.named(ds, arguments) for ds in whole]
        else:
            runs = [line.chosen(ds, arguments) for ds in whole]
        if arguments.list:
            print("\n".join(listing(runs[0])))
            return 0
        if name is None:
            name = default_figure(runs[0])
            runs = whole if FIGURES[name].whole else runs
        with house_style():
            figure = draw(name, runs, options)
            path = _save(figure, arguments, Path(paths[0]), name)
    except SpinhydroError as error:
        print(f"spinhydro: error: {error}", file=sys.stderr)
        return error.exit_code
    if name == "fig2cd":
        for text in interface_report(runs[0]):
            print(text)
    for text in report(name, runs):
        print(text)
    if arguments.figure is None:
        also = [other for other in FIGURES if other != name and not unavailable(runs[0], other)]
        print(f"drawn: {name}. This run also gives {', '.join(also)} (--figure NAME; --list)")
    print(path)
    return 0


def interface_report(ds):
    """Lines with x_c, breaking time and norm error; a quantity that cannot be had says why."""

    def entry(title, text):
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
        entry("x_c from n(x)", lambda: f"{analytic_position(ds):.3f} {unit}"),
        entry("x_c in the simulation", position),
        entry("interface breaks at", breaking),
        entry("norm error", norm),
    ]


def _parser():
    parser = line.Parser(
        prog="spinhydro plot",
        description="Draw a figure of a run.",
        epilog=f"Figures: {', '.join(FIGURES)}.",
    )
    parser.add_argument(
        "words",
        metavar="RUN",
        nargs="+",
        help="run folder, handler folder or .h5 file; further runs where a figure compares "
        "them (the same cloud with torque=0, say); OPTION=VALUE for the figure",
    )
    parser.add_argument(
        "--figure",
        metavar="NAME",
        help="default: fig2 for quantum_torque, else spacetime (1-D) or profiles",
    )
    parser.add_argument("--list", action="store_true", help="what this run can give")
    parser.add_argument("--output", metavar="NAME", help="what the spacetime figure shows")
    parser.add_argument(
        "--save", metavar="FILE", help="default: RUN/<figure>.png, with a number if that exists"
    )
    parser.add_argument("--dpi", type=float, default=200, help="dots per inch [200]")
    line.add_choices(parser)
    return parser


def _save(figure, arguments, run, name):
    if not 10 <= arguments.dpi <= 2000:
        raise InputError(f"--dpi {arguments.dpi:g}: choose 10 to 2000")
    if arguments.save is None:
        folder = run if run.is_dir() else run.parent
        path = _free_name(folder / f"{name}.png")
    else:
        path = _free_name(Path(arguments.save))
    FigureCanvasAgg(figure)
    try:
        figure.savefig(path, dpi=arguments.dpi)
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
