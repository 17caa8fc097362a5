"""The fused engine against Dedalus's own evaluation: same numbers, or the reason why not."""

import re

import dedalus.public as d3
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

import spinhydro.language.words  # (dx, dy in every string)
from spinhydro import IFRK4, RK4, FusedIFRK4, FusedRK4, RealFourierNyquist, distributor, simulate
from spinhydro.engines.fused import FUSED, Unsupported
from spinhydro.engines.fused.program.pointwise import make_pointwise
from spinhydro.errors import EquationError, InputError
from spinhydro.language.expressions import Evaluator
from spinhydro.problem.load import load

from ..conftest import ROOT

OPTIONS = {"ncc_cutoff": 0, "entry_cutoff": 0}


def smooth(shape, grids, seed):
    """Random sums of low modes: periodic, between -1 and 1."""
    random = np.random.default_rng(seed)
    values = np.zeros(shape + np.broadcast_shapes(*(g.shape for g in grids)))
    for _ in range(4):
        phase = sum(random.integers(-2, 3) * g for g in grids) + random.uniform(0, 6)
        values += random.uniform(-0.25, 0.25, shape + (1,) * len(grids)) * np.cos(phase)
    return values


def make(equations, dimensions=1, size=16, dealias=1.0, basis=d3.RealFourier, seed=0):
    """A problem for a spin s and a scalar u with profile n, constant B and time t."""
    names = ("x", "y", "z")[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = tuple(
        basis(coords[name], size=size, bounds=(0, 2 * np.pi), dealias=dealias) for name in names
    )
    s = dist.VectorField(spin, name="s", bases=bases)
    u = dist.Field(name="u", bases=bases)
    n = dist.Field(name="n", bases=bases)
    B = dist.VectorField(spin, name="B")
    t = dist.Field(name="t")
    ex, ey, ez = spin.unit_vector_fields(dist)
    grids = dist.local_grids(*bases)
    s["g"] = smooth((3,), grids, seed)
    u["g"] = smooth((), grids, seed + 1)
    n["g"] = 2 + smooth((), grids, seed + 2)
    B["g"] = np.array([0.3, -0.2, 0.7]).reshape((3,) + (1,) * dimensions)
    nu = 0.05
    problem = d3.IVP([s, u], time=t, namespace=dict(locals()))
    for equation in equations:
        problem.add_equation(equation)
    return problem, {"s": s, "u": u, "n": n, "B": B}


def build(problem, stepper):
    coupling = (True,) * problem.dist.dim
    return problem.build_solver(stepper, matrix_coupling=coupling, **OPTIONS)


def state(fields):
    result = []
    for name in ("s", "u"):
        fields[name].change_scales(1)
        result.append(fields[name]["g"].copy())
    return result


def advance(equations, stepper, steps=20, edit=None, **options):
    problem, fields = make(equations, **options)
    solver = build(problem, stepper)
    for i in range(steps):
        if edit and i == steps // 2:
            edit(fields)
        solver.step(1e-3)
    return state(fields)


def assert_same(ours, theirs, tolerance=1e-12):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max()))


SPIN = "dt(s) = cross(s, lap(s)) + cross(n*B + (s@ez)*ez, s) + u*dx(s)*cos(3*t)"
SCALAR = "dt(u) - nu*lap(u) = -u*dx(u) + s@ex - 0.1*u**3 + sqrt(n)*exp(-n)*sin(t)"
CASES = {
    "1-D": {},
    "1-D, all modes kept": {"basis": RealFourierNyquist},
    "1-D, dealiased": {"dealias": 3 / 2, "size": 32},
    "2-D": {"dimensions": 2},
    "2-D, dealiased": {"dimensions": 2, "dealias": 3 / 2},
    "2-D, all modes kept": {"dimensions": 2, "basis": RealFourierNyquist},
    "3-D": {"dimensions": 3, "size": 8},
}


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


