"""Checks of what a problem file combines in Python and names in a string."""

from dedalus.core.arithmetic import Add
from dedalus.core.field import Field
from dedalus.core.operators import Convert


def number_added_to_vector(operand):
    """Return the first number that is added to a vector or tensor, as text, or None.

    A string cannot add them. Dedalus adds the number to every component: in Python, ``m - W(1)``
    of a kernel W would shift all three components of m by omega(1).
    """
    seen, stack = set(), [operand]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        parts = getattr(node, "original_args", ())
        stack += parts
        if isinstance(node, Add) and node.tensorsig:
            for part in parts:
                if text := _cast_number(part):
                    return text
    return None


def _cast_number(operand):
    """Text of the number of which Dedalus made a constant field, or None."""
    while isinstance(operand, Convert):
        operand = operand.original_args[0]
    if not isinstance(operand, Field) or any(operand.domain.bases):
        return None
    try:
        complex(operand.name)
    except (TypeError, ValueError):
        return None
    return str(operand.name)
