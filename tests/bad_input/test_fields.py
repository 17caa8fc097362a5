"""Fields that do not fit: arrays of another shape, real in complex problems, a wrong time."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError
from spinhydro.problem.load import load

FILE = """
import dedalus.public as d3
import numpy as np
import spinhydro

timestep, stop_time = 0.01, 0.1
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=16, bounds=(0, 1))
u = dist.Field(name="u", bases=xbasis)
V = dist.Field(name="V", bases=xbasis)
R = dist.Field(name="R", bases=xbasis, dtype=np.float64)
{lines}
"""


@pytest.mark.parametrize(
    "lines, message",
    [
        ('t = dist.Field(name="t")\nproblem = d3.IVP([u], namespace=locals())\n'
         'problem.add_equation("dt(u) = -1j*t*u")', "field t is not the time.*\n.*\n.*\n.*time=t"),
        ('t = dist.Field(name="t")\nramp = 2*t\nproblem = d3.IVP([u], namespace=locals())\n'
         'problem.add_equation("dt(u) = -1j*ramp*u")', "field t is not the time"),
        ('problem = d3.IVP([u, R], namespace=locals())\nproblem.add_equation("dt(u) = u")',
         "real and a complex variable cannot share a problem: make R without dtype"),
        ('problem = d3.IVP([u], namespace=locals())\nproblem.add_equation("dt(u) = R*u")',
         "R is real, other fields of the problem are complex"),
        ('R["g"] += 1', "dtype=np.float64 over ComplexFourier cannot be transformed"),
        ('problem = d3.IVP([u], namespace=locals())\nproblem.add_equation("dt(u) = (R + V)*u")',
         "the scalar R is real and the scalar V complex.*\n.*\n.*\nmake all fields without"),
        ('problem = d3.IVP([u], namespace=locals())\nproblem.add_equation("dt(u) = i*u")',
         "'i' is not known.*\n.*\n.*\nthe imaginary unit is written 1j"),
        ('from os import getpid\nproblem = d3.IVP([u], namespace=locals())\n'
         'problem.add_equation("dt(u) = getpid()*u")', r"getpid\(…\) is not allowed in a string"),
        ('problem = d3.IVP([u], namespace=locals())\n'
         'problem.add_equation("dt(u) = np.savetxt(\'x\', [1])*u")', "savetxt is not allowed"),
    ],
)  # fmt: skip
def test_refused(lines, message, tmp_path):
    path = tmp_path / "fields.py"
    path.write_text(FILE.replace("{lines}", lines))
    with pytest.raises(InputError, match=message):
        load(path)
    assert [p.name for p in tmp_path.iterdir()] == ["fields.py"]


def test_the_implicit_time_can_be_added_to_a_field(tmp_path):
    path = tmp_path / "fields.py"
    lines = "problem = d3.IVP([u], namespace=locals())\nproblem.add_equation('dt(u) = (V + t)/1j')"
    path.write_text(FILE.replace("{lines}", lines + "\nV['g'] = 2"))
    problem = load(path)
    problem.run(out=tmp_path / "runs", quiet=True)
    # The integral of 2 + t over 0.1 is 0.205.
    np.testing.assert_allclose(problem["u"]["g"], -0.205j, rtol=1e-12)


@pytest.fixture
def fields():
    coords = d3.CartesianCoordinates("x", "y")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords)
    bases = [
        d3.RealFourier(c, size=n, bounds=(0, 1))
        for c, n in zip(coords.coords, (16, 8), strict=True)
    ]
    return {
        "f": dist.Field(name="f", bases=bases),
        "m": dist.VectorField(spin, name="m", bases=bases),
        "g": dist.Field(name="g", bases=bases[0]),
    }


@pytest.mark.parametrize(
    "name, shape",
    [("f", (16, 8)), ("f", (1, 8)), ("m", (3, 16, 8)), ("m", (16, 8)), ("g", (16, 1))],
)
def test_arrays_that_fit(name, shape, fields):
    assert spinhydro.local_part(np.zeros(shape), fields[name]).shape == shape


@pytest.mark.parametrize(
    "name, shape",
    [("f", (32, 16)), ("f", (17, 8)), ("f", (8, 16)), ("f", (8,)), ("f", ()), ("f", (3, 16, 8)),
     ("f", (24, 12)), ("f", (8, 8)), ("f", (16, 4)), ("f", (0, 8)),
     ("m", (2, 16, 8)), ("m", (16, 8, 3)), ("g", (16,)), ("g", (16, 8))],
)  # fmt: skip
def test_arrays_that_do_not_fit(name, shape, fields):
    with pytest.raises(InputError, match="does not fit the field"):
        spinhydro.local_part(np.zeros(shape), fields[name])


@pytest.mark.parametrize("basis", [d3.RealFourier, spinhydro.RealFourierNyquist])
@pytest.mark.parametrize("sizes", [(9,), (9, 8), (8, 9)])
def test_an_odd_number_of_points_needs_a_basis_that_takes_it(basis, sizes, tmp_path):
    """Dedalus counts one mode too many: its matrices do not fit."""
    coords = d3.CartesianCoordinates(*"xy"[: len(sizes)])
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [basis(c, size=n, bounds=(0, 1)) for c, n in zip(coords.coords, sizes, strict=True)]
    u = dist.Field(name="u", bases=bases)
    problem = d3.IVP([u], namespace={"u": u})
    problem.add_equation("dt(u) - lap(u) = -u**3")

    def run():
        return spinhydro.simulate(problem, 1e-3, 1e-3, timestepper="RK222", out=tmp_path)

    if basis is d3.RealFourier:
        axis = "xy"[sizes.index(9)]
        with pytest.raises(InputError, match=rf"9 points along {axis}: .*RealFourierNyquist"):
            run()
        assert not list(tmp_path.iterdir())
    else:
        assert run().status == "done"
