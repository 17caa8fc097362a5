"""Explain an exception that a statement of a problem file raised."""

import ast
import errno

from spinhydro.errors import did_you_mean
from spinhydro.problem.plain_values import is_plain


def explain(statement, error, namespace, lines):
    """Describe an exception inside the file: the error, the line, and the values of its names."""
    message = _of_fields(statement, error, namespace) or f"{type(error).__name__}: {error}"
    if isinstance(error, NameError) and getattr(error, "name", None):
        message = "; ".join(filter(None, (message, did_you_mean(error.name, namespace))))
    if isinstance(error, (ImportError, SyntaxError)):
        message = str(error)
    if "must have lower dimension than distributor" in str(error):
        message = (
            "Dedalus cannot split one space dimension over several ranks; write "
            "dist = spinhydro.distributor(coords, dtype=…) or use one rank"
        )
    if "size must be positive" in str(error):
        message = "the number of grid points along an axis must be a whole number, 1 or more"
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        message = f"not enough memory: {error}. Take fewer grid points, or more machines"
    used = {
        node.id: namespace[node.id]
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and is_plain(namespace.get(node.id, ...))
    }
    values = ", ".join(f"{name} = {value}" for name, value in used.items())
    shown = ["    " + lines[statement.lineno - 1].strip()]
    return "\n".join([message, *shown, *([f"with {values}"] if values else [])])


def _of_fields(statement, error, namespace):
    """Return the meaning of an exception of Dedalus about fields and kernels in Python, or None."""
    from dedalus.core.field import Operand

    from spinhydro.kernels.kernel import Kernel

    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    fields = sorted(name for name in names if isinstance(namespace.get(name), Operand))
    kernels = sorted(name for name in names if isinstance(namespace.get(name), Kernel))
    text = str(error)
    if "interpolate() takes 1 positional argument" in text:
        return (
            f"a field is not a function ({', '.join(fields)}): a product is f*g, the value at a "
            "place f(x=…)"
        )
    if isinstance(error, NotImplementedError) and "Kernel object" in text:
        return f"a kernel acts on a field as a function: {kernels[0] if kernels else 'W'}(m)"
    if fields and "Objects are not all equal" in text:
        return (
            f"fields of different kinds cannot be combined ({', '.join(fields)}): scalars with "
            "vectors, real with complex ones, or different bases"
        )
    indexed = _indexed_field(statement, namespace)
    if isinstance(error, KeyError) and indexed:
        return f"{indexed} has no {text}: a component is {indexed} @ ez, its values {indexed}['g']"
    if fields and "truth value of an array" in text:
        return (
            f"an array cannot be combined with a field ({', '.join(fields)}): put it into a field "
            "first, f = dist.Field(bases=…); f['g'] = array"
        )
    return None


def _indexed_field(statement, namespace):
    """Name of the first vector that the statement indexes, or None."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            if getattr(namespace.get(node.value.id), "tensorsig", ()):
                return node.value.id
    return None
