"""Words for complex fields: |f|², real and imaginary part; and which operands are real."""

import numpy as np
from dedalus.core import arithmetic, operators
from dedalus.core.field import Field, Operand

from spinhydro.language import array_functions, functions

__all__ = ["abs2", "im", "is_real_valued", "re"]


def abs2(operand):
    """|f|² = f conj(f) of a field, component by component, or of a number."""
    if not isinstance(operand, Operand):
        return abs(operand) ** 2
    return operators.UnaryGridFunction(array_functions.squared_modulus, operand)


def re(operand):
    """Real part of a field or of a number."""
    if not isinstance(operand, Operand):
        return operand.real
    return operators.UnaryGridFunction(array_functions.real_part, operand)


def im(operand):
    """Imaginary part of a field or of a number; 0 in a real problem."""
    if not isinstance(operand, Operand):
        return operand.imag
    return operators.UnaryGridFunction(array_functions.imaginary_part, operand)


#: Nodes whose value is real if all of their operands are.
_REAL_IF_OPERANDS_ARE = (
    arithmetic.Add,
    arithmetic.Multiply,
    arithmetic.DotProduct,
    arithmetic.CrossProduct,
    operators.Convert,
    operators.Differentiate,
    operators.Gradient,
    operators.Divergence,
    operators.Laplacian,
    operators.Integrate,
    operators.Average,
)


def is_real_valued(operand, variables=()):
    """Return whether an operand of a complex problem is real by the way it is written.

    True for re, im, abs2 and abs of anything, for real numbers, for fields that are not variables
    and hold real values now, and for sums, products, integer powers and derivatives of such
    operands. Some of these have small imaginary parts, from rounding.

    Parameters
    ----------
    operand : Dedalus operand or number
    variables : sequence of fields
        The variables of the problem, which are complex.
    """
    if not isinstance(operand, Operand):
        return not isinstance(operand, complex) or operand.imag == 0
    if np.issubdtype(operand.dtype, np.floating):
        return True
    if isinstance(operand, Field):
        is_variable = any(operand is variable for variable in variables)
        real = not is_variable and not np.any(_grid_values(operand).imag)
        return operand.dist.comm.allreduce(int(not real)) == 0
    if isinstance(operand, operators.UnaryGridFunction):
        function = functions.find(operand.func)
        return function is not None and function.is_real
    if isinstance(operand, operators.Power):
        base, exponent = operand.args
        return float(exponent).is_integer() and is_real_valued(base, variables)
    if isinstance(operand, _REAL_IF_OPERANDS_ARE):
        return all(is_real_valued(a, variables) for a in operand.args if _is_value(a))
    return False


def _is_value(argument):
    return isinstance(argument, (Operand, int, float, complex))


def _grid_values(field):
    copy = field.copy()
    copy.change_scales(1)
    return copy["g"]
