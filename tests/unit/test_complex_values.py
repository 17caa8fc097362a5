"""re, im, abs2, conj in strings, and which outputs are stored as real numbers."""

import dedalus.public as d3
import h5py
import numpy as np
import pytest

from spinhydro import abs2, im, re, simulate
from spinhydro.language.complex_values import is_real_valued
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.language.watch import Limit
from spinhydro.steppers import RK4
from spinhydro.steppers.frequencies import largest_frequency

SIZE = 16


def make(dtype=np.complex128):
    coords = d3.CartesianCoordinates("x")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = d3.Distributor(coords, dtype=dtype)
    kind = d3.ComplexFourier if dtype is np.complex128 else d3.RealFourier
    basis = kind(coords["x"], size=SIZE, bounds=(0, 2 * np.pi))
    psi, phi, V = (dist.Field(name=name, bases=basis) for name in ("psi", "phi", "V"))
    ex, ey, ez = spin.unit_vector_fields(dist)
    x = dist.local_grid(basis)
    psi["g"] = np.cos(x) + (1j * np.sin(2 * x) + 0.3j if dtype is np.complex128 else 0)
    V["g"] = np.cos(x)
    names = {**locals(), "omega": 3.0}
    return d3.IVP([psi, phi], namespace=names)


@pytest.fixture(scope="module")
def problem():
    return make()


@pytest.fixture(scope="module")
def real_problem():
    return make(np.float64)


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("re(psi)", np.real),
        ("im(psi)", np.imag),
        ("abs2(psi)", lambda f: np.abs(f) ** 2),
        ("conj(psi)", np.conjugate),
        ("re(2j*psi)", lambda f: np.real(2j * f)),
        ("abs2(psi - 1)", lambda f: np.abs(f - 1) ** 2),
    ],
)
def test_values(problem, real_problem, text, function):
    for this in (problem, real_problem):
        if this is real_problem and "j" in text.replace("conj", ""):
            continue
        psi = this.namespace["psi"]
        psi.change_scales(1)
        expected = function(psi["g"].copy())
        found = ExpressionBuilder(this.namespace)(text).evaluate()
        found.change_scales(1)
        np.testing.assert_allclose(found["g"], expected, atol=1e-15)


def test_vectors_are_taken_component_by_component(problem):
    found = ExpressionBuilder(problem.namespace)("im(psi*ex + 2*psi*ez)").evaluate()["g"]
    psi = problem.namespace["psi"]["g"]
    np.testing.assert_allclose(found, [psi.imag, 0 * psi.imag, 2 * psi.imag], atol=1e-15)


def test_numbers():
    assert (re(2 + 3j), im(2 + 3j), im(2.0)) == (2, 3, 0)
    assert abs2(3 + 4j) == pytest.approx(25)


@pytest.mark.parametrize(
    ("text", "is_real"),
    [
        ("abs2(psi)", True),
        ("abs(psi)", True),
        ("re(psi) - 2*im(psi)", True),
        ("dx(re(psi))*V/(abs2(psi)**2 + 1)", True),
        ("lap(abs2(psi)) + ave(V)", True),
        ("re(psi)*ex + abs2(phi)*ez", True),
        ("(re(psi)*ex)@ey", True),
        ("V", True),
        ("3.5", True),
        ("psi", False),
        ("conj(psi)*psi", False),
        ("abs2(psi) + psi", False),
        ("1j*abs2(psi)", False),
        ("sqrt(re(psi))", False),
        ("re(psi)**0.5", False),
        ("psi*ex", False),
    ],
)
def test_what_is_real_by_its_form(problem, text, is_real):
    operand = ExpressionBuilder(problem.namespace)(text)
    assert is_real_valued(operand, problem.variables) is is_real


def test_a_field_with_complex_values_is_not_real(problem):
    V = problem.namespace["V"].copy()
    V["g"] = 1j
    assert not is_real_valued(V)


def test_real_outputs_are_stored_as_real_numbers(tmp_path):
    problem = make()
    problem.add_equation("dt(psi) = -1j*omega*psi")
    problem.add_equation("dt(phi) = 0*phi")
    outputs = {"psi": "psi", "density": "abs2(psi)", "spin": "re(psi)*ex + im(psi)*ey", "V": "V"}
    result = simulate(
        problem, timestep=0.01, stop_time=0.1, outputs=outputs, out=tmp_path, quiet=True
    )
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        tasks = {name: file["tasks"][name][:] for name in outputs}
    assert tasks["psi"].dtype == np.complex128
    assert {tasks[name].dtype for name in ("density", "spin", "V")} == {np.dtype(np.float64)}
    np.testing.assert_allclose(tasks["density"], np.abs(tasks["psi"]) ** 2, rtol=1e-13)
    np.testing.assert_allclose(tasks["spin"][:, 0], tasks["psi"].real, atol=1e-13)


def test_outputs_on_the_grid_keep_the_highest_mode(tmp_path):
    """Stored as they are on the grid: coefficient space would drop cos(pi x/spacing)."""
    problem = make()
    V = problem.namespace["V"]
    zigzag = (-1.0) ** np.arange(SIZE)
    problem.namespace["psi"]["g"] = 1
    problem.namespace["zigzag"] = d3.GeneralFunction(
        V.dist, V.domain, (), V.dtype, "g", lambda: zigzag, args=[]
    )
    problem.add_equation("dt(psi) = 0*psi")
    problem.add_equation("dt(phi) = 0*phi")
    result = simulate(
        problem,
        timestep=1,
        stop_time=1,
        outputs={"f": "zigzag*abs2(psi)"},
        out=tmp_path,
        quiet=True,
    )
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        np.testing.assert_allclose(file["tasks/f"][-1].real, zigzag, atol=1e-14)


def test_drift_of_a_complex_sum(problem):
    limit = Limit("drift(psi) <= 1e-3", problem.namespace, problem.dist)
    limit.start()
    psi = problem.namespace["psi"]
    psi["g"] *= 1 + 0.1j
    assert limit.measure() == pytest.approx(0.1)
    psi["g"] /= 1 + 0.1j


def test_frequency_of_a_problem_that_is_linear_over_real_numbers_only():
    """dt(psi) = -i (a psi + b conj psi) oscillates at sqrt(a^2 - b^2)."""
    problem = make()
    problem.add_equation("dt(psi) = -1j*(5*psi + 4*conj(psi))")
    problem.add_equation("dt(phi) = -1j*phi")
    solver = problem.build_solver(RK4)
    assert largest_frequency(solver, explicit_linear=True) == pytest.approx(3, rel=1e-3)
