"""Output to terminals, pipes and files of any encoding and in any state."""

import codecs
import os
import sys
import unicodedata

#: Characters of messages in encodings that lack them.
_PLAIN = {
    "…": "...", "µ": "u", "μ": "u", "−": "-", "–": "-", "×": "x", "·": "*", "±": "+-", "²": "^2",
    "³": "^3", "ω": "omega", "ψ": "psi", "Ω": "Omega", "≤": "<=", "≥": ">=", "→": "->", "≈": "~",
}  # fmt: skip

#: Rank of a process, before MPI is started, under Open MPI, PMIx, MPICH and MVAPICH.
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


def _replaced(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or ascii(c)[1:-1] for c in text), error.end


def prepare_streams():
    """Let no character that an encoding lacks raise an error on standard output or error."""
    codecs.register_error("spinhydro", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="spinhydro")


def printable(text, keep=""):
    """A text with its control characters escaped: foreign text must not steer a terminal.

    >>> printable("status\\x1b[2J")
    'status\\\\x1b[2J'
    """
    return "".join(
        c if c in keep or unicodedata.category(c)[0] != "C" else ascii(c)[1:-1] for c in str(text)
    )


def to_stderr(text):
    """Print a message; a closed or broken standard error must not end a run."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        discard(sys.stderr)


def decoded(argument):
    """An argument as UTF-8, also where the locale is that of another encoding."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return argument


def flush():
    """Write what standard output holds back; raise OSError if that is impossible.

    A reader that has left (`spinhydro list | head`) is not an error.
    """
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def discard(stream):
    """Send a broken stream to nowhere, so that Python does not complain when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        return


def is_reporting_rank():
    """True on rank 0, which prints for all ranks."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None and any(name in os.environ for name in _RANKS):
        # A variable may be left from another job; MPI knows.
        try:
            from mpi4py import MPI as mpi
        except (ImportError, RuntimeError):
            return True
    return mpi is None or not mpi.Is_initialized() or mpi.COMM_WORLD.rank == 0
