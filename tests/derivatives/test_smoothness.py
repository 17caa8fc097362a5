"""Parameters without a derivative are refused with the reason."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.derivatives.taylor import judge
from spinhydro.errors import InputError

FILE = """
import dedalus.public as d3
import numpy as np

import spinhydro

# Parameters
temperature = 0.0
relaxation_time = 1.003
rate = 0.3
timestepper, timestep, stop_time, output_interval = "RK4", 0.1, 0.4, 0.1

conditions = {"temperature >= 0": "a temperature is positive"}

# Fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=8, bounds=(0, 1))
u = dist.Field(name="u", bases=xbasis)
amplitude = np.sqrt(temperature)
u["g"] = 1
for _ in range(int(relaxation_time / 0.01)):
    u["g"] *= 0.999

# Problem
problem = d3.IVP([u], namespace=locals())
problem.add_equation("dt(u) = - rate*u**3 + amplitude")
outputs = {"u": "u"}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(FILE)
    return path


def test_a_root_at_its_zero(file):
    with pytest.raises(InputError, match="temperature at 0.*root at its zero"):
        load(file).gradient(of="ave(u)", wrt="temperature")


def test_a_number_of_steps(file):
    with pytest.raises(InputError, match="relaxation_time = 1.003 into a whole number"):
        load(file).gradient(of="ave(u)", wrt="relaxation_time")


def test_what_is_smooth_passes(file):
    found = load(file, temperature=0.5).gradient(of="ave(u)", wrt=["temperature", "rate"])
    assert found.taylor.passed


def test_noise_of_an_iteration_does_not_hide_a_wrong_derivative():
    """Remainders of the texture of skyrmion_motion, which is relaxed to a tolerance only."""
    changes = np.array([1e-2, 1e-3, 1e-4, 1e-5])
    remainders = np.array([2.4e-7, 3.1e-8, 1.2e-8, 9.8e-9])
    assert not judge(changes, remainders, 6e-3 * changes, floor=1e-8, value=0.9).passed
    assert judge(changes, 0 * changes, 6e-3 * changes, floor=1e-16, value=0.9).passed
