"""Functions of one value that neither NumPy nor SciPy has, on arrays."""

import numpy as np

#: Points of which temporaries stay in the cache.
_PIECE = 1 << 14


def squared_modulus(values, out):
    """out = |values|²."""
    if not values.flags.c_contiguous or not out.flags.c_contiguous:
        np.multiply(values, np.conjugate(values), out=out)
        return
    values, out = values.reshape(-1), out.reshape(-1)
    for first in range(0, values.size, _PIECE):
        piece = values[first : first + _PIECE]
        np.multiply(piece, np.conjugate(piece), out=out[first : first + _PIECE])


def real_part(values, out):
    """out = Re values."""
    np.copyto(out, values.real)


def imaginary_part(values, out):
    """out = Im values."""
    np.copyto(out, values.imag)
