"""The fused engine and Dedalus's own evaluation give the same numbers."""

import re

import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import IFRK4, RK4, FusedIFRK4, FusedRK4, RealFourierNyquist
from spinhydro.engines.fused import Unsupported
from spinhydro.problem.load import load

from ..conftest import ROOT
from .problems import (
    CASES,
    SCALAR,
    SPIN,
    advance,
    assert_same,
    build,
    gas,
    make,
    state,
)


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_twenty_steps_agree_with_dedalus(case, compiled):
    def fused(solver):
        return FusedRK4(solver, compiled=compiled)

    equations = (SPIN, SCALAR)
    assert_same(advance(equations, fused, **CASES[case]), advance(equations, RK4, **CASES[case]))


EQUATIONS_1D = [
    "dt(s) = dx(cross(dx(s), s)/n)",
    "dt(s) = -dx(dx(u*s)/n) + cross(dx(n)*ez, s)",
    "dt(s) = grad(s@ez)@grad(s@ez)*s",
    "dt(s) = div(grad(s)) + 0*s",
    "dt(s) + cross(B, s) - nu*lap(s) = 0",
    "dt(s) = abs(u)*s*tanh(u)*(2*n)**(-1.5)",
    "dt(s) = t*B + t**2*ex",
    "dt(s) = 0",
    "dt(s) = 1e-4*(s@s)*lap(lap(s)) - dx(dx(dx(s)))",
]


@pytest.mark.parametrize("equation", EQUATIONS_1D)
def test_forms_of_equations(equation):
    equations = (equation, "dt(u) = 0.5*u")
    assert_same(advance(equations, FusedRK4), advance(equations, RK4))
    dealiased = {"dealias": 3 / 2, "size": 24}
    assert_same(advance(equations, FusedRK4, **dealiased), advance(equations, RK4, **dealiased))


def test_space_vectors_and_mixed_indices():
    equations = (
        "dt(s) = grad(u)@grad(s) - s*div(u*grad(u)) + div(spin_cross(grad(s), s)/n)",
        "dt(u) = (grad(s)@ez)@grad(u) + lap(u*n)",
    )
    options = {"dimensions": 2}
    assert_same(advance(equations, FusedRK4, **options), advance(equations, RK4, **options))


def test_order_of_equations_does_not_matter():
    ours = advance((SCALAR, SPIN), FusedRK4)
    assert_same(ours, advance((SPIN, SCALAR), RK4))


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
@pytest.mark.parametrize("dealias", [1, 3 / 2])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("pair", [(FusedRK4, RK4), (FusedIFRK4, IFRK4)], ids=["RK4", "IFRK4"])
def test_complex_fields_agree_with_dedalus(pair, dimensions, dealias, compiled):
    ours, stepper = gas(pair[0], dimensions, dealias, compiled=compiled)
    theirs, _ = gas(pair[1], dimensions, dealias)
    assert_same(ours, theirs)
    assert stepper.check() < 1e-12


def test_integrating_factor_of_real_fields_agrees_with_dedalus():
    equations = ("dt(s) - nu*lap(s) + 2*s = cross(s, lap(s)) + u*B", SCALAR)
    assert_same(advance(equations, FusedIFRK4), advance(equations, IFRK4))
    options = {"dimensions": 2, "basis": RealFourierNyquist}
    assert_same(advance(equations, FusedIFRK4, **options), advance(equations, IFRK4, **options))


def test_linear_terms_that_differ_and_are_tied_by_derivatives():
    equations = (
        "dt(s) - nu*lap(s) + ex*dx(u) = cross(s, lap(s))",
        "dt(u) + 2*dx(u) + dx(s@ex) = u*u",
    )
    theirs = advance(equations, IFRK4)
    for compiled in (False, True):
        ours = advance(equations, lambda solver, c=compiled: FusedIFRK4(solver, compiled=c))
        assert_same(ours, theirs)


