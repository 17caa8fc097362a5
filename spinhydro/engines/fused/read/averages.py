"""Averages along an axis and removal of its Nyquist mode, as functions of the wavenumber."""

import numpy as np


class Average:
    """Average over one axis times a factor, in the form of a kernel omega(k).

    Parameters
    ----------
    axis : int
        Among the axes of space.
    factor : float
        1, or the length of the axis for an integral.
    """

    components = 0

    def __init__(self, axis, factor):
        self.axis, self.factor = axis, factor

    def __eq__(self, other):
        return isinstance(other, Average) and self._key == other._key

    def __hash__(self):
        return hash(self._key)

    @property
    def _key(self):
        return (self.axis, self.factor)

    def symmetric_matrix(self, k, signless):
        """omega as (1, 1, *spectral shape); `k` holds an array of wavenumbers for each axis."""
        values = np.where(k[self.axis] == 0, self.factor, 0.0)
        return np.broadcast_to(values, (1, 1, *np.broadcast_shapes(*(a.shape for a in k))))


class NyquistFilter:
    """1 for all modes but the Nyquist mode of one axis, in the form of a kernel omega(k).

    Parameters
    ----------
    axis : int
        Among the axes of space.
    """

    components = 0
    name = "without_nyquist"

    def __init__(self, axis):
        self.axis = axis

    def __eq__(self, other):
        return isinstance(other, NyquistFilter) and self.axis == other.axis

    def __hash__(self):
        return hash((NyquistFilter, self.axis))

    def symmetric_matrix(self, k, signless):
        """The factors as (1, 1, *spectral shape); `signless` masks the Nyquist modes."""
        values = np.where(signless[self.axis], 0.0, 1.0)
        return np.broadcast_to(values, (1, 1, *np.broadcast_shapes(*(a.shape for a in k))))
