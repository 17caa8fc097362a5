"""A gas has the same limits as one complex field and as two real ones."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.stability import StabilityCheck

G, N = 50.0, 63


def gas(stepper, is_complex):
    """Return the solver of a gas at rest, g n = 50, with its variables."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128 if is_complex else np.float64)
    kind = d3.ComplexFourier if is_complex else d3.RealFourier
    basis = kind(coords["x"], size=N + (not is_complex), bounds=(0, 2 * np.pi))
    x = dist.local_grid(basis)
    fields = [dist.Field(name=name, bases=basis) for name in ("u", "v")[: 2 - is_complex]]
    fields[0]["g"] = 1 + 1e-4 * np.cos(3 * x)
    words = {field.name: field for field in fields} | {"G": G, "lap": d3.lap}
    problem = d3.IVP(fields, namespace=words | {"abs2": spinhydro.abs2})
    if is_complex:
        problem.add_equation("dt(u) - 0.5j*lap(u) = -1j*G*(abs2(u) - 1)*u")
    else:
        problem.add_equation("dt(u) + 0.5*lap(v) = G*(u**2 + v**2 - 1)*v")
        problem.add_equation("dt(v) - 0.5*lap(u) = -G*(u**2 + v**2 - 1)*u")
    solver = build_solver(problem, stepper)
    choose_engine(solver, "fused", sync_on_request=False)
    return solver, fields


@pytest.mark.parametrize("stepper", [d3.RK443, d3.RK222])
def test_two_real_fields_have_the_limit_of_a_complex_one(stepper):
    """J of the real gas at rest has no eigenvalue but 0, and its steps grow all the same."""
    name = stepper.__name__
    largest = {}
    for is_complex in (True, False):
        solver, _ = gas(stepper, is_complex)
        found = frequencies_of(solver, explicit_linear=False, with_modes=True)
        largest[is_complex] = StabilityCheck(found, name, 0.0).largest_safe
    assert largest[False] == pytest.approx(largest[True], rel=0.01)

    solver, fields = gas(stepper, is_complex=False)
    with np.errstate(all="ignore"):
        for _ in range(300):
            solver.step(3 * largest[False])
        values = [field["g"] for field in fields]
    assert not np.all(np.abs(values) < 1.5)