@pytest.mark.parametrize("basis", [d3.RealFourier, RealFourierNyquist])
def test_projections_of_the_compiled_step(basis):
    found = []
    for compiled in (False, True):
        problem, fields = make(("dt(s) = cross(s, lap(s))", "dt(u) = -u"), basis=basis)
        s = fields["s"]
        projections = [(s, s / (s @ s) ** 0.5)]
        solver = build(
            problem, lambda solver, c=compiled, p=projections: FusedRK4(solver, p, compiled=c)
        )
        for _ in range(5):
            solver.step(1e-3)
        found.append(state(fields))
    assert_same(found[1], found[0])
    if basis is RealFourierNyquist:
        np.testing.assert_allclose((found[1][0] ** 2).sum(axis=0), 1, atol=1e-14)


def test_integrating_factor_refuses_linear_terms_with_fields():
    problem, _ = make((SPIN, "dt(u) + 0.1*dx(u) = n*u"))
    assert build(problem, FusedIFRK4).timestepper.check() < 1e-12
    problem, _ = make(("dt(s) + n*s = cross(B, s)", SCALAR))
    with pytest.raises(Unsupported, match="products with fields"):
        build(problem, FusedIFRK4)


@pytest.mark.parametrize("name", ["n", "B", "s", "u"])
def test_fields_changed_between_steps_are_honoured(name):
    def edit(fields):
        fields[name].change_scales(1)
        fields[name]["g"] *= 1.5

    ours = advance((SPIN, SCALAR), FusedRK4, edit=edit)
    theirs = advance((SPIN, SCALAR), RK4, edit=edit)
    assert_same(ours, theirs)
    assert np.abs(ours[0] - advance((SPIN, SCALAR), RK4)[0]).max() > 1e-6


def test_a_constant_that_was_zero_may_become_something_else():
    def prepare(fields):
        fields["B"]["g"] = 0

    def edit(fields):
        fields["B"]["g"] = np.array([[1.0], [0.5], [0.0]])

    results = []
    for stepper in (FusedRK4, RK4):
        problem, fields = make((SPIN, SCALAR))
        prepare(fields)
        solver = build(problem, stepper)
        for i in range(10):
            if i == 5:
                edit(fields)
            solver.step(1e-3)
        results.append(state(fields))
    assert_same(*results)


def test_handlers_of_a_script_see_the_state(tmp_path):
    import h5py

    problem, fields = make((SPIN, SCALAR))
    solver = build(problem, FusedRK4)
    solver.stop_iteration = 5
    handler = solver.evaluator.add_file_handler(tmp_path / "snapshots", iter=1)
    handler.add_task(fields["s"], name="s")
    seen = []
    while solver.proceed:
        seen.append(state(fields)[0])
        solver.step(1e-3)
    with h5py.File(tmp_path / "snapshots" / "snapshots_s1.h5") as file:
        np.testing.assert_allclose(file["tasks/s"][:], seen, atol=1e-14)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "problems").glob("*.py")), ids=lambda path: path.stem
)
def test_every_problem_file_gives_the_same_on_every_engine(path, tmp_path):
    """To 1e-11 after its first output, or the log has the reason why it ran on Dedalus."""
    results = []
    interval = 20 * load(path, quick=True).parameters["timestep"]
    for engine in ("auto", "lean", "dedalus"):
        problem = load(path, quick=True, stop_time=interval, output_interval=interval)
        folder = problem.run(out=tmp_path, quiet=True, engine=engine).folder
        values = []
        for variable in problem.ivp.variables:
            variable.change_scales(1)
            values.append(variable["g"].copy())
        results.append((values, (folder / "log.txt").read_text(encoding="utf-8")))
    for values, _ in results[:2]:
        assert_same(values, results[2][0], 1e-11)
    assert re.search("engine: (fused|lean) \\(agrees", results[0][1])
    assert "engine: fused" in results[0][1] or "fused engine cannot do" in results[0][1]
    assert "engine: lean" in results[1][1]
    assert "engine: dedalus" in results[2][1]


def test_the_main_job_is_fused(tmp_path):
    result = load(ROOT / "problems" / "quantum_torque.py", quick=True).run(
        out=tmp_path, quiet=True, engine="fused"
    )
    assert "engine: fused" in (result.folder / "log.txt").read_text(encoding="utf-8")
