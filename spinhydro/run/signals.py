"""Signals that end programs, noted so that a run can end in order."""

import signal
from contextlib import contextmanager


@contextmanager
def noted_signals():
    """Note the signals that end programs; the loop looks for them after each step."""
    noted = {"number": 0}

    def note(number, _):
        noted["number"] = number

    previous = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
            try:
                previous[number] = signal.signal(number, note)
            except ValueError:
                # Only the main thread may do this; elsewhere signals keep their meaning.
                break
        yield noted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
