"""spinhydro run PROBLEM [NAME=VALUE …]: solve a problem file, with some parameters changed."""

import math
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
        "--check-grid",
        action="append",
        default=[],
        metavar="NAME",
        help="run again with 1.5 times the grid points NAME, such as Nx, and compare; repeatable",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with code 1 if an expectation is missed"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="run even if the timestep is unstable, or memory or the disk too small",
    )
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
    finer = _finer_grid(problem, options.check_grid)
    result = _run(problem, options, options.quiet)
    if options.check:
        _check(options, values, problem, result)
    if finer:
        _check_grid(options, {**values, **finer}, problem, result)
    if is_reporting_rank():
        print_folder(result.folder)
    missed = [name for name, found in result.expect.items() if not found["met"]]
    if options.strict and missed:
        if is_reporting_rank():
            to_stderr(f"spinhydro: missed: {', '.join(missed)}")
        return 1
    return exit_code(result)


def _load(options, values):
    from spinhydro.dedalus_support.field_sizes import any_capacity
    from spinhydro.dedalus_support.memory import separate_large_blocks
    from spinhydro.problem.load import load
    from spinhydro.run.folder import check_writable

    def load_here():
        # A ground state allocates the same arrays repeatedly.
        separate_large_blocks(False)
        if is_reporting_rank():
            check_writable(options.out, Path(options.problem).stem)
        with any_capacity(options.force):
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


def _check(options, values, problem, result):
    """Run again at half the timestep, and print how far every output moved.

    At a tenth of the tolerance, where there is one. Noise follows the same path: two half steps
    have the noise of a whole one on average.
    """
    from spinhydro.run.comparison import compare_runs, extrapolated
    from spinhydro.run.record import read_record
    from spinhydro.steppers import ORDERS
    from spinhydro.steppers.noise import noises_of

    if result.tolerance is None:
        shorter = {"timestep": _in_units(result.timestep / 2, problem)}
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
        order = ORDERS.get(read_record(result.folder).get("timestepper"))
        for name, (rms, largest) in compare_runs(result.folder, second.folder).items():
            line = f"  {name}: rms difference {rms:.2e}, largest {largest:.2e}"
            if order and not noises and result.tolerance is None:
                error = extrapolated(largest, order)
                line += f"; error of the first run about {error:.2e} (order {order})"
            to_stderr(line)


def _in_units(timestep, problem):
    """Return a timestep as a text with the file's unit of time, if the file knows its name."""
    unit = problem.units.get("time")
    return f"{float(timestep)!r}*{unit}" if problem.namespace.get(unit) == 1 else timestep


def _compared(first, second):
    """Return how a second run differs from the first."""
    if first.tolerance is None:
        return f"timestep {second.timestep:g} instead of {first.timestep:g}"
    return f"tolerance {second.tolerance:g} instead of {first.tolerance:g}"


def _finer_grid(problem, names):
    """Return ``{name: number of points}`` of a grid with 1.5 times the points.

    Raises ParameterError, before anything runs, for names that are not numbers of grid points.
    """
    if not names:
        return {}
    from spinhydro.dedalus_support.domain import fast_size
    from spinhydro.errors import ParameterError

    bases = {basis for field in problem.ivp.variables for basis in field.domain.bases}
    sizes = {basis.size for basis in bases if hasattr(basis, "bounds")}
    known = {
        name: value
        for name, value in problem.parameters.items()
        if isinstance(value, int) and not isinstance(value, bool) and value in sizes
    }
    for name in names:
        if name not in known:
            raise ParameterError(
                f"--check-grid {name}: it must be a number of grid points of this problem: "
                f"{', '.join(sorted(known)) or 'there is none'}"
            )
    return {name: fast_size(-(-3 * known[name] // 2), known[name] % 2) for name in names}


def _halvings(timestep, longest):
    """Return how often a timestep must be halved to be no longer than another."""
    return max(0, math.ceil(math.log2(timestep / longest) - 1e-9))


def _check_grid(options, values, problem, result):
    """Run again on a finer grid, and print how far every output moved at the same points."""
    from spinhydro.errors import InputError
    from spinhydro.run.comparison import compare_runs
    from spinhydro.steppers.noise import noises_of

    again = _load(options, values)
    noises = noises_of(again.ivp)
    halvings = 0
    if noises:
        halvings = _halvings(result.timestep, again.declared("timestep"))
        shorter = _in_units(result.timestep / 2**halvings, problem)
        again = _load(options, {**values, "timestep": shorter})
        noises = noises_of(again.ivp)
    boxes = [
        [basis.bounds for basis in loaded.ivp.variables[0].domain.bases]
        for loaded in (problem, again)
    ]
    if boxes[0] != boxes[1]:
        raise InputError(
            f"--check-grid: {', '.join(options.check_grid)} changes the size of the box, so that "
            "the runs cannot be compared"
        )
    coarse = {(noise.name, noise.kind, noise.stream): noise for noise in noises_of(problem.ivp)}
    for noise in noises:
        noise.follow(coarse[noise.name, noise.kind, noise.stream])
        noise.refinements += halvings
    second = _run(again, options, quiet=True)
    if is_reporting_rank():
        points = ", ".join(f"{name} = {values[name]}" for name in options.check_grid)
        to_stderr(f"check of the grid: {points}: {second.folder}")
        if noises:
            to_stderr(
                "  the same path of the noise: its Fourier series on the coarser grid, with no "
                f"force on shorter waves, in timesteps of {second.timestep:g}"
            )
        for name, (rms, largest) in compare_runs(result.folder, second.folder).items():
            to_stderr(f"  {name}: rms difference {rms:.2e}, largest {largest:.2e}")
