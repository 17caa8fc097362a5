"""Outputs that a complex problem stores as complex numbers though they are real: n, s_z, N, E."""

import numpy as np

#: Largest imaginary part, of the largest value, that is taken for rounding.
ROUNDING = 1e-12


def as_real(values):
    """Return the real part of complex values that are real to rounding, and others unchanged.

    Parameters
    ----------
    values : array or DataArray
    """
    if not np.iscomplexobj(values):
        return values
    numbers = np.asarray(values)
    imaginary, largest = (np.nanmax(np.abs(part), initial=0) for part in (numbers.imag, numbers))
    return values.real if imaginary <= ROUNDING * largest else values
