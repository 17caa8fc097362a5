"""Random expressions agree on the engines, or the fused engine gives a reason."""

import dedalus.public as d3
import numpy as np
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from spinhydro import FusedRK4, RealFourierNyquist
from spinhydro.engines.fused import Unsupported
from spinhydro.engines.fused.program.pointwise import make_pointwise
from spinhydro.errors import EquationError
from spinhydro.language.expressions import ExpressionBuilder

from .problems import (
    SCALARS,
    VECTORS,
    build,
    make,
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
            value = ExpressionBuilder(problem.namespace)(text)
        except EquationError:
            # Such as a cross product with the derivative of a constant, the number 0.
            reject()
        # Constants of another rank are not a right side.
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
