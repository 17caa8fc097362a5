"""Averages, integrals, orders of operations and linear terms on the fused engine."""

import dedalus.public as d3
import pytest

from spinhydro import RK4, FusedRK4
from spinhydro.engines.fused import FUSED, Unsupported

from .problems import (
    CASES,
    advance,
    assert_same,
    build,
    make,
)

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
    rounds = build(problem, FusedRK4).timestepper.right_side.program.rounds
    keys = [spectrum.key for round_ in rounds for spectrum in round_.inverse_spectra]
    assert len(keys) == len(set(keys))


def test_a_trace():
    equations = ("dt(s) = 0.1*trace(grad(grad(u)))*s", "dt(u) = trace((n*u + 1)*grad(u*grad(u)))")
    options = {"dimensions": 2, "dealias": 3 / 2}
    assert_same(advance(equations, FusedRK4, **options), advance(equations, RK4, **options))


def test_a_rate_that_is_only_rounding():
    """The average of n - 2 is zero."""
    problem, fields = make(("dt(s) = 0", "dt(u) = 0.3*ave(n - 2) + lap(ave(n))"))
    fields["n"]["c"]
    assert build(problem, FusedRK4).timestepper.check() < 1e-12


def test_a_profile_on_the_left_is_told_as_such():
    problem, _ = make(("dt(s) = 0", "dt(u) + n**2*u = 0"))
    with pytest.raises(Unsupported, match="products with profiles on the left"):
        build(problem, FusedRK4).timestepper.check()


def test_linear_terms_of_a_later_variable():
    """Evaluating ez*u transforms u to the grid."""
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
