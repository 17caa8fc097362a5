"""Leaves of a problem near some values of its parameters, without executing its file again."""

import numpy as np

from spinhydro.errors import InputError, ParameterError


class NearbyLeaves:
    r"""Leaves as a polynomial of second order in the parameters, for JAX.

    .. math:: L(p + d) = L(p) + \sum_i (a_i d_i + b_i d_i^2)

    with a and b from executing the file at :math:`p_i \pm w_i`. Numbers of equations are mostly
    products and quotients of parameters, so that the error is a few times the cube of the relative
    width; kinks of profiles, such as the edge of a cloud, are smoothed over w. The run itself is
    not linearised.

    Parameters
    ----------
    family : Family
    centre : array (parameters,)
    widths : array (parameters,)
        Positive.

    Raises
    ------
    InputError
        If a condition of the file excludes values so close.
    """

    def __init__(self, family, centre, widths):
        self.jax = family.model.jax
        self.centre = np.asarray(centre, float)
        self.base = family.leaves_at(self.centre)
        first, second = [], []
        for i, (name, width) in enumerate(zip(family.names, widths, strict=True)):
            moved = self.centre.copy(), self.centre.copy()
            moved[0][i] += width
            moved[1][i] -= width
            try:
                above, below = (family.leaves_at(values, self.centre) for values in moved)
            except ParameterError as error:
                raise InputError(
                    f"{name} cannot move by {width:.3g} about {self.centre[i]:.6g}: {error}"
                ) from None
            first.append(self._combined(lambda p, m, _, w=width: (p - m) / (2 * w), above, below))
            second.append(
                self._combined(lambda p, m, b, w=width: (p + m - 2 * b) / (2 * w**2), above, below)
            )
        self.first, self.second = self._stacked(first), self._stacked(second)

    def _combined(self, function, *leaves):
        def combine(base, above, below):
            base = np.asarray(base)
            if base.dtype == bool:
                return np.zeros(base.shape)
            return function(np.asarray(above), np.asarray(below), base)

        return self.jax.tree.map(combine, self.base, *leaves)

    def _stacked(self, parts):
        """Arrays (parameters, …) of the leaves that move."""
        stacked = self.jax.tree.map(lambda *arrays: np.stack(arrays), *parts)
        return {
            name: part
            for name, part in stacked.items()
            if any(np.any(a) for a in self.jax.tree.leaves(part))
        }

    def __call__(self, parameters):
        """The leaves at some values."""
        np_ = self.jax.numpy
        change, leaves = parameters - self.centre, dict(self.base)
        for factors, terms in ((change, self.first), (change**2, self.second)):
            for name, part in terms.items():
                leaves[name] = self.jax.tree.map(
                    lambda leaf, rows, f=factors: leaf + np_.tensordot(f, rows, 1),
                    leaves[name], part,
                )  # fmt: skip
        return leaves
