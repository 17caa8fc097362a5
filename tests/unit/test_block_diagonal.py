"""Matrices that are built at once equal those that Dedalus builds block by block."""

import numpy as np
import pytest
from dedalus.core import operators
from dedalus.tools.array import sparse_block_diag
from scipy import sparse

from spinhydro.dedalus_support import backend
from spinhydro.dedalus_support.block_diagonal import BlockDiagonal

RANDOM = np.random.default_rng(0)


def some(height, width, dtype=float):
    block = RANDOM.standard_normal((height, width)).astype(dtype)
    return block * (RANDOM.random((height, width)) > 0.4)


@pytest.mark.parametrize(
    "blocks",
    [
        [some(2, 2) for _ in range(20)],
        [some(2, 3, complex) for _ in range(5)],
        [np.zeros((2, 2))] * 3,
        [some(1, 1), some(2, 2), np.zeros((0, 2))],
        [sparse.identity(2), some(2, 2)],
        [],
    ],
    ids=["derivative", "complex", "zero", "different", "sparse", "none"],
)
@pytest.mark.parametrize("larger", [0, 3])
def test_the_matrix_is_that_of_dedalus(blocks, larger):
    size = np.sum([block.shape for block in blocks] or [(0, 0)], axis=0)
    shape = tuple(int(n) + larger for n in size)
    ours, theirs = BlockDiagonal(sparse_block_diag)(blocks, shape), sparse_block_diag(blocks, shape)
    assert ours.format == theirs.format == "csr" and ours.dtype == theirs.dtype
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype


def test_operators_use_it():
    assert backend.SOLVER_OPTIONS and isinstance(operators.sparse_block_diag, BlockDiagonal)
