"""Conservation laws of the schemes, each to its own accuracy."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.steppers import find_stepper

#: Steps per call of a solver that is not looked at in between.
BATCH = 500


def gas(stepper, N=33):
    """A gas in a potential; an odd number of points, so that the basis holds all of the grid."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=N, bounds=(0, 2 * np.pi))
    a, V = (dist.Field(name=name, bases=basis) for name in "aV")
    x = dist.local_grid(basis)
    a["g"], V["g"] = 1 + 0.3 * np.cos(x + 1), np.cos(x)
    problem = d3.IVP([a], namespace={"a": a, "V": V, "abs2": spinhydro.abs2})
    problem.add_equation("dt(a) - 0.5j*lap(a) = -1j*(V + abs2(a))*a")
    solver = build_solver(problem, find_stepper(stepper))
    choose_engine(solver, "fused", sync_on_request=True)
    return solver, a


def spins(stepper, N=16):
    """An anisotropic chain without damping."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    basis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 2 * np.pi))
    m = dist.VectorField(spinhydro.spin, name="m", bases=basis)
    x, ez = dist.local_grid(basis), spinhydro.spin.unit_vector_fields(dist)[2]
    polar, azimuth = 0.8 + 0.3 * np.sin(x), 0.4 * np.cos(x)
    m["g"] = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    problem = d3.IVP([m], namespace={"m": m, "ez": ez})
    problem.add_equation("dt(m) = cross(m, lap(m) + 0.7*(m@ez)*ez)")
    solver = build_solver(problem, find_stepper(stepper))
    choose_engine(solver, "fused", sync_on_request=True)
    return solver, m


def values_after(solver, field, timestep, steps):
    """The values on the grid after some steps."""
    stepper, left = solver.timestepper, steps
    while left:
        number = min(left, BATCH) if stepper.can_batch else 1
        if number > 1:
            stepper.step_many(timestep, number)
        else:
            solver.step(timestep)
        left -= number
    stepper.synchronise()
    field.change_scales(1)
    return field["g"].copy()


def energy_of_gas(psi):
    k, x = np.fft.fftfreq(psi.size, 1 / psi.size), 2 * np.pi * np.arange(psi.size) / psi.size
    n = np.abs(psi) ** 2
    kinetic = 0.5 * np.sum(k**2 * np.abs(np.fft.fft(psi, norm="forward")) ** 2)
    return kinetic + np.mean(np.cos(x) * n + n**2 / 2)


def energy_of_spins(m):
    k = np.fft.fftfreq(m.shape[1], 1 / m.shape[1])
    bent = np.sum(k**2 * np.abs(np.fft.fft(m, axis=1, norm="forward")) ** 2)
    return 0.5 * bent - 0.35 * np.mean(m[2] ** 2)


@pytest.mark.parametrize("stepper", ["Strang", "BlanesMoan4", "BlanesMoan6"])
def test_splitting_keeps_the_number_of_atoms(stepper):
    solver, a = gas(stepper)
    before = np.sum(np.abs(a["g"]) ** 2)
    after = np.sum(np.abs(values_after(solver, a, 0.02, 2000)) ** 2)
    assert abs(after / before - 1) <= 1e-12


@pytest.mark.parametrize("stepper, order", [("Strang", 2), ("BlanesMoan4", 4)])
def test_the_energy_error_of_splitting_has_the_order_of_the_scheme(stepper, order):
    steps = np.array([20, 28, 40, 56])
    errors = []
    for number in steps:
        solver, a = gas(stepper)
        before = energy_of_gas(a["g"].copy())
        errors.append(abs(energy_of_gas(values_after(solver, a, 1 / number, number)) - before))
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(order, abs=0.1), errors


def test_the_midpoint_rule_keeps_the_energy():
    solver, m = spins("ImplicitMidpoint")
    before = energy_of_spins(m["g"].copy())
    after = values_after(solver, m, 0.02, 10_000)
    assert abs(energy_of_spins(after) - before) <= 1e-10 * abs(before)
    np.testing.assert_allclose(np.sum(after**2, axis=0), 1, atol=1e-12)


def test_rotations_keep_the_length_of_spins():
    solver, m = spins("RKMK4")
    after = values_after(solver, m, 0.02, 500)
    np.testing.assert_allclose(np.sqrt(np.sum(after**2, axis=0)), 1, atol=1e-12)
