"""Derivatives of states that a file relaxes: those of the state at rest, or a reason."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.errors import InputError

#: A field across the easy axis z: at rest m_x = h/K.
FILE = """
import dedalus.public as d3
import numpy as np

import spinhydro

# Parameters
h, K, alpha, tilt, tolerance = 0.4, 2.0, 0.1, 0.3, 1e-3
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 0.02, 0.02

# Fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=4, bounds=(0, 1))
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H, p = h * ex + K * (m @ ez) * ez, 1 / (1 + alpha**2)

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
m["g"][1], m["g"][2] = np.sin(tilt), np.cos(tilt)
spinhydro.relax(problem, tolerance)
outputs = {"m": "m"}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "relaxed.py"
    path.write_text(FILE)
    return path


def test_derivative_of_the_state_at_rest(file):
    """dm_x/dh = 1/K, dm_x/dK = -h/K^2, and none of the guess and the damping."""
    found = load(file).gradient(of="ave(m@ex)", wrt=["h", "K", "alpha", "tilt"])
    assert np.isclose(found.value, 0.2, rtol=1e-9)
    assert found.taylor.passed
    wanted = {"h": 0.5, "K": -0.1, "alpha": 0.0, "tilt": 0.0}
    for name, slope in wanted.items():
        assert np.isclose(found.gradient[name], slope, rtol=1e-7, atol=1e-8), name


def test_state_far_from_rest_has_a_derivative_only_for_what_follows(file):
    problem = load(file, tolerance=0.5)
    assert problem.gradient(of="ave(m@ex)", wrt="alpha").taylor.passed
    for name in ("h", "tilt"):
        with pytest.raises(InputError, match=f"with respect to {name}: .*smaller tolerance"):
            problem.gradient(of="ave(m@ex)", wrt=name)
