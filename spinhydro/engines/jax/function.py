"""Outputs of a graph as a JAX function of the state, the time and the leaves."""

from math import prod

import numpy as np

from spinhydro.engines.fused.read.graph import Node, Spectrum
from spinhydro.engines.jax.batches import TransformBatches, symbol_key
from spinhydro.engines.jax.functions import find_function, power, scaled
from spinhydro.engines.jax.leaves import LeafNumber, constant_rows, kernel_name, profile_rows
from spinhydro.engines.jax.require import require_jax
from spinhydro.engines.jax.rows import Rows, like, split
from spinhydro.errors import Unsupported
from spinhydro.language.drives import TimeTable

#: Name of the results of transforms, for the rules of ``jax.checkpoint``.
TRANSFORMED = "transformed"


class StateFunction:
    """A pure function ``f(state, time, leaves)``, for ``jax.jit``, ``vmap``, ``grad``.

    Parameters
    ----------
    space : Space
    lowering : Lowering
    outputs : list
        Scalars of the graph.
    on_grid : bool
        Whether state and outputs are values on the grid, (outputs, *grid shape), instead of
        spectra, (outputs, *spectral shape).
    initial_time : float
        Is added to the time.

    A state is an array or `Rows`, and the outputs take the same form. The leaves are a dictionary:
    "numbers" (values of the `LeafNumber`), "kernels", "wavenumbers",
    "even wavenumbers" and "mask" as in `structure_leaves`, "profiles" (rows, *grid shape),
    "constants" (flat; the places of the time and of tables are filled by the function), "tables" as
    in `table_leaves`.
    """

    def __init__(self, space, lowering, outputs, on_grid, initial_time=0.0):
        self.jax = require_jax("this")
        self.space, self.lowering, self.on_grid = space, lowering, on_grid
        self.initial_time = initial_time
        graph = lowering.graph
        self.outputs = [graph.to_grid(v) if on_grid else graph.to_spectrum(v) for v in outputs]
        self._dimensions = graph.dimensions
        self._last_axes = tuple(axis - len(space.shape) for axis in space.axes)
        self.batches = TransformBatches(self.outputs, self.is_state, graph.dimensions)
        self._sizes = [space.shape[axis] for axis in space.axes]
        self._points = prod(self._sizes)
        # Axes of members have no wavenumber.
        self._axis_of_wavenumber = [
            axis for axis, k in enumerate(space.wavenumbers) if k is not None
        ]
        self._profile_rows, self._constant_rows = profile_rows(lowering), constant_rows(lowering)
        # Places of the constants that vary with the time.
        self._varying = [
            (row, constant)
            for row, constant in zip(self._constant_rows, lowering.constants, strict=True)
            if lowering.varies(constant)
        ]

    def profile_row(self, field):
        """The first row of a field among the profiles."""
        return self._profile_rows[self.lowering.profiles.index(field)]

    def forward(self, values, leaves):
        """Spectra of values on the grid, truncated to the modes of the bases.

        Axes may come before those of the grid.
        """
        return self._finished(self._transform(values), leaves)

    def backward(self, spectrum):
        """Values on the grid of spectra; axes may come before those of the modes."""
        return _named(self._inverse_transform(spectrum * float(self._points)))

    def forward_rows(self, rows, leaves):
        """Return the spectra of several arrays (*grid shape), as `forward` gives them."""
        return [self._finished(row, leaves) for row in self._each(self._transform, rows)]

    def backward_rows(self, rows):
        """Return the values of several spectra, as `backward` gives them."""
        rows = [row * float(self._points) for row in rows]
        return [_named(row) for row in self._each(self._inverse_transform, rows)]

    def _transform(self, values):
        fft = self.jax.numpy.fft
        transform = fft.rfftn if self.space.is_real else fft.fftn
        return transform(values, axes=self._last_axes)

    def _inverse_transform(self, spectrum):
        fft = self.jax.numpy.fft
        transform = fft.irfftn if self.space.is_real else fft.ifftn
        return transform(spectrum, s=self._sizes, axes=self._last_axes)

    def _finished(self, spectrum, leaves):
        spectrum = _named(spectrum * (1 / self._points))
        return spectrum if leaves["mask"] is None else spectrum * leaves["mask"]

    def _each(self, transform, rows):
        """The transform of every row, in one call if there are several along one axis.

        Factors are left to the caller: on single rows they are vectorised, on a stack not.
        """
        if len(rows) == 1 or len(self.space.axes) > 1:
            return [transform(row) for row in rows]
        return self.rows(transform(self.jax.numpy.stack(rows)))

    def rows(self, values):
        """The rows of an array, in a form whose reverse sweep joins them without sums."""
        if values is None or not len(values):
            return []
        return [*(values if isinstance(values, Rows) else split(values)).rows]

    def symbols(self, leaves):
        """Every symbol of the spectra as an array, by its `symbol_key`."""
        evaluation = _Evaluation(self, None, 0.0, leaves)
        return {key: evaluation.symbol(each) for key, each in self.batches.symbols.items()}

    def is_state(self, node):
        """Return whether an inverse transform is a component of a state on the grid."""
        if not self.on_grid or len(node.arguments[0].terms) != 1:
            return False
        ((base, symbol),) = node.arguments[0].terms.items()
        return base[0] == "state" and symbol == self.lowering.graph.identity()

    def __call__(self, state, time, leaves):
        return _Evaluation(self, state, time, leaves).outputs()

    def on_grid_before_truncation(self, state, time, leaves):
        """The state and the outputs on the grid, outputs with all modes of the grid."""
        evaluation = _Evaluation(self, state, time, leaves)
        graph, np_ = self.lowering.graph, self.jax.numpy
        states = [graph.to_grid(Spectrum({("state", i): graph.identity()}))
                  for i in range(len(self.outputs))]  # fmt: skip
        shape, dtype = self.space.shape, state.dtype
        return tuple(
            np_.stack([np_.broadcast_to(np_.asarray(v), shape).astype(dtype) for v in values])
            for values in (map(evaluation.value, states),
                           map(evaluation.untruncated, self.outputs))
        )  # fmt: skip

    def rate(self, leaves):
        """Return the function with these leaves, for a ``Scheme``."""
        return BoundRate(self, leaves)


