"""Lower Dedalus's expression trees to the graph. Only this file depends on Dedalus's operators."""

from itertools import product as all_indices

import numpy as np
from dedalus.core import arithmetic, operators
from dedalus.core.field import Field

from spinhydro.dedalus_support.components import count
from spinhydro.dedalus_support.ensemble.basis import MemberScale, field_of
from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.nyquist import SecondDerivative, differentiates_nyquist
from spinhydro.engines.fused.read.averages import Average, NyquistFilter
from spinhydro.engines.fused.read.graph import (
    CONSTANT,
    PROFILE,
    Graph,
    KernelEntry,
    Node,
    Spectrum,
    Unsupported,
)
from spinhydro.kernels.operator import KernelOperator
from spinhydro.kernels.stencil_operator import StencilOperator
from spinhydro.language.drives import TimeTable
from spinhydro.language.functions import find
from spinhydro.language.operators import SpinCross


class Lowering:
    """Turn expressions of one problem into arrays of scalars of one graph.

    Parameters
    ----------
    variables : list of fields
        The state; its components are numbered through.
    dist : d3.Distributor
    time : field
        The time of the problem.
    lossless : bool
        Whether going to coefficients and back changes nothing.
    neighbours : bool
        Whether stencils are sums over neighbours on the grid; otherwise kernels in k-space.
    beside : Lowering, optional
        Another one on the same grid, with which kernels are numbered through.

    Attributes
    ----------
    profiles : list of fields
        Fields with bases that are not part of the state: read again when they change.
    constants : list of fields
        Fields without bases, time among them, and tables in time: read at every evaluation.
    kernels : list
        The kernels of the equations, by the number of their `KernelEntry`.
    """

    def __init__(self, variables, dist, time, lossless, neighbours=True, beside=None):
        self.graph = Graph(dist.dim, keeps_state_on_grid=lossless and neighbours)
        self.time, self.lossless, self.neighbours = time, lossless, neighbours
        self.dist = dist
        self.profiles, self.constants = [], []
        self.frozen, self._freezes = {}, False
        self._known = {}
        self.kernels, self._members = (beside.kernels, beside._members) if beside else ([], {})
        first = 0
        self.first_component = {}
        for variable in variables:
            self.first_component[variable] = first
            first += count(variable)
        self.components = first

    def varies(self, constant):
        """Return whether a constant changes with the time: the time itself, or a table in it."""
        return constant is self.time or isinstance(constant, TimeTable)

    @property
    def uses_time(self):
        """True if any constant changes with the time."""
        return any(map(self.varies, self.constants))

    def __call__(self, expression):
        """Array of scalars, of the shape of the tensor components."""
        if not hasattr(expression, "tensorsig"):
            return np.array(expression, dtype=object)
        key = (id(expression), self._freezes)
        if key not in self._known:
            # The expression is kept with its value, so that its id is not reused.
            self._known[key] = (self._lower(expression), expression)
        return self._known[key][0]

    def with_numbers(self, expression):
        """Lower an expression with constant fields replaced by their present values.

        These are listed in `frozen`, so that a later change is noticed.
        """
        self._freezes = True
        try:
            return self(expression)
        finally:
            self._freezes = False

    def _lower(self, expression):
        if isinstance(expression, Field):
            return self._field(expression)
        for kind in type(expression).__mro__:
            method = _RULES.get(kind)
            if method:
                return method(self, expression)
        raise Unsupported(f"the operator {type(expression).__name__}")

    def _field(self, field):
        result = np.empty(_shape(field), dtype=object)
        graph = self.graph
        if field in self.first_component:
            first = self.first_component[field]
            for i, index in enumerate(np.ndindex(result.shape)):
                result[index] = Spectrum({("state", first + i): graph.identity()})
            return result
        has_bases = any(basis is not None for basis in field.domain.full_bases)
        fields = self.profiles if has_bases else self.constants
        if field not in fields:
            fields.append(field)
        for i, index in enumerate(np.ndindex(result.shape)):
            result[index] = self._frozen(field, i) if not has_bases else None
            if result[index] is None:
                kind = "profile" if has_bases else "constant"
                round_ = PROFILE if has_bases else CONSTANT
                result[index] = graph.node(kind, fields.index(field), i, round_=round_)
        return result

    def _frozen(self, field, i):
        """Freeze 0, 1 or -1 of a constant field, so that unit vectors cost nothing.

        Any value, where all constants are to be numbers.
        """
        if field is self.time:
            return None
        value = constant_values(field)[i]
        if self._freezes or value in (0, 1, -1):
            self.frozen[field, i] = value
            return complex(value) if value.imag else float(value.real)
        return None

    def _operands(self, expression):
        """Both operands of a product or sum as in Dedalus's evaluator, and their latest round.

        While Dedalus transforms one operand, it truncates everything that it has computed before
        to the modes of the bases.
        """
        operands = [self(argument) for argument in expression.original_args]
        rounds = [max((_round(v) for v in o.ravel()), default=CONSTANT) for o in operands]
        if not self.lossless:
            operands = [
                _elementwise(self.graph.truncated, operand) if round_ < max(rounds) else operand
                for operand, round_ in zip(operands, rounds, strict=True)
            ]
        return *operands, max(rounds)

    def _product(self, values, round_):
        """Products, which Dedalus computes on the grid."""
        if self.lossless:
            return values
        return _elementwise(lambda v: self.graph.product(v, round_), values)

    def _add(self, expression):
        a, b, _ = self._operands(expression)
        return _elementwise(self.graph.add, a, b)

    def _multiply_number(self, expression):
        number, operand = expression.original_args
        number = complex(number)
        number = number if number.imag else number.real
        return _elementwise(lambda v: self.graph.multiply(number, v), self(operand))

    def _multiply_fields(self, expression):
        a, b, round_ = self._operands(expression)
        result = np.empty(a.shape + b.shape, dtype=object)
        for i, j in all_indices(np.ndindex(a.shape), np.ndindex(b.shape)):
            result[i + j] = self.graph.multiply(a[i], b[j])
        return self._product(result, round_)

    def _dot(self, expression):
        a, b, round_ = self._operands(expression)
        i, j = expression.indices
        a, b = np.moveaxis(a, i, -1), np.moveaxis(b, j, 0)
        result = np.empty(a.shape[:-1] + b.shape[1:], dtype=object)
        for left, right in all_indices(np.ndindex(a.shape[:-1]), np.ndindex(b.shape[1:])):
            total = 0
            for k in range(b.shape[0]):
                total = self.graph.add(total, self.graph.multiply(a[left + (k,)], b[(k,) + right]))
            result[left + right] = total
        return self._product(result, round_)

    def _cross(self, expression):
        """Cross product over the last index of the first operand."""
        a, b, round_ = self._operands(expression)
        graph = self.graph
        sign = 1 if expression.tensorsig[-1].right_handed else -1
        result = np.empty(a.shape, dtype=object)
        for outer, i in all_indices(np.ndindex(a.shape[:-1]), range(3)):
            j, k = (i + 1) % 3, (i + 2) % 3
            plus = graph.multiply(graph.to_grid(a[outer + (j,)]), graph.to_grid(b[k]))
            minus = graph.multiply(graph.to_grid(a[outer + (k,)]), graph.to_grid(b[j]))
            value = graph.add(plus, graph.multiply(-1, minus))
            result[outer + (i,)] = graph.multiply(sign, value)
        return self._product(result, round_)

    def _power(self, expression):
        base, exponent = expression.original_args
        if isinstance(exponent, complex):
            raise Unsupported("complex exponents")
        return _elementwise(lambda v: self.graph.power(v, float(exponent)), self(base))

    def _function(self, expression):
        function = find(expression.func)
        if function is None:
            raise Unsupported(f"the function {expression.name}")
        (operand,) = expression.original_args
        return _elementwise(lambda v: self.graph.function(function.name, v), self(operand))

    def _differentiate(self, expression):
        operand = self(expression.original_args[0])
        axis = self.dist.get_axis(expression.coord)
        order = 2 if isinstance(expression, SecondDerivative) else 1
        nyquist_filter = None
        if differentiates_nyquist(expression.input_basis):
            nyquist_filter = self._entry(NyquistFilter(self._space_axis(expression.coord)))
        return _elementwise(
            lambda v: self.graph.differentiate(v, axis, order, nyquist_filter), operand
        )

    def _gradient(self, expression):
        parts = [self(part) for part in expression.original_args]
        # Dedalus represents a derivative that is zero by the plain number 0.
        shape = np.broadcast_shapes(*(part.shape for part in parts))
        return np.stack([np.broadcast_to(part, shape) for part in parts])

    def _component(self, expression):
        if expression.index != 0:
            raise Unsupported("components of an index that is not the first")
        return self(expression.original_args[0])[expression.coord_subaxis, ...]

    def _transpose(self, expression):
        return np.swapaxes(self(expression.original_args[0]), *expression.indices)

    def _trace(self, expression):
        operand, graph = self(expression.original_args[0]), self.graph
        total = np.zeros(operand.shape[2:], dtype=object)
        for i in range(len(operand)):
            on_grid = _elementwise(graph.to_grid, operand[i, i, ...])
            total = _elementwise(graph.add, total, on_grid)
        return total

    def _average(self, expression):
        return self._mean(expression, 1.0)

    def _integral(self, expression):
        left, right = expression.input_basis.bounds
        return self._mean(expression, right - left)

    def _mean(self, expression, factor):
        """A mean over an axis, as a value at every grid point that is constant along the axis."""
        return self._through(Average(self._space_axis(expression.coord), factor), expression)

    def _space_axis(self, coord):
        """The number of an axis among those of space, without members."""
        return self.dist.get_axis(coord) - getattr(self.dist, "member_axis", -1) - 1

    def _kernel(self, expression):
        return self._through(expression.kernel, expression)

    def _stencil(self, expression):
        """A sum over neighbours; those of equal weight are added first."""
        if not self.neighbours or not self.lossless:
            return self._kernel(expression)
        graph, operand = self.graph, self(expression.original_args[0])
        first = getattr(self.dist, "member_axis", -1) + 1
        result, groups = np.zeros(operand.shape, dtype=object), {}
        for d, weight in expression.kernel.weights.items():
            key = weight.values.tobytes() if isinstance(weight, PerMember) else None
            if key is None:
                key = np.asarray(weight, dtype=float).tobytes()
            groups.setdefault(key, (weight, []))[1].append((0,) * first + d)
        for weight, offsets in groups.values():
            total = 0
            for d in offsets:
                shifted = _elementwise(lambda v, d=d: graph.shift(v, d), operand)
                total = _elementwise(graph.add, total, shifted) if d is not offsets[0] else shifted
            if isinstance(weight, PerMember):
                weight = self(field_of(weight, self.dist))[()]
            if np.ndim(weight):
                total = self._contracted(weight, total)
            else:
                weight = weight if isinstance(weight, Node) else float(weight)
                total = _elementwise(lambda v, w=weight: graph.multiply(w, v), total)
            result = _elementwise(graph.add, result, total)
        return result

    def _contracted(self, matrix, vector):
        """matrix @ vector over the first index."""
        graph, result = self.graph, np.zeros(vector.shape, dtype=object)
        for i, j in zip(*np.nonzero(matrix), strict=True):
            for rest in np.ndindex(vector.shape[1:]):
                value = graph.multiply(float(matrix[i, j]), vector[(j, *rest)])
                result[(i, *rest)] = graph.add(result[(i, *rest)], value)
        return result

    def _through(self, kernel, expression):
        operand = self(expression.original_args[0])
        if not kernel.components:
            entry = self._entry(kernel)
            return _elementwise(lambda v: self.graph.apply(v, entry), operand)
        result = np.zeros(operand.shape, dtype=object)
        for row, column in np.argwhere(expression.nonzero):
            entry = self._entry(kernel, int(row), int(column))
            for rest in np.ndindex(operand.shape[1:]):
                value = self.graph.apply(operand[(column, *rest)], entry)
                result[(row, *rest)] = self.graph.add(result[(row, *rest)], value)
        return result

    def _entry(self, kernel, row=0, column=0):
        if kernel not in self.kernels:
            self.kernels.append(kernel)
        return KernelEntry(self.kernels.index(kernel), kernel, row, column)

    def _member_scale(self, expression):
        factor, operand = expression.factor, self(expression.original_args[0])
        key = factor.values.tobytes()
        if key not in self._members:
            # Kernels are numbered from 0 up.
            entry = KernelEntry(-1 - len(self._members), factor)
            self._members[key] = entry, field_of(factor, self.dist)
        entry, profile = self._members[key]

        def scaled(value):
            if not isinstance(value, Spectrum):
                return self.graph.multiply(value, self(profile)[()])
            if self.graph.keeps_state_on_grid:
                self.graph.member_values[entry] = self(profile)[()]
            return value.through(entry, self.graph.dimensions)

        return _elementwise(scaled, operand)

    def _time_table(self, table):
        if table.original_args[0] is not self.time:
            raise Unsupported("a table of another constant field than the time")
        if table not in self.constants:
            self.constants.append(table)
        result = np.empty((), dtype=object)
        index = self.constants.index(table)
        result[()] = self.graph.node("constant", index, 0, round_=CONSTANT)
        return result

    def _pass(self, expression):
        return self(expression.original_args[0])


