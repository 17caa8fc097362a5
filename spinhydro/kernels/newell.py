"""Newell's tensor: the demagnetising field of one uniformly magnetised cell, averaged over another.

A. J. Newell, W. Williams and D. J. Dunlop, J. Geophys. Res. 98, 9551 (1993).
"""

from itertools import combinations_with_replacement

import numpy as np

#: Components (i, j) with i <= j of the symmetric tensor, in the order of `newell_tensor`.
PAIRS = tuple(combinations_with_replacement(range(3), 2))
#: The closed formula is a sixth difference and loses digits with distance; beyond these distances,
#: in units of the largest edge of a cell, the dipole tensor is averaged with so many Gauss points
#: along each axis. Both agree to 1e-10 of the value where they meet, for cells of like edges.
_FAR = ((8.0, 6), (20.0, 4), (60.0, 3))


def newell_tensor(shape, cells):
    r"""Demagnetising tensor between cells of a grid, for all offsets that are not negative.

    .. math:: N_{ij}(\mathbf{R}) = -\frac{1}{4\pi V} \int_V d^3r \int_{V} d^3r' \,
              \partial_i \partial_j \frac{1}{|\mathbf{R} + \mathbf{r} - \mathbf{r}'|}

    The mean field of the cell at R is H = -N M for a cell magnetised with M at the origin; N_ii is
    even in every offset, N_ij odd in those along i and j. The trace is 1 at R = 0, 0 elsewhere.

    Parameters
    ----------
    shape : tuple of three int
        Numbers of offsets 0, 1, … along x, y and z.
    cells : tuple of three float
        Edges of a cell.

    Returns
    -------
    array (6, *shape)
        xx, xy, xz, yy, yz, zz.
    """
    cells = np.asarray(cells, dtype=float) / max(cells)
    positions = np.meshgrid(*(np.arange(n) * h for n, h in zip(shape, cells, strict=True)),
                            indexing="ij", sparse=True)  # fmt: skip
    distance = np.sqrt(sum(p**2 for p in positions))
    tensor = np.empty((6, *shape))
    near = tuple(min(n, int(_FAR[0][0] / h) + 1) for n, h in zip(shape, cells, strict=True))
    tensor[(slice(None), *map(slice, near))] = _closed_formula(near, cells)
    limits = [limit for limit, _ in _FAR[1:]] + [np.inf]
    for (start, points), stop in zip(_FAR, limits, strict=True):
        chosen = (distance > start) & (distance <= stop)
        places = [np.broadcast_to(p, shape)[chosen] for p in positions]
        tensor[:, chosen] = _averaged_dipole(places, cells, points)
    return tensor


def _closed_formula(shape, cells):
    """The tensor as second differences of Newell's functions f and g along every axis."""
    # One node before and after every offset; extended precision, as the differences cancel.
    edges = [np.asarray(h, dtype=np.longdouble) for h in cells]
    nodes = np.meshgrid(*(np.arange(-1, n + 1) * h for n, h in zip(shape, edges, strict=True)),
                        indexing="ij")  # fmt: skip
    found = np.empty((6, *shape))
    for row, (i, j) in enumerate(PAIRS):
        k = next(axis for axis in range(3) if axis not in (i, j))
        if i == j:
            values = _f(nodes[i], nodes[(i + 1) % 3], nodes[(i + 2) % 3])
        else:
            values = _g(nodes[i], nodes[j], nodes[k])
        for axis in range(3):
            values = np.diff(values, n=2, axis=axis)
        found[row] = -values / (4 * np.pi * np.prod(edges))
    return found


def _f(x, y, z):
    x2, y2, z2 = x * x, y * y, z * z
    r = np.sqrt(x2 + y2 + z2)
    return (
        y / 2 * (z2 - x2) * _arsinh(y, x2 + z2)
        + z / 2 * (y2 - x2) * _arsinh(z, x2 + y2)
        - x * y * z * _arctan(y * z, x * r)
        + (2 * x2 - y2 - z2) * r / 6
    )


def _g(x, y, z):
    x2, y2, z2 = x * x, y * y, z * z
    r = np.sqrt(x2 + y2 + z2)
    return (
        x * y * z * _arsinh(z, x2 + y2)
        + y / 6 * (3 * z2 - y2) * _arsinh(x, y2 + z2)
        + x / 6 * (3 * z2 - x2) * _arsinh(y, x2 + z2)
        - z * z2 / 6 * _arctan(x * y, z * r)
        - z * y2 / 2 * _arctan(x * z, y * r)
        - z * x2 / 2 * _arctan(y * z, x * r)
        - x * y * r / 3
    )


def _arsinh(a, b2):
    """arsinh(a/sqrt(b2)); 0 where b2 = 0, where its factor vanishes."""
    b = np.sqrt(b2)
    return np.where(b > 0, np.arcsinh(a / np.where(b > 0, b, 1)), 0)


def _arctan(a, b):
    """arctan(a/b); 0 where b = 0, where its factor vanishes."""
    return np.where(b != 0, np.arctan(a / np.where(b != 0, b, 1)), 0)


def _averaged_dipole(positions, cells, points):
    """The dipole tensor, averaged over the distances of the points of two cells."""
    nodes, weights = _triangular_rule(points)
    total = np.zeros((6, positions[0].size))
    for place in np.ndindex(points, points, points):
        r = [p + nodes[n] * h for p, n, h in zip(positions, place, cells, strict=True)]
        r2 = sum(component**2 for component in r)
        factor = np.prod(weights[list(place)]) * np.prod(cells) / (4 * np.pi) / r2**1.5
        for row, (i, j) in enumerate(PAIRS):
            total[row] += factor * ((i == j) - 3 * r[i] * r[j] / r2)
    return total


def _triangular_rule(points):
    """Gauss nodes and weights on [-1, 1] for the weight 1 - |s|, by Lanczos' iteration."""
    s, w = np.polynomial.legendre.leggauss(32)
    s = np.concatenate([(s - 1) / 2, (s + 1) / 2])
    w = np.tile(w / 2, 2) * (1 - np.abs(s))
    vectors = [np.sqrt(w)]
    matrix = np.zeros((points, points))
    for i in range(points):
        new = s * vectors[i]
        for j in (i, i - 1):
            if j >= 0:
                matrix[i, j] = matrix[j, i] = new @ vectors[j]
        for old in vectors:
            new = new - (new @ old) * old
        vectors.append(new / np.linalg.norm(new))
    nodes, columns = np.linalg.eigh(matrix)
    return nodes, columns[0] ** 2
