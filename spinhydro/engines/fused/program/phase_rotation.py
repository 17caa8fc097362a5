"""The rotation of phases by a right-hand side -i V psi, as a program on the state."""

from math import factorial, pi

from spinhydro.engines.fused.program.right_side import RightSide
from spinhydro.engines.fused.read.graph import CONSTANT, Node, Spectrum
from spinhydro.errors import Unsupported

#: x + _ROUNDER - _ROUNDER is x, rounded to an integer, for |x| < 2^51.
_ROUNDER = 1.5 * 2.0**52
#: 2 pi as a sum; multiples of the first part by integers up to 2^20 are exact.
_TURN = 6.28318530716 - 6.28318530716 % 2.0**-30
_TURN_REST = 2.4492935982947064e-16 + (2 * pi - _TURN)
#: Halvings of the angle before the series, and terms of these.
_HALVINGS, _TERMS = 3, 8


def unit_phase(graph, angle):
    r"""Return :math:`e^{-i \theta}` of a real node, by sums and products alone.

    Loops over them are vectorised, as calls of sin and cos are not. The angle is reduced to
    (-pi, pi), halved three times, and the series of sine and cosine are summed and doubled; the
    modulus is then corrected to rounding. Right to 1e-15 for angles up to 1e6.
    """

    def add(a, b):
        return graph.add(a, b)

    def times(a, b):
        return graph.multiply(a, b)

    turns = add(add(times(angle, 1 / (2 * pi)), _ROUNDER), -_ROUNDER)
    reduced = add(add(angle, times(turns, -_TURN)), times(turns, -_TURN_REST))
    part = times(reduced, 0.5**_HALVINGS)
    square = times(part, part)
    # cos - 1, and sin / part: doubling them causes no cancellation.
    cosine, sine = ((-1) ** _TERMS / factorial(2 * _TERMS + odd) for odd in (0, 1))
    for k in range(_TERMS - 1, -1, -1):
        sine = add(times(square, sine), (-1) ** k / factorial(2 * k + 1))
        if k:
            cosine = add(times(square, cosine), (-1) ** k / factorial(2 * k))
    below, sine = times(square, cosine), times(part, sine)
    for _ in range(_HALVINGS):
        # cos 2x - 1 = -2 sin^2 x, sin 2x = 2 sin x cos x.
        below, sine = (
            times(-2, times(sine, sine)),
            times(2, times(sine, add(below, 1))),
        )
    cosine = add(below, 1)
    modulus = add(times(cosine, cosine), times(sine, sine))
    correction = add(1.5, times(-0.5, modulus))
    return add(times(cosine, correction), times(-1j, times(sine, correction)))


class PhaseRotation(RightSide):
    r"""The map :math:`\psi_j \to e^{-i V_j \tau} \psi_j` for the rates :math:`-i V_j \psi_j`.

    V is the factor of psi in the graph, so that nothing is divided by a psi that may vanish.
    Evaluated like any right side; set the time tau by `set_duration` before.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    rates : RightSide
        Of the same problem, with linear terms kept apart; profiles are shared with it, so that
        both use the same bytes.
    projections : sequence of (field, operand)
        Assignments after a step.

    Raises
    ------
    Unsupported
        If a rate is not written as a multiple of its variable.
    """

    def __init__(self, solver, rates, projections=()):
        super().__init__(solver, projections, linear_apart=True)
        self._rates = rates
        self._share_profiles()

    def _share_profiles(self):
        self.profile_values = self._rates.profile_values
        self.profiles_version = self._rates.profiles_version

    def refresh(self):
        """Read constants and profiles again; return whether a frozen constant has changed."""
        if self._rates.refresh():
            return True
        self._constants.read()
        self._share_profiles()
        return False

    def _outputs(self, rates):
        lowering, graph = self.lowering, self.lowering.graph
        self._duration = self.solver.dist.Field(name="duration")
        lowering.constants.append(self._duration)
        duration = graph.node("constant", len(lowering.constants) - 1, 0, round_=CONSTANT)
        rotated = []
        for i, rate in enumerate(rates):
            base = Spectrum({("state", i): graph.identity()})
            factor = self._factor(rate, i, graph.to_grid(base))
            if factor is None:
                raise Unsupported("a right side that is not written as a multiple of its variable")
            potential = graph.function("real", graph.multiply(1j, factor))
            angle = graph.function("real", graph.multiply(duration, potential))
            rotated.append(graph.multiply(graph.to_grid(base), unit_phase(graph, angle)))
        return rotated

    def set_duration(self, duration):
        """Set the time of the following evaluations."""
        self._constants.values[-1] = duration

    def _factor(self, value, i, psi):
        """Return value / psi of a scalar of the graph, for the component i; None if unknown."""
        graph = self.lowering.graph
        if value is psi:
            return 1
        if isinstance(value, Spectrum):
            found = 0
            for base, symbol in value.terms.items():
                if set(symbol) != set(graph.identity()):
                    return None
                (number,) = symbol.values()
                if base[0] == "state":
                    factor = 1 if base[1] == i else None
                else:
                    factor = self._factor(base[1], i, psi)
                if factor is None:
                    return None
                found = graph.add(found, graph.multiply(number, factor))
            return found
        if not isinstance(value, Node):
            return 0 if value == 0 else None
        if value.kind == "inverse":
            return self._factor(value.arguments[0], i, psi)
        if value.kind == "add":
            factors = [self._factor(argument, i, psi) for argument in value.arguments]
            return None if None in factors else graph.add(*factors)
        if value.kind == "pow" and value.arguments[1] in (2, 3, 4):
            base, exponent = value.arguments
            factor = self._factor(base, i, psi)
            return (
                None if factor is None else graph.multiply(factor, graph.power(base, exponent - 1))
            )
        if value.kind == "mul":
            first, second = value.arguments
            for one, other in ((first, second), (second, first)):
                factor = self._factor(one, i, psi)
                if factor is not None and isinstance(one, Node):
                    return graph.multiply(factor, other)
        return None
