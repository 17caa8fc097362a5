"""Messages to streams that may be closed, full or without a reader; none of this ends a run."""

import os
import sys


def to_stderr(text):
    """Print a line on standard error, if possible."""
    to_stream("stderr", text)


def to_stream(name, text, end="\n"):
    """Write to ``sys.stdout`` or ``sys.stderr`` and flush; discard the stream if it is broken.

    Parameters
    ----------
    name : str
        "stdout" or "stderr".
    text, end : str
    """
    stream = getattr(sys, name)
    if stream is None:
        return
    try:
        stream.write(text + end)
        stream.flush()
    except (OSError, ValueError):
        discard(stream)


def discard(stream):
    """Redirect a broken stream to nowhere, so that Python exits without a message."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        return
