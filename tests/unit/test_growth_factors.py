"""Growth factors of schemes, against their own steps, and the limits that follow."""

import re

import dedalus.public as d3
import numpy as np
import pytest

from spinhydro.engines.choose import build_solver
from spinhydro.errors import ParameterError
from spinhydro.steppers import EXPLICIT, find_stepper
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.growth_factors import growth, has_step_matrix, limits_along
from spinhydro.steppers.stability import StabilityCheck, check_timestep

from .test_stability import LENGTH, gas

#: lambda and i omega of one mode, per timestep.
EXPLICIT_PART, LINEAR_PART = 0.3j - 0.05, -0.9j


def one_mode(stepper, explicit, linear):
    """A solver of u' = (explicit + linear) u, the latter on the left side."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.complex128)
    u = dist.Field(name="u", bases=d3.ComplexFourier(coords["x"], 4, (0, LENGTH)))
    u["c"][0] = 1
    problem = d3.IVP([u], namespace={"u": u, "z": explicit, "w": linear})
    problem.add_equation("dt(u) - w*u = z*u")
    return build_solver(problem, find_stepper(stepper)), u


@pytest.mark.parametrize(
    "stepper", ["IFRK4", "ETDRK4", "RK443", "RKSMR", "SBDF2", "SBDF4", "CNAB2", "CNLF2"]
)
def test_growth_is_that_of_steps(stepper):
    solver, u = one_mode(stepper, EXPLICIT_PART, LINEAR_PART)
    sizes = []
    for number in (200, 400):
        for _ in range(number):
            solver.step(1.0)
        sizes.append(np.log(np.abs(u["c"][0])))
    found = growth(stepper, np.full((1, 1), EXPLICIT_PART), np.full((1, 1), LINEAR_PART))
    assert (sizes[1] - sizes[0]) / 400 == pytest.approx(np.log(found), rel=1e-3)


def test_steps_of_coupled_modes_are_those_of_the_moving_frame():
    """IFRK4 by its definition, with matrices that do not commute; ETDRK4 agrees to order 5."""
    from scipy.linalg import expm

    J, A = -0.8j * np.array([[1, 1], [-1, -1]]), np.diag([-1.1j, 1.1j])

    def rate(u, t):
        return expm(-A * t) @ J @ expm(A * t) @ u

    unit = np.eye(2)
    first = rate(unit, 0)
    second = rate(unit + first / 2, 0.5)
    third = rate(unit + second / 2, 0.5)
    fourth = rate(unit + third, 1)
    step = expm(A) @ (unit + (first + 2 * second + 2 * third + fourth) / 6)
    exact = np.abs(np.linalg.eigvals(step)).max()
    assert growth("IFRK4", J, A) == pytest.approx(exact, rel=1e-12)
    assert growth("ETDRK4", J / 20, A / 20) == pytest.approx(1, abs=1e-6)
    assert not has_step_matrix("Strang")


@pytest.mark.parametrize(
    "name, coefficients",
    [("RK4", [1, 1, 1 / 2, 1 / 6, 1 / 24]), ("LowStorageRK4", [1, 1, 1 / 2, 1 / 6, 1 / 24, 0.005])],
)
def test_limits_of_damped_oscillation_are_not_those_of_undamped(name, coefficients):
    polynomial = np.polynomial.Polynomial(coefficients)
    directions = np.exp(1j * np.pi * np.array([0.5, 0.625, 0.75, 0.875, 1.0]))
    for limit, direction in zip(limits_along(7 * directions, name), directions, strict=True):
        assert abs(polynomial(0.995 * limit * direction)) < 1
        assert abs(polynomial(1.005 * limit * direction)) > 1


@pytest.mark.parametrize("stepper", ["IFRK4", "ETDRK4", "RK443"])
def test_a_gas_with_little_kinetic_energy_needs_its_mean_field_resolved(stepper):
    """No eigenvalue of the right side of a uniform gas is far from zero, but g n h limits it."""
    solver, _ = gas(stepper, N=4, noise=0.01)
    found = frequencies_of(solver, False, with_modes=True)
    assert found.pair == pytest.approx((4.0, 4.0), rel=0.05)
    assert found.extent == pytest.approx(4.0, rel=0.05)
    assert found.explicit < 2
    limit = 1.58 if stepper == "RK443" else 2.83
    with pytest.raises(ParameterError, match="Largest safe timestep"):
        check_timestep(solver, stepper, 1.03 * limit / 4)


def test_a_line_tells_how_much_a_gas_may_grow():
    """g n h = 1.2 of 1.58; amplitudes add 2 g n (x^2 - 1): x^2 = 1 + (1.58/1.2 - 1)/2."""
    solver, _ = gas("RK443", N=4, noise=1e-3)
    line = check_timestep(solver, "RK443", 0.3)
    room = float(re.search(r"for amplitudes below ([\d.]+) times", line)[1])
    assert room == pytest.approx(np.sqrt(1 + (1.58 / 1.2 - 1) / 2), rel=0.02)
    assert "amplitudes" not in check_timestep(solver, "RK443", 0.05)


@pytest.mark.parametrize(
    "stepper, same, opposite",
    [("ETDRK4", 2.57, 1.64), ("RKSMR", 1.20, 1.07), ("RK443", 1.58, 1.36), ("IFRK4", 2.83, 2.83)],
)
def test_the_limit_follows_the_sense_of_linear_terms(stepper, same, opposite):
    """Waves e^(ikx) with -k^2/2 on the left and a constant frequency of either sign beside it."""
    for strength, expected in ((3.0, same), (-3.0, opposite)):
        equation = f"dt(psi) - 0.01j*lap(psi) = -1j*({strength})*psi"
        solver, _ = gas(stepper, equation=equation)
        found = frequencies_of(solver, stepper in EXPLICIT, with_modes=True)
        assert set(found.senses[np.abs(found.values.imag) > 1]) == {np.sign(strength)}
        limit = 3 / StabilityCheck(found, stepper, 1.0).fraction
        assert limit == pytest.approx(expected, rel=0.03), strength


def test_slow_growth_over_a_long_run_is_a_warning():
    """RK443 with rotations of opposite senses: 2e-3 per step at most below its limit."""
    equation = "dt(psi) - 0.42j*lap(psi) = 3j*psi"
    solver, psi = gas("RK443", N=16, equation=equation)
    for steps, grows in ((100, False), (5000, True)):
        line = check_timestep(solver, "RK443", 0.25, duration=steps * 0.25)
        assert ("Undamped waves grow" in line) == grows, line
    size = np.abs(psi["c"]).copy()
    for _ in range(2000):
        solver.step(0.25)
    solver.timestepper.synchronise()
    assert (np.abs(psi["c"]) / np.where(size, size, 1)).max() > 10
