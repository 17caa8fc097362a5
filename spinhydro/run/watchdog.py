"""Notice that a rank on this machine has been stopped, while the others wait for it."""

import os
import platform
import threading
from pathlib import Path

from spinhydro.dedalus_support import parallel
from spinhydro.errors import SpinhydroError

#: Seconds between two looks, and the number of looks in a row that find a rank stopped.
INTERVAL, LOOKS = 5.0, 6


class RankWatch:
    """A thread that ends all ranks when one of them has been stopped for half a minute.

    Ranks that wait for a stopped one wait inside MPI and notice nothing. A rank that computes for
    long is not stopped. Used as a context manager; a collective operation.

    Parameters
    ----------
    comm : MPI communicator
    before_abort : callable(SpinhydroError)
        Called before all ranks are ended.
    """

    def __init__(self, comm, before_abort):
        self._before_abort = before_abort
        known = comm.allgather((platform.node(), os.getpid()))
        here, me = known[comm.rank]
        self._others = {
            pid: rank for rank, (host, pid) in enumerate(known) if host == here and pid != me
        }
        self._looks = dict.fromkeys(self._others, 0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        if self._others:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()

    def _watch(self):
        while not self._ended.wait(INTERVAL):
            for pid, rank in self._others.items():
                self._looks[pid] = self._looks[pid] + 1 if is_stopped(pid) else 0
                if self._looks[pid] >= LOOKS:
                    error = SpinhydroError(
                        f"rank {rank} (process {pid}) has been stopped for "
                        f"{INTERVAL * LOOKS:.0f} s; all ranks end, and `spinhydro resume` continues"
                    )
                    self._before_abort(error)
                    parallel.abort_all(error)


def is_stopped(pid):
    """Return whether a process is stopped by a signal (Linux)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] == "T"
