"""`spinhydro plot RUN [RUN …] [--figure NAME|FILE.py] [OPTION=VALUE …]`: draw a run into a file."""

import sys
import warnings
from pathlib import Path

from spinhydro.errors import InputError, SpinhydroError

from . import arguments as line
from .figures import all_figures, find, listing
from .maps import first_map, is_faint
from .style import house_style


def main(argv=None):
    """Draw a figure of a run into a file; its path is the last line on standard output.

    Returns the exit code: 0, or 2 with one line on standard error if nothing can be drawn.
    """
    try:
        _main(_parser().parse_intermixed_args(argv))
    except SpinhydroError as error:
        print(f"spinhydro: error: {line.printable(error)}", file=sys.stderr)
        return error.exit_code
    return 0


def run_figure(file):
    """Draw the figure file `file` as ``spinhydro plot --figure`` does; for ``python x.py RUN``.

    Does not return: the process ends with the exit code.
    """
    name = next((word for word in sys.argv[1:] if word.startswith("--figure")), None)
    given = [] if name else ["--figure", str(Path(file))]
    sys.exit(main([*sys.argv[1:], *given]))


def _main(arguments):
    figure = None if arguments.figure is None else find(arguments.figure)
    paths, options = line.split(arguments.words)
    if arguments.output is not None:
        options["output"] = arguments.output
    if not paths:
        raise InputError("name a run folder, for example runs/quantum_torque/0001")
    whole = [line.read(path) for path in paths]
    if arguments.list:
        views = [_view(whole[0], arguments, one_line) for one_line in (False, True)]
        print("\n".join(map(line.printable, listing(*views))))
        return
    if figure is None:
        figure, sheet, lines = _first_that_draws(whole, arguments, options)
    else:
        sheet, lines = _drawn(figure, whole, arguments, options)
    path = _save(sheet, arguments, Path(paths[0]), figure.name)
    for text in lines:
        print(line.printable(text))
    if arguments.figure is None:
        others = [name for name in _available(whole[0], arguments) if name != figure.name]
        also = f"This run also gives {', '.join(others)} (--figure NAME; --list)" if others else ""
        print(f"drawn: {figure.name}. {also}".rstrip())
    print(path)


def _view(ds, arguments, one_line):
    """A run as a figure takes it: reduced to one member and line, or by the options."""
    return line.chosen(ds, arguments) if one_line else line.named(ds, arguments)


def _drawn(figure, whole, arguments, options):
    runs = [_view(ds, arguments, figure.line) for ds in whole]
    with house_style():
        return figure.draw(runs, options)


def _first_that_draws(whole, arguments, options):
    """(Figure, sheet, lines) of the first of the default figures that this run can give."""
    reasons = []
    for name in _defaults(whole[0]):
        figure = find(name)
        try:
            return figure, *_drawn(figure, whole, arguments, options)
        except InputError as error:
            reasons.append(str(error))
        except Exception as error:  # One failing figure must not stop the others.
            reasons.append(f"{name}: {type(error).__name__}: {error}")
    raise InputError(reasons[0] if options else reasons[-1])


def _defaults(ds):
    """Names of the figures to try: that of the paper, a map of x and t, all outputs."""
    if "sweep" in ds.attrs:
        return ["sweep"]
    paper = ["fig2"] if ds.attrs.get("problem") == "quantum_torque" else []
    first = first_map(ds)
    if first is not None and is_faint(ds[first]):
        # A map of rounding says less than all outputs.
        return [*paper, "profiles", "spacetime"]
    return [*paper, "spacetime", "profiles"]


def _available(ds, arguments):
    """Names of the figures that a run alone can give; a file that fails is passed over."""
    views = {}
    for one_line in (False, True):
        try:
            views[one_line] = _view(ds, arguments, one_line)
        except InputError:
            continue
    for name, figure in all_figures().items():
        if figure.line not in views or figure.reason_against(views[figure.line]) is not None:
            continue
        if figure.least_runs == 1:
            yield name


def _parser():
    parser = line.Parser(
        prog="spinhydro plot",
        description="Draw a figure of a run.",
        epilog="`spinhydro plot RUN --list` lists the figures that a run can give.",
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
        metavar="NAME|FILE.py",
        help="short name or file of a figure; default: fig2 for quantum_torque, else spacetime "
        "(1-D) or profiles",
    )
    parser.add_argument("--list", action="store_true", help="list what this run can give")
    parser.add_argument("--output", metavar="NAME", help="output that spacetime or profiles shows")
    parser.add_argument(
        "--save", metavar="FILE", help="default: RUN/<figure>.png, with a number if that exists"
    )
    parser.add_argument("--dpi", type=float, default=200, help="dots per inch [200]")
    line.add_choices(parser)
    return parser


def _save(sheet, arguments, run, name):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not 10 <= arguments.dpi <= 2000:
        raise InputError(f"--dpi {arguments.dpi:g}: choose 10 to 2000")
    if arguments.save is None:
        folder = run if run.is_dir() else run.parent
        path = _free_name(folder / f"{name}.png")
    else:
        path = _free_name(Path(arguments.save))
    FigureCanvasAgg(sheet)
    try:
        with house_style(), warnings.catch_warnings():
            # Characters of a foreign name that the font lacks.
            warnings.filterwarnings("ignore", "Glyph .* missing")
            sheet.savefig(path, dpi=arguments.dpi)
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
