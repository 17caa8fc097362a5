"""Perturbations that projections allow, point by point, and linear maps between them."""

import numpy as np

from spinhydro.derivatives.linear import CHUNK, compiled_tangents

#: Largest relative difference between a projection and its action at each point.
POINTWISE = 1e-10


class PointBasis:
    """An orthonormal basis of the perturbations that projections allow at each point.

    Spins have two directions at each point of a body, and none in the empty space around it.

    Parameters
    ----------
    local : array (components, components, *shape)
        The derivative of the projections at each point.

    Attributes
    ----------
    size : int
        Number of perturbations of all points together.
    """

    def __init__(self, local):
        self._local = local
        left, sizes, _ = np.linalg.svd(np.moveaxis(local, (0, 1), (-2, -1)))
        self._left, self._kept = left, sizes > 0.5
        self._places = np.argwhere(self._kept)
        self.size = len(self._places)

    def matrix(self, tangents_of, values):
        """The matrix (size, size) of a linearisation between perturbations of the basis.

        Parameters
        ----------
        tangents_of : callable
            From `compiled_tangents`.
        values : array (components, *shape)
        """
        found = np.empty((self.size, self.size))
        for first in range(0, self.size, CHUNK):
            weights = np.zeros((min(CHUNK, self.size - first), self.size))
            weights[np.arange(len(weights)), first + np.arange(len(weights))] = 1
            response = np.asarray(tangents_of(values, self.expand(weights)))
            inside = np.einsum("ij...,rj...->r...i", self._local, response)
            inside = np.einsum("r...i,...id->r...d", inside, self._left)
            found[:, first : first + len(weights)] = inside[:, self._kept].T
        return found

    def expand(self, weights):
        """Fields (rows, components, *shape) of weights (rows, size) of the basis."""
        held = np.zeros((len(weights), *self._kept.shape), np.asarray(weights).dtype)
        held[:, self._kept] = weights
        return np.moveaxis(np.einsum("...id,r...d->r...i", self._left, held), -1, 1)

    def spectra(self, weights):
        """Fourier coefficients (components * points, rows) of weights (rows, size)."""
        fields = self.expand(weights)
        points = int(np.prod(self._kept.shape[:-1]))
        found = np.fft.fftn(fields, axes=range(2, fields.ndim)) / points
        return found.reshape(len(weights), -1).T


def point_basis(form, values):
    """The `PointBasis` about some values; None if projections do not act point by point.

    That is so on bases that drop a mode.
    """
    tangents_of = compiled_tangents(form.model.jax, form.project)
    components = len(values)
    units = np.zeros((components, *values.shape))
    for j in range(components):
        units[j, j] = 1
    local = np.swapaxes(np.asarray(tangents_of(values, units)), 0, 1)
    random = np.random.default_rng(0).standard_normal((1, *values.shape))
    projected = np.asarray(tangents_of(values, random))[0]
    difference = np.einsum("ij...,j...->i...", local, random[0]) - projected
    if np.abs(difference).max() > POINTWISE * np.abs(random).max():
        return None
    return PointBasis(local)
