"""FFTW plans that are measured once per machine: the wisdom file.

A plan that FFTW chooses by timing is up to twice as fast as an estimated one, but another timing
may choose another plan, which changes the last digits of every result. So the choice is kept
in a file, ``fftw-<key>.wisdom`` beside the compiled code; the key depends on the release of
FFTW and the kind of processor. A process that needs a plan beyond the file measures it under a
lock: processes that start together, such as the ranks of a run, take the same plan.

Where no file can be written plans are estimated, which is reproducible too. FFTW's own memory is
cleared after every plan, so transforms that Dedalus plans are not affected.
"""

import ctypes
import fcntl
import hashlib
from contextlib import contextmanager

from spinhydro.engines.fused.compile.store import folder, read_file, write_file

_MEASURE, _ESTIMATE, _ONLY_FROM_WISDOM = 0, 1 << 6, 1 << 21
#: Longer transforms take many seconds to measure.
LONGEST = 1 << 17
_MAGIC = b"spinhydro wisdom 1\n"


class Wisdom:
    """Choice of plans for the functions of one FFTW library.

    Parameters
    ----------
    library : ctypes.CDLL
    """

    def __init__(self, library):
        self._forget = library.fftw_forget_wisdom
        self._forget.restype, self._forget.argtypes = None, []
        self._import = library.fftw_import_wisdom_from_string
        self._import.restype, self._import.argtypes = ctypes.c_int, [ctypes.c_char_p]
        self._export = library.fftw_export_wisdom_to_string
        self._export.restype, self._export.argtypes = ctypes.c_void_p, []
        self._release = library.fftw_free
        self._release.restype, self._release.argtypes = None, [ctypes.c_void_p]
        self._destroy = library.fftw_destroy_plan
        self._version = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(
            library, "fftw_version")))  # fmt: skip
        self._known = b""

    def plan(self, make, size):
        """Return ``make(flags)`` for the flags that give the plan of this machine.

        Parameters
        ----------
        make : callable(int)
            Returns the address of a plan, or None; its arrays are overwritten.
        size : int
            Length of the transform.
        """
        path = self._path() if size <= LONGEST else None
        found = None
        try:
            if path:
                found = self._recall(make) or self._measure(make, path)
            return found or make(_ESTIMATE)
        finally:
            self._forget()

    def _path(self):
        place = folder()
        if place is None:
            return None
        from spinhydro.engines.fused.compile import llvm

        key = [self._version.decode(errors="replace"), *llvm.processor()]
        return place / f"fftw-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.wisdom"

    def _recall(self, make):
        """A plan that is known; None if it has not been measured yet."""
        self._forget()
        if not self._known or not self._import(self._known):
            return None
        return make(_ONLY_FROM_WISDOM)

    def _measure(self, make, path):
        """A plan from the file, or measured and added to it; None if that is not possible."""
        try:
            with _lock(path.with_suffix(".lock")):
                self._known = read_file(path, _MAGIC) or b""
                found = self._recall(make)
                if found:
                    return found
                self._destroy(make(_MEASURE))
                address = self._export()
                self._known = ctypes.string_at(address)
                self._release(address)
                if not write_file(path, _MAGIC, self._known):
                    return None
        except OSError:
            return None
        # Read it back, as every later process does.
        return self._recall(make)


@contextmanager
def _lock(path):
    """Hold a lock, which the system releases when its process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
