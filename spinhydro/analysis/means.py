"""Means over space on Dedalus's grids: Fourier, Chebyshev, Legendre and the sphere."""

import numpy as np

from .style import is_tensor

#: Letters before the name of a coordinate that mark the modes of a basis, as in kx and nz.
MODES = ("k", "n", "l", "m")
#: Nodes that differ by more, relative to the interval, belong to another grid.
SAME_NODES = 1e-9


def has_modes(variable):
    """True if an axis of a variable counts modes, over which there is no mean."""
    axes = [dim.split("_")[0] for dim in map(str, variable.dims)]
    return any(len(axis) > 1 and axis[0] in MODES and axis != "member" for axis in axes)


def mean(values, variable):
    r"""Return the mean of values over space and members, and whether it is that of the integral.

    .. math:: \langle f \rangle = \sum_i w_i f_i \big/ \sum_i w_i

    with equal weights w on uniform grids, those of Fejér on Chebyshev's nodes, of Gauss on
    Legendre's, and sin(theta) on the sphere.

    Parameters
    ----------
    values : array with the axes of `variable` without t and without tensor components
    variable : DataArray

    Returns
    -------
    (float, bool); False if a grid is unknown and its points count equally.
    """
    exact = True
    for dim in reversed([d for d in map(str, variable.dims) if d != "t" and not is_tensor(d)]):
        points = np.asarray(variable[dim].values) if dim in variable.coords else None
        found = None if points is None else weights(points, dim)
        if found is None:
            exact = exact and (points is None or dim == "member")
            found = np.ones(values.shape[-1])
        values = values @ (found / found.sum())
    return float(values), exact


def weights(points, axis=""):
    """Return weights of the mean over grid points, up to a factor, or None for an unknown grid."""
    points = np.asarray(points)
    if points.dtype.kind not in "fiu" or not np.isfinite(points).all():
        return None
    steps = np.diff(points)
    if not len(steps) or np.ptp(steps) <= 1e-6 * abs(steps.mean()):
        return np.ones(len(points))
    size = len(points)
    nodes, gauss = np.polynomial.legendre.leggauss(size)
    if axis.split("_")[0] == "theta" and _agree(np.sort(np.cos(points)), nodes):
        return gauss[np.argsort(np.argsort(np.cos(points)))]
    order = np.argsort(np.argsort(points))
    angles = np.pi * (np.arange(size) + 0.5) / size
    if _agree(_scaled(points), _scaled(-np.cos(angles))):
        return _fejer(angles)[order]
    if _agree(_scaled(points), _scaled(nodes)):
        return gauss[order]
    return None


def _fejer(angles):
    """Weights of Fejér's first rule at cos(angles), the nodes of Chebyshev's polynomials."""
    even = np.arange(2, len(angles) + (len(angles) % 2), 2)
    return 1 - 2 * np.sum(np.cos(np.outer(angles, even)) / (even**2 - 1), axis=1)


def _scaled(points):
    ordered = np.sort(points)
    return (ordered - ordered[0]) / (ordered[-1] - ordered[0])


def _agree(one, other):
    return np.abs(one - other).max() < SAME_NODES
