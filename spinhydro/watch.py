"""Limits on what must stay small: ``"abs(sqrt(s@s) - 1) <= 1e-6"``.

The largest absolute value of the left side over all points is compared with the number on the
right. ``drift(E)`` stands for the relative change of the sum of E over the grid since the start,
|E(t)/E(0) - 1|. ``"ave(n) = 0.58 +- 0.01"`` limits the distance from a number.
"""

import math

import numpy as np
from dedalus.core.field import Operand
from mpi4py import MPI

from spinhydro.errors import EquationError
from spinhydro.expressions import Evaluator


class Limit:
    """One limit, ready to be measured.

    Parameters
    ----------
    text : str
        ``"EXPRESSION <= NUMBER"``, ``"drift(EXPRESSION) <= NUMBER"`` or
        ``"EXPRESSION = NUMBER +- TOLERANCE"``.
    namespace : mapping
        ``problem.namespace``.
    dist : d3.Distributor

    Raises
    ------
    EquationError
        With a caret, if the string is not of that form.
    """

    def __init__(self, text, namespace, dist):
        self.text, self.dist = text, dist
        evaluate = Evaluator(namespace)
        expression, offset, value, self.limit = self._split(text, evaluate)
        stripped = expression.strip()
        self.is_drift = stripped.startswith("drift(") and stripped.endswith(")")
        if self.is_drift:
            offset = text.index("drift(") + len("drift(")
            expression = text[offset : text.rindex(")", 0, text.rindex(stripped) + len(stripped))]
        self.operand = evaluate(expression, text, offset)
        if value:
            self.operand = self.operand - value
        self.initial = None
        self.largest = 0.0

    @staticmethod
    def _split(text, evaluate):
        """(expression, where it starts, value, tolerance) of either form."""
        text = text if isinstance(text, str) else str(text)
        at, sign = text.find("<="), text.find("+-")
        equals = text.find("=") if sign > 0 else -1
        if at < 0 and not 0 < equals < sign:
            raise EquationError(
                text,
                0,
                len(text),
                "a limit reads EXPRESSION <= NUMBER or EXPRESSION = NUMBER +- TOLERANCE",
                'for example "abs(sqrt(s@s) - 1) <= 1e-6" or "ave(n) = 0.58 +- 0.01"',
            )

        def number(start, end):
            found = evaluate(text[start:end], text, start)
            if isinstance(found, (Operand, complex)):
                raise EquationError(text, start, end, "the limit must be a number")
            return found

        if at >= 0:
            return text[:at], 0, 0, number(at + 2, len(text))
        return text[:equals], 0, number(equals + 1, sign), number(sign + 2, len(text))

    def start(self):
        """The value at the initial state, from which drifts are counted."""
        self.initial = None
        self.largest = 0.0
        return self.measure()

    def measure(self):
        """The present value; it is kept in ``largest`` if it is the largest so far."""
        values = grid_values(self.operand)
        if self.is_drift:
            local = float(np.sum(values)) if values.size else 0.0
            present = self.dist.comm.allreduce(local, op=MPI.SUM)
            if self.initial is None:
                self.initial = present
            value = abs(present - self.initial) / (abs(self.initial) or 1.0)
        else:
            local = float(np.max(np.abs(values))) if values.size else 0.0
            # MPI's maximum forgets NaN.
            bad = self.dist.comm.allreduce(int(not math.isfinite(local)), op=MPI.SUM)
            value = math.nan if bad else self.dist.comm.allreduce(local, op=MPI.MAX)
        if not value <= self.largest:
            self.largest = value
        return value

    def holds(self, value):
        """True if `value` is finite and within the limit."""
        return value <= self.limit


def grid_values(operand):
    """Local values of an operand on the grid, without dealiasing padding."""
    if not isinstance(operand, Operand):
        return np.asarray(operand)
    field = operand.evaluate() if hasattr(operand, "evaluate") else operand
    field.change_scales(1)
    return field["g"]