def prepare(functions, leaves):
    """Return leaves with all that a loop of steps would compute again and again.

    Symbols become arrays, numbers and profiles lists. A reverse sweep through the loop then adds
    up the derivative with respect to each of them alone, and that of the symbols once.
    """
    np_, first = functions[0].jax.numpy, functions[0]
    profiles = leaves["profiles"]
    if not isinstance(profiles, list):
        profiles = first.rows(np_.asarray(profiles))
    symbols = {key: s for function in functions for key, s in function.symbols(leaves).items()}
    return {
        **leaves,
        "symbols": symbols,
        "numbers": list(leaves["numbers"]),
        "profiles": profiles,
    }


class BoundRate:
    """A rate ``f(state, time)``.

    Parameters
    ----------
    function : StateFunction
    leaves : dict
    """

    def __init__(self, function, leaves):
        self._function, self._leaves = function, leaves

    def __call__(self, state, time):
        return self._function(state, time, self._leaves)

    def rotate_phases(self, state, time, duration):
        r"""Return :math:`e^{-i V \tau} \psi` for the rates :math:`-i V \psi`.

        See ``spinhydro.steppers.phase_rotation.rotate_phases``.
        """
        function, np_ = self._function, self._function.jax.numpy
        values, rates = function.on_grid_before_truncation(state, time, self._leaves)
        density = np_.real(values) ** 2 + np_.imag(values) ** 2
        potential = -np_.imag(rates * np_.conj(values)) / np_.where(density > 0, density, 1)
        turned = values * np_.exp(-1j * duration * potential)
        return like(state, turned if function.on_grid else function.forward(turned, self._leaves))


