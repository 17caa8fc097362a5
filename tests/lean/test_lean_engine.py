"""The lean engine against Dedalus's own linear algebra: same numbers, or a reason."""

import dedalus.public as d3
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from spinhydro import IFRK4, RK4
from spinhydro.dedalus_support.blocks import NoSmallBlocks, blocks_of, inverse
from spinhydro.engines.fused import Unsupported
from spinhydro.engines.lean import make_lean
from spinhydro.errors import EquationError, InputError
from spinhydro.language.expressions import ExpressionBuilder

from ..fused.problems import (
    CASES,
    SCALAR,
    SCALARS,
    SPIN,
    VECTORS,
    assert_same,
    build,
    make,
    state,
)
from ..guests.all_fourier import EXAMPLES

STEPPERS = {
    name: getattr(d3, name) for name in ("RK222", "RK443", "RKSMR", "SBDF1", "SBDF3", "CNLF2")
}


def coefficients(problem):
    return [variable["c"].copy() for variable in problem.variables]


def advance(make_problem, stepper, lean, timesteps, **options):
    problem = make_problem()
    solver = problem.build_solver(stepper, ncc_cutoff=0, entry_cutoff=0, **options)
    if lean:
        assert make_lean(solver) < 1e-14
    for timestep in timesteps:
        solver.step(timestep)
    return coefficients(problem)


@pytest.mark.parametrize("stepper", STEPPERS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_scheme_of_dedalus_agrees(name, stepper):
    """Also when the timestep changes on the way."""
    timesteps = [1e-3] * 12 + [5e-4] * 8
    runs = [advance(EXAMPLES[name], STEPPERS[stepper], lean, timesteps) for lean in (True, False)]
    assert_same(*runs)


LINEAR = (
    "dt(s) + cross(B, s) - nu*lap(s) + 0.3*dx(s) = cross(s, lap(s)) + u*B*cos(t)",
    "dt(u) - nu*lap(u) + 0.2*s@ex = -u*dx(u) + 0.1*ave(u*n)*u",
)


@pytest.mark.parametrize("stepper", [RK4, IFRK4, d3.RK443], ids=lambda s: s.__name__)
@pytest.mark.parametrize("case", CASES)
def test_coupled_linear_terms_agree_on_every_kind_of_basis(case, stepper):
    runs = []
    for lean in (True, False):
        problem, fields = make(LINEAR[::-1] if lean else LINEAR, **CASES[case])
        solver = build(problem, stepper)
        if lean:
            make_lean(solver)
        for _ in range(20):
            solver.step(1e-3)
        runs.append(state(fields))
    assert_same(*runs)


def linear(*terms):
    """Sums of some of these terms."""
    term = st.tuples(st.floats(0.1, 1).map("{:.3f}".format), st.sampled_from(terms)).map("*".join)
    return st.lists(term, max_size=3).map(lambda found: " + ".join(["0", *found]))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    linear(
        "s", "dx(s)", "lap(s)*(-1)", "dx(lap(s))", "cross(B, s)", "ez*u", "ez*(s@ex)", "ex*dx(u)"
    ),
    linear("u", "dx(u)", "lap(u)*(-1)", "dx(lap(u))", "s@ez", "B@s", "div(grad(s@ez))"),
    VECTORS,
    SCALARS,
    st.sampled_from([d3.RK222, d3.SBDF3, d3.CNAB2, RK4, IFRK4]),
    st.sampled_from([{"size": 12}, {"size": 8, "dealias": 3 / 2}, {"size": 8, "dimensions": 2}]),
)
def test_random_equations_agree(of_s, of_u, vector, scalar, stepper, options):
    runs = []
    for lean in (True, False):
        problem, fields = make((), **options)
        evaluate = ExpressionBuilder(problem.namespace)
        for name, left, right in (("u", of_u, scalar), ("s", of_s, vector)):
            try:
                left, right = evaluate(left), evaluate(right)
            except EquationError:
                reject()
            assume(hasattr(right, "tensorsig") or name == "u" or right == 0)
            problem.add_equation((d3.dt(problem.namespace[name]) + left, 0.1 * right))
        solver = build(problem, stepper)
        if lean:
            make_lean(solver)
        with np.errstate(all="ignore"):
            for timestep in (1e-4, 1e-4, 5e-5):
                solver.step(timestep)
        runs.append(state(fields))
    assume(all(np.abs(values).max() < 100 for values in runs[1]))
    assert_same(*runs, 1e-11)


def test_it_does_not_depend_on_how_dedalus_groups_the_modes():
    timesteps = [1e-3] * 5
    runs = [
        advance(EXAMPLES["reaction-diffusion"], d3.RK222, True, timesteps, matrix_coupling=coupling)
        for coupling in ((False, True, True), (True, True, True), (False, False, False))
    ]
    for run in runs[1:]:
        assert_same(runs[0], run)


