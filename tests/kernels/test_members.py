"""Kernels that differ from member to member give the numbers of single runs."""

import h5py
import numpy as np
import pytest

from spinhydro.problem.load import load

FILE = '''"""A file."""
import dedalus.public as d3
import numpy as np
import spinhydro

N = 16
D = 0.1
timestep = 0.01
stop_time = 0.1
timestepper = {stepper!r}
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 2*np.pi))
m = dist.VectorField(spin, name="m", bases=xbasis)
x = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
W = {kernel}
largest = W(8.0)
problem = d3.IVP([m], namespace=locals())
problem.add_equation({equation!r})
m["g"][0] = np.cos(x)
m["g"][1] = np.sin(x)*np.sin(np.cos(x))
m["g"][2] = np.sin(x)*np.cos(np.cos(x))
outputs = {{"m": "m"}}
'''
KERNELS = {
    "function": "spinhydro.kernel(lambda k: D*k**2 + 0.01j*k)",
    "chain": "spinhydro.kernel('chain', a=2*np.pi/N, stiffness=D)",
    "stencil": "spinhydro.stencil('chain', a=2*np.pi/N, stiffness=D)",
    "tensor": "spinhydro.kernel(lambda k: [[D*k**2, 0, 1j*k], [0, 2, 0], [1j*D*k, 0, 0]])",
}
EQUATIONS = {
    "RK4": "dt(m) = -cross(m, ez - W(m))",
    "IFRK4": "dt(m) + 0.1*W(m) = cross(m, ez - 0.3*W(m))",
}


@pytest.mark.parametrize("stepper", EQUATIONS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_members_are_single_runs(kernel, stepper, tmp_path):
    text = FILE.format(stepper=stepper, kernel=KERNELS[kernel], equation=EQUATIONS[stepper])
    path = tmp_path / "members.py"
    if kernel == "tensor":
        text = text.replace("largest = W(8.0)\n", "")
    path.write_text(text)

    def final(D):
        result = load(path, D=D).run(out=tmp_path / "runs", quiet=True)
        with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
            return file["tasks/m"][-1]

    together = final("[0.1, 0.2, 0.35]")
    assert together.shape == (3, 3, 16)
    for i, D in enumerate((0.1, 0.2, 0.35)):
        np.testing.assert_allclose(together[:, i], final(D), rtol=0, atol=1e-13)
