"""Words of time and space against NumPy, and fused in an equation."""

import h5py
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError

X = np.array([-2.5, -1.0, -0.3, 0.0, 0.2, 1.0, 1.7, 4.0])


@pytest.mark.parametrize(
    "found, expected",
    [
        (spinhydro.minimum(X, 0.2), np.minimum(X, 0.2)),
        (spinhydro.maximum(X, 0.2), np.maximum(X, 0.2)),
        (spinhydro.clip(X, -1, 1.5), np.clip(X, -1, 1.5)),
        (spinhydro.where(X, X, 7), np.where(X > 0, X, 7)),
        (spinhydro.sinc(X), np.sinc(X)),
        (spinhydro.ramp(X, 2, -1, 0, 3), np.interp(X, [0, 3], [2, -1])),
        (spinhydro.pulse(X, 1, 0.5), np.exp(-((X - 1) ** 2) / 0.5)),
        (spinhydro.periodic(X + 0.05, 0.7), np.mod(X + 0.05, 0.7)),
        (spinhydro.table(X, [-1, 0, 3], [2, 4, 0]), np.interp(X, [-1, 0, 3], [2, 4, 0])),
    ],
)
def test_values(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_a_table_from_a_file(tmp_path):
    np.savetxt(tmp_path / "t.txt", [[0, 1], [2, 3], [3, -1]])
    assert spinhydro.table(2.5, file=tmp_path / "t.txt") == 1
    (tmp_path / "t.csv").write_text("time (ms), B\n0, 1\n2, 3\n3, -1\n")
    assert spinhydro.table(2.5, file=tmp_path / "t.csv") == 1
    (tmp_path / "empty.txt").write_text("time, B\n")
    with pytest.raises(InputError, match="two columns"):
        spinhydro.table(0.0, file=tmp_path / "empty.txt")
    for arguments in ({"times": [0, 0], "values": [1, 2]}, {"times": [0]}, {"file": "no.txt"}):
        with pytest.raises(InputError):
            spinhydro.table(0.0, **arguments)
    with pytest.raises(InputError, match="the end must be later"):
        spinhydro.ramp(0.0, 0, 1, 3, 3)


FILE = """
import dedalus.public as d3
import numpy as np
import spinhydro

timestepper = "RK4"
timestep, stop_time, output_interval = 0.01, 1.0, 1.0
kind = np.{dtype}
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=kind)
basis = d3.ComplexFourier if kind is np.complex128 else d3.RealFourier
xbasis = basis(coords["x"], size=16, bounds=(-1, 1))
u = dist.Field(name="u", bases=xbasis)
V = dist.Field(name="V", bases=xbasis)
t = dist.Field(name="t")
V["g"] = np.sin(np.pi * dist.local_grid(xbasis))
B = spinhydro.table(t, [0, 0.3, 0.8], [0, 2, 1])
many = np.linspace(0, 1, 3001)
L = spinhydro.table(t, many, np.sin(7*many))
T = spinhydro.table(0.5*t + 0*u, [0, 0.1, 0.2, 0.3, 0.4], [0, 2, 1, 3, 0])
P = spinhydro.projector(9.0)
problem = d3.IVP([u], time=t, namespace=locals())
problem.add_equation(
    "dt(u) = {term}"
)
"""
TERMS = [
    "minimum(V, 0.2)", "maximum(V, u)", "clip(V, -0.5, 0.1)", "where(V - 0.05, 2, V)",
    "sinc(V - 0.1)",
    "ramp(t, 0, 3, 0.2, 0.6)*V", "pulse(t, 0.5, 0.1)*V", "periodic(t + 0.05, 0.3)*V",
    "B*V", "L*V", "T*V",
    "P(V)*B", "cos(6*t)*V",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_all_engines_agree_and_fuse(dtype, tmp_path):
    path = tmp_path / "drive.py"
    path.write_text(FILE.format(dtype=dtype, term=" + ".join(TERMS)))

    def final(engine):
        folder = spinhydro.load(path).run(out=tmp_path / "runs", engine=engine, quiet=True).folder
        with h5py.File(folder / "fields" / "fields_s1.h5") as file:
            return file["tasks/u"][-1]

    np.testing.assert_allclose(final("fused"), final("dedalus"), rtol=0, atol=1e-13)


def test_a_ramp_has_its_integral(tmp_path):
    path = tmp_path / "drive.py"
    path.write_text(FILE.format(dtype="float64", term="ramp(t, 0, 2, 0.2, 0.6)*V"))
    problem = spinhydro.load(path)
    problem.run(out=tmp_path / "runs", quiet=True)
    # 0.4 below the slope, 0.8 above; steps fall on the kinks.
    np.testing.assert_allclose(problem["u"]["g"], 1.2 * problem["V"]["g"], atol=1e-12)


def test_a_file_may_use_the_names_of_these_words(tmp_path):
    path = tmp_path / "drive.py"
    text = FILE.format(dtype="float64", term="pulse*V").replace("kind =", "pulse = 3.0\nkind =")
    path.write_text(text)
    assert str(spinhydro.load(path).ivp.equations[0]["RHS"]) == "3.0*V"
