"""Compiled steps of ensembles: the bytes of a member do not depend on the others."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # (ave, cross in every string)
from spinhydro.dedalus_support.ensemble.values import new_ensemble, per_member
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import find_stepper

NU, A = np.array([0.01, 0.03, 0.02, 0.05, 0.04]), np.array([1.0, -2.0, 0.5, 3.0, 0.25])


def solver_of(stepper, basis, members, size=12, dtype=np.float64, field="sin(t)*ex"):
    """An experiment for each member, with the numbers in NU and A."""
    with new_ensemble() as ensemble:
        ensemble.declare(len(members), "members")
        nu, a = per_member(NU[members]), per_member(A[members])
        coords = d3.CartesianCoordinates("x")
        spin = d3.CartesianCoordinates("sx", "sy", "sz")
        dist = spinhydro.distributor(coords, dtype=dtype)
        xbasis = basis(coords["x"], size=size, bounds=(0, 2 * np.pi))
        m, t = dist.VectorField(spin, name="m", bases=xbasis), dist.Field(name="t")
        ex, ey, ez = spin.unit_vector_fields(dist)
        x = dist.local_grid(xbasis)
        m["g"][0], m["g"][2] = 1.0, 0.3 * np.cos(x) + 0.02 * a.values.reshape(-1, 1)
        i = 1 if dtype is np.float64 else 1j
        problem = d3.IVP([m], time=t, namespace=locals())
        # Steppers of spins accept no other terms.
        left = "dt(m)" if hasattr(find_stepper(stepper), "find_spins") else "dt(m) - nu*i*lap(m)"
        right = "-cross(m, lap(m) + a*(m@ez)*ez + ave(m@ex)*" + field + ")"
        problem.add_equation(f"{left} = {right}")
        solver = build_solver(problem, find_stepper(stepper))
        projections = read_projections(problem, {"m": "m/sqrt(m@m)"})
        choose_engine(solver, "fused", projections, steps=10**9)
        return solver


def state(solver):
    """State of each member."""
    solver.timestepper.synchronise()
    (m,) = solver.state
    return np.moveaxis(m["g"], -2, 0).copy()


def solved(stepper, basis, members, dtype):
    solver = solver_of(stepper, basis, members, dtype=dtype)
    for _ in range(3):
        solver.step(1e-3)
    compiled = solver.timestepper.native or solver.timestepper._compiled_rates
    assert compiled.members == len(members)
    return state(solver)


@pytest.mark.parametrize(
    "stepper, basis, dtype",
    [
        ("RK4", spinhydro.RealFourierNyquist, np.float64),
        ("RK4", d3.RealFourier, np.float64),
        ("IFRK4", d3.ComplexFourier, np.complex128),
        ("RK443", d3.RealFourier, np.float64),
        ("RKMK4", spinhydro.RealFourierNyquist, np.float64),
        ("ImplicitMidpoint", spinhydro.RealFourierNyquist, np.float64),
    ],
    ids=[
        "all modes kept",
        "modes dropped",
        "integrating factor",
        "of Dedalus",
        "spins",
        "iterations",
    ],
)
def test_a_member_has_the_same_bytes_in_every_company(stepper, basis, dtype):
    everybody = solved(stepper, basis, [0, 1, 2, 3, 4], dtype=dtype)
    assert len({values.tobytes() for values in everybody}) == 5
    for member, values in zip([3, 1], solved(stepper, basis, [3, 1], dtype=dtype), strict=True):
        assert values.tobytes() == everybody[member].tobytes()


@pytest.mark.parametrize("stepper", ["RK4", "IFRK4", "ImplicitMidpoint"])
def test_several_steps_in_one_call_are_the_same_steps(stepper):
    one, many = (
        solver_of(stepper, spinhydro.RealFourierNyquist, [0, 4, 2], field="ex") for _ in range(2)
    )
    for solver in (one, many):
        solver.step(1e-3)
    for _ in range(7):
        one.step(1e-3)
    assert many.timestepper.can_batch
    many.timestepper.step_many(1e-3, 7)
    assert many.iteration == one.iteration
    np.testing.assert_allclose(many.sim_time, one.sim_time, rtol=1e-15)
    assert state(many).tobytes() == state(one).tobytes()


@pytest.mark.parametrize("stepper", ["RK4", "RKMK4"])
def test_steps_that_are_one_call_each(stepper):
    """If time is read between them."""
    solver = solver_of(stepper, spinhydro.RealFourierNyquist, [0, 4, 2], field="sin(t)*ex")
    solver.step(1e-3)
    assert not solver.timestepper.can_batch
