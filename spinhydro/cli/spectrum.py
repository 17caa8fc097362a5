"""spinhydro spectrum PROBLEM [NAME=VALUE …]: frequencies and growth rates of small waves."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import InputError, check_save, unknown_name_message


def _parser():
    parser = Parser(
        "spectrum",
        "Linear theory of the equations as they are: omega(k) and growth rates of small waves "
        "about a background. Needs pip install 'spinhydro[jax]'.",
    )
    parser.add_problem()
    parser.add_argument(
        "--about", metavar="STATE",
        help="uniform, initial or stationary (Newton) [the first of initial, uniform, stationary "
        "that is at rest]",
    )  # fmt: skip
    parser.add_argument(
        "--start", metavar="RUN",
        help="begin from the last state of this run, or from a checkpoint file [the initial state "
        "of the problem file]",
    )  # fmt: skip
    parser.add_argument(
        "--period", metavar="EXPRESSION",
        help="Floquet exponents of equations with this period in time, '2*pi/omega'",
    )  # fmt: skip
    parser.add_equations()
    parser.add_quick()
    parser.add_argument(
        "--lowest", type=int, metavar="N",
        help="only the N modes of least |lambda|, without a matrix: for large backgrounds",
    )  # fmt: skip
    parser.add_argument(
        "--with", dest="names", metavar="NAME,NAME",
        help="derivatives of the fastest growth rate with respect to these parameters",
    )  # fmt: skip
    parser.add_argument(
        "--formula", action="append", default=[], metavar="EXPRESSION",
        help="omega(k) to compare with and to draw, 'W(k) + omega_K'",
    )  # fmt: skip
    parser.add_argument("--rows", type=int, default=12, metavar="N", help="lines of the table [12]")
    parser.add_argument(
        "--overlay", metavar="RUN", help="compare with the space-time spectrum of a run"
    )
    parser.add_argument("--output", metavar="NAME", help="output of that run [the spins]")
    parser.add_argument(
        "--direction", metavar="N,N",
        help="of a run in 2-D or 3-D: direction of the waves, whole numbers [the first axis, or "
        "that of the strongest wave]",
    )  # fmt: skip
    parser.add_argument(
        "--save", metavar="FILE", help="a table (.csv, .npz) or a figure (.png, .pdf, .svg)"
    )
    return parser


def command(arguments):
    """Print the spectrum of a problem; compare it with a run, save it."""
    options = _parser().read(arguments)
    _check(options)
    from spinhydro.engines.jax.require import require_jax

    require_jax("spinhydro spectrum")
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.derivatives.lowest_modes import lowest_modes
    from spinhydro.derivatives.overlay import open_output, overlay_of
    from spinhydro.derivatives.spectrum import (
        growth_derivatives,
        load_one_member,
        moved_problems,
        spectrum,
    )
    from spinhydro.derivatives.spectrum_output import (
        ENDINGS,
        compare_with_formula,
        formula_values,
        save,
    )
    from spinhydro.derivatives.start import check_source, start_at_end
    from spinhydro.problem.quantities import TIME, number

    if options.save:
        check_save(Path(options.save), ENDINGS)

    started = []
    if options.start is not None:
        check_source(options.start)

    def load(**values):
        problem = load_one_member(
            options.problem, equations=options.equation, quick=options.quick,
            **{**options.values, **values},
        )  # fmt: skip
        if options.start is not None:
            started.append(start_at_end(problem, options.start))
        return problem

    problem = load()
    # Mistakes in what is needed at the end are reported before anything is computed.
    names = options.names.split(",") if options.names else []
    moved_problems(load, names)
    dist = problem.ivp.dist
    axes = dist.dim - getattr(dist, "member_axis", -1) - 1
    for text in options.formula:
        formula_values(problem, text, [(0.1,) * axes])
    direction = _direction(options.direction)
    if options.overlay:
        open_output(options.overlay, options.output, direction)
    if options.lowest is not None:
        lines = lowest_modes(problem, options.lowest, options.about).table()
        print("\n".join([*started[:1], *lines]))
        return 0
    period = number(problem, options.period, "--period", TIME) if options.period else None
    found = spectrum(problem, options.about, period)
    print("\n".join([*started[:1], *found.table(options.rows)]))
    if names:
        for name, slope in growth_derivatives(load, names, options.about, period).items():
            print(f"d(fastest growth)/d({name}) = {slope:.10g}")
    formulas = {text: formula_values(problem, text, found.k) for text in options.formula}
    for text, values in formulas.items():
        print(compare_with_formula(found, text, values))
    overlay = None
    if options.overlay:
        overlay = overlay_of(found, options.overlay, options.output, direction)
        print(overlay.report())
    if options.save:
        save(found, options.save, overlay, formulas)
        print(options.save)
    return 0


def _check(options):
    """Raise InputError for options that do not go together, or values that cannot be."""
    from spinhydro.derivatives.background import KINDS

    if options.about is not None and options.about not in KINDS:
        raise InputError(unknown_name_message("background", options.about, KINDS))
    if options.rows < 1:
        raise InputError(f"--rows {options.rows}: a positive number of lines")
    if options.lowest is not None:
        wanted = {
            "--period": options.period, "--with": options.names, "--formula": options.formula,
            "--overlay": options.overlay, "--save": options.save,
        }  # fmt: skip
        for option in (name for name, value in wanted.items() if value):
            raise InputError(f"{option} needs the spectrum of all waves: leave out --lowest")
    if not options.overlay:
        for option, value in (("--output", options.output), ("--direction", options.direction)):
            if value is not None:
                raise InputError(f"{option} belongs to --overlay RUN: name a run")


def _direction(text):
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--direction {text}: write whole numbers, as in 1,1") from None
