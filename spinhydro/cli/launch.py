"""What commands that solve something share: ranks that agree, and the log on standard error."""

import logging

from spinhydro.cli.terminal import is_reporting_rank, to_stderr
from spinhydro.errors import SpinhydroError


def on_working_ranks(action):
    """Return the exit code of `action`; ranks without work wait for it."""
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
    finally:
        parallel.release_idle_ranks(code)
    return code


def on_all_ranks(action):
    """Return the result of `action`; an error on one rank is raised on all."""
    from spinhydro.dedalus_support import parallel

    error = result = None
    try:
        result = action()
    except SpinhydroError as found:
        error = found
    parallel.agree(error)
    return result


class _ToStandardError(logging.Handler):
    def emit(self, record):
        if is_reporting_rank():
            to_stderr(f"spinhydro: {record.getMessage()}")


def log_to_standard_error(quiet=False):
    """Keep Dedalus's log from standard output; print that of spinhydro unless `quiet`."""
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    if quiet:
        return
    logger = logging.getLogger("spinhydro")
    logger.handlers = [_ToStandardError()]
    logger.propagate = False
    logger.setLevel(logging.INFO)
