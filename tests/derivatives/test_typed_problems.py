"""Linear theory of problems that are typed by hand, against formulas."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.derivatives.spectrum import spectrum
from spinhydro.derivatives.spectrum_output import formula_values
from spinhydro.errors import InputError

HEAD = """
import dedalus.public as d3
import numpy as np
import spinhydro

L, N = 20.0, 32
timestepper, timestep, stop_time, output_interval = "RK4", 0.001, 1.0, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=N, bounds=(0, L))
"""
SUBLATTICES = """
J, K, A, D = 2.0, 0.3, 0.7, 0.4
m1, m2 = (dist.VectorField(spinhydro.spin, name=name, bases=xbasis) for name in ("m1", "m2"))
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
problem = d3.IVP([m1, m2], namespace=locals())
problem.add_equation("dt(m1) = -cross(m1, K*(m1@ez)*ez - J*m2 + A*lap(m1) + D*cross(ez, dx(m1)))")
problem.add_equation("dt(m2) = -cross(m2, K*(m2@ez)*ez - J*m1 + A*lap(m2) + D*cross(ez, dx(m2)))")
m1["g"][2], m2["g"][2] = 1, -1
outputs = {"m1": "m1"}
"""
DRIVEN = """
rate = 1.0
u, t = dist.Field(name="u", bases=xbasis), dist.Field(name="t")
problem = d3.IVP([u], time=t, namespace=locals())
problem.add_equation("dt(u) = -rate*u + sin(t)*u + lap(u)")
outputs = {"u": "u"}
"""


def file_of(tmp_path, text):
    path = tmp_path / "typed.py"
    path.write_text(HEAD + text)
    return path


def distance(problem, found, formula):
    wanted = formula_values(problem, formula, found.k)
    return np.nanmin(np.abs(1j * found.eigenvalues - wanted[:, None]), axis=1).max()


def test_antiferromagnet_with_a_chiral_coupling(tmp_path):
    """Spins without a projection in the file: changes of their lengths are not waves."""
    problem = load(file_of(tmp_path, SUBLATTICES))
    found = spectrum(problem)
    assert found.eigenvalues.shape[1] == 4
    assert distance(problem, found, "sqrt((K + J + A*k**2 + D*k)**2 - J**2)") < 1e-12


def test_floquet_exponents_below_rounding_are_left_out(tmp_path):
    """Waves with k^2 T above 18 leave nothing that rounding does not hide."""
    path = file_of(tmp_path, DRIVEN)
    problem = load(path)
    found = spectrum(problem, period=2 * np.pi)
    assert found.decayed + len(found.k) == 31
    assert np.linalg.norm(found.k, axis=1).max() < 1.7
    assert distance(problem, found, "-1j*(1 + k**2)") < 1e-9
    assert any("are left out" in line for line in found.table())
    with pytest.raises(InputError, match="no Floquet exponents"):
        spectrum(load(path, rate=100.0), period=2 * np.pi)
