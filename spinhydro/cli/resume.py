"""spinhydro resume RUN [stop_time=TIME]: continue a run from its last checkpoint."""

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
from spinhydro.cli.terminal import is_reporting_rank, print_folder


def _parser():
    parser = Parser(
        "resume",
        "Continue a run in its folder; results have the bytes of the uninterrupted run. Prints the "
        "folder as its last line.",
        epilog="Exit codes: those of run.",
    )
    parser.add_argument("run", metavar="RUN", help="a run folder, runs/quantum_torque/0001")
    parser.add_argument(
        "values", nargs="*", metavar="NAME=VALUE",
        help="stop_time=40*ms; new values of other parameters change the problem, which is "
        "recorded",
    )  # fmt: skip
    parser.add_argument("--stop-time", metavar="TIME", help="the same as stop_time=TIME")
    parser.add_argument(
        "--checkpoint", metavar="N",
        help="number of a checkpoint file, or -2 for the last but one [the last]",
    )  # fmt: skip
    parser.add_argument(
        "--edited", action="store_true", help="take the problem file as it is now; recorded"
    )
    parser.add_engine(default=None, word="that of the run")
    add_ranks(parser)
    add_limit_arguments(parser)
    parser.add_quiet()
    return parser


def command(arguments):
    """Continue the run, print its folder."""
    options = _parser().read(arguments)
    with ending_at_signals():
        code = launched(options, ["resume", *arguments])
        return on_working_ranks(lambda: _solve(options)) if code is None else code


def _solve(options):
    log_to_standard_error(options.quiet)
    from spinhydro.problem.resume import resume_run

    values = dict(options.values)
    stop_time = values.pop("stop_time", None)
    result = on_all_ranks(
        lambda: resume_run(
            options.run,
            stop_time=stop_time if options.stop_time is None else options.stop_time,
            checkpoint=options.checkpoint,
            edited=options.edited,
            engine=options.engine,
            quiet=options.quiet,
            values=values,
            **limits(options),
        )
    )
    if is_reporting_rank():
        print_folder(result.folder)
    return exit_code(result)
