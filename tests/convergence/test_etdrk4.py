"""ETDRK4: order, exactness of the linear terms, and the phi functions that it uses."""

import dedalus.public as d3
import numpy as np
import pytest
from scipy.linalg import expm

from spinhydro import ETDRK4, IFRK4
from spinhydro.errors import InputError
from spinhydro.problem.load import load
from spinhydro.steppers import STABILITY_LIMITS
from spinhydro.steppers.etdrk4 import etd_weights
from spinhydro.steppers.phi import phi_functions

from ..conftest import ROOT
from .test_ifrk4 import SOLITON, build


@pytest.mark.parametrize("z", [0, 1e-9, 0.3, -4, 3j, 150j, -800, 5000j, 0.4 + 0.2j])
def test_phi_functions_of_numbers(z):
    """Against the quotients where they are accurate, and the series elsewhere."""
    found = phi_functions(np.array([[z]], complex), 3)
    for k, value in enumerate(found):
        if abs(z) > 1:
            exact, power = np.exp(z), 1.0
            for j in range(k):
                exact, power = exact - power, power * z / (j + 1)
            exact = exact / z**k
        else:
            exact = sum(z**j / float(np.prod(np.arange(1.0, j + k + 1))) for j in range(25))
        assert abs(value[0, 0] - exact) <= 4e-15 * (1 + abs(z)) * max(abs(exact), 1e-300)


def test_phi_functions_of_matrices_that_are_not_normal():
    """Against the exponential of the matrix augmented by unit blocks."""
    random = np.random.default_rng(0)
    matrices = random.standard_normal((5, 3, 3)) * np.array([1e-3, 1, 10, 100, 30j])[:, None, None]
    found = phi_functions(matrices, 3)
    for i, matrix in enumerate(matrices):
        large = np.zeros((12, 12), complex)
        large[:3, :3] = matrix
        large[:9, 3:] += np.eye(9)
        exact = expm(large)[:3].reshape(3, 4, 3)
        for k in range(4):
            scale = max(np.abs(found[k][i]).max(), 1e-300)
            np.testing.assert_allclose(found[k][i], exact[:, k], rtol=0, atol=1e-11 * scale)


def test_order_in_time_with_imaginary_linear_terms(tmp_path):
    """The moving soliton of the Gross-Pitaevskii equations, against its exact form."""
    timesteps = [0.004, 0.002, 0.001]
    errors = []
    for timestep in timesteps:
        problem = load(
            ROOT / "problems" / "dark_bright_soliton.py",
            **SOLITON,
            timestep=timestep,
            timestepper="ETDRK4",
        )
        result = problem.run(out=tmp_path, quiet=True, force=True)
        errors.append(max(f["value"] for name, f in result.expect.items() if "exact" in name))
    order = np.polyfit(np.log(timesteps), np.log(errors), 1)[0]
    assert order == pytest.approx(4, abs=0.1), errors


def damped(stepper, timestep):
    """A wave that is damped and driven; exact solution cos(x - t) + sin(2x) cos(3t)."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords["x"], size=32, bounds=(0, 2 * np.pi))
    u, t = dist.Field(name="u", bases=basis), dist.Field(name="t")
    c, s, w = (dist.Field(name=n, bases=basis) for n in "csw")
    x = dist.local_grid(basis)
    c["g"], s["g"], w["g"] = np.cos(x), np.sin(x), np.sin(2 * x)
    space = {"dx": lambda f: d3.Differentiate(f, coords["x"])}
    problem = d3.IVP([u], time=t, namespace={**space, "u": u, "t": t, "c": c, "s": s, "w": w})
    exact = "(c*cos(t) + s*sin(t) + w*cos(3*t))"
    slope = "(c*sin(t)*(-1) + s*cos(t) - 3*w*sin(3*t))"
    problem.add_equation(
        f"dt(u) - 2*dx(dx(u)) + dx(dx(dx(u))) = -u**3 + {exact}**3 + {slope}"
        f" - 2*dx(dx({exact})) + dx(dx(dx({exact})))"
    )
    u["g"] = np.cos(x) + np.sin(2 * x)
    solver = problem.build_solver(stepper, matrix_coupling=(True,))
    for _ in range(round(1 / timestep)):
        solver.step(timestep)
    u.change_scales(1)
    return np.abs(u["g"] - np.cos(x - 1) - np.sin(2 * x) * np.cos(3)).max()


def test_order_in_time_with_damping_dispersion_and_explicit_time():
    timesteps = [1 / 60, 1 / 120, 1 / 240]
    errors = [damped(ETDRK4, timestep) for timestep in timesteps]
    order = np.polyfit(np.log(timesteps), np.log(errors), 1)[0]
    assert order == pytest.approx(4, abs=0.1), errors


def growth(a, b):
    """Factor of one step of length 1 on dX/dt = i a X + i b X."""
    w = {k: v[0, 0] for k, v in etd_weights(np.array([[1j * a]]), 1.0).items()}
    first = 1j * b
    second = 1j * b * (w["half"] + w["a1"] * first)
    third = 1j * b * (w["half"] + w["b1"] * first + w["b2"] * second)
    fourth = 1j * b * (w["whole"] + w["c1"] * first + w["c3"] * third)
    return abs(w["whole"] + w["w1"] * first + w["w2"] * (second + third) + w["w4"] * fourth)


def test_stability_limits_are_those_of_the_docstring():
    frequencies = np.linspace(0, 3.1, 32)
    same = [growth(a, b) for a in frequencies for b in np.linspace(0.05, 2.56, 40)]
    other = [
        growth(-a, b)
        for a in frequencies
        for b in np.linspace(0.05, STABILITY_LIMITS["ETDRK4"], 40)
    ]
    assert max(same) < 1 + 1e-9
    assert max(other) < 1 + 1e-4
    assert growth(1.75, 2.6) > 1.001
    assert growth(-1.25, 1.12) > 1.0002
    assert max(growth(0, b) for b in np.linspace(0, 2.82, 50)) < 1 + 1e-9


def test_steady_states_are_kept():
    """Damping on the left against a drive on the right; the integrating factor drifts away."""
    drift = {}
    for stepper in (ETDRK4, IFRK4):
        solver, _ = build(np.float64, ["dt(u) + 40*u = 40*w", "dt(w) = 0*w"], stepper)
        for field in solver.state:
            field["g"] = 1.0
        for _ in range(10):
            solver.step(0.05)
        drift[stepper] = np.abs(solver.state[0]["g"] - 1).max()
    assert drift[ETDRK4] < 1e-14
    assert drift[IFRK4] > 1e-3


def test_linear_terms_are_exact_for_any_timestep():
    equations = ["2*dt(u) + 6*w - 2j*lap(u) = 0", "3*dt(w) - 9*u - 3j*lap(w) = 0"]
    runs = []
    for stepper in (ETDRK4, IFRK4):
        solver, _ = build(np.complex128, equations, stepper)
        for _ in range(3):
            solver.step(7.0)
        runs.append([field["g"].copy() for field in solver.state])
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-11)


def test_constraints_are_refused():
    with pytest.raises(InputError, match="ETDRK4 needs"):
        build(np.float64, ["dt(u) + w = 0", "w - lap(u) = 0"], ETDRK4)
