"""Requests to end a run in order: signals and the wall limit."""

import os
import signal
import threading
import time
from contextlib import contextmanager

from spinhydro.errors import Stopped

#: Signals that end programs: SLURM, submitit, batch systems, terminals and Ctrl-C send them.
NOTED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class StopRequest:
    """Request to stop a run before its stop time.

    Parameters
    ----------
    wall_limit : float, optional
        Seconds after which the run must have ended.
    grace : float
        Seconds before the wall limit at which it stops.
    started : float, optional
        ``time.monotonic()`` of the start.

    Attributes
    ----------
    signal_number : int
        The last signal that was noted; 0 if there was none.
    """

    def __init__(self, wall_limit=None, grace=0.0, started=None):
        started = time.monotonic() if started is None else started
        self.wall_limit = wall_limit
        self._deadline = None if wall_limit is None else started + wall_limit - grace
        self.signal_number = 0

    def is_over_limit(self, ahead=0.0):
        """Return whether the wall limit will be reached in `ahead` seconds."""
        return self._deadline is not None and time.monotonic() + ahead >= self._deadline


@contextmanager
def handled_signals(handler):
    """Handle signals that end programs by ``handler(number, frame)``.

    Signals that are ignored when the run starts (``nohup``, ``trap '' INT``) stay ignored.
    """
    previous = {}
    try:
        # Only the main thread may install handlers; elsewhere signals keep their meaning.
        if threading.current_thread() is threading.main_thread():
            for number in NOTED:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    previous[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)


def noted_signals(request):
    """Return a context in which signals are noted in a StopRequest and do not end the process."""

    def note(number, _):
        request.signal_number = number

    return handled_signals(note)


def ignore_signals():
    """Ignore signals that end programs until this process ends: all is done, the code is known."""
    for number in NOTED:
        signal.signal(number, signal.SIG_IGN)


def signals_that_end(notify=True, quiet=None):
    """Return a context in which a signal ends the process at once, with exit code 75.

    For the time before there is a run folder: loading the file, building and compiling the solver.
    An exception could be caught on its way through foreign code, so there is none. `noted_signals`
    takes over when there is something to keep.

    Parameters
    ----------
    notify : bool
        Whether a message goes to standard error.
    quiet : int, optional
        A signal without a message: mpiexec sends SIGTERM to ranks when another one has failed.
    """

    def end(number, _):
        if notify and number != quiet:
            name = signal.Signals(number).name
            try:
                # Not through sys.stderr, which this signal may have interrupted.
                os.write(2, f"spinhydro: error: stopped by {name} before the first step\n".encode())
            except OSError:
                pass
        os._exit(Stopped.exit_code)

    return handled_signals(end)
