"""Functions of one value that neither NumPy nor SciPy has, on arrays."""

import numpy as np


def squared_modulus(values, out):
    """out = |values|²."""
    np.multiply(values, np.conjugate(values), out=out)


def real_part(values, out):
    """out = Re values."""
    np.copyto(out, values.real)


def imaginary_part(values, out):
    """out = Im values."""
    np.copyto(out, values.imag)
