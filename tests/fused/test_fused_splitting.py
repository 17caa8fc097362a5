"""Fused splitting steps against NumPy calls and Dedalus: kernels of densities, projections."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused import FUSED

SYMBOLS = {1: lambda k: 1 / (1 + k**2), 2: lambda kx, ky: 1 / (1 + kx**2 + ky**2)}


def state_after(compiled, dealias, dimensions, projected=False):
    """Three steps in a driven potential with a nonlocal interaction; Dedalus if None."""
    coords = d3.CartesianCoordinates(*"xy"[:dimensions])
    dist = d3.Distributor(coords, dtype=np.complex128)
    bases = [
        d3.ComplexFourier(coord, 12 + 4 * i, (0, 2 * np.pi), dealias=dealias)
        for i, coord in enumerate(coords.coords)
    ]
    a, V = (dist.Field(name=name, bases=bases) for name in ("a", "V"))
    t, x = dist.Field(name="t"), dist.local_grids(*bases)
    a["g"], V["g"] = 1 + 0.3 * np.cos(x[0]) + 0.2j * np.sin(x[-1]), np.cos(x[0])
    names = {"a": a, "V": V, "t": t, "n": spinhydro.abs2(a)}
    names["W"] = spinhydro.kernel(SYMBOLS[dimensions])
    problem = d3.IVP([a], time=t, namespace=names)
    problem.add_equation("dt(a) - 0.5j*lap(a) = -1j*(V*(1 + cos(3*t)) + n + W(n))*a")
    solver = build_solver(problem, spinhydro.BlanesMoan4)
    if compiled is not None:
        projections = [(a, a * (1 + 0.1 * V))] if projected else []
        solver.timestepper = FUSED[spinhydro.BlanesMoan4](solver, projections, compiled=compiled)
        assert solver.timestepper.check() < 1e-13
    for _ in range(3):
        solver.step(0.01)
    a.change_scales(1)
    return a["g"].copy()


@pytest.mark.parametrize("dealias, dimensions", [(1, 2), (3 / 2, 1)])
def test_compiled_steps_agree_with_numpy_and_dedalus(dealias, dimensions):
    compiled, plain, dedalus = (
        state_after(kind, dealias, dimensions) for kind in (True, False, None)
    )
    np.testing.assert_allclose(compiled, plain, atol=1e-14)
    # Dedalus truncates V beside the transforms of the kernel at other places.
    np.testing.assert_allclose(compiled, dedalus, atol=1e-10)
    projected = [state_after(kind, dealias, dimensions, True) for kind in (True, False)]
    np.testing.assert_allclose(*projected, atol=1e-14)
    assert np.abs(projected[0] - compiled).max() > 0.1


@pytest.mark.parametrize("kind", [spinhydro.Strang, spinhydro.BlanesMoan4])
def test_steps_of_one_call_are_single_steps_to_the_last_byte(kind):
    """The last pass of a step begins the next one, for coupled components and dealiasing."""
    found = []
    for number in (1, 5):
        problem = gas(dealias=3 / 2)
        solver = build_solver(problem, kind)
        choose_engine(solver, "fused")
        stepper = solver.timestepper
        stepper.sync_on_request = True
        solver.step(0.01)
        assert stepper.can_batch
        for _ in range(0, 10, number):
            stepper.step_many(0.01, number)
        stepper.synchronise()
        found.append([variable["c"].copy() for variable in problem.variables])
    np.testing.assert_array_equal(*found)


def gas(dealias):
    """Two components with a linear coupling on 12 x 16 points."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.complex128)
    bases = [
        d3.ComplexFourier(coord, size, (0, 2 * np.pi), dealias=dealias)
        for coord, size in zip(coords.coords, (12, 16), strict=True)
    ]
    a, b = (dist.Field(name=name, bases=bases) for name in "ab")
    x, y = dist.local_grids(*bases)
    a["g"], b["g"] = 1 + 0.3 * np.cos(x) + 0.2j * np.sin(y), 0.4 * np.exp(1j * x)
    problem = d3.IVP([a, b], namespace={"a": a, "b": b, "abs2": spinhydro.abs2})
    problem.add_equation("dt(a) - 0.5j*lap(a) + 0.3j*b = -1j*(abs2(a) + 0.9*abs2(b))*a")
    problem.add_equation("dt(b) - 0.5j*lap(b) + 0.3j*a = -1j*(abs2(b) + 0.9*abs2(a))*b")
    return problem
