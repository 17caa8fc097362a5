"""Plans of the FFTW library that Dedalus links, to be executed by address from compiled code."""

import ctypes
import weakref

import numpy as np
from dedalus.libraries.fftw import fftw_wrappers

from spinhydro.dedalus_support.memory import ALIGNMENT, aligned
from spinhydro.engines.fused.compile.wisdom import Wisdom
from spinhydro.errors import Unsupported

_UNALIGNED = 1 << 1
_FORWARD, _BACKWARD = -1, 1


class _Dimension(ctypes.Structure):
    _fields_ = [("size", ctypes.c_int), ("step_in", ctypes.c_int), ("step_out", ctypes.c_int)]


def _load():
    """Functions of FFTW, found through Dedalus's extension module; None if missing."""
    try:
        library = ctypes.CDLL(fftw_wrappers.__file__)
        functions = {}
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        for name, sign in (("dft", [integer]), ("dft_r2c", []), ("dft_c2r", [])):
            plan = getattr(library, f"fftw_plan_guru_{name}")
            plan.restype = pointer
            plan.argtypes = [integer, pointer, integer, pointer, pointer, pointer, *sign,
                             ctypes.c_uint]  # fmt: skip
            address = ctypes.cast(getattr(library, f"fftw_execute_{name}"), pointer).value
            execute = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 3)(address)
            functions[name] = (plan, execute)
        destroy = library.fftw_destroy_plan
        destroy.argtypes, destroy.restype = [pointer], None
        functions["destroy"] = destroy
        functions["wisdom"] = Wisdom(library)
    except (OSError, AttributeError, ValueError):
        return None
    return functions


_FUNCTIONS = _load()
AVAILABLE = _FUNCTIONS is not None


def address(kind):
    """Address of ``function(plan, address in, address out)`` for a kind of plan."""
    return ctypes.cast(_FUNCTIONS[kind][1], ctypes.c_void_p).value


class Plan:
    """One transform, many times.

    Parameters
    ----------
    kind : "dft", "dft_r2c" or "dft_c2r"
    axis : (size, step in, step out)
        Of the transformed axis; steps in elements.
    repeats : list of (number, step in, step out)
        At most three nested loops over transforms.
    inward, outward : array
        Anything aligned as the arrays of later calls are; the same array for a plan in place.
        They are overwritten.
    backward : bool
        Sign of the exponent (complex transforms only).
    aligned : bool
        Whether the arrays of later calls begin on addresses that are multiples of 16 bytes.

    Attributes
    ----------
    address : int
    """

    def __init__(self, kind, axis, repeats, inward, outward, backward=False, aligned=True):
        make, self.execute = _FUNCTIONS[kind]
        repeats = [repeat for repeat in repeats if repeat[0] != 1]
        sign = [_BACKWARD if backward else _FORWARD] if kind == "dft" else []
        alignment = 0 if aligned else _UNALIGNED
        arguments = (
            1, (_Dimension * 1)(_Dimension(*axis)),
            len(repeats), (_Dimension * max(1, len(repeats)))(*(_Dimension(*r) for r in repeats)),
            inward.ctypes.data, outward.ctypes.data, *sign,
        )  # fmt: skip
        self.address = _FUNCTIONS["wisdom"].plan(
            lambda flags: make(*arguments, flags | alignment), axis[0]
        )
        if not self.address:
            raise Unsupported(f"a transform of {axis[0]} points")
        weakref.finalize(self, _FUNCTIONS["destroy"], self.address)


def zeros(shape, dtype):
    """Return an aligned array of zeros."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return aligned(np.zeros(size + ALIGNMENT, np.uint8), shape, dtype)
