"""Binder's cumulant and the Curie point of series with known moments."""

import numpy as np
import pytest

from spinhydro.analysis.criticality import HEISENBERG, binder_cumulant, curie_point
from spinhydro.errors import InputError


def test_cumulants_of_ordered_and_of_independent_spins():
    random = np.random.default_rng(0)
    assert binder_cumulant(random.normal(size=(200_000, 3))) == pytest.approx(4 / 9, abs=3e-3)
    assert binder_cumulant(np.tile([0.6, 0.0, 0.8], (10, 4, 1))) == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="at least 8"):
        binder_cumulant(np.zeros((4, 3)))


def test_curie_point_is_where_the_cumulant_passes_its_critical_value():
    """M = (1, 0, 0) + width * Gaussian numbers, with U known at every width."""
    random = np.random.default_rng(1)
    width = np.linspace(0.16, 0.25, 9)
    M = [1, 0, 0] + width[:, None] * random.normal(size=(4000, 9, 3))
    found = curie_point(width, M)
    fine = np.linspace(0.1, 0.5, 4001)
    second = 1 + 3 * fine**2
    fourth = second**2 + 4 * fine**2 + 6 * fine**4
    exact = np.interp(-HEISENBERG, -(1 - fourth / (3 * second**2)), fine)
    assert abs(found.temperature - exact) < 5 * found.error < 0.02
    with pytest.raises(InputError, match="both sides"):
        curie_point(width[:4], M[:, :4])
