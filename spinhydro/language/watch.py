"""Limits on a run: ``"abs(sqrt(s@s) - 1) <= 1e-6"`` or ``"n >= 0.01"``.

With ``<=`` the largest absolute value of the left side over all points is compared with the number
on the right, with ``>=`` the smallest value. The worst of the members counts. ``drift(E)`` is the
relative change of the sum of E over the grid since the start, |E(t)/E(0) - 1|.
``"ave(n) = 0.58 +- 0.01"`` limits the distance from a number.
"""

import math

import numpy as np
from dedalus.core.field import Operand
from mpi4py import MPI

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import EquationError
from spinhydro.language.expressions import ExpressionBuilder


class Limit:
    """One limit, ready to be measured.

    Parameters
    ----------
    text : str
        ``"EXPRESSION <= NUMBER"``, ``"EXPRESSION >= NUMBER"``,
        ``"drift(EXPRESSION) <= NUMBER"`` or ``"EXPRESSION = NUMBER +- TOLERANCE"``.
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
        self.is_lower = isinstance(text, str) and ">=" in text
        evaluate = ExpressionBuilder(namespace)
        expression, value, self.limit = self._split(text, evaluate)
        offset = 0
        stripped = expression.strip()
        self.is_drift = stripped.startswith("drift(") and stripped.endswith(")")
        if self.is_drift:
            offset = text.index("drift(") + len("drift(")
            expression = text[offset : text.rindex(")", 0, text.rindex(stripped) + len(stripped))]
        self.operand = evaluate(expression, text, offset)
        if value:
            self.operand = self.operand - value
        dtype = getattr(self.operand, "dtype", float)
        if self.is_lower and (self.is_drift or np.issubdtype(dtype, np.complexfloating)):
            raise EquationError(
                text, 0, text.index(">="), "a smallest value is that of a real field: not a drift"
            )
        #: Returns the field with the values of an operand.
        self.evaluate = evaluated
        self.initial = None
        self.excluded = set()
        self.extreme = None
        self.place = ""

    @staticmethod
    def _split(text, evaluate):
        """(expression, value, tolerance) of either form."""
        text = text if isinstance(text, str) else str(text)
        at, sign = max(text.find("<="), text.find(">=")), text.find("+-")
        equals = text.find("=") if sign > 0 else -1
        if at < 0 and not 0 < equals < sign:
            raise EquationError(
                text,
                0,
                len(text),
                "a limit reads EXPRESSION <= NUMBER, EXPRESSION >= NUMBER or "
                "EXPRESSION = NUMBER +- TOLERANCE",
                'for example "abs(sqrt(s@s) - 1) <= 1e-6" or "ave(n) = 0.58 +- 0.01"',
            )

        def number(start, end):
            found = evaluate(text[start:end], text, start)
            if isinstance(found, (Operand, complex)):
                raise EquationError(text, start, end, "the limit must be a number")
            return found

        if at >= 0:
            return text[:at], 0, number(at + 2, len(text))
        return text[:equals], number(equals + 1, sign), number(sign + 2, len(text))

    def start(self):
        """Measure the value at the initial state, the reference for drifts."""
        self.initial = self.extreme = None
        return self.measure()

    def measure(self):
        """Return the present value; keep the worst in ``extreme``, its position in ``place``."""
        values = grid_values(self.operand, self.evaluate)
        if self.is_drift:
            present = self._sums(values)
            if self.initial is None:
                self.initial = present
            drifts = self._drifts(present)
            drifts = np.where(self._is_excluded(drifts.size), -1.0, drifts)
            worst = int(np.argmax(np.where(np.isfinite(drifts), drifts, np.inf)))
            value, place = (
                float(drifts[worst]),
                lambda: f"member = {worst}" if drifts.size > 1 else "",
            )
        else:
            value, place = self._worst(values)
        if self.extreme is None or not self._is_within(value, self.extreme):
            self.extreme, self.place = value, place()
        return value

    def _sums(self, values):
        """Sum over the grid, of every member if there are members."""
        axis = getattr(self.dist, "member_axis", None)
        if axis is None or self.operand.domain.full_bases[axis] is None:
            return np.array([self.dist.comm.allreduce(np.sum(values).item(), op=MPI.SUM)])
        values = np.moveaxis(values, len(self.operand.tensorsig) + axis, 0)
        mine = np.array([np.sum(value) for value in values])
        return np.concatenate(self.dist.comm.allgather(mine))

    def _worst(self, values):
        """Return the value that is compared with the limit, and a function for its position.

        Both are collective operations.
        """
        values = self._without_excluded(values if self.is_lower else -np.abs(values))
        worst = int(np.argmin(values)) if values.size else 0
        local = float(values.flat[worst]) if values.size else math.inf
        # MPI's minimum ignores NaN.
        bad = not math.isfinite(local) and values.size > 0
        ranked = -math.inf if bad else local
        lowest, rank = self.dist.comm.allreduce((ranked, self.dist.comm.rank), op=MPI.MINLOC)

        def place():
            is_here = rank == self.dist.comm.rank
            here = self._coordinates(values.shape, worst) if is_here else ""
            return self.dist.comm.bcast(here, root=rank)

        if lowest == -math.inf:
            return math.nan, place
        return (lowest if self.is_lower else abs(lowest)), place

    def _member_axis(self):
        """Return the axis of the members in local values, or None."""
        axis = getattr(self.dist, "member_axis", None)
        if axis is None or not isinstance(self.operand, Operand):
            return None
        return None if self.operand.domain.full_bases[axis] is None else (
            len(self.operand.tensorsig) + axis
        )  # fmt: skip

    def _local_members(self):
        domain = self.dist.members.domain(self.dist)
        return range(self.dist.members.size)[
            self.dist.grid_layout.slices(domain, scales=1)[self.dist.member_axis]
        ]

    def _is_excluded(self, size):
        return np.isin(np.arange(size), list(self.excluded)) if size > 1 else np.zeros(size, bool)

    def _without_excluded(self, values):
        """Return the values that are compared, without those of failed members."""
        axis = self._member_axis()
        if axis is None or not self.excluded:
            return values
        here = [i for i, member in enumerate(self._local_members()) if member in self.excluded]
        values = values.copy()
        values[(*[slice(None)] * axis, here)] = math.inf
        return values

    def values_of_members(self):
        """Return the value of every member, an array; a collective operation.

        None if the value is not one of each member.
        """
        axis = self._member_axis()
        if axis is None:
            return None
        values = grid_values(self.operand, self.evaluate)
        if self.is_drift:
            return self._drifts(self._sums(values))
        values = values if self.is_lower else -np.abs(values)
        worst = np.min(values, axis=tuple(a for a in range(values.ndim) if a != axis))
        gathered = self.dist.comm.allgather((list(self._local_members()), worst))
        found = np.full(self.dist.members.size, np.inf)
        for members, of_rank in gathered:
            found[members] = np.minimum(found[members], of_rank)
        return found if self.is_lower else np.abs(found)

    def failing_members(self):
        """Return the members for which the limit does not hold, a set; a collective operation.

        Empty if the value is not one of each member.
        """
        values = self.values_of_members()
        if values is None:
            return set()
        return {m for m, value in enumerate(values) if not self.holds(value)} - self.excluded

    def _drifts(self, present):
        """Relative change of sums since the start."""
        scale = np.where(self.initial, np.abs(self.initial), 1)
        return np.abs(present - self.initial) / scale

    def _coordinates(self, shape, index):
        """ "x = 12.5, y = -3" of a point of the local grid; "" where the field is uniform."""
        if not isinstance(self.operand, Operand) or not shape:
            return ""
        position = np.unravel_index(index, shape)[len(self.operand.tensorsig) :]
        found = []
        for axis, basis in enumerate(self.operand.domain.full_bases):
            if basis is not None:
                grid = self.dist.local_grid(basis).ravel()
                found.append(f"{self.dist.coords[axis].name} = {grid[position[axis]]:.6g}")
        return ", ".join(found)

    def _is_within(self, value, limit):
        return value >= limit if self.is_lower else value <= limit

    def holds(self, value):
        """True if `value` is finite and within the limit."""
        return bool(self._is_within(value, self.limit))

    def summary(self):
        """ "largest |s| = 1.2", or "smallest n = 0.03", for the log."""
        sign = ">=" if self.is_lower else "<=" if "<=" in self.text else "="
        name = self.text.split(sign)[0].strip()
        return f"{'smallest' if self.is_lower else 'largest'} {name} = {self.extreme:.2g}"


def grid_values(operand, evaluate=evaluated):
    """Return the local values of an operand on the grid, without dealiasing padding."""
    if not isinstance(operand, Operand):
        return np.asarray(operand)
    field = evaluate(operand)
    field.change_scales(1)
    return field["g"]
