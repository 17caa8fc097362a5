"""The equations and projections of a problem as scalars of one graph."""

from dataclasses import dataclass
from math import prod

import numpy as np
from dedalus.core import operators
from dedalus.core.arithmetic import MultiplyNumberField

from spinhydro.dedalus_support.components import count
from spinhydro.dedalus_support.left_side import frozen_coefficients
from spinhydro.engines.fused.read.graph import Spectrum, Unsupported
from spinhydro.engines.fused.read.lower import Lowering


@dataclass
class Stated:
    """One equation of a problem.

    Attributes
    ----------
    rows : slice
        Its components among all rates.
    place : int
        Its index in the problem.
    factor : complex
        c of ``c*dt(variable)``, by which the rates have been divided.
    linear : operand or 0
        L, divided by the factor; its coefficient fields are those of the matrices.
    mass : operand, 0 or None
        M; None for the identity.
    """

    rows: slice
    place: int
    factor: complex
    linear: object
    mass: object = None


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
    stated : list of Stated
        The equations in the order of their rows.
    mass : list of Spectrum, or None
        M, row by row; None for the identity.
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
        self._frozen = frozen_coefficients(solver)
        self.linear_has_products = False
        self.linear = [Spectrum({}) for _ in range(self.lowering.components)]
        for stated in problem.equations:
            if stated["condition"] != "True":
                raise Unsupported("equations with a condition")
        self.rates = self._rates(problem.equations, linear_apart)
        self.projected = self._projected(projections)

    def _rates(self, equations, linear_apart):
        """Set the left sides, and return a scalar for each component."""
        rates, self.mass, self.stated = [None] * self.lowering.components, None, []
        for place, equation in enumerate(equations):
            variable, factor = self._advanced(equation)
            first = self.lowering.first_component[variable]
            rows = slice(first, first + count(variable))
            if any(value is not None for value in rates[rows]):
                raise Unsupported("two equations for one variable")
            divided = _divided(equation, factor)
            linear = divided["L"]
            linear = self._frozen(linear) if hasattr(linear, "tensorsig") else 0
            self.stated.append(Stated(rows, place, factor, linear))
            rates[rows] = self._rate(divided, rows, linear, linear_apart)
        if any(value is None for value in rates):
            raise Unsupported("constraint equations")
        self.stated.sort(key=lambda stated: stated.rows.start)
        return rates

    def _advanced(self, equation):
        """The variable and the number c of ``c*dt(variable)`` on the left side."""
        mass, factor = _mass_and_factor(equation)
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

    def _rate(self, equation, rows, left, linear_apart):
        """Scalars of F - L X, or of F alone."""
        graph = self.lowering.graph
        shape = tuple(cs.dim for cs in equation["tensorsig"])
        rate = np.broadcast_to(self.lowering(equation["RHS"]), shape).ravel()
        if not hasattr(left, "tensorsig"):
            return rate
        lower = self.lowering.with_numbers if linear_apart else self.lowering
        linear = [graph.to_spectrum(value) for value in lower(left).ravel()]
        self.linear_has_products |= any(
            base[0] != "state" for spectrum in linear for base in spectrum.terms
        )
        if linear_apart:
            self.linear[rows] = linear
            return rate
        return [
            graph.add(a, graph.multiply(-1, b))
            for a, b in zip(rate, lower(left).ravel(), strict=True)
        ]

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


class CoupledEquations(Equations):
    r"""The scalars of F(X, t) of ``M.dt(X) + L.X = F``, and of the projections.

    M and L are any derivatives, kernels and averages: constraints have no M, gauge variables no
    dt(…), and ``dt(lap(psi))`` is an M. Equations are numbered in the order of the problem, so that
    a row of M couples it to the components of the state.
    """

    def _rates(self, equations, linear_apart):
        rates, self.mass, self.stated = [], [], []
        for place, equation in enumerate(equations):
            shape = tuple(system.dim for system in equation["tensorsig"])
            rows = slice(len(rates), len(rates) + prod(shape))
            rates += [None] * prod(shape)
            mass, linear = (
                self._frozen(equation[side]) if hasattr(equation[side], "tensorsig") else 0
                for side in ("M", "L")
            )
            self.stated.append(Stated(rows, place, 1, linear, mass))
            values = self.lowering.with_numbers(mass)
            values = np.broadcast_to(values, shape).ravel()
            self.mass += [self.lowering.graph.to_spectrum(value) for value in values]
            rates[rows] = self._rate(equation, rows, linear, linear_apart)
        if len(rates) != self.lowering.components:
            raise Unsupported("another number of equations than of unknowns")
        return rates


def is_coupled(problem):
    """Return whether a problem needs `CoupledEquations`.

    That is the case if an equation has no plain dt(variable), or variables have different bases.
    """
    if len({variable.domain for variable in problem.variables}) > 1:
        return True
    found = [_mass_and_factor(equation) for equation in problem.equations]
    advanced = {id(mass) for mass, factor in found if factor}
    return not all(id(variable) in advanced for variable in problem.variables)


def _mass_and_factor(equation):
    """Return an operand and a number c, where M is c times the operand; c = 0 without M."""
    mass, factor = equation["M"], 1
    if not hasattr(mass, "tensorsig"):
        return 0, 0
    mass = _without_conversion(mass)
    while isinstance(mass, MultiplyNumberField):
        number, operand = mass.args
        mass, factor = _without_conversion(operand), factor * number
    return mass, factor


def _divided(equation, factor):
    """An equation with ``dt(variable)`` alone on its left side."""
    divided = dict(equation)
    if factor != 1:
        for side in ("L", "RHS", "F"):
            if hasattr(equation[side], "tensorsig") or equation[side]:
                divided[side] = (1 / factor) * equation[side]
    return divided


def _without_conversion(expression):
    while isinstance(expression, (operators.Convert, operators.TimeDerivative)):
        expression = expression.original_args[0]
    return expression
