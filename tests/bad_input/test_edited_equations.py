"""What a physicist types into an equation by mistake, and what the answer says."""

import pytest

from spinhydro.errors import InputError
from spinhydro.problem.load import load

SPINS = """
import dedalus.public as d3
import numpy as np

import spinhydro

Omega_R, delta = 1.0, 0.5
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=16, bounds=(0, 1))
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
u = dist.Field(name="u", bases=xbasis)
n = dist.Field(name="n", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel("micromagnetic", stiffness=1.0)
H = {H}
problem = d3.IVP([{variables}], namespace=locals())
problem.add_equation("{equation}")
problem.add_equation("{second}")
s["g"][2] = 1
timestep, stop_time = 0.01, 0.02
"""
EQUATION = "dt(s) = cross(Omega_R*ex, s)"


def write(path, equation=EQUATION, second="dt(u) = n", variables="s, u", H="W(s)"):
    path.write_text(SPINS.format(equation=equation, second=second, variables=variables, H=H))
    return path


@pytest.mark.parametrize(
    "equation, message",
    [
        ("dt(s) = cross(Ω_R*ex, s)", "'Ω_R' is not known.*\n.*\n.*\ndid you mean 'Omega_R'"),
        ("dt(s) = cross(δ*ex, s)", "'δ' is not known.*\n.*\n.*\ndid you mean 'delta'"),
        ("dt(s) = cross(B*ex, s)", "assign it above the equation"),
        ("dt(s) = cross(s_z*ex, s)", "a component is s @ ez"),
        ("dt(s) = cross(s.z*ex, s)", "components: s @ ex, s @ ey, s @ ez"),
        ("dt(s) = cross(ex − ey, s)", "invalid character.*\n.*\n.*\na minus is written -"),
        ("dt(s) = ex × s", r"a product is a\*b, of vectors cross\(a, b\)"),
        ("dt(s) = ∂(s)", r"a derivative is dt\(f\) in time"),
        ("dt(s) = d(s)", r"a derivative is dt\(f\) in time"),
        ("ds/dt = cross(ex, s)", r"'ds' is not known.*\n.*\n.*\na derivative is dt\(s\) in time"),
        ("dt(s) = cross(n_xx*ex, s)", r"a derivative is dt\(n\) in time, dx\(n\) along x"),
        ("dt(s) = ex x (ex x s)", r"a product is a\*b, of vectors cross\(a, b\)"),
        ("dt(s) = cross(sin(2 pi n)*ex, s)", r"a product is written with \*"),
        ("dt(s) = cross(2pi*ex, s)", r"a product is written with \*"),
        ("dt(s) = 3,5*cross(ex, s)", "a comma separates arguments only.*\n.*\n.*\na decimal point"),
        ("dt(s) = cross(s, H + dt(s))", "a time derivative must be on the left.*\n.*\n.*\nsolve"),
        ("dt(s) = HilbertTransform(s)", "Hilbert transform is made above the problem"),
        ("dt(s) + n*ez = 0", r"holds no variable of the problem \(s, u\)"),
        (
            "dt(s) = 1j*cross(ex, s)",
            "is real and a vector.*complex.*\n.*\n.*\n.*needs dist = .*np.complex128",
        ),
    ],
)
def test_equation_is_refused(equation, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path / "edited.py", equation))


def test_two_equations_for_one_variable(tmp_path):
    path = write(tmp_path / "edited.py", "dt(u) + n = 0", variables="u, n")
    with pytest.raises(InputError, match=r"2 equations have dt\(u\).*none has dt\(n\)"):
        load(path)


@pytest.mark.parametrize(
    "H, message",
    [
        ("W(s) - W(1)", r"H adds the number -1.0 to every component of a vector \(sx, sy, sz\)"),
        ("W(0*s)", r"Put the factor in front, g\*W\(f\)"),
        ("W*s", r"a kernel acts on a field as a function: W\(m\)"),
        ("s(2)", r"a field is not a function \(s\)"),
        ("s[2]*ez", r"s has no 2: a component is s @ ez"),
        ("s + n", "fields of different kinds"),
        ("n + n['g']", r"an array cannot be combined with a field \(n\)"),
    ],
)
def test_substitution_is_refused(H, message, tmp_path):
    """Python takes some of these, and Dedalus adds a number to all components of a vector."""
    with pytest.raises(InputError, match=message):
        load(write(tmp_path / "edited.py", "dt(s) = cross(H, s)", H=H))


@pytest.mark.parametrize("second, warned", [("dt(u) = n*u", True), ("dt(u) = 1 + 0*u", False)])
def test_an_initial_state_that_stays_zero(second, warned, tmp_path, capsys):
    """A file that does not fill its variables runs, and the log says so."""
    path = write(tmp_path / "edited.py", second=second)
    path.write_text(path.read_text().replace('s["g"][2] = 1', ""))
    load(path).run(out=tmp_path)
    assert ("the initial state is zero (s, u)" in capsys.readouterr().err) is warned