def test_coefficients_that_the_basis_does_not_hold_stay_out():
    problem, fields = make((SPIN, SCALAR))
    solver = build(problem, d3.RK443)
    make_lean(solver)
    fields["u"]["c"][1] = 7.0
    solver.step(1e-3)
    assert fields["u"]["c"][1] == 0


def test_checking_leaves_the_state_and_time_alone():
    problem, fields = make((SPIN, SCALAR))
    before = state(fields)
    solver = build(problem, d3.RK443)
    make_lean(solver)
    assert_same(state(fields), before, 1e-15)
    assert solver.sim_time == 0


def test_a_wrong_matrix_is_found_by_the_check(monkeypatch):
    from spinhydro.engines import lean

    class Wrong(lean.WholeSystem):
        def __init__(self, solver):
            super().__init__(solver)
            self.L_min = 1.001 * self.L_min

    monkeypatch.setattr(lean, "WholeSystem", Wrong)
    problem, _ = make((SPIN, SCALAR))
    with pytest.raises(InputError, match="disagree"):
        make_lean(build(problem, d3.RK443))


def conditional():
    problem, _ = make((SPIN,))
    problem.add_equation("dt(u) = 0", condition="nx != 0")
    problem.add_equation("u = 1", condition="nx == 0")
    return problem.build_solver(d3.RK443, matrix_coupling=(False,))


def chebyshev():
    coord = d3.Coordinate("x")
    dist = d3.Distributor(coord, dtype=np.float64)
    basis = d3.ChebyshevT(coord, size=16, bounds=(0, 1))
    u, tau = dist.Field(name="u", bases=basis), dist.Field(name="tau")
    lift = d3.Lift(tau, basis.derivative_basis(1), -1)
    problem = d3.IVP([u, tau], namespace={})
    problem.add_equation((d3.dt(u) + d3.Differentiate(u, coord) + lift, 0))
    problem.add_equation((u(x=0), 0))
    return problem.build_solver(d3.RK443)


def disk():
    """A disk with small blocks, whose coefficients are not those of the components."""
    coords = d3.PolarCoordinates("phi", "r")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.DiskBasis(coords, (16, 8), radius=1, dtype=np.float64)
    u, tau = dist.Field(name="u", bases=basis), dist.Field(name="tau", bases=basis.edge)
    u["g"] = 1 - dist.local_grids(basis)[1] ** 2
    problem = d3.IVP([u, tau], namespace={})
    problem.add_equation((d3.dt(u) - d3.lap(u) + d3.Lift(tau, basis, -1), -u * u))
    problem.add_equation((u(r=1), 0))
    return problem.build_solver(d3.RK443)


def profile_on_the_left():
    problem, fields = make((SPIN, "dt(u) + n*u = 0"), size=128)
    return problem.build_solver(d3.RK443)


def multistep_under_way():
    problem, _ = make((SPIN, SCALAR))
    solver = build(problem, d3.SBDF2)
    solver.step(1e-3)
    return solver


@pytest.mark.parametrize(
    "build_one, reason",
    [
        (conditional, "condition"),
        (chebyshev, "the basis Jacobi"),
        (disk, "the basis DiskBasis"),
        (profile_on_the_left, "at most 64 coefficients"),
        (multistep_under_way, "under way"),
    ],
)
def test_what_cannot_be_lean_is_said_and_the_solver_still_works(build_one, reason):
    solver = build_one()
    with pytest.raises(Unsupported, match=reason):
        make_lean(solver)
    solver.step(1e-3)


def test_blocks_of_a_matrix_with_rows_and_columns_in_any_order():
    random = np.random.default_rng(1)
    from scipy import sparse

    dense = sparse.block_diag([random.standard_normal((w, w)) for w in (1, 3, 2, 3, 1)]).tocsr()
    order, other = random.permutation(10), random.permutation(10)
    matrix = dense[order][:, other]
    assert sorted(rows.shape for rows, _ in blocks_of(matrix)) == [(1, 2), (2, 1), (2, 3)]
    vector = random.standard_normal((10, 1))
    np.testing.assert_allclose(inverse(matrix).apply(matrix @ vector), vector, atol=1e-12)


def test_singular_equations_are_refused():
    from scipy import sparse

    with pytest.raises(NoSmallBlocks, match="singular"):
        inverse(sparse.csr_matrix([[1.0, 2.0], [2.0, 4.0]]))
    with pytest.raises(NoSmallBlocks, match="free"):
        inverse(sparse.csr_matrix([[1.0, 2.0], [0.0, 0.0]]))
