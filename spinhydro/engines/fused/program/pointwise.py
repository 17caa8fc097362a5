"""Pointwise loops: all operations between two sets of transforms, fused into one function.

`make_pointwise` evaluates them by NumPy calls that reuse a few buffers, or compiled as one loop
over the grid points. Compiled steps have such loops within them (`step.slab_passes`); those made
here are used without a compiled step, and are the reference in tests.
"""

import numpy as np

from spinhydro.engines.fused.program.scalar_writer import ScalarWriter, indent
from spinhydro.engines.fused.read.graph import Node, order
from spinhydro.language.functions import FUNCTIONS

_NO_NEIGHBOURS = np.zeros((0, 0), np.int64)
#: Points that NumPy calls process at a time, so that their buffers stay in the cache.
BLOCK = 1 << 13


def make_pointwise(outputs, location, compiled=False, neighbours=None):
    """Return a function ``evaluate(arrays, constants, out)`` that fills the rows of `out`.

    Parameters
    ----------
    outputs : list of Node or number
    location : callable(Node)
        Where a leaf is: ("array", i, row) for ``arrays[i][row]``, ("constant", i), or
        ("number", value). The arrays may be lists of rows, unless `compiled`.
    compiled : bool
        Compile the loop at its first use.
    neighbours : callable(list of offsets), optional
        Returns the array (offsets, points) of the indices of the points that lie at an offset from
        each point.
    """
    operations, leaves = order(outputs)
    offsets = list(dict.fromkeys(leaf.arguments[1] for leaf in leaves if leaf.kind == "shifted"))

    def place(leaf):
        if leaf.kind != "shifted":
            return location(leaf)
        found, offset = leaf.arguments
        return ("near", *location(found)[1:], offsets.index(offset))

    if compiled:
        evaluate = _CompiledLoop(outputs, place)
    else:
        namespace = {"np": np, "FUNCTIONS": FUNCTIONS}
        source = _numpy_source(outputs, operations, leaves, place)
        exec(compile(source, "pointwise operations", "exec"), namespace)
        evaluate = namespace["evaluate"]
    near = [] if offsets else [_NO_NEIGHBOURS]

    def with_neighbours(arrays, constants, out):
        if not near:
            # Made lazily: a compiled step never needs them.
            near.append(neighbours(offsets))
        if compiled or offsets:
            evaluate(arrays, constants, out, near[0])
            return
        for first in range(0, out.shape[1], BLOCK):
            block = slice(first, first + BLOCK)
            rows = [[row[block] for row in array] for array in arrays]
            evaluate(rows, constants, out[:, block], near[0])

    return with_neighbours


class _CompiledLoop:
    """One loop over the grid points, compiled for the shapes of its arrays."""

    def __init__(self, outputs, place):
        self._outputs, self._place, self._compiled = outputs, place, {}

    def __call__(self, arrays, constants, out, near):
        constants = np.ascontiguousarray(constants, out.dtype)
        arrays = [np.ascontiguousarray(array) for array in (*arrays, near, constants)]
        key = (*((array.shape, array.dtype) for array in arrays), out.shape)
        if key not in self._compiled:
            self._compiled[key] = self._compile(arrays, out)
        target = np.ascontiguousarray(out)
        table = np.array([array.ctypes.data for array in (*arrays, target)], np.int64)
        self._compiled[key](table.ctypes.data)
        if target is not out:
            out[...] = target

    def _compile(self, arrays, out):
        from spinhydro.engines.fused.compile.cache import compile_function

        is_complex = np.iscomplexobj(out)
        constants = len(arrays) - 1

        def leaf(node):
            kind, *where = self._place(node)
            if kind == "number":
                return writer.number(where[0])
            if kind == "constant":
                return writer.load(f"x{constants}_[{where[0]}]", is_complex)
            point = f"x{constants - 1}_[{where[2]}, p]" if kind == "near" else "p"
            stored = np.iscomplexobj(arrays[where[0]])
            return writer.load(f"x{where[0]}_[{where[1]}, {point}]", stored)

        writer = ScalarWriter(leaf, is_complex)
        values = [writer.value(output) for output in self._outputs]
        for row, value in enumerate(values):
            writer.store(f"out_[{row}, p]", value, is_complex)
        every = {**{f"x{i}": array for i, array in enumerate(arrays)}, "out": out}
        lines = [f"addresses = carray(pointer(table), ({len(every)},), np.int64)"]
        lines += [
            f"{name}_ = carray(pointer(addresses[{i}]), {array.shape}, np.{array.dtype})"
            for i, (name, array) in enumerate(every.items())
        ]
        lines += [f"for p in range({out.shape[1]}):", *indent(writer.lines)]
        source = "\n".join(["def pointwise(table):", *indent(lines), ""])
        return compile_function("pointwise", "i", source)


def _numpy_source(outputs, operations, leaves, location):
    names, uses = {}, {}
    for leaf in leaves:
        place = location(leaf)
        names[leaf] = {
            "array": f"arrays[{place[1]}][{place[-1]}]",
            "near": f"arrays[{place[1]}][{place[-2]}][near[{place[-1]}]]",
            "constant": f"constants[{place[1]}]",
            "number": repr(place[1]),
        }[place[0]]
    for node in operations:
        for argument in node.arguments:
            uses[argument] = uses.get(argument, 0) + 1
    for output in outputs:
        uses[output] = uses.get(output, 0) + 1
    free, made, lines = [], 0, []

    def value(argument):
        return names[argument] if isinstance(argument, Node) else repr(argument)

    for node in operations:
        values = [value(a) for a in node.arguments]
        if free:
            buffer = free.pop()
        else:
            buffer = f"b[{made}]"
            made += 1
        lines.append(_numpy_operation(node, values, buffer))
        names[node] = buffer
        for argument in node.arguments:
            uses[argument] -= 1
            if argument in operations and uses[argument] == 0:
                free.append(names[argument])
    lines += [f"out[{row}] = {value(output)}" for row, output in enumerate(outputs)]
    body = "\n".join(f"    {line}" for line in lines)
    head = f"    b = buffers({made}, out)\n" if made else ""
    return f"{_BUFFERS}\ndef evaluate(arrays, constants, out, near):\n{head}{body}\n"


_BUFFERS = """
store = {}
def buffers(count, out):
    key = (out.shape[1], out.dtype)
    if key not in store:
        store[key] = np.empty((count, out.shape[1]), out.dtype)
    return store[key]
"""
#: Powers that are cheaper as products or roots.
_SPECIAL_POWERS = {
    2.0: "np.multiply({a}, {a}, out={b})",
    0.5: "np.sqrt(np.asarray({a}, out.dtype), out={b})",
    -1.0: "np.divide(1.0, {a}, out={b})",
}


def _numpy_operation(node, values, buffer):
    if node.kind in ("add", "mul"):
        name = {"add": "add", "mul": "multiply"}[node.kind]
        return f"np.{name}({values[0]}, {values[1]}, out={buffer})"
    if node.kind == "pow":
        template = _SPECIAL_POWERS.get(node.arguments[1])
        template = template or f"np.power(np.asarray({{a}}, out.dtype), {values[1]}, out={{b}})"
        return template.format(a=values[0], b=buffer)
    # Roots of negative numbers are complex in a complex problem, also those of real profiles.
    return f"FUNCTIONS['{node.kind}'].evaluate(np.asarray({values[0]}, out.dtype), out={buffer})"
