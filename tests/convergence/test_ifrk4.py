"""The integrating-factor scheme: exact where linear, of order 4 elsewhere, and refusals."""

import math

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro.language.words  # noqa: F401  (dx in equations)
from spinhydro import IFRK4, RK4
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

SOLITON = {"stop_time": 0.2, "output_interval": 0.2, "Nx": 256, "L_x": "28*um"}


def soliton_errors(tmp_path, **values):
    problem = load(ROOT / "problems" / "dark_bright_soliton.py", **{**SOLITON, **values})
    result = problem.run(out=tmp_path, quiet=True, force=True)
    return [found["value"] for name, found in result.expect.items() if "exact" in name]


def test_order_in_time(tmp_path):
    timesteps = [0.004, 0.002, 0.001]
    errors = [max(soliton_errors(tmp_path, timestep=timestep)) for timestep in timesteps]
    order = np.polyfit(np.log(timesteps), np.log(errors), 1)[0]
    assert order == pytest.approx(4, abs=0.1), errors


def test_soliton_is_spectral_in_space(tmp_path):
    errors = [max(soliton_errors(tmp_path, timestep=0.001, Nx=size)) for size in (64, 96, 128, 160)]
    assert all(20 * b < a for a, b in zip(errors, errors[1:], strict=False)), errors


def build(dtype, equations, stepper, **values):
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=dtype)
    kind = d3.ComplexFourier if dtype is np.complex128 else d3.RealFourier
    basis = kind(coords["x"], size=16, bounds=(0, 2 * np.pi))
    u, w = dist.Field(name="u", bases=basis), dist.Field(name="w", bases=basis)
    x = dist.local_grid(basis)
    problem = d3.IVP([u, w], namespace={"u": u, "w": w, **values})
    for equation in equations:
        problem.add_equation(equation)
    u["g"], w["g"] = np.cos(x), np.sin(2 * x)
    return problem.build_solver(stepper, matrix_coupling=(True,)), x


def test_linear_terms_are_exact_for_any_timestep():
    """Two fields that are coupled, disperse and have masses; one step of many periods."""
    equations = ["2*dt(u) + 6*w - 2j*lap(u) = 0", "3*dt(w) - 9*u - 3j*lap(w) = 0"]
    solver, x = build(np.complex128, equations, IFRK4)
    for _ in range(3):
        solver.step(7.0)
    u, w = (f["g"] for f in solver.state)
    t = 21.0
    # In the dispersing frame, (u, w) rotates at the rate 3.
    first, second = np.cos(x) * np.exp(-1j * t), np.sin(2 * x) * np.exp(-4j * t)
    np.testing.assert_allclose(u, np.cos(3 * t) * first - np.sin(3 * t) * second, atol=1e-11)
    np.testing.assert_allclose(w, np.cos(3 * t) * second + np.sin(3 * t) * first, atol=1e-11)


def test_linear_terms_of_real_problems():
    """dt(u) = -u' + lap(u) couples the two coefficients of each wavenumber."""
    solver, x = build(np.float64, ["dt(u) + dx(u) - lap(u) = 0", "dt(w) = -w"], IFRK4)
    solver.step(1.5)
    solver.step(0.5)
    u = solver.state[0]["g"]
    np.testing.assert_allclose(u, np.exp(-2) * np.cos(x - 2), atol=1e-13)


def test_without_linear_terms_it_is_the_classical_scheme():
    equations = ["dt(u) = -u*w + 0.3*t*w", "dt(w) = u*u - w"]
    found = []
    for stepper in (IFRK4, RK4):
        coords = d3.CartesianCoordinates("x")
        dist = d3.Distributor(coords, dtype=np.float64)
        basis = d3.RealFourier(coords["x"], size=16, bounds=(0, 2 * np.pi))
        u, w = dist.Field(name="u", bases=basis), dist.Field(name="w", bases=basis)
        t = dist.Field(name="t")
        problem = d3.IVP([u, w], time=t, namespace={"u": u, "w": w, "t": t})
        for equation in equations:
            problem.add_equation(equation)
        u["g"], w["g"] = 1 + np.cos(dist.local_grid(basis)), 0.5
        solver = problem.build_solver(stepper, matrix_coupling=(True,))
        for _ in range(5):
            solver.step(0.1)
        found.append([field["g"].copy() for field in (u, w)])
    np.testing.assert_allclose(found[0], found[1], atol=1e-14)


def test_constraints_are_refused():
    with pytest.raises(InputError, match="dt"):
        build(np.float64, ["dt(u) + w = 0", "w - lap(u) = 0"], IFRK4)


def test_chebyshev_axes_are_refused():
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.ChebyshevT(coords["x"], size=80, bounds=(0, 1))
    u = dist.Field(name="u", bases=basis)
    problem = d3.IVP([u], namespace={"u": u, "dx": lambda f: d3.Differentiate(f, coords["x"])})
    problem.add_equation("dt(u) + dx(u) = 0")
    with pytest.raises(InputError, match="RK443"):
        problem.build_solver(IFRK4)


@pytest.mark.parametrize("stepper", [spinhydro.IFRK4, spinhydro.ETDRK4, spinhydro.Strang])
def test_a_chain_of_five_components_is_exact(stepper):
    """dt(u_i) = 2 u_(i+1) of uniform fields: u_i(t) = sum over k of (2 t)^k/k! u_(i+k)(0)."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=8, bounds=(0, 2 * np.pi))
    fields = [dist.Field(name=name, bases=basis) for name in "abcde"]
    problem = d3.IVP(fields, namespace={field.name: field for field in fields})
    for one, other in zip("abcd", "bcde", strict=True):
        problem.add_equation(f"dt({one}) - 0.5j*lap({one}) - 2*{other} = 0")
    problem.add_equation("dt(e) - 0.5j*lap(e) = 0")
    for i, field in enumerate(fields):
        field["g"] = 1 + i
    solver = spinhydro.accelerate(problem.build_solver(stepper), engine="fused")
    for _ in range(2):
        solver.step(0.3)
    for i, field in enumerate(fields):
        field.change_scales(1)
        expected = sum(1.2**k / math.factorial(k) * (1 + i + k) for k in range(5 - i))
        np.testing.assert_allclose(field["g"], expected, rtol=1e-13)


@pytest.mark.parametrize("stepper", [spinhydro.IFRK4, spinhydro.ETDRK4])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_odd_derivatives_move_waves_the_right_way(stepper, dtype):
    """dt(u) + 2 dx(u) + 0.5 dx(dx(dx(u))) = 0: cos 3x moves with 2 - 9/2, sin x with 2 - 1/2."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=dtype)
    kind = d3.ComplexFourier if dtype is np.complex128 else d3.RealFourier
    basis = kind(coords["x"], size=16, bounds=(0, 2 * np.pi))
    u = dist.Field(name="u", bases=basis)
    x = dist.local_grid(basis)
    problem = d3.IVP([u], namespace={"u": u, "dx": spinhydro.dx})
    problem.add_equation("dt(u) + 2*dx(u) + 0.5*dx(dx(dx(u))) = 0")
    u["g"] = np.cos(3 * x) + np.sin(x)
    solver = spinhydro.accelerate(problem.build_solver(stepper), engine="fused")
    for _ in range(3):
        solver.step(0.2)
    u.change_scales(1)
    expected = np.cos(3 * (x + 2.5 * 0.6)) + np.sin(x - 1.5 * 0.6)
    np.testing.assert_allclose(u["g"], expected, rtol=0, atol=1e-13)
