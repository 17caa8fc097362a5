"""Freeing and sharing large buffers.

A state of three dimensions fills hundreds of megabytes, and so does every array of its size.
"""

import ctypes
import sys
import threading
import weakref

import numpy as np
from dedalus.libraries.fftw import fftw_wrappers

#: Size in bytes below which freeing an array is not worth a system call.
WORTH_FREEING = 1 << 22
#: Bytes on which arrays begin: a cache line, and enough for any vector unit.
ALIGNMENT = 64
_PAGE, _DONT_NEED = 1 << 16, 4


def _system_call():
    if not sys.platform.startswith("linux"):
        # On other systems the call has another meaning, or none.
        return None
    try:
        call = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None
    call.argtypes, call.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], ctypes.c_int
    return call


_madvise = _system_call()
#: The parameter of malloc for the size from which blocks are separate from the heap, and the
#: largest value that malloc gives it by itself.
_SEPARATE, _USUAL = -3, 1 << 25


def separate_large_blocks(wanted):
    """Choose whether freed large blocks return to the system at once (GNU's C library).

    That costs time where blocks are freed and allocated repeatedly, as in Dedalus's own steps.
    Blocks that were freed before are returned too: no later large block would reuse them.
    """
    if _madvise is not None:
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_SEPARATE, WORTH_FREEING if wanted else _USUAL)
        if wanted and hasattr(library, "malloc_trim"):
            library.malloc_trim(ctypes.c_size_t(0))


def advise_free(*arrays):
    """Tell the system that the content of large arrays is not needed until they are written to.

    Their values are lost. Not for arrays in files or in shared memory.
    """
    if _madvise is None:
        return
    for array in arrays:
        if array.nbytes >= WORTH_FREEING and array.flags.c_contiguous:
            first = -(-array.ctypes.data // _PAGE) * _PAGE
            last = (array.ctypes.data + array.nbytes) // _PAGE * _PAGE
            if last > first:
                _madvise(first, last - first, _DONT_NEED)


def aligned(memory, shape, dtype):
    """Return an array of a shape inside an array of bytes that is larger by ALIGNMENT."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


def drop_data(field):
    """Free the data of a field until it is filled again."""
    field.buffer = field.data = field.scales = None
    field.__dict__.pop("_dealias_buffer", None)


def parts(*arrays, size=1 << 16):
    """Iterate over corresponding flat pieces of arrays, so that no temporary is large."""
    flat = [np.ravel(array) for array in arrays]
    for first in range(0, flat[0].size, size):
        yield tuple(array[first : first + size] for array in flat)


class _SharedTemporaries:
    """Dedalus's FFTW wrappers with temporaries that are parts of one array.

    Every axis of a basis has one, whose content is not needed between transforms. Each thread has
    a separate array.
    """

    def __init__(self):
        self._known = weakref.WeakValueDictionary()

    def __getattr__(self, name):
        return getattr(fftw_wrappers, name)

    def create_array(self, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if not size:
            return fftw_wrappers.create_array(shape, dtype)
        memory = self._known.get(threading.get_ident())
        if memory is None or memory.nbytes < size + ALIGNMENT:
            memory = np.empty(size + ALIGNMENT, np.uint8)
            self._known[threading.get_ident()] = memory
        return aligned(memory, shape, dtype)

    def free_scratch(self):
        """Free the temporaries until the next transform."""
        advise_free(*self._known.values())


_temporaries = _SharedTemporaries()


def free_temporaries():
    """Free the temporaries of Dedalus's transforms until the next of them."""
    _temporaries.free_scratch()


def share_temporaries():
    """Make the transforms of Dedalus share their temporary arrays."""
    from dedalus.core import transforms

    if getattr(transforms, "fftw", None) is fftw_wrappers:
        transforms.fftw = _temporaries
