"""Fast assembly of the diagonal matrices of Fourier operators."""

import numpy as np
from scipy import sparse


class BlockDiagonal:
    """``dedalus.tools.array.sparse_block_diag``, faster for small blocks of one size.

    Dedalus makes a sparse matrix of every block: 0.3 s for a derivative on 4096 points, whose
    blocks are single numbers. Here dense blocks of one size are assembled at once.

    Parameters
    ----------
    original : callable(blocks, shape)
        For all other blocks.
    """

    def __init__(self, original):
        self.original = original

    def __call__(self, blocks, shape=None):
        is_dense = len(blocks) > 1 and all(isinstance(block, np.ndarray) for block in blocks)
        if not is_dense or len({block.shape for block in blocks}) > 1 or blocks[0].ndim != 2:
            return self.original(blocks, shape=shape)
        values = np.array(blocks)
        number, rows, columns = values.shape
        block, row, column = np.nonzero(values)
        places = block * rows + row, block * columns + column
        shape = shape or (number * rows, number * columns)
        return sparse.coo_matrix((values[block, row, column], places), shape=shape).tocsr()


def assemble_blocks_at_once():
    """Make the operators of Dedalus use `BlockDiagonal`, if they assemble matrices as expected."""
    from dedalus.core import operators

    original = getattr(operators, "sparse_block_diag", None)
    if original is not None and not isinstance(original, BlockDiagonal):
        operators.sparse_block_diag = BlockDiagonal(original)
