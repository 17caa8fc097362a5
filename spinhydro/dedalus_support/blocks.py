"""Block-diagonal matrices with small dense blocks, as those of all-Fourier problems.

For Fourier bases M and L couple only coefficients of one wavenumber: the components of the
fields, and the cosine and sine of a real basis. Inverses and exponentials are then those of many
small dense matrices at once.
"""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from spinhydro.dedalus_support.private import apply_sparse
from spinhydro.errors import InputError

#: The largest number of coefficients that the linear terms may couple.
LARGEST_BLOCK = 64


class NoSmallBlocks(InputError):
    """A matrix that is not block-diagonal with small square blocks, for the reason given."""


def blocks_of(*matrices):
    """Return the equations and unknowns that square sparse matrices couple.

    Returns
    -------
    list of (rows, columns)
        Arrays (B, width) of indices, one pair for each width; the block b of a matrix A is
        ``A[rows[b]][:, columns[b]]``.

    Raises
    ------
    NoSmallBlocks
        If a block is wider than LARGEST_BLOCK, or has more rows than columns.
    """
    pattern = sum(abs(matrix) for matrix in matrices).tocsr()
    pattern.eliminate_zeros()
    size = pattern.shape[0]
    if is_diagonal(pattern):
        every = np.arange(size)[:, None]
        return [(every, every)]
    both = sparse.bmat([[None, pattern], [pattern.T, None]])
    number, label = csgraph.connected_components(both, directed=False)
    rows, columns = label[:size], label[size:]
    widths = np.bincount(rows, minlength=number)
    if np.any(widths != np.bincount(columns, minlength=number)):
        raise NoSmallBlocks(
            "the equations leave an unknown free: as many equations as unknowns are needed at "
            "every wavenumber"
        )
    if widths.max(initial=0) > LARGEST_BLOCK:
        raise NoSmallBlocks(
            f"linear terms that couple at most {LARGEST_BLOCK} coefficients are needed, as on "
            f"Fourier bases; here {widths.max()} are coupled"
        )
    first = np.concatenate([[0], np.cumsum(widths)[:-1]])
    in_order = [np.argsort(labels, kind="stable") for labels in (rows, columns)]
    found = []
    for width in np.unique(widths):
        places = first[widths == width][:, None] + np.arange(width)
        found.append(tuple(order[places] for order in in_order))
    return found


def is_diagonal(matrix):
    """Return whether a CSR matrix is diagonal."""
    every = np.arange(matrix.shape[0] + 1)
    return np.array_equal(matrix.indptr, every) and np.array_equal(matrix.indices, every[:-1])


def dense(matrix, rows, columns):
    """Return the blocks (B, width, width) of a sparse matrix."""
    number, width = rows.shape
    block = np.full(matrix.shape[0], -1)
    row_place, column_place = (np.zeros(n, int) for n in matrix.shape)
    block[rows] = np.arange(number)[:, None]
    row_place[rows] = column_place[columns] = np.arange(width)
    matrix = matrix.tocoo()
    kept = block[matrix.row] >= 0
    result = np.zeros((number, width, width), dtype=matrix.dtype)
    row, column = matrix.row[kept], matrix.col[kept]
    result[block[row], row_place[row], column_place[column]] = matrix.data[kept]
    return result


class BlockMatrix:
    """A matrix put together from dense blocks.

    Parameters
    ----------
    blocks : list of (array (B, width, width), rows, columns)
    size : int
    """

    def __init__(self, blocks, size):
        if len(blocks) == 1 and blocks[0][0].shape[1] == 1 and np.array_equal(*blocks[0][1:]):
            values, rows, _ = blocks[0]
            self._diagonal = np.zeros((size, 1), values.dtype)
            self._diagonal[rows[:, 0]] = values[:, 0]
            self._matrix = None
            return
        self._diagonal = None
        row = [np.repeat(rows, rows.shape[1], axis=1).ravel() for _, rows, _ in blocks]
        column = [np.tile(columns, (1, columns.shape[1])).ravel() for *_, columns in blocks]
        entries = np.concatenate([values.ravel() for values, *_ in blocks])
        indices = (np.concatenate(row), np.concatenate(column))
        self._matrix = sparse.csr_matrix((entries, indices), shape=(size, size))
        self._matrix.eliminate_zeros()

    def apply(self, array, out=None):
        """out = matrix @ array for an array (size, any); `out` is another array."""
        if self._diagonal is None:
            return apply_sparse(self._matrix, array, axis=0, out=out)
        return np.multiply(self._diagonal, array, out=out)


def inverse(matrix):
    """Return the inverse of a sparse matrix as a BlockMatrix.

    Raises
    ------
    NoSmallBlocks
        If it has no small blocks, or is singular.
    """
    try:
        blocks = [
            (np.linalg.inv(dense(matrix, rows, columns)), columns, rows)
            for rows, columns in blocks_of(matrix)
        ]
    except np.linalg.LinAlgError:
        raise NoSmallBlocks("the equations are singular at some wavenumber") from None
    return BlockMatrix(blocks, matrix.shape[0])


def rate_blocks(sp):
    """Return blocks (B, width, width) of A = -M^-1 L of a subproblem, each with its unknowns.

    Raises NoSmallBlocks if they couple too many.
    """
    return [
        (-np.linalg.solve(dense(sp.M_min, *where), dense(sp.L_min, *where)), where[1])
        for where in blocks_of(sp.M_min, sp.L_min)
    ]


def exponentials(matrices):
    """Return exp of many small square matrices (…, n, n).

    The multiple of the identity, as the wavenumber in most linear terms, is split off and exact;
    the rest is scaled, summed as a Taylor series and squared.
    """
    size = matrices.shape[-1]
    mean = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None] / size
    if size == 1:
        return np.exp(mean)
    identity = np.eye(size)
    rest = matrices - mean * identity
    first = rest[(0,) * (rest.ndim - 2)]
    if (rest == first).all():
        # The wavenumber is in the multiple of the identity alone: one series for all modes.
        rest = first
    largest = np.abs(rest).sum(axis=-1).max(initial=0)
    squarings = max(0, int(np.ceil(np.log2(largest / 0.5)))) if largest > 0 else 0
    rest = rest / 2**squarings
    # 0.5**15/15! is below rounding.
    result = identity + rest / 14
    for order in range(13, 0, -1):
        result = identity + rest @ result / order
    for _ in range(squarings):
        result = result @ result
    return np.exp(mean) * result