def gas(stepper, dimensions, dealias, steps=20, **options):
    """Two coupled complex fields, linear terms that couple them, a profile and time."""
    names = ("x", "y", "z")[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    dist = distributor(coords, dtype=np.complex128)
    bases = tuple(
        d3.ComplexFourier(coords[name], size=16, bounds=(0, 2 * np.pi), dealias=dealias)
        for name in names
    )
    a, b, V = (dist.Field(name=name, bases=bases) for name in "abV")
    t = dist.Field(name="t")
    grids = dist.local_grids(*bases)
    for seed, field in enumerate((a, b, V)):
        field["g"] = smooth((), grids, seed) + 1j * smooth((), grids, seed + 10) * (field is not V)
    problem = d3.IVP([a, b], time=t, namespace=dict(locals()))
    problem.add_equation("dt(a) - 0.5j*lap(a) + 0.3j*b = -1j*(V + 2*abs2(a) + re(b)*cos(t))*a")
    problem.add_equation(
        "dt(b) - 0.5j*lap(b) + 0.3j*a = -1j*(V + abs2(b))*b + im(a)*conj(b)*dx(a) + abs(a)*b"
    )
    solver = build(problem, lambda s: stepper(s, **options))
    for _ in range(steps):
        solver.step(5e-3)
    for field in (a, b):
        field.change_scales(1)
    return [a["g"].copy(), b["g"].copy()], solver.timestepper


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
    """To 1e-11 after its first output, or the log says why it ran on Dedalus."""
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


AVERAGES = [
    ("dt(s) = ave(s@s)*cross(s, lap(s))", "dt(u) = integ(u*n)*u + ave(n)*ave(s@s)"),
    ("dt(s) = ave(cross(s, dx(s)))*u", "dt(u) = dx(u*ave(u**2)/n) + sqrt(ave(u**2) + 1)"),
    ("dt(s) = dx(s*ave(u*dx(u)/n))/n", "dt(u) = 0.5*u*ave(u*u) - ave(u)"),
]


@pytest.mark.parametrize("case", ["1-D", "1-D, all modes kept", "1-D, dealiased", "2-D"])
@pytest.mark.parametrize("equations", AVERAGES)
def test_averages_and_integrals(equations, case):
    ours = advance(equations, lambda s: FusedRK4(s, compiled=False), **CASES[case])
    assert_same(ours, advance(equations, RK4, **CASES[case]))


#: Equations whose truncation depends on the order in which Dedalus evaluates their parts.
ORDERS = [
    ("dt(s) = abs(u)*dx(2*B - s)", "dt(u) = u**2*dx(2*n - u/2 + B@ez)"),
    ("dt(s) = u**2*dx(ez*(s@ez))", "dt(u) = u*n*dx(s@ez)"),
    ("dt(s) = -dx(cross(ez, s)*u)", "dt(u) = u*n*(grad(s@ez)@grad(cross(ex, s)@ez))"),
    ("dt(s) = s*u**2*dx(2*s@ez)", "dt(u) = u*n*dx(cross(ez, s)@ex)*dx(s@ey) + s@dx(s)"),
]


@pytest.mark.parametrize("case", ["1-D, dealiased", "2-D, dealiased"])
@pytest.mark.parametrize("equations", ORDERS)
def test_order_of_sums_and_products(equations, case):
    """Sums of coefficients; products of the grid, also with 1 and 0."""
    ours = advance(equations, lambda s: FusedRK4(s, compiled=False), **CASES[case])
    assert_same(ours, advance(equations, RK4, **CASES[case]))


def test_equal_values_at_different_times_are_one_transform():
    problem, _ = make(ORDERS[1], dealias=3 / 2)
    levels = build(problem, FusedRK4).timestepper.right_side.program.levels
    keys = [spectrum.key for level in levels for spectrum in level.inverse_spectra]
    assert len(keys) == len(set(keys))


def test_a_trace():
    equations = ("dt(s) = 0.1*trace(grad(grad(u)))*s", "dt(u) = trace((n*u + 1)*grad(u*grad(u)))")
    options = {"dimensions": 2, "dealias": 3 / 2}
    assert_same(advance(equations, FusedRK4, **options), advance(equations, RK4, **options))


def test_a_rate_that_is_nothing_but_rounding():
    """The average of n - 2 is zero."""
    problem, fields = make(("dt(s) = 0", "dt(u) = 0.3*ave(n - 2) + lap(ave(n))"))
    fields["n"]["c"]
    assert build(problem, FusedRK4).timestepper.check() < 1e-12


def test_a_profile_on_the_left_is_told_as_such():
    problem, _ = make(("dt(s) = 0", "dt(u) + n**2*u = 0"))
    with pytest.raises(Unsupported, match="products with profiles on the left"):
        build(problem, FusedRK4).timestepper.check()


def test_linear_terms_of_a_later_variable():
    """Looking at ez*u takes u to the grid."""
    equations = ("dt(s) + ez*u = s", "dt(u) - nu*lap(u) = -0.3*u")
    for stepper in (d3.RK222, d3.SBDF2):
        fused = FUSED[stepper]
        problem, _ = make(equations)
        assert build(problem, fused).timestepper.check() < 1e-12
        assert_same(advance(equations, fused), advance(equations, stepper))


def test_averages_over_one_axis():
    equations = ("dt(s) = s*ave(u**2, 'y') - integ(s, 'x')*u", "dt(u) = dx(ave(s@s, 'y'))*u")
    options = {"dimensions": 2, "dealias": 3 / 2}
    assert_same(advance(equations, FusedRK4, **options), advance(equations, RK4, **options))


@pytest.mark.parametrize(
    "equation, reason",
    [
        ("2*dt(u) = u", "left side other than"),
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


def test_terms_that_cancel_are_no_disagreement(tmp_path):
    """Near rest the rates are 1e-9 of the terms whose sum they are, and all rounding."""
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
    read = solver.timestepper.right_side._read_constants

    def wrong():
        read()
        solver.timestepper.right_side._constants[:] *= 1 + mistake

    solver.timestepper.right_side._read_constants = wrong
    with pytest.raises(InputError, match="disagree"):
        solver.timestepper.check()


def test_checking_leaves_the_state_alone():
    problem, fields = make((SPIN, SCALAR))
    before = state(fields)
    solver = build(problem, FusedRK4)
    solver.timestepper.check()
    assert_same(state(fields), before, 1e-15)
    assert solver.sim_time == 0


# Random expressions: scalars and vectors built from each other.
SCALARS = st.recursive(
    st.sampled_from(["u", "n", "t", "0.7", "s@ez", "s@s", "B@s"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map("({0[0]}{0[1]}{0[2]})".format),
        inner.map("dx({})".format),
        inner.map("lap({})".format),
        inner.map("sin({})".format),
        inner.map("({})**2".format),
        inner.map("({})/n".format),
        inner.map("ave({})".format),
    ),
    max_leaves=6,
)
VECTORS = st.recursive(
    st.sampled_from(["s", "B", "ex", "ez"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("cross({0[0]}, {0[1]})".format),
        st.tuples(inner, st.sampled_from("+-"), inner).map("({0[0]}{0[1]}{0[2]})".format),
        st.tuples(SCALARS, inner).map("({0[0]})*{0[1]}".format),
        inner.map("dx({})".format),
        inner.map("lap({})".format),
    ),
    max_leaves=5,
)


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(VECTORS, SCALARS, st.sampled_from(["plain", "kept", "dealiased"]))
def test_random_expressions_agree_or_say_why(vector, scalar, kind):
    options = {
        "plain": {"size": 12},
        "kept": {"size": 12, "basis": RealFourierNyquist},
        "dealiased": {"size": 12, "dealias": 3 / 2},
    }[kind]
    problem, _ = make((), **options)
    sides = {}
    for name, text in (("s", vector), ("u", scalar)):
        try:
            value = Evaluator(problem.namespace)(text)
        except EquationError:
            # Such as a cross product with the derivative of a constant, the number 0.
            reject()
        # Constants of another rank are no right side.
        assume(hasattr(value, "tensorsig") or name == "u" or value == 0)
        sides[name] = value
    for name, value in sides.items():
        problem.add_equation((d3.dt(problem.namespace[name]), value))
    try:
        solver = build(problem, lambda s: FusedRK4(s, compiled=False))
    except Unsupported:
        return
    with np.errstate(all="ignore"):
        assert solver.timestepper.check() < 1e-10


def test_pointwise_operations_of_numpy_and_compiled_are_the_same():
    from spinhydro.engines.fused.read.graph import Graph

    graph = Graph(1)
    a, b = (graph.node("profile", 0, i) for i in range(2))
    c = graph.node("constant", 0, 0)
    value = graph.add(graph.multiply(a, b), graph.power(graph.function("exp", a), -1.0))
    outputs = [value, graph.multiply(graph.multiply(value, c), value), graph.power(b, 3.0), a]
    places = {a: ("array", 0, 0), b: ("array", 0, 1), c: ("constant", 0)}
    arrays = (np.random.default_rng(0).uniform(0.5, 1, (2, 50)),)
    results = []
    for compiled in (False, True):
        out = np.zeros((4, 50))
        evaluate = make_pointwise(outputs, places.__getitem__, compiled)
        evaluate(arrays, np.array([2.5]), out)
        evaluate(arrays, np.array([2.5]), out)
        results.append(out)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-14)
    x, y = arrays[0]
    first = x * y + np.exp(-x)
    np.testing.assert_allclose(results[0], [first, 2.5 * first**2, y**3, x], rtol=1e-14)
