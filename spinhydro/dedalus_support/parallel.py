"""Ranks: who computes, who waits, and how one failing rank ends all of them."""

import sys
import time

import numpy as np
from mpi4py import MPI

from spinhydro.errors import SpinhydroError

_idle = {"working": None}


def world():
    """The communicator of everything that mpiexec started."""
    return MPI.COMM_WORLD


def is_root():
    """True on the rank that speaks to the user."""
    return MPI.COMM_WORLD.rank == 0


def abort_all_on_error():
    """Make an uncaught exception on one rank end every rank, where it would leave them waiting."""
    if MPI.COMM_WORLD.size == 1:
        return
    shown = sys.excepthook

    def hook(kind, value, trace):
        shown(kind, value, trace)
        sys.stderr.flush()
        MPI.COMM_WORLD.Abort(1)

    sys.excepthook = hook


def on_root(comm, action):
    """The result of an action of rank 0 on all ranks; an error of ours is raised on all."""
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


def agree(error, patience=5.0, comm=None):
    """Raise on every rank if any rank has an error.

    A rank that failed while the others wait for it inside a collective operation cannot reach
    them: after `patience` seconds it ends them all.

    Parameters
    ----------
    error : SpinhydroError or None
        What this rank has to report.
    patience : float
        In seconds.
    comm : MPI communicator, optional
        The ranks that shall agree; by default all that work.
    """
    comm = comm or _idle["working"] or MPI.COMM_WORLD
    if comm.size > 1:
        failed, total = np.array([error is not None], dtype="i"), np.zeros(1, dtype="i")
        request = comm.Iallreduce(failed, total)
        deadline = time.monotonic() + patience
        while not request.Test():
            time.sleep(0.01)
            if error is not None and time.monotonic() > deadline:
                print(f"spinhydro: error: {error}", file=sys.stderr, flush=True)
                comm.Abort(error.exit_code)
        if total[0]:
            error = next(e for e in comm.allgather(error) if e is not None)
    if error is not None:
        raise error


class IdleRank(Exception):
    """Raised on the ranks that a problem has no work for."""


def wait_for_root():
    """Sleep until the root rank is done; return its exit code."""
    code = np.zeros(1, dtype="i")
    request = MPI.COMM_WORLD.Ibcast(code, root=0)
    while not request.Test():
        time.sleep(0.05)
    return int(code[0])


def release_idle_ranks(exit_code):
    """Tell the waiting ranks, if there are any, how the root rank ended."""
    if _idle["working"]:
        MPI.COMM_WORLD.Ibcast(np.array([exit_code], dtype="i"), root=0).Wait()
        _idle["working"] = None


def first_ranks_work(number):
    """The communicator of the first ranks, to which all work is left: others get IdleRank."""
    comm = MPI.COMM_WORLD
    if number == comm.size:
        return comm
    if comm.rank >= number:
        raise IdleRank
    if _idle["working"] is None:
        _idle["working"] = comm.Create_group(comm.group.Incl(list(range(number))))
    return _idle["working"]
