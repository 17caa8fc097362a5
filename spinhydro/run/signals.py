"""Requests to end a run in order: signals and the wall limit."""

import signal
import threading
import time
from contextlib import contextmanager

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
def noted_signals(request):
    """Note signals in a StopRequest instead of ending the process.

    Signals that are ignored when the run starts (``nohup``, ``trap '' INT``) stay ignored.
    """
    previous = {}

    def note(number, _):
        request.signal_number = number

    try:
        # Only the main thread may install handlers; elsewhere signals keep their meaning.
        if threading.current_thread() is threading.main_thread():
            for number in NOTED:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    previous[number] = signal.signal(number, note)
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
