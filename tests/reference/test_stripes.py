"""Stripes of a gas with spin-orbit coupling against the least energy of plane waves."""

import numpy as np
import pytest
from scipy.optimize import minimize

from spinhydro.problem.load import load

from ..conftest import ROOT

WAVES = np.array([-5, -3, -1, 1, 3, 5])


def least_energy(Omega, g, g12):
    """k_1 of the lowest energy per atom of six plane waves in each component."""
    grid = np.exp(1j * np.outer(2 * np.pi * np.arange(32) / 32, WAVES))

    def energy(unknowns):
        k = unknowns[0]
        a, b = (unknowns[1:] / np.sqrt(np.sum(unknowns[1:] ** 2))).reshape(2, 6)
        motion = np.sum((k * WAVES - 1) ** 2 * a**2 + (k * WAVES + 1) ** 2 * b**2) / 2
        n_a, n_b = np.abs(grid @ a) ** 2, np.abs(grid @ b) ** 2
        repulsion = np.mean(g / 2 * (n_a**2 + n_b**2) + g12 * n_a * n_b)
        return motion + Omega * np.sum(a * b) + repulsion

    guess = np.array([1, 0, 0, -0.1, 0.7, 0, 0, 0, 0, -0.7, 0.1, 0, 0])
    return minimize(energy, guess, method="BFGS", options={"gtol": 1e-9}).x[0]


@pytest.mark.parametrize(
    "Omega, G1, G2, harmonics", [(0.5, 0.03, 0.01, 1.005), (1.0, 0.3, 0.1, 1.426)]
)
def test_wave_vector_of_the_ground_state(Omega, G1, G2, harmonics):
    problem = load(ROOT / "problems" / "stripes.py", Omega=Omega, G1=G1, G2=G2)
    found = float(problem["k_1"]["g"].real.item())
    assert found == pytest.approx(least_energy(Omega, problem["g"], problem["g12"]), abs=1e-4)
    assert (1 - found) / (1 - problem["k_formula"]) == pytest.approx(harmonics, abs=0.002)
