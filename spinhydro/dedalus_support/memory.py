"""Freeing and sharing large buffers.

A state of three dimensions fills hundreds of megabytes, and so does every array of its size.
"""

import ctypes
import mmap
import sys
import threading
import weakref

import numpy as np
from dedalus.core.field import Field
from dedalus.libraries.fftw import fftw_wrappers

#: Size in bytes below which freeing an array is not worth a system call.
WORTH_FREEING = 1 << 22
#: Size in bytes from which the memory of fields is reused.
WORTH_REUSING = 1 << 20
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
#: Parameters of malloc: the size from which blocks are separate from the heap, with the largest
#: possible value; and how much free memory the heap keeps at its end.
_SEPARATE, _LARGEST = -3, 1 << 25
_KEPT = -1
#: Bytes of memory that are kept for arrays of some megabytes, which are freed and allocated
#: repeatedly.
_ENOUGH = 1 << 26


def separate_large_blocks(wanted):
    """Choose whether freed large blocks return to the system at once (GNU's C library).

    That costs time where blocks are freed and allocated repeatedly, as in Dedalus's own steps.
    Blocks that were freed before are returned too: no later large block would reuse them.
    """
    if _madvise is not None:
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_SEPARATE, WORTH_FREEING if wanted else _LARGEST)
            library.mallopt(_KEPT, WORTH_FREEING if wanted else _ENOUGH)
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


def cleared(shape, dtype):
    """Return a new array of zeros, in huge pages where NumPy asks for them."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return aligned(np.zeros(size + ALIGNMENT, np.uint8), shape, dtype)


class _LargeBuffers:
    """Memory of the large buffers of fields, reused by later ones, in huge pages if possible.

    The system takes longer to provide new memory than Dedalus takes to fill it, and evaluating an
    expression allocates a buffer for each of its operations.
    """

    def __init__(self):
        self._unused = []
        # Reentrant: memory may come back at any time.
        self._lock = threading.RLock()

    def buffer(self, size):
        """Return a buffer of zeros; its memory comes back here when nothing refers to it."""
        rounded = -(-size // _PAGE) * _PAGE
        memory = self._reused(rounded)
        if memory is not None:
            found = np.asarray(_Buffer(memory, size, self._take_back))
            found.fill(0)
            return found
        memory = mmap.mmap(-1, rounded, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        return np.asarray(_Buffer(memory, size, self._take_back))

    def _reused(self, size):
        with self._lock:
            for index in reversed(range(len(self._unused))):
                if len(self._unused[index]) == size:
                    return self._unused.pop(index)
        return None

    def _take_back(self, memory):
        with self._lock:
            self._unused.append(memory)
            while sum(map(len, self._unused)) > _ENOUGH:
                del self._unused[0]

    def free_scratch(self):
        """Free the memory that no field uses."""
        self._unused.clear()


class _Buffer:
    """Owner of the memory of one buffer while arrays refer to it."""

    def __init__(self, memory, size, take_back):
        self._memory, self._take_back = memory, take_back
        first = np.frombuffer(memory, np.uint8).ctypes.data
        self.__array_interface__ = {
            "version": 3, "typestr": "<f8", "shape": (size // 8,), "data": (first, False),
        }  # fmt: skip

    def __del__(self):
        self._take_back(self._memory)


_buffers = _LargeBuffers()


def reuse_large_buffers():
    """Make Dedalus reuse the memory of large buffers of fields."""
    usual = getattr(Field, "_create_buffer", None)
    if usual is None:
        return

    def create_buffer(size):
        return _buffers.buffer(size) if size >= WORTH_REUSING else usual(size)

    Field._create_buffer = staticmethod(create_buffer)


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
    """Free the temporaries of Dedalus's transforms and expressions until the next of them."""
    _temporaries.free_scratch()
    _buffers.free_scratch()


def share_temporaries():
    """Make the transforms of Dedalus share their temporary arrays."""
    from dedalus.core import transforms

    if getattr(transforms, "fftw", None) is fftw_wrappers:
        transforms.fftw = _temporaries
