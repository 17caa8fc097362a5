"""Krylov spaces of matrices whose spectra are known."""

import numpy as np
import pytest
from mpi4py import MPI

from spinhydro.steppers.krylov import ritz_values, ritz_values_of_sketches

SIZE = 1 << 13


def rotations(frequencies, damping=0.0):
    """A matrix of pairs that rotate, as a function in place."""

    def multiply(vector):
        p, q = vector[0::2].copy(), vector[1::2].copy()
        vector[0::2] = -damping * frequencies * p - frequencies * q
        vector[1::2] = frequencies * p - damping * frequencies * q

    return multiply


@pytest.mark.parametrize(
    "power, damping, most", [(1, 0.0, 20), (2, 0.0, 24), (2, 0.2, 24), (0, 0.1, 12)]
)
def test_krylov_spaces_end_when_nothing_changes(power, damping, most):
    """With frequencies spread as k^power, as in one dimension; all equal for 0."""
    k = np.linspace(0, 1, SIZE // 2, endpoint=True)
    multiply, number = rotations(10 * k**power if power else np.full(k.size, 10.0), damping), [0]

    def differentiate(vector):
        number[0] += 1
        multiply(vector)

    noise = np.random.default_rng(0).standard_normal(SIZE)
    found = ritz_values_of_sketches(differentiate, noise.copy(), 24, MPI.COMM_SELF)
    assert 8 <= number[0] <= most
    whole = ritz_values(multiply, noise.copy(), 24, MPI.COMM_SELF)
    number[0] = 0
    settled = ritz_values(differentiate, noise.copy(), 24, MPI.COMM_SELF, may_settle=True)
    assert number[0] == len(settled.basis) <= most
    assert len(settled.vectors) == number[0]
    for part, rel in ((found, 0.02), (settled, 0.02), (whole, 0.015)):
        assert np.abs(part.values).max() == pytest.approx(10 * np.hypot(1, damping), rel=rel)
        assert part.extent == pytest.approx(10, rel=rel)
    assert found.norm == pytest.approx(10 * np.hypot(1, damping), rel=0.1)


def test_a_matrix_that_is_not_finite_gives_no_estimate():
    def differentiate(vector):
        vector[...] = np.nan

    for estimate in (ritz_values, ritz_values_of_sketches):
        assert estimate(differentiate, np.ones(SIZE), 24, MPI.COMM_SELF) is None
