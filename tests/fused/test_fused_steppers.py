"""Every scheme in its fused form against the same scheme of Dedalus or ours."""

import dedalus.public as d3
import numpy as np
import pytest
from dedalus.core.timesteppers import RKGFY

from spinhydro import ETDRK4, IFRK4, FusedETDRK4
from spinhydro.engines.fused import FUSED, Unsupported
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT
from .problems import CASES, SCALAR, SPIN, assert_same, build, gas, make, state

LINEAR = ("dt(s) - nu*lap(s) + 2*s + dx(s) = cross(s, lap(s)) + u*B*cos(t)", SCALAR)
SCHEMES = (d3.RK111, d3.RK222, d3.RK443, d3.RKSMR, RKGFY, d3.SBDF1, d3.SBDF2, d3.SBDF3, d3.SBDF4)
SCHEMES += (d3.CNAB1, d3.CNAB2, d3.MCNAB2, d3.CNLF2, ETDRK4)


def fused(scheme):
    return lambda solver: FUSED[scheme](solver, compiled=False)


def advance(equations, stepper, edit=None, **options):
    problem, fields = make(equations, **options)
    solver = build(problem, stepper)
    for i in range(20):
        if edit and i == 10:
            edit(fields)
        # A different timestep in between, as in the last step before an output.
        solver.step(1e-3 if i < 15 else 4e-4)
    return state(fields)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.__name__)
def test_twenty_steps_agree_with_dedalus(scheme):
    for equations, options in (((SPIN, "dt(u) = -u*dx(u)"), {}), (LINEAR, {"dealias": 3 / 2})):
        assert_same(
            advance(equations, fused(scheme), **options), advance(equations, scheme, **options)
        )


@pytest.mark.parametrize("scheme", [d3.RK443, d3.SBDF2, ETDRK4], ids=lambda s: s.__name__)
@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_basis(scheme, case):
    assert_same(
        advance(LINEAR, fused(scheme), **CASES[case]), advance(LINEAR, scheme, **CASES[case])
    )


@pytest.mark.parametrize(
    "scheme, dealias, compiled",
    [
        (d3.RK443, 1, False),
        (d3.RK443, 1, True),
        (d3.SBDF2, 3 / 2, False),
        (ETDRK4, 1, False),
        (ETDRK4, 1, True),
        (ETDRK4, 3 / 2, True),
    ],
)
def test_complex_fields_that_linear_terms_couple(scheme, dealias, compiled):
    ours, stepper = gas(FUSED[scheme], 2, dealias, compiled=compiled)
    theirs, _ = gas(scheme, 2, dealias)
    assert_same(ours, theirs)
    assert stepper.check() < 1e-12


@pytest.mark.parametrize("scheme", [d3.RK443, d3.SBDF2], ids=lambda s: s.__name__)
def test_fields_changed_between_steps_are_honoured(scheme):
    def edit(fields):
        for name in ("n", "s", "B"):
            fields[name].change_scales(1)
            fields[name]["g"] *= 1.5
        fields["B"]["g"][0] = 0

    results = [advance(LINEAR, s, edit=edit) for s in (fused(scheme), scheme)]
    assert_same(*results)
    assert np.abs(results[0][0] - advance(LINEAR, scheme)[0]).max() > 1e-6


@pytest.mark.parametrize(
    "scheme", [d3.RK443, d3.SBDF2, ETDRK4, IFRK4], ids=lambda s: s.__name__
)  # fmt: skip
def test_constant_vectors_on_the_left_side_are_numbers(scheme):
    equations = ("dt(s) + cross(B, s) - nu*lap(s) + (B@B)*s = n*cross(s, lap(s))", SCALAR)
    assert_same(advance(equations, fused(scheme)), advance(equations, scheme))


def test_a_constant_of_the_left_side_is_read_again_with_the_matrices():
    equations = ("dt(s) + cross(B, s) = n*cross(s, lap(s))", SCALAR)
    problem, fields = make(equations)
    solver = build(problem, fused(ETDRK4))
    solver.step(1e-3)
    fields["B"]["g"] *= 30
    solver.build_matrices(solver.subproblems, ["M", "L"])
    middle = {name: field["c"].copy() for name, field in fields.items()}
    solver.step(1e-2)
    problem, others = make(equations)
    for name, coefficients in middle.items():
        others[name]["c"] = coefficients
    later = build(problem, ETDRK4)
    later.sim_time = 1e-3
    later.step(1e-2)
    assert_same(state(fields), state(others))


@pytest.mark.parametrize("scheme", [d3.RK443, ETDRK4], ids=lambda s: s.__name__)
def test_a_wrong_linear_part_is_found_by_the_check(scheme):
    problem, _ = make(LINEAR)
    stepper = build(problem, FUSED[scheme]).timestepper
    assert stepper.check() < 1e-12
    if scheme is ETDRK4:
        stepper.linear[0, 0] *= 1.001
    else:
        stepper.left.linear[0, 0] = 1.001 * stepper.left.linear[0, 0]
    stepper._prepared.clear()
    with pytest.raises(InputError, match="disagree"):
        stepper.check()


def test_linear_terms_with_fields_are_refused():
    problem, _ = make(("dt(s) + n*s = cross(B, s)", SCALAR))
    with pytest.raises(Unsupported, match="products with fields"):
        build(problem, FusedETDRK4)


@pytest.mark.parametrize("scheme", ["RK443", "ETDRK4", "SBDF3"])
def test_a_run_takes_the_fused_form(scheme, tmp_path):
    path = ROOT / "problems" / "dark_bright_soliton.py"
    values = {"timestep": 0.001, "stop_time": 0.02, "output_interval": 0.02, "timestepper": scheme}
    runs = []
    for engine in ("fused", "dedalus"):
        problem = load(path, Nx=128, **values)
        result = problem.run(out=tmp_path, quiet=True, engine=engine)
        assert f"engine: {engine}" in (result.folder / "log.txt").read_text(encoding="utf-8")
        runs.append([variable["g"].copy() for variable in problem.ivp.variables])
    assert_same(*runs)