_RULES = {
    arithmetic.AddFields: Lowering._add,
    arithmetic.MultiplyNumberField: Lowering._multiply_number,
    arithmetic.MultiplyFields: Lowering._multiply_fields,
    arithmetic.DotProduct: Lowering._dot,
    arithmetic.CrossProduct: Lowering._cross,
    SpinCross: Lowering._cross,
    operators.PowerFieldConstant: Lowering._power,
    operators.UnaryGridFunction: Lowering._function,
    TimeTable: Lowering._time_table,
    operators.Differentiate: Lowering._differentiate,
    operators.CartesianGradient: Lowering._gradient,
    operators.CartesianComponent: Lowering._component,
    operators.TransposeComponents: Lowering._transpose,
    operators.CartesianTrace: Lowering._trace,
    operators.CartesianLaplacian: Lowering._pass,
    operators.CartesianDivergence: Lowering._pass,
    operators.Convert: Lowering._pass,
    operators.Copy: Lowering._pass,
    operators.Average: Lowering._average,
    operators.Integrate: Lowering._integral,
    KernelOperator: Lowering._kernel,
    StencilOperator: Lowering._stencil,
    MemberScale: Lowering._member_scale,
}


def constant_values(field):
    """Flat values of a field without bases, on every rank; Dedalus keeps them on one."""
    if isinstance(field, TimeTable):
        field = field.evaluate()
    field.change_scales(1)
    return field.allgather_data("g").ravel()


def offsets(fields):
    """Index of the first component of each field in the concatenation of all."""
    return [sum(count(field) for field in fields[:i]) for i in range(len(fields))]


def _round(value):
    return value.round if isinstance(value, (Node, Spectrum)) else CONSTANT


def _shape(field):
    return tuple(system.dim for system in field.tensorsig)


def _elementwise(function, *arrays):
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    result = np.empty(shape, dtype=object)
    arrays = [np.broadcast_to(array, shape) for array in arrays]
    for index in np.ndindex(shape):
        result[index] = function(*(array[index] for array in arrays))
    return result
