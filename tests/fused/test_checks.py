"""Refusals of the fused engine, and the check against Dedalus that finds its mistakes."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro.language.words  # (dx, dy in every string)
from spinhydro import RK4, FusedIFRK4, FusedRK4, distributor, simulate
from spinhydro.engines.fused import Unsupported
from spinhydro.engines.fused.program.coefficients import Coefficients
from spinhydro.engines.fused.program.transforms import Space
from spinhydro.errors import InputError
from spinhydro.problem.load import load
from spinhydro.run import checks

from ..conftest import ROOT
from .problems import OPTIONS, SCALAR, SPIN, assert_same, build, make, state


@pytest.mark.parametrize(
    "equation, reason",
    [
        ("dt(u) + dt(dx(u)) = u", "left side other than"),
        ("dt(u) = u(x=0)*u", "operator"),
    ],
)
def test_what_cannot_be_fused_is_said(equation, reason):
    problem, _ = make((SPIN, equation))
    with pytest.raises(Unsupported, match=reason):
        build(problem, FusedRK4)


@pytest.mark.parametrize(
    "projections, fused",
    [
        ({"s": "s/sqrt(s@s)", "u": "0.45*ave(n)*u"}, True),
        ({"s": "s/sqrt(s@s)", "u": "0.45*n(x=0)*u"}, False),
        ({"s": "s/sqrt(s@s)", "u": "0.9*u"}, True),
        ({"u": "0.9*u", "s": "s*(1 + u)/sqrt(s@s)"}, True),
    ],
)
def test_projections_are_those_of_the_run_loop(projections, fused, tmp_path):
    """All from the same state; where one cannot be fused, Dedalus evaluates them."""
    results = []
    for engine in ("auto", "dedalus"):
        problem, fields = make((SPIN, SCALAR))
        options = {"timestep": 1e-3, "stop_time": 0.02, "timestepper": "RK4", "quiet": True}
        result = simulate(problem, projections=projections, engine=engine, out=tmp_path, **options)
        results.append(state(fields))
        log = (result.folder / "log.txt").read_text(encoding="utf-8")
        if engine == "auto":
            assert ("engine: fused" in log) == fused
    assert_same(*results, 1e-11)


def test_auto_falls_back_with_one_line_and_fused_refuses(copied, tmp_path):
    path = copied("spin_spiral", ("hbar_over_m/2*cross", "(s@s)(x=0)*hbar_over_m/2*cross"))
    result = load(path, stop_time=0.1).run(out=tmp_path, quiet=True)
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert log.count("the fused engine cannot do the operator") == 1
    with pytest.raises(InputError, match="use --engine auto"):
        load(path, stop_time=0.1).run(out=tmp_path, quiet=True, engine="fused")


def test_a_failure_of_the_fused_engine_ends_no_run(tmp_path, monkeypatch):
    import spinhydro.engines.fused

    def broken(*_, **__):
        raise TypeError("on purpose")

    monkeypatch.setitem(spinhydro.engines.fused.FUSED, RK4, broken)
    path = ROOT / "problems" / "spin_spiral.py"
    result = load(path, stop_time=0.1).run(out=tmp_path, quiet=True)
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert "the fused engine failed with TypeError: on purpose" in log
    with pytest.raises(InputError, match="please report it"):
        load(path, stop_time=0.1).run(out=tmp_path, quiet=True, engine="fused")


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("engine", ["auto", "fused", "dedalus"])
def test_a_right_side_that_dedalus_cannot_evaluate(engine, large, tmp_path, monkeypatch):
    """The reason is reported, also if only the check of an engine would have evaluated it."""
    from dedalus.core.evaluator import Evaluator

    def broken(*_):
        raise ValueError("on purpose")

    monkeypatch.setattr(checks, "is_large", lambda field: large)
    problem, _ = make((SPIN, SCALAR))
    monkeypatch.setattr(Evaluator, "evaluate_group", broken)
    with pytest.raises(InputError, match="^the right side .* initial state: ValueError: on purp"):
        simulate(problem, timestep=1e-3, stop_time=0.01, timestepper="RK4", quiet=True,
                 engine=engine, out=tmp_path)  # fmt: skip


@pytest.mark.parametrize("large", [False, True])
def test_the_engines_agree_however_large_the_state(large, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "is_large", lambda field: large)
    results = []
    for engine in ("fused", "dedalus"):
        problem, fields = make((SPIN, SCALAR), size=32)
        options = {"timestep": 1e-3, "stop_time": 0.005, "timestepper": "RK4", "quiet": True}
        simulate(problem, engine=engine, out=tmp_path, **options)
        results.append(state(fields))
    assert_same(*results, 1e-12)


@pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])
def test_a_wrong_right_side_is_found_by_the_check(compiled):
    problem, _ = make((SPIN, SCALAR))
    solver = build(problem, lambda solver: FusedRK4(solver, compiled=compiled))
    stepper = solver.timestepper
    assert stepper.check() < 1e-12
    if compiled:
        stepper.native.rates.memory.arrays["scale"] *= 1 + 1e-9
    else:
        stepper.right_side.program._final.pop()
    with pytest.raises(InputError, match="disagree"):
        stepper.check()


@pytest.mark.parametrize("dealias", [1, 3 / 2])
@pytest.mark.parametrize("stepper", [FusedRK4, FusedIFRK4])
def test_every_kind_of_mistake_is_found(stepper, dealias):
    """What Dedalus evaluates is changed, which is as wrong as a mistake of the engine."""
    equations = ("dt(s) - 0.1*lap(s) = cross(n*B, s)*cos(3*t) - u*dx(s)", "dt(u) = u*u*u/u*sqrt(n)")
    problem, fields = make(equations, dimensions=2, dealias=dealias)
    solver = build(problem, stepper)
    check, stated = solver.timestepper.check, solver.timestepper.right_side.stated
    assert check() < 1e-13
    words = dict(problem.namespace)
    tasks = [task for handler in solver.evaluator.groups["F"] for task in handler.tasks]
    for text in ("cross(n*B, s)*cos(3*t) + u*dx(s)", "cross(n*B, s) - u*dx(s)",
                 "cross(n*B, s)*cos(3*t) - u*dy(s)", "cross(n*B, s)*cos(3*t)",
                 "cross(n*B, s)*cos(3*t) - u*dx(s)*(1 + 1e-8)"):  # fmt: skip
        right = tasks[0]["operator"]
        wrong = tasks[0]["operator"] = eval(text, words)
        wrong.out = right.out
        with pytest.raises(InputError, match="disagree"):
            check()
        tasks[0]["operator"] = right
    linear = stated[0].linear
    for text in ("0.1*lap(s)", "-0.1*dx(dx(s))", "-0.1*(1 + 1e-8)*lap(s)"):
        stated[0].linear = eval(text, words)
        with pytest.raises(InputError, match="disagree"):
            check()
    stated[0].linear = linear
    assert check() < 1e-13
    # 0/0 at the state itself, which noise hides.
    fields["u"]["g"] = 0
    wrong = tasks[1]["operator"] = 2 * fields["u"]
    wrong.out = solver.F[1]
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match="disagree"):
        check()


def test_terms_that_cancel_are_not_a_disagreement(tmp_path):
    """Near rest the rates are 1e-9 of their terms, and all rounding."""
    problem = load(
        ROOT / "problems" / "bogoliubov.py", level="hydrodynamics", amplitude=1e-9, stop_time=0.01
    )
    result = problem.run(out=tmp_path, quiet=True, engine="fused")
    assert "engine: fused" in (result.folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("mistake", [1e-3, 1e-6, 1e-9])
def test_a_mistake_in_terms_that_cancel_is_found(mistake):
    """u = 1/2 is a state of rest of u - 4 u^3, and the mistake is in one term only."""
    coords = d3.CartesianCoordinates("x")
    dist = distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=16, bounds=(0, 2 * np.pi))
    u, c = dist.Field(name="u", bases=xbasis), dist.Field(name="c")
    u["g"], c["g"] = 0.5 + 1e-9 * np.cos(dist.local_grid(xbasis)), 4
    problem = d3.IVP([u], namespace=locals() | {"dx": spinhydro.language.words.dx})
    problem.add_equation("dt(u) = dx(dx(u)) + u - c*u**3")
    solver = problem.build_solver(FusedRK4, **OPTIONS)
    assert solver.timestepper.check() < 1e-11
    constants = solver.timestepper.right_side._constants
    read = constants.read

    def wrong():
        read()
        constants.values *= 1 + mistake

    constants.read = wrong
    with pytest.raises(InputError, match="disagree"):
        solver.timestepper.check()


def test_checking_leaves_the_state_alone():
    problem, fields = make((SPIN, SCALAR))
    before = state(fields)
    solver = build(problem, FusedRK4)
    solver.timestepper.check()
    assert_same(state(fields), before, 1e-15)
    assert solver.sim_time == 0


@pytest.mark.parametrize("dealias", [1, 3 / 2])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_coefficients_are_read_without_a_transform(dimensions, dtype, dealias):
    coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
    dist = distributor(coords, dtype=dtype)
    kind = d3.RealFourier if dtype is np.float64 else d3.ComplexFourier
    bases = [kind(coord, size=size, bounds=(0, 1), dealias=dealias)
             for coord, size in zip(coords.coords, (6, 8, 10), strict=False)]  # fmt: skip
    field = dist.Field(bases=bases)
    field.fill_random(seed=0)
    space = Space(field.domain, dtype)
    coefficients, exchange = Coefficients(space), space.plan(1)
    np.copyto(exchange.grid, space.profile(field))
    exchange.forward()
    found = np.empty_like(exchange.spectra[0])
    coefficients.read(field["c"], field, found)
    np.testing.assert_allclose(found, exchange.spectra[0], rtol=0, atol=1e-15)
    field.change_scales(space.scales)
    size = np.sqrt(np.mean(np.abs(field["g"]) ** 2))
    assert space.norm(found) == pytest.approx(size, rel=1e-14)
