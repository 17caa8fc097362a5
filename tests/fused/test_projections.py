"""Projections are computed from one state, on any engine and for any operands."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.dedalus_support.ensemble.values import new_ensemble, per_member
from spinhydro.engines.choose import choose_engine
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import find_stepper
from spinhydro.steppers.projections import project

SWAP = {"a": "b", "b": "a"}
#: Normalised together: the second must see the first as it was.
TOGETHER = {
    "a": "a*sqrt(10/ave(a**2 + b**2))",
    "b": "b*sqrt(10/ave(a**2 + b**2)) + 0.1*dx(a)",
}
ENGINES = ("fused", "compiled", "lean", "dedalus")
STEP = 0.01


def gas(
    stepper, dimensions=1, basis=spinhydro.RealFourierNyquist, dealias=1, stencil=False, members=0
):
    with new_ensemble() as ensemble:
        if members:
            ensemble.declare(members, "members")
        coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
        dist = spinhydro.distributor(coords, dtype=np.float64)
        bases = [basis(c, size=16, bounds=(0, 2 * np.pi), dealias=dealias) for c in coords.coords]
        a, b = (dist.Field(name=name, bases=bases) for name in "ab")
        x = dist.local_grids(*bases)[0]
        c = 1 + np.arange(members)[:, None] / 8 if members else 1.0
        rate = per_member(list(1 + np.arange(members) / 8)) if members else 1.0
        a["g"], b["g"] = 1 + 0.3 * np.cos(x), 2 + 0.2 * c * np.sin(2 * x)
        name = ("chain", "square")[dimensions - 1]
        W = spinhydro.stencil(name, a=np.pi / 8, omega_J=1) if stencil else None
        problem = d3.IVP([a, b], namespace={"a": a, "b": b, "rate": rate, "W": W})
        problem.add_equation("dt(a) = -rate*a*b" + (" - W(a)" if stencil else ""))
        problem.add_equation("dt(b) = a - b**2")
        return problem, problem.build_solver(find_stepper(stepper))


def state(solver):
    for field in solver.state:
        field.change_scales(1)
    return [field["g"].copy() for field in solver.state]


def advance(engine, strings, stepper, steps=3, **options):
    problem, solver = gas(stepper, **options)
    projections = read_projections(problem, strings)
    name = "fused" if engine == "compiled" else engine
    given = projections if name == "fused" else ()
    choose_engine(solver, name, given, steps=10**9 if engine == "compiled" else 1)
    for _ in range(steps):
        solver.step(STEP)
        if name != "fused":
            project(projections)
    if name == "fused":
        solver.timestepper.synchronise()
    return state(solver)


def assert_same(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-13 * np.abs(other).max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stepper", ["RK4", "IFRK4", "ETDRK4", "RK443", "StochasticHeun"])
def test_two_variables_are_exchanged(engine, stepper):
    """With the second assignment made on top of the first, both would be b."""
    _, solver = gas(stepper)
    solver.step(STEP)
    a, b = state(solver)
    assert_same(advance(engine, SWAP, stepper, steps=1), [b, a])


@pytest.mark.parametrize("engine", ENGINES[:-1])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dimensions": 2},
        {"basis": d3.RealFourier, "dealias": 3 / 2},
        {"dimensions": 2, "basis": d3.RealFourier},
        {"members": 3},
        {"stepper": "IFRK4", "dimensions": 2},
        {"stepper": "IFRK4", "members": 3},
        {"stepper": "ETDRK4"},
        {"stepper": "SBDF2"},
        {"stepper": "StochasticHeun"},
    ],
    ids=str,
)
def test_normalised_together(engine, options):
    options = {"stepper": "RK4", **options}
    theirs = advance("dedalus", TOGETHER, **options)
    assert_same(advance(engine, TOGETHER, **options), theirs)


@pytest.mark.parametrize("stepper", ["RK4", "StochasticHeun"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_steps_without_transforms(dimensions, stepper):
    options = {"stepper": stepper, "dimensions": dimensions, "stencil": True}
    strings = {"a": "a/sqrt(a**2 + b**2)", "b": "b/sqrt(a**2 + b**2)"}
    theirs = advance("dedalus", strings, **options)
    assert_same(advance("compiled", strings, **options), theirs)


def test_the_ground_state_of_a_coupled_gas(tmp_path):
    """In imaginary time, both components normalised together: 2.682 of 10 atoms are in a.

    From an independent NumPy code; one component after the other would give 8.85.
    """
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=64, bounds=(-16, 16))
    x = dist.local_grid(basis)
    a, b, V = (dist.Field(name=name, bases=basis) for name in "abV")
    V["g"] = 0.02 * x**2
    a["g"] = np.exp(-(x**2) / 20)
    b["g"] = -np.exp(-(x**2) / 20)
    problem = d3.IVP([a, b], namespace={"a": a, "b": b, "V": V})
    for one, other, shift in (("a", "b", 0.15), ("b", "a", -0.15)):
        problem.add_equation(
            f"dt({one}) - lap({one})/2 = "
            f"-(V + {shift} + abs2({one}) + 0.9*abs2({other}))*{one} - {other}/4"
        )
    together = "sqrt(10/integ(abs2(a) + abs2(b)))"
    spinhydro.simulate(
        problem, timestep=0.01, stop_time=12, timestepper="IFRK4", out=tmp_path, quiet=True,
        engine="fused", projections={"a": f"a*{together}", "b": f"b*{together}"},
    )  # fmt: skip
    atoms = [32 * np.mean(np.abs(field["g"]) ** 2) for field in (a, b)]
    assert sum(atoms) == pytest.approx(10, abs=1e-12)
    assert atoms[0] == pytest.approx(2.682, abs=0.005)
