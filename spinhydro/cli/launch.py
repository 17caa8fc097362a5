"""Shared by commands that solve: ranks that agree, and the log on standard error."""

import logging
import signal

from spinhydro.cli.terminal import is_reporting_rank, to_stderr
from spinhydro.errors import InputError, NotFiniteError, SpinhydroError


def add_ranks(parser):
    """Declare the option -n."""
    parser.add_argument(
        "-n", dest="ranks", type=int, default=None, metavar="N",
        help="start N ranks with mpiexec and the settings that runs need",
    )  # fmt: skip


def launched(options, arguments):
    """Return the exit code of a command that is started on several ranks, or None without -n."""
    from spinhydro.run.launch import cores, is_rank, launch, most_ranks

    if options.ranks is None:
        return None
    if options.ranks < 1:
        raise InputError(f"-n {options.ranks}: the number of ranks must be 1 or more")
    if options.ranks > most_ranks():
        raise InputError(
            f"-n {options.ranks}: with {cores()} core(s) for them, ranks only wait for each other; "
            f"-n takes up to {most_ranks()} here, and any number in a batch job"
        )
    if is_rank():
        raise InputError("-n starts mpiexec, and this process is already a rank: leave it out")
    at = next(i for i, text in enumerate(arguments) if text.startswith("-n"))
    rest = arguments[:at] + arguments[at + (2 if arguments[at] == "-n" else 1) :]
    return launch(options.ranks, rest)


def ending_at_signals():
    """Return a context for commands that solve something; until the run begins, signals end it."""
    from spinhydro.run.launch import is_rank
    from spinhydro.run.signals import signals_that_end

    return signals_that_end(is_reporting_rank(), quiet=signal.SIGTERM if is_rank() else None)


def on_working_ranks(action):
    """Return the exit code of `action`; ranks without work wait for it."""
    from spinhydro.dedalus_support import start
    from spinhydro.run.launch import is_rank

    start.initialise_mpi(alone=not is_rank())
    from spinhydro.dedalus_support import parallel

    parallel.abort_all_on_error()
    code = 1
    try:
        code = action()
    except parallel.IdleRank:
        return parallel.wait_for_root()
    except SpinhydroError as error:
        code = error.exit_code
        raise
    except BaseException as error:
        # The other ranks would wait for this one forever.
        if parallel.world().size > 1:
            parallel.abort_all(error)
        raise
    finally:
        parallel.release_idle_ranks(code)
    return code


def on_all_ranks(action):
    """Return the result of `action`; an error on one rank is raised on all."""
    from spinhydro.dedalus_support import parallel

    error = result = None
    try:
        result = action()
    except parallel.IdleRank:
        raise
    except BaseException as found:
        if parallel.world().size == 1:
            raise
        error = found
    parallel.agree(error)
    return result


class _ToStandardError(logging.Handler):
    def emit(self, record):
        if is_reporting_rank():
            to_stderr(f"spinhydro: {record.getMessage()}")


def log_to_standard_error(quiet=False):
    """Keep Dedalus's log from standard output; print that of spinhydro unless `quiet`."""
    from spinhydro.dedalus_support.start import import_solver

    import_solver()
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    if quiet:
        return
    logger = logging.getLogger("spinhydro")
    logger.handlers = [_ToStandardError()]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def exit_code(result):
    """Return 3 if members of an ensemble failed, after naming them; otherwise 0."""
    if not result.failed_members:
        return 0
    if is_reporting_rank():
        named = ", ".join(map(str, result.failed_members))
        members = "members" if len(result.failed_members) > 1 else "member"
        to_stderr(f"spinhydro: error: {members} {named} failed; the others are complete")
    return NotFiniteError.exit_code
