"""Exponentials of many small matrices."""

import numpy as np
import pytest
from scipy.linalg import expm

from spinhydro.dedalus_support.blocks import exponentials


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("scale", [1e-3, 1, 30])
def test_exponentials_agree_with_scipy(size, scale):
    random = np.random.default_rng(0)
    shape = (5, size, size)
    matrices = random.standard_normal(shape) + 1j * random.standard_normal(shape)
    matrices = scale * (matrices - np.conj(np.swapaxes(matrices, 1, 2)))
    matrices[0] = 0
    matrices[1] += 1e4j * np.eye(size)
    expected = np.array([expm(matrix) for matrix in matrices])
    np.testing.assert_allclose(exponentials(matrices)[[0, 2, 3, 4]], expected[[0, 2, 3, 4]],
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(exponentials(matrices)[1], expected[1], atol=1e-10)
