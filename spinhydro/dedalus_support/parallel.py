"""Working and idle ranks, and the end of all ranks when one fails."""

import sys
import time
import traceback

import numpy as np
from mpi4py import MPI

from spinhydro.errors import SpinhydroError, Unsupported

#: Seconds that a rank with an error waits for the others to have one too.
PATIENCE = 2.0

_idle = {"working": None}
#: Communicators for agreements, by the handle of that of the same ranks.
_agreement = {}


def world():
    """The communicator of everything that mpiexec started."""
    return MPI.COMM_WORLD


def is_root():
    """True on the rank that reports to the user."""
    return MPI.COMM_WORLD.rank == 0


def abort_all_on_error():
    """Make an uncaught exception on one rank end every rank, instead of a deadlock."""
    if MPI.COMM_WORLD.size == 1:
        return
    prepare(MPI.COMM_WORLD)
    sys.excepthook = lambda kind, value, trace: abort_all(value)


def abort_all(error):
    """Print an error of this rank and end all ranks with its exit code."""
    if not isinstance(error, (SpinhydroError, SystemExit)):
        traceback.print_exception(error)
    rank = MPI.COMM_WORLD.rank
    text = str(error) if isinstance(error, SpinhydroError) else f"{type(error).__name__}: {error}"
    try:
        print(f"spinhydro: error: rank {rank}: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        # There is no stream left to report this.
        pass
    MPI.COMM_WORLD.Abort(_exit_code(error))


def _exit_code(error):
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    return getattr(error, "exit_code", 1)


def prepare(comm):
    """Make the communicator on which the ranks agree on errors; a collective operation.

    It is not the one on which they compute, where another rank may wait in another operation.
    """
    if comm.size > 1 and comm.py2f() not in _agreement:
        _agreement[comm.py2f()] = comm.Dup()


def on_root(comm, action):
    """Return the result of an action of rank 0 on all ranks; its SpinhydroError is raised on all.

    Any other exception ends all ranks.
    """
    if comm.size == 1:
        return action()
    result = error = None
    if comm.rank == 0:
        try:
            result = action()
        except SpinhydroError as found:
            error = found
    result, error = comm.bcast((result, error), root=0)
    if error is not None:
        raise error
    return result


def agree(error, patience=PATIENCE, comm=None, before_abort=None):
    """Raise on every rank if any rank has an error.

    A rank that failed while the others wait for it inside a collective operation cannot reach
    them: after `patience` seconds it ends them all. An error that is neither a SpinhydroError
    nor Unsupported, which the ranks do not raise together, ends them at once.

    Parameters
    ----------
    error : BaseException or None
        What this rank has to report.
    patience : float
        In seconds.
    comm : MPI communicator, optional
        The ranks that shall agree; by default all that work.
    before_abort : callable, optional
        Called on this rank before it ends all ranks.
    """
    comm = comm or _idle["working"] or MPI.COMM_WORLD
    if comm.size > 1:
        error = _agreed(error, patience, _agreement.get(comm.py2f(), comm), before_abort)
    if error is not None:
        raise error


def _agreed(error, patience, comm, before_abort):
    """Return the first error of all ranks."""
    before_abort = before_abort or (lambda: None)
    if error is not None and not isinstance(error, (SpinhydroError, Unsupported)):
        before_abort()
        abort_all(error)
    failed, total = np.array([error is not None], dtype="i"), np.zeros(1, dtype="i")
    request = comm.Iallreduce(failed, total)
    deadline = time.monotonic() + patience
    while not request.Test():
        time.sleep(0.01)
        if error is not None and time.monotonic() > deadline:
            before_abort()
            abort_all(error)
    if total[0]:
        return next(e for e in comm.allgather(error) if e is not None)
    return None


class IdleRank(Exception):
    """Raised on ranks without work in a problem."""


def wait_for_root():
    """Sleep until the root rank is done; return its exit code."""
    code = np.zeros(1, dtype="i")
    request = MPI.COMM_WORLD.Ibcast(code, root=0)
    while not request.Test():
        time.sleep(0.05)
    return int(code[0])


def release_idle_ranks(exit_code):
    """Send the exit code of the root rank to the waiting ranks, if any."""
    if _idle["working"]:
        MPI.COMM_WORLD.Ibcast(np.array([exit_code], dtype="i"), root=0).Wait()
        _idle["working"] = None


def first_ranks_work(number):
    """Return the communicator of the first ranks, which do all work; raise IdleRank on others."""
    comm = MPI.COMM_WORLD
    if number == comm.size:
        return comm
    if comm.rank >= number:
        raise IdleRank
    if _idle["working"] is None:
        _idle["working"] = comm.Create_group(comm.group.Incl(list(range(number))))
    return _idle["working"]
