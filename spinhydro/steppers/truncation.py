"""Spectral truncation: only modes below a fraction of the largest wavenumber are kept."""

import math

import numpy as np
from dedalus.core.system import CoeffSystem

from spinhydro.errors import ParameterError
from spinhydro.kernels.operator import local_wavenumbers, space_axes

#: Rounding error of a wavenumber.
_ROUNDING = 1e-9


def check_fraction(value):
    """Return a fraction of wavenumbers as a float.

    Raises ParameterError unless it is a number above 0 and at most 1.
    """
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not (math.isfinite(value) and 0 < value <= 1):
        raise ParameterError(
            f"truncate = {value!r}: it must be a fraction of the largest wavenumber, above 0 and "
            "at most 1, such as 0.55; 1 keeps all modes, None leaves the choice to the run"
        ).within("truncate")
    return float(value)


def kept_along(basis, wavenumbers, fraction):
    r"""Return which wavenumbers along one axis are kept: :math:`|k| \le f\, \pi N/L`."""
    left, right = basis.bounds
    largest = np.pi * basis.size / (right - left)
    return np.abs(wavenumbers) <= fraction * largest * (1 + _ROUNDING)


def kept_modes(domain, fraction):
    """Return which local modes of a domain are kept, as an array of booleans.

    A mode is kept if its wavenumber along every axis of space is.
    """
    axes = space_axes(domain.dist)
    kept = np.ones([1] * domain.dist.dim, bool)
    for axis, k in zip(axes, local_wavenumbers(domain, axes), strict=True):
        if domain.full_bases[axis] is not None:
            kept = kept & kept_along(domain.full_bases[axis], k, fraction)
    return kept


def kept_coefficients(solver, fraction):
    """Return ones and zeros for all coefficients of a state, as a ``CoeffSystem``."""
    state = solver.state
    solver.evaluator.require_coeff_space(state)
    before = [field.data.copy() for field in state]
    for field in state:
        field.data[...] = kept_modes(field.domain, fraction)
    mask = CoeffSystem(solver.subproblems, dtype=solver.dtype)
    for sp in solver.subproblems:
        if sp.size:
            sp.gather_inputs(state, out=mask.get_subdata(sp))
    for field, data in zip(state, before, strict=True):
        np.copyto(field.data, data)
    np.copyto(mask.data, mask.data != 0)
    return mask
