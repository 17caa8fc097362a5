"""Averages over axes of space as functions of the wavenumber: 1 at k = 0, 0 elsewhere."""

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
