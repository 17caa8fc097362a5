"""Heat of a pulse and spins that feel it, against conservation and equilibrium."""

import numpy as np
import pytest

from spinhydro.errors import ParameterError
from spinhydro.physics.heating import mean_of_axial_spins, two_temperatures


def test_electrons_and_lattice_hold_the_heat_of_the_pulse():
    times = np.linspace(0, 40, 401)
    found = two_temperatures(
        times, lambda t: 8e4 * np.exp(-((t - 10) ** 2) / 2), 0.1, 3.0, 0.5, 300
    )
    heat = 0.05 * found.electrons**2 + 3 * found.lattice
    assert heat[-1] - heat[0] == pytest.approx(8e4 * np.sqrt(2 * np.pi), rel=1e-6)
    assert found.electrons[-1] == pytest.approx(found.lattice[-1], rel=0.01)
    assert found.electrons.max() > found.lattice.max()


@pytest.mark.parametrize("x", [0.0, 0.5, 4.0])
def test_free_spins_come_to_langevins_mean(x):
    """L(x) = coth x - 1/x for x = omega/(gamma k_B T/mu)."""
    times = np.linspace(0, 400, 3)
    alpha, rate = 0.1, 0.1 / 1.01
    found = mean_of_axial_spins(times, lambda t: x, 0.0, lambda t: rate, alpha, start=1.0)
    assert found[0] == pytest.approx(1, abs=0.01)
    assert found[-1] == pytest.approx(1 / np.tanh(x) - 1 / x if x else 0, abs=1e-4)


def test_impossible_heat_is_refused():
    with pytest.raises(ParameterError, match="heat capacities"):
        two_temperatures([0, 1], lambda t: 0, 0.0, 1.0, 1.0, 300)
    with pytest.raises(ParameterError, match="between 0 and 1"):
        mean_of_axial_spins([0, 1], lambda t: 0, 0, lambda t: 0, 0.1, start=2)
