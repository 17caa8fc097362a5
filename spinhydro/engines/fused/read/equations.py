"""The equations and projections of a problem as scalars of one graph."""

import numpy as np
from dedalus.core import operators
from dedalus.core.arithmetic import MultiplyNumberField

from spinhydro.dedalus_support.left_side import frozen_coefficients
from spinhydro.engines.fused.read.graph import Spectrum, Unsupported
from spinhydro.engines.fused.read.lower import Lowering


class Equations:
    r"""The scalars of f(X, t) = F(X, t) - L X of ``dt(X) + L.X = F``, and of the projections.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        All-Fourier, with one plain dt(…) in every equation.
    projections : sequence of (field, operand)
        Assignments after a step.
    linear_apart : bool
        Leave L out: f = F, and `linear` holds L as an array of Spectrum.
    lossless : bool
        Whether the bases hold every mode of the grid.
    neighbours : bool
        Whether stencils read neighbours on the grid, instead of being kernels in k-space.
    lowering : callable, optional
        Constructor of the `Lowering`.

    Attributes
    ----------
    variables : list of fields
    lowering : Lowering
    rates : list
        One scalar of the graph for each component of the state.
    projected : list
        The components of the state after the projections.
    linear : list of Spectrum
    equations : dict
        Dedalus's equation for every variable.
    left_sides : dict
        L of every variable as an operand, or 0; its coefficient fields are those of the matrices.
    linear_has_products : bool
        Whether L holds products with fields.

    Raises
    ------
    Unsupported
        For equations of another form.
    """

    def __init__(
        self, solver, projections=(), linear_apart=False, lossless=False, neighbours=True,
        lowering=Lowering,
    ):  # fmt: skip
        problem = solver.problem
        self.variables = list(solver.state)
        self.lowering = lowering(
            self.variables, solver.dist, problem.time, lossless=lossless, neighbours=neighbours
        )
        rates = [None] * self.lowering.components
        self.equations, self.left_sides = {}, {}
        frozen = frozen_coefficients(solver)
        self.linear_has_products = False
        self.linear = [Spectrum({}) for _ in rates]
        for place, stated in enumerate(problem.equations):
            if stated["condition"] != "True":
                raise Unsupported("equations with a condition")
            variable, factor = self._advanced(stated)
            equation = self.equations[variable] = _divided(stated, factor, place)
            linear = equation["L"]
            self.left_sides[variable] = frozen(linear) if hasattr(linear, "tensorsig") else 0
            first = self.lowering.first_component[variable]
            for i, value in enumerate(self._rate(equation, variable, linear_apart)):
                rates[first + i] = value
        if any(value is None for value in rates):
            raise Unsupported("constraint equations")
        self.rates = rates
        self.projected = self._projected(projections)

    def _advanced(self, equation):
        """The variable and the number c of ``c*dt(variable)`` on the left side."""
        mass = equation["M"]
        if not hasattr(mass, "tensorsig"):
            raise Unsupported("constraint equations")
        mass, factor = _without_conversion(mass), 1
        while isinstance(mass, MultiplyNumberField):
            number, operand = mass.args
            mass, factor = _without_conversion(operand), factor * number
        if factor == 0:
            raise Unsupported("constraint equations")
        value = self.lowering(mass)
        for variable in self.variables:
            if value.shape == self.lowering(variable).shape and all(
                isinstance(a, Spectrum) and a.key == b.key
                for a, b in zip(value.ravel(), self.lowering(variable).ravel(), strict=True)
            ):
                return variable, factor
        raise Unsupported("a left side other than dt(variable)")

    def _rate(self, equation, variable, linear_apart):
        """Scalars of F - L X, or of F alone."""
        graph = self.lowering.graph
        shape = tuple(cs.dim for cs in equation["tensorsig"])
        rate = np.broadcast_to(self.lowering(equation["RHS"]), shape).ravel()
        left, first = self.left_sides[variable], self.lowering.first_component[variable]
        if not hasattr(left, "tensorsig"):
            return rate
        lower = self.lowering.with_numbers if linear_apart else self.lowering
        linear = lower(left).ravel()
        self.linear_has_products |= any(
            base[0] != "state" for value in linear for base in graph.to_spectrum(value).terms
        )
        if linear_apart:
            for i, value in enumerate(linear):
                self.linear[first + i] = graph.to_spectrum(value)
            return rate
        return [graph.add(a, graph.multiply(-1, b)) for a, b in zip(rate, linear, strict=True)]

    def _projected(self, projections):
        graph = self.lowering.graph
        outputs = [
            Spectrum({("state", i): graph.identity()}) for i in range(self.lowering.components)
        ]
        for variable, operand in projections:
            first = self.lowering.first_component[variable]
            for component, value in enumerate(self.lowering(operand).ravel()):
                outputs[first + component] = value
        return outputs


def _divided(equation, factor, place):
    """An equation with ``dt(variable)`` alone on its left side, and its place in the problem."""
    divided = {**equation, "factor": factor, "place": place}
    if factor != 1:
        for side in ("L", "RHS", "F"):
            if hasattr(equation[side], "tensorsig") or equation[side]:
                divided[side] = (1 / factor) * equation[side]
    return divided


def _without_conversion(expression):
    while isinstance(expression, (operators.Convert, operators.TimeDerivative)):
        expression = expression.original_args[0]
    return expression
