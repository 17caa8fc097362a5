"""Left sides c*dt(variable) with a number c, as in 1j*dt(psi) = …, are fused like dt(variable)."""

import h5py
import numpy as np
import pytest

import spinhydro

FILE = """
import dedalus.public as d3
import numpy as np
import spinhydro

solved = True
timestepper = "RK4"
timestep, stop_time, output_interval = 0.005, 0.1, 0.1
D = 0.5
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=32, bounds=(-10, 10))
x = dist.local_grid(xbasis)
a = dist.Field(name="a", bases=xbasis)
b = dist.Field(name="b", bases=xbasis)
problem = d3.IVP([a, b], namespace=locals())
if solved:
    problem.add_equation("dt(a) - 1j*D*lap(a) = -1j*(abs2(b)*a + 0.1*b)")
    problem.add_equation("dt(b) - 1j*D*lap(b) - 0.1j*a = -1j*abs2(b)*b")
else:
    problem.add_equation("1j*dt(a) + D*lap(a) = abs2(b)*a + 0.1*b")
    problem.add_equation("dt(b)*2j + 2*D*lap(b) + 0.2*a = 2*abs2(b)*b")
a["g"] = np.exp(-(x**2) / 9)
b["g"] = np.sin(2 * np.pi * x / 20) + 0.3
outputs = {"a": "a", "b": "b"}
"""


@pytest.mark.parametrize("stepper", ["RK4", "IFRK4", "ETDRK4", "RK222"])
def test_numbers_before_the_time_derivative(stepper, tmp_path):
    path = tmp_path / "pair.py"
    path.write_text(FILE)

    def final(solved, engine="fused"):
        problem = spinhydro.load(path, solved=solved, timestepper=stepper)
        folder = problem.run(out=tmp_path / "runs", engine=engine, quiet=True).folder
        with h5py.File(folder / "fields" / "fields_s1.h5") as file:
            return np.array([file[f"tasks/{name}"][-1] for name in "ab"])

    np.testing.assert_allclose(final(False), final(True), rtol=0, atol=1e-14)
    np.testing.assert_allclose(final(False), final(False, "dedalus"), rtol=0, atol=1e-13)
