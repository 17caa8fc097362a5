"""Pointwise kernels: the operations between two sets of transforms, fused into one function.

With numba a kernel is one compiled loop over the grid points; without it, NumPy calls that reuse a
few buffers. Both compute the same operations in the same order.
"""

import importlib.util

import numpy as np

from spinhydro.engines.fused.read.graph import Node

HAS_NUMBA = importlib.util.find_spec("numba") is not None

_NO_NEIGHBOURS = np.zeros((0, 0), np.int64)
#: Powers that are cheaper, and in Dedalus's strings meant, as products or roots.
_SPECIAL_POWERS = {2.0: "{a}*{a}", 0.5: "sqrt({a})", -1.0: "1/{a}"}


def order(outputs):
    """Operations that the outputs need, each after its arguments; and the leaves."""
    operations, leaves, seen = [], [], set()
    stack = [(node, False) for node in reversed(outputs) if isinstance(node, Node)]
    while stack:
        node, ready = stack.pop()
        if node in seen:
            continue
        if not node.is_operation:
            seen.add(node)
            leaves.append(node)
        elif ready:
            seen.add(node)
            operations.append(node)
        else:
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.arguments) if isinstance(a, Node)]
    return operations, leaves


def make_kernel(outputs, location, compiled=None, neighbours=None):
    """A function ``kernel(arrays, constants, out)`` that fills the rows of `out`.

    Parameters
    ----------
    outputs : list of Node or number
    location : callable(Node)
        Where a leaf is: ("array", i, row) for ``arrays[i][row]``, ("constant", i), or
        ("number", value).
    compiled : bool
        Whether to use numba; by default if it is installed.
    neighbours : callable(list of offsets), optional
        Array (offsets, points) of the numbers of the points that lie at an offset from each.
    """
    compiled = HAS_NUMBA if compiled is None else compiled
    operations, leaves = order(outputs)
    offsets = list(dict.fromkeys(leaf.arguments[1] for leaf in leaves if leaf.kind == "shifted"))

    def place(leaf):
        if leaf.kind != "shifted":
            return location(leaf)
        found, offset = leaf.arguments
        return ("near", *location(found)[1:], offsets.index(offset))

    make = _compiled_source if compiled else _numpy_source
    source = make(outputs, operations, leaves, place)
    namespace = {"np": np}
    if compiled:
        for name in ("sqrt", "exp"):
            namespace[name] = getattr(np, name)
    exec(compile(source, "fused kernel", "exec"), namespace)
    kernel = namespace["kernel"]
    if compiled:
        import numba

        # As NumPy does, 1/0 gives inf; the check for it would keep the loop from vectorising.
        kernel = numba.njit(kernel, error_model="numpy", fastmath={"contract"})
    if not offsets:
        return lambda arrays, constants, out: kernel(arrays, constants, out, _NO_NEIGHBOURS)
    near = []

    def with_neighbours(arrays, constants, out):
        # Where there is a compiled step nobody may ever ask.
        if not near:
            near.append(neighbours(offsets))
        kernel(arrays, constants, out, near[0])

    return with_neighbours


def _compiled_source(outputs, operations, leaves, location):
    names, lines = {}, []
    for leaf in leaves:
        place = location(leaf)
        name = f"l{leaf.index}"
        if place[0] in ("array", "near"):
            names[leaf] = name
            point = "p" if place[0] == "array" else f"near[{place[3]}, p]"
            lines.append(f"{name} = arrays[{place[1]}][{place[2]}, {point}]")
        else:
            names[leaf] = f"constants[{place[1]}]" if place[0] == "constant" else repr(place[1])

    def value(argument):
        return names[argument] if isinstance(argument, Node) else repr(argument)

    for node in operations:
        names[node] = f"t{node.index}"
        lines.append(f"t{node.index} = {_operation(node, [value(a) for a in node.arguments])}")
    for row, output in enumerate(outputs):
        lines.append(f"out[{row}, p] = {value(output)}")
    body = "\n".join(f"        {line}" for line in lines)
    head = "def kernel(arrays, constants, out, near):\n    for p in range(out.shape[1]):\n"
    return f"{head}{body}\n"


def _operation(node, values):
    if node.kind == "add":
        return f"{values[0]} + {values[1]}"
    if node.kind == "mul":
        return f"{values[0]} * {values[1]}"
    if node.kind == "pow":
        special = _SPECIAL_POWERS.get(node.arguments[1])
        if special:
            return special.format(a=values[0]).replace("sqrt", "np.sqrt")
        return f"{values[0]} ** {values[1]}"
    named = {
        "abs2": "{a}.real * {a}.real + {a}.imag * {a}.imag",
        "real": "{a}.real",
        "imag": "{a}.imag",
    }
    if node.kind in named:
        return named[node.kind].format(a=values[0])
    return f"np.{node.kind}({values[0]})"


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
    return f"{_BUFFERS}\ndef kernel(arrays, constants, out, near):\n{head}{body}\n"


_BUFFERS = """
store = {}
def buffers(number, out):
    key = (out.shape[1], out.dtype)
    if key not in store:
        store[key] = np.empty((number, out.shape[1]), out.dtype)
    return store[key]
"""


def _numpy_operation(node, values, buffer):
    if node.kind in ("add", "mul"):
        name = {"add": "add", "mul": "multiply"}[node.kind]
        return f"np.{name}({values[0]}, {values[1]}, out={buffer})"
    if node.kind == "pow":
        special = {2.0: "np.multiply({a}, {a}, out={b})", 0.5: "np.sqrt({a}, out={b})",
                   -1.0: "np.divide(1.0, {a}, out={b})"}.get(node.arguments[1])  # fmt: skip
        special = special or f"np.power({{a}}, {values[1]}, out={{b}})"
        return special.format(a=values[0], b=buffer)
    named = {
        "abs2": "np.multiply({a}, np.conjugate({a}), out={b})",
        "real": "np.copyto({b}, np.real({a}))",
        "imag": "np.copyto({b}, np.imag({a}))",
    }
    template = named.get(node.kind, f"np.{node.kind}({{a}}, out={{b}})")
    return template.format(a=values[0], b=buffer)