class _Evaluation:
    """One evaluation: every value of the graph is computed once."""

    def __init__(self, function, state, time, leaves):
        self.function, self.leaves, self.np = function, leaves, function.jax.numpy
        self.state, self.dtype = function.rows(state), getattr(state, "dtype", None)
        self.in_rows = isinstance(state, Rows)
        self.known, self._real_numbers = {}, None
        self.constants = self.np.asarray(leaves["constants"])
        tables = iter(leaves["tables"])
        for row, constant in function._varying:
            value = time + function.initial_time
            if isinstance(constant, TimeTable):
                value = self.np.interp(value.real, *next(tables))
            self.constants = self.constants.at[row].set(value)

    def outputs(self):
        function, np_ = self.function, self.np
        shape = function.space.shape if function.on_grid else function.space.spectral_shape
        find = self.value if function.on_grid else self.spectrum
        dtype = self.dtype
        found = [np_.broadcast_to(np_.asarray(find(v)), shape) for v in function.outputs]
        found = [v.astype(dtype) for v in found]
        return Rows(found) if self.in_rows else np_.stack(found)

    def number(self, value):
        """A number of the graph: of Python's, or a leaf."""
        if not isinstance(value, LeafNumber):
            return value
        if not self.function.space.is_real:
            return value.value(self.leaves["numbers"])
        if self._real_numbers is None:
            # Constants stay numbers: `scaled` takes no derivative with respect to them.
            self._real_numbers = [number.real for number in self.leaves["numbers"]]
        return value.value(self._real_numbers)

    def base(self, base):
        """The spectrum of a base; those of its batch are transformed with it."""
        if base[0] == "state" and not self.function.on_grid:
            return self.state[base[1]]
        if base not in self.known:
            batch = self.function.batches.of_base.get(base, [base])
            values = [self._values_of_base(each) for each in batch]
            transformed = self.function.forward_rows(values, self.leaves)
            self.known.update(zip(batch, transformed, strict=True))
        return self.known[base]

    def _values_of_base(self, base):
        kind, what = base
        if kind == "state":
            return self.state[what]
        values = self.np.asarray(self.value(what))
        return self.np.broadcast_to(values, self.function.space.shape)

    def spectrum(self, spectrum):
        total = 0.0
        for base, symbol in spectrum.terms.items():
            total = total + self.symbol(symbol) * self.base(base)
        return total

    def untruncated(self, value):
        """The value on the grid of an output that is a sum of products on the grid."""
        if not isinstance(value, Spectrum):
            return self.value(value)
        graph, total = self.function.lowering.graph, 0.0
        for base, symbol in value.terms.items():
            if set(symbol) != set(graph.identity()):
                raise Unsupported("derivatives on the right side under a splitting scheme")
            (number,) = symbol.values()
            if base[0] == "state":
                part = self.value(graph.to_grid(Spectrum({base: graph.identity()})))
            else:
                part = self.value(base[1])
            total = total + self.leaf_or_number(number) * part
        return total

    def symbol(self, symbol):
        """A polynomial in i k and kernels, without an imaginary part where there is none."""
        function, total, turned = self.function, 0.0, 0.0
        dimensions = function._dimensions
        if "symbols" in self.leaves:
            return self.leaves["symbols"][symbol_key(symbol, dimensions)]
        for powers, coefficient in symbol.items():
            factor = self.leaf_or_number(coefficient)
            orders = [powers[axis] for axis in function._axis_of_wavenumber]
            for i, order in enumerate(orders):
                if order:
                    k = self.leaves["wavenumbers" if order % 2 else "even wavenumbers"][i]
                    factor = factor * k**order
            for entry in powers[dimensions:]:
                factor = factor * self.leaves["kernels"][kernel_name(entry)]
            turns = sum(orders) % 4
            factor = -factor if turns >= 2 else factor
            if turns % 2:
                turned = turned + factor
            else:
                total = total + factor
        return total if _is_zero(turned) else total + 1j * turned

    def leaf_or_number(self, coefficient):
        if not isinstance(coefficient, LeafNumber):
            is_real = isinstance(coefficient, complex) and coefficient.imag == 0
            return coefficient.real if is_real else coefficient
        # Coefficients of spectra may be complex in real problems too.
        return coefficient.value(self.leaves["numbers"])

    def value(self, value):
        if not isinstance(value, Node):
            return self.number(value)
        # Deep graphs would exceed Python's recursion limit.
        stack = [value]
        while stack:
            node = stack[-1]
            waiting = [a for a in node.arguments if isinstance(a, Node) and a not in self.known]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if node not in self.known:
                self.known[node] = self._compute(node)
        return self.known[value]

    def _argument(self, value):
        return self.known[value] if isinstance(value, Node) else self.number(value)

    def _compute(self, node):
        function, kind, arguments = self.function, node.kind, node.arguments
        if kind == "inverse":
            return self._inverse(node)
        if kind == "profile":
            field, component = arguments
            return self.leaves["profiles"][function._profile_rows[field] + component]
        if kind == "constant":
            field, component = arguments
            return self.constants[function._constant_rows[field] + component]
        if kind == "shifted":
            back = tuple(-step for step in arguments[1])
            return self.np.roll(self.known[arguments[0]], back, tuple(range(len(back))))
        if kind == "number":
            return self.np.asarray(self.number(arguments[0]))
        if kind == "pow":
            return power(arguments[1])(self._argument(arguments[0]))
        values = [self._argument(a) for a in arguments]
        if kind == "add":
            return values[0] + values[1]
        if kind == "mul":
            is_leaf = [isinstance(a, LeafNumber) for a in arguments]
            if any(is_leaf) and not all(is_leaf):
                return scaled(*(values if is_leaf[0] else values[::-1]))
            return values[0] * values[1]
        return find_function(kind)(values[0])

    def _inverse(self, node):
        """The values of an inverse transform; those of its batch are computed with it."""
        function = self.function
        if function.is_state(node):
            ((_, number),) = node.arguments[0].terms
            return self.state[number]
        batch = [n for n in function.batches.of_node.get(node, [node]) if n not in self.known]
        spectra = [self.np.asarray(self.spectrum(n.arguments[0])) for n in batch]
        spectra = [self.np.broadcast_to(s, function.space.spectral_shape) for s in spectra]
        self.known.update(zip(batch, function.backward_rows(spectra), strict=True))
        return self.known[node]


def _named(values):
    """Mark the result of a transform: a reverse sweep keeps it, and computes the rest again."""
    from jax import lax
    from jax import numpy as jnp
    from jax.ad_checkpoint import checkpoint_name

    if not jnp.iscomplexobj(values):
        return checkpoint_name(values, TRANSFORMED)
    # JAX refuses to keep named complex values.
    parts = (checkpoint_name(part(values), TRANSFORMED) for part in (jnp.real, jnp.imag))
    return lax.complex(*parts)


def _is_zero(value):
    return isinstance(value, float) and value == 0


def cast(leaves, precision):
    """Leaves with numbers of the given precision, "double" or "single"."""
    if precision == "double":
        return leaves
    narrow = {"float64": np.float32, "complex128": np.complex64}

    def convert(values):
        if isinstance(values, dict):
            return {name: convert(part) for name, part in values.items()}
        if isinstance(values, (list, tuple)):
            return [convert(part) for part in values]
        if values is None:
            return None
        return np.asarray(values).astype(narrow.get(str(values.dtype), values.dtype))

    return convert(leaves)
