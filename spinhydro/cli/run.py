"""spinhydro run PROBLEM [NAME=VALUE …]: solve a problem file, with some parameters changed."""

from pathlib import Path

from spinhydro.cli.launch import (
    add_ranks,
    ending_at_signals,
    exit_code,
    launched,
    log_to_standard_error,
    on_all_ranks,
    on_working_ranks,
)
from spinhydro.cli.limits import add_limit_arguments, limits
from spinhydro.cli.parser import Parser
from spinhydro.cli.terminal import is_reporting_rank, print_folder, to_stderr


def _parser():
    parser = Parser(
        "run",
        "Solve a problem file. Prints the run folder as its last line.",
        epilog="Exit codes: 0 done, 1 with --strict an expectation was missed, 2 bad input, 3 not "
        "finite or a watch limit, 4 output failed, 75 stopped by a signal.",
    )
    parser.add_problem()
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    parser.add_engine()
    parser.add_argument(
        "--precision", default="double", metavar="WORD", help="double, or single with jax [double]"
    )
    parser.add_equations()
    parser.add_quick()
    parser.add_argument(
        "--check",
        action="store_true",
        help="run again at half the timestep (a tenth of the tolerance) and compare",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with code 1 if an expectation is missed"
    )
    parser.add_argument("--force", action="store_true", help="run even if the timestep is unstable")
    add_ranks(parser)
    add_limit_arguments(parser)
    parser.add_quiet()
    return parser


def command(arguments):
    """Check the new values, run the problem, print the run folder."""
    options = _parser().read(arguments)
    with ending_at_signals():
        return _checked(options, arguments)


def _checked(options, arguments):
    from spinhydro.problem.parameters import override
    from spinhydro.problem.source_file import find_file, read_source, with_quick_values

    # Before the solver is started, which takes a second.
    values = options.values
    source = read_source(find_file(options.problem))
    if options.quick:
        values = with_quick_values(source, values)
    override(source, values)
    code = launched(options, ["run", *arguments])
    if code is not None:
        return code
    return on_working_ranks(lambda: _solve(options, values))


def _solve(options, values):
    log_to_standard_error(options.quiet)
    problem = _load(options, values)
    result = _run(problem, options, options.quiet)
    if options.check:
        _check(options, values, result)
    if is_reporting_rank():
        print_folder(result.folder)
    missed = [name for name, found in result.expect.items() if not found["met"]]
    if options.strict and missed:
        if is_reporting_rank():
            to_stderr(f"spinhydro: missed: {', '.join(missed)}")
        return 1
    return exit_code(result)


def _load(options, values):
    from spinhydro.problem.load import load
    from spinhydro.run.folder import check_writable

    def load_here():
        if is_reporting_rank():
            check_writable(options.out, Path(options.problem).stem)
        return load(options.problem, equations=options.equation, **values)

    return on_all_ranks(load_here)


def _run(problem, options, quiet):
    return on_all_ranks(
        lambda: problem.run(
            out=options.out,
            engine=options.engine,
            force=options.force,
            quiet=quiet,
            precision=options.precision,
            **limits(options),
        )
    )


def _check(options, values, result):
    """Run again at half the timestep, and print how far every output moved.

    At a tenth of the tolerance, where there is one. Noise follows the same path: two half steps
    have the noise of a whole one on average.
    """
    from spinhydro.run.comparison import compare_runs
    from spinhydro.steppers.noise import noises_of

    if result.tolerance is None:
        shorter = {"timestep": result.timestep / 2}
    else:
        shorter = {"tolerance": result.tolerance / 10}
    again = _load(options, {**values, **shorter})
    noises = noises_of(again.ivp)
    for noise in noises:
        noise.refinements += 1
    second = _run(again, options, quiet=True)
    if is_reporting_rank():
        to_stderr(
            f"check: {_compared(result, second)}"
            f"{', the same path of the noise' if noises else ''}: {second.folder}"
        )
        for name, (rms, largest) in compare_runs(result.folder, second.folder).items():
            to_stderr(f"  {name}: rms difference {rms:.2e}, largest {largest:.2e}")


def _compared(first, second):
    """Return how a second run differs from the first."""
    if first.tolerance is None:
        return f"timestep {second.timestep:g} instead of {first.timestep:g}"
    return f"tolerance {second.tolerance:g} instead of {first.tolerance:g}"
