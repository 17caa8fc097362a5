"""Output to terminals, pipes and files of any encoding and in any state."""

import codecs
import os
import sys
import unicodedata

from spinhydro.run.messages import discard, to_stderr, to_stream

__all__ = [
    "decoded",
    "discard",
    "flush",
    "is_reporting_rank",
    "prepare_streams",
    "print_folder",
    "printable",
    "to_stderr",
]

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
    """Replace characters that the encoding of standard output or error lacks.

    Streams that are closed are opened on nowhere: the next file would take their number, and
    messages of libraries would end up in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
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


def print_folder(path):
    """Print a run folder for scripts; a broken stream is not an error of the run."""
    to_stream("stdout", str(path))


def decoded(argument):
    """An argument as UTF-8, also where the locale is that of another encoding."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return argument


def flush():
    """Write the buffer of standard output; raise OSError if that is impossible.

    A reader that has left (`spinhydro list | head`) is not an error.
    """
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def is_reporting_rank():
    """True on rank 0, which prints for all ranks."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None and any(name in os.environ for name in _RANKS):
        # A variable may be left from another job; MPI's answer is reliable.
        try:
            from mpi4py import MPI as mpi
        except (ImportError, RuntimeError):
            return True
    return mpi is None or not mpi.Is_initialized() or mpi.COMM_WORLD.rank == 0
