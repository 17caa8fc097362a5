"""Functions of one value that strings may use: one table of their names in every layer.

Words of the language, NumPy calls, machine code and the dimension rule of a problem file are all
derived from `FUNCTIONS`. A new function of one value is a new line of it.

Functions of a complex value take the principal branch, as NumPy's do. In a complex problem every
field is complex, and the square root of a negative value is imaginary; in a real problem it is NaN.
"""

import math
from dataclasses import dataclass
from functools import cached_property

__all__ = ["FUNCTIONS", "Function", "find"]


@dataclass(frozen=True)
class Function:
    """One function of one value.

    Attributes
    ----------
    name : str
        Name in the graph of the fused engine, NumPy's where there is one.
    own : str, optional
        Name in `array_functions` of a function that neither NumPy nor SciPy has.
    real, complex : str, optional
        Symbol in machine code for real and for complex arguments: an LLVM intrinsic or a function
        of the C library. Without one, `ScalarWriter` composes the function from its parts.
    inner, outer : float
        A complex function is ``outer * symbol(inner * z)``: C lacks some that NumPy has.
    word : str, optional
        Word of the language; functions without one are written as in Dedalus.
    help : str
        One line for ``spinhydro words``.
    power : float
        Power to which the function raises the unit of its argument; 0 where argument and value
        are pure numbers.
    is_real : bool
        Whether the value is real also for complex arguments.
    needs : str, optional
        Real arguments that have a real value, if not all have one: ">= 0", "|x| <= 1" or "x >= 1".
    """

    name: str
    real: str | None = None
    complex: str | None = None
    inner: float = 1.0
    outer: float = 1.0
    word: str | None = None
    help: str = ""
    power: float = 0
    is_real: bool = False
    needs: str | None = None
    own: str | None = None

    @cached_property
    def evaluate(self):
        """``evaluate(values, out=…)`` on arrays."""
        # Imported here: `spinhydro words` needs the table alone, and few problems need SciPy's.
        if self.own:
            from spinhydro.language import array_functions

            return getattr(array_functions, self.own)
        import numpy as np

        if hasattr(np, self.name):
            return getattr(np, self.name)
        import scipy.special

        return getattr(scipy.special, self.name)


#: Symbol in machine code of `erf` of a complex argument, which C lacks.
COMPLEX_ERF = "spinhydro_complex_erf"

_LN2, _LN10 = math.log(2), math.log(10)
_TABLE = (
    Function("absolute", "llvm.fabs.f64", word="abs", help="absolute value",
             power=1, is_real=True),
    Function("sign", word="sign", help="sign, -1, 0 or 1; of a complex value z: z/|z|"),
    Function("conjugate", word="conj", help="complex conjugate", power=1),
    Function("real", word="re", power=1, is_real=True, own="real_part",
             help="real part; an output that is real is stored as real numbers"),
    Function("imag", word="im", help="imaginary part", power=1, is_real=True,
             own="imaginary_part"),
    Function("abs2", word="abs2", help="|f|**2, the same as re(conj(f)*f)",
             power=2, is_real=True, own="squared_modulus"),
    Function("square", power=2),
    Function("sqrt", "llvm.sqrt.f64", "csqrt", word="sqrt", help="square root",
             power=1 / 2, needs=">= 0"),
    Function("exp", "exp", "cexp", word="exp", help="exponential"),
    Function("exp2", "exp2", "cexp", inner=_LN2),
    Function("log", "log", "clog", word="log", help="natural logarithm", needs=">= 0"),
    Function("log2", "log2", "clog", outer=1 / _LN2, needs=">= 0"),
    Function("log10", "log10", "clog", outer=1 / _LN10, needs=">= 0"),
    Function("sin", "sin", "csin", word="sin", help="sine"),
    Function("cos", "cos", "ccos", word="cos", help="cosine"),
    Function("tan", "tan", "ctan", word="tan", help="tangent"),
    Function("arcsin", "asin", "casin", word="arcsin", help="inverse sine",
             needs="|x| <= 1"),
    Function("arccos", "acos", "cacos", word="arccos", help="inverse cosine",
             needs="|x| <= 1"),
    Function("arctan", "atan", "catan", word="arctan", help="inverse tangent"),
    Function("sinh", "sinh", "csinh", word="sinh", help="hyperbolic sine"),
    Function("cosh", "cosh", "ccosh", word="cosh", help="hyperbolic cosine"),
    Function("tanh", "tanh", "ctanh", word="tanh", help="hyperbolic tangent"),
    Function("arcsinh", "asinh", "casinh"),
    Function("arccosh", "acosh", "cacosh", needs="x >= 1"),
    Function("arctanh", "atanh", "catanh", needs="|x| <= 1"),
    Function("erf", "erf", COMPLEX_ERF, word="erf", help="error function"),
)  # fmt: skip

#: ``{name: Function}``.
FUNCTIONS = {function.name: function for function in _TABLE}


def find(function):
    """Return the entry of a ufunc or of a function of `array_functions`, or None."""
    name = getattr(function, "__name__", None)
    known = FUNCTIONS.get(name)
    if known is None and name is not None:
        known = next((one for one in FUNCTIONS.values() if one.own == name), None)
    return known if known and known.evaluate is function else None


def dimension_rules():
    """Return ``{name: power of the unit}`` for the names in problem files, NumPy's and ours."""
    return {
        name: function.power
        for function in _TABLE
        for name in (function.name, function.word)
        if name
    }
