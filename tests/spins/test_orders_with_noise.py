"""Orders of single paths and of averages with noise, and the sense of Stratonovich."""

import numpy as np
import pytest

from benchmarks.noise_orders import Gas, Spins, at_time_1, strong_order, weak_order
from spinhydro.steppers import find_stepper

#: Paths of the test; `python -m benchmarks schemes` takes more.
PATHS = 19_683


@pytest.mark.parametrize(
    "kind, stepper, strong, weak",
    [(Spins, "StochasticHeun", 0.5, 1), (Spins, "SemiImplicit", 0.5, 1),
     (Gas, "StochasticHeun", 1, 2)],
)  # fmt: skip
def test_orders(kind, stepper, strong, weak):
    """Spins have noise that does not commute, the gas additive noise."""
    assert strong_order(kind, find_stepper(stepper)) == pytest.approx(strong, abs=0.1)
    assert weak_order(kind, find_stepper(stepper), PATHS) == pytest.approx(weak, abs=0.1)


@pytest.mark.parametrize("stepper", ["StochasticHeun", "SemiImplicit"])
def test_mean_of_spins_in_random_fields(stepper):
    """Without damping the mean precesses and decays as exp(-s^2 t), for fields of strength s."""
    case = Spins(find_stepper(stepper), PATHS, 0, damping=0.0)
    mean = at_time_1(case, 20).mean(axis=1)
    exact = np.exp(-(0.5**2)) * np.array([np.cos(1), np.sin(1), 0])
    np.testing.assert_allclose(mean, exact, rtol=0, atol=4 / np.sqrt(2 * PATHS))
