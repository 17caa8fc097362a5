"""Expressions of given fields alone have the same value in every evaluation of Dedalus.

1/n is cut down to the modes of the bases if n is on the grid when an evaluation begins, and is not
if n is elsewhere, as it is at first and after anybody has looked at it.
"""

import numpy as np

from spinhydro import RK4
from spinhydro.dedalus_support.solver import DeferredSolver
from spinhydro.engines.choose import build_solver, choose_engine

from ..fused.problems import make

EQUATIONS = ("dt(s) = s*dx(u)", "dt(u) = (1/n)*dx(u) + sqrt(n)*u")


def solver_of():
    problem, fields = make(EQUATIONS, size=32, dealias=3 / 2)
    fields["n"].change_scales(1)
    x = problem.dist.local_grid(fields["n"].domain.bases[0])
    fields["n"]["g"] = 1.1 + np.cos(x)
    return build_solver(problem, RK4), fields


def test_every_evaluation_gives_the_same():
    solver, fields = solver_of()
    assert isinstance(solver, DeferredSolver)
    found = []
    for look in (None, None, "c", ("g", 1)):
        if look:
            fields["n"][look]
        solver.evaluator.require_coeff_space(solver.state)
        solver.evaluator.evaluate_group("F")
        found.append(solver.F[1]["c"].copy())
    for rates in found[1:]:
        np.testing.assert_allclose(rates, found[0], rtol=0, atol=1e-14)


def test_reading_a_given_field_changes_no_run():
    """On Dedalus's own stepper, and the fused engine has the same numbers."""
    found = []
    for engine, looks in (("dedalus", False), ("dedalus", True), ("fused", False)):
        solver, fields = solver_of()
        choose_engine(solver, engine, steps=10, sync_on_request=False)
        for _ in range(10):
            solver.step(1e-3)
            if looks:
                fields["n"]["g", 1]
        found.append(fields["u"]["c"].copy())
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=1e-13)
