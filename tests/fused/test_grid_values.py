"""Values of outputs and watches by the fused engine: those of Dedalus, or Dedalus's themselves."""

import numpy as np
import pytest
from dedalus.core import operators

import spinhydro
from spinhydro import FusedRK4
from spinhydro.analysis import load as read
from spinhydro.dedalus_support.small_copies import SmallCopies
from spinhydro.engines.fused.program.grid_values import GridValues
from spinhydro.engines.fused.read import lower
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.run import operand_values
from spinhydro.run.operand_values import OperandValues

from .problems import CASES, build, make

EQUATIONS = (
    "dt(s) = ave(s@s)*cross(s, lap(s))",
    "dt(u) = -ave(u)*dx(u*n) + t*u*(B@ez)",
)
EXPRESSIONS = [
    "s@s + n", "cross(s, lap(s))", "dx(u*n)/n", "grad(u)*t", "ave(u*u)", "integ(u*n)*s",
    "sqrt(1 + (s@B)**2) - u", "lap(u) + s@ex", "exp(u)*ave(dx(u)**2)", "dx(s)", "2*u", "B@ez + t",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_expressions_have_the_values_of_dedalus(case):
    # Products have no Nyquist modes, which Dedalus keeps along some axes and drops along others.
    size = 16 if case == "3-D" else 32
    problem, fields = make(EQUATIONS, **{**CASES[case], "size": size})
    solver = build(problem, lambda s: FusedRK4(s, compiled=False))
    solver.step(1e-3)
    # Constants are read again each time.
    fields["B"]["g"] += 0.25
    for text in EXPRESSIONS:
        operand = ExpressionBuilder(problem.namespace)(text)
        ours = GridValues(operand, solver.state, problem.time).field(solver.sim_time)
        ours.change_scales(1)
        values = ours["g"].copy()
        theirs = operand.evaluate()
        theirs.change_scales(1)
        assert ours.domain is theirs.domain and ours.tensorsig == theirs.tensorsig
        scale = 1 + np.abs(theirs["g"]).max()
        np.testing.assert_allclose(values, theirs["g"], rtol=0, atol=1e-12 * scale, err_msg=text)


def test_a_frozen_constant_that_changes_is_noticed():
    problem, fields = make(EQUATIONS)
    fields["B"]["g"] = np.array([0.0, 0.0, 1.0]).reshape(3, 1)
    solver = build(problem, FusedRK4)
    solver.step(1e-3)
    operand = ExpressionBuilder(problem.namespace)("s@B")
    values = GridValues(operand, solver.state, problem.time)
    solver.state[0].change_scales(1)
    np.testing.assert_allclose(values.field(0.0)["g"], solver.state[0]["g"][2], atol=1e-14)
    fields["B"]["g"] = np.array([1.0, 0.0, 0.0]).reshape(3, 1)
    np.testing.assert_allclose(values.field(0.0)["g"], solver.state[0]["g"][0], atol=1e-14)


def _values_of_run(text="dx(u*n)"):
    problem, _ = make(EQUATIONS)
    solver = build(problem, FusedRK4)
    solver.step(1e-3)
    found = OperandValues(solver)
    found.is_fused = True
    return found, ExpressionBuilder(problem.namespace)(text)


@pytest.mark.parametrize(("error", "kept"), [(0.0, "equal"), (1e-8, "by_dedalus")])
def test_values_that_differ_are_left_to_dedalus(error, kept, monkeypatch):
    values, operand = _values_of_run()
    expected, field = operand.evaluate()["g"].copy(), GridValues.field

    def disturbed(self, *arguments):
        found = field(self, *arguments)
        found.data += error
        return found

    monkeypatch.setattr(GridValues, "field", disturbed)
    for _ in range(2):
        np.testing.assert_allclose(values(operand, "flux")["g"], expected, atol=1e-13)
    assert values.record()[kept] == ["flux"]
    resumed = OperandValues(values.solver)
    resumed.restore(values.record())
    assert resumed.record() == values.record()


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("dealias", [1, 3 / 2])
def test_operands_of_large_states_are_compared_on_a_small_grid(text, dealias, monkeypatch):
    """Before the first step, and without evaluating the whole operand."""
    monkeypatch.setattr(operand_values, "WORTH_REUSING", 1)
    monkeypatch.setattr(operand_values, "SMALL", {2: 16})
    problem, _ = make(EQUATIONS, dimensions=2, size=32, dealias=dealias)
    solver = build(problem, FusedRK4)
    values = OperandValues(solver)
    values.is_fused = True
    solver.sim_time = 0.3
    operand = ExpressionBuilder(problem.namespace)(text)
    expected = operand.evaluate()
    expected.change_scales(1)
    expected = expected["g"].copy()
    monkeypatch.setattr(operand_values, "evaluated", None)
    found = values(operand, text)
    found.change_scales(1)
    np.testing.assert_allclose(found["g"], expected, atol=1e-12)
    assert values.record()["equal"] == [text]


def test_a_difference_on_the_small_grid_leaves_the_start_to_dedalus(monkeypatch):
    monkeypatch.setattr(operand_values, "WORTH_REUSING", 1)
    problem, fields = make(("dt(u) = u", "dt(s) = s"), size=32)
    solver = build(problem, FusedRK4)
    wrong = {**lower._RULES, operators.Differentiate: lambda self, expression: self(fields["u"])}
    monkeypatch.setattr(lower, "_RULES", wrong)
    values = OperandValues(solver)
    values.is_fused = True
    operand = ExpressionBuilder(problem.namespace)("dx(u)")
    expected = operand.evaluate()["g"].copy()
    np.testing.assert_allclose(values(operand, "slope")["g"], expected, atol=1e-14)
    assert values.record() == {"equal": [], "by_dedalus": []}
    solver.step(1e-3)
    values(operand, "slope")
    assert values.record() == {"equal": [], "by_dedalus": ["slope"]}


def test_small_copies_have_values_of_the_size_of_the_fields():
    problem, fields = make(EQUATIONS, dimensions=2, size=32)
    copies = SmallCopies(problem.dist, 16)
    operand = ExpressionBuilder(problem.namespace)("sqrt(n)*(s@B) + 1")
    copy, small = copies.of(operand), copies.of(fields["n"])
    assert [basis.size for basis in copy.domain.bases] == [16, 16]
    assert copies.of(fields["B"]) is fields["B"] and copies.of(operand) is copy
    small.change_scales(1)
    assert 1 < small["g"].min() < small["g"].max() < 3 and np.ptp(small["g"]) > 0.3
    B, s = fields["B"]["g"], copies.of(fields["s"])
    s.change_scales(1)
    expected = np.sqrt(small["g"]) * np.einsum("iab,ixy->xy", B, s["g"]) + 1
    np.testing.assert_allclose(copy.evaluate()["g"], expected, atol=1e-13)


def test_zeros_prove_nothing():
    values, operand = _values_of_run("u - u")
    assert not np.any(values(operand, "nothing")["g"])
    assert values.record() == {"equal": [], "by_dedalus": []}


def test_values_near_a_vanishing_density_have_fewer_digits():
    """A quotient of small numbers agrees to its condition, and is not refused."""
    values, _ = _values_of_run()
    problem = values.solver.problem
    u = problem.namespace["u"]
    u["g"] = 1e-7 * (1 + u["g"])
    values.solver.timestepper.read_again()
    operand = ExpressionBuilder(problem.namespace)("dx(u + n)*u/(u**2 + 1e-16)*1e-3")
    values(operand, "velocity")
    assert values.record()["equal"] == ["velocity"]


def test_outputs_of_a_run_are_those_of_dedalus(tmp_path):
    """Also further outputs, as coefficients and on another grid."""
    found = {}
    for engine in ("fused", "lean"):
        problem, _ = make(EQUATIONS, dealias=3 / 2)
        result = spinhydro.simulate(
            problem, 1e-3, 0.02, timestepper="RK4", output_interval=0.005, engine=engine,
            out=tmp_path, quiet=True, watch=["abs(u) <= 2"],
            outputs={f"q{i}": text for i, text in enumerate(EXPRESSIONS[:8])},
            handlers={"more": {
                "iter": 10, "tasks": {"flux": {"task": "u*dx(u)", "layout": "c"}, "u": "u*u"},
                "scales": 2,
            }},
        )  # fmt: skip
        found[engine] = [read(result.folder), read(result.folder / "more")]
        largest = result.watch["abs(u) <= 2"]
        assert largest == pytest.approx(found.setdefault("watch", largest), rel=1e-12)
    for ours, theirs in zip(found["fused"], found["lean"], strict=True):
        assert list(ours.data_vars) == list(theirs.data_vars)
        for name in ours.data_vars:
            scale = 1 + np.abs(theirs[name].values).max()
            np.testing.assert_allclose(
                ours[name].values, theirs[name].values, rtol=0, atol=1e-12 * scale, err_msg=name
            )
