"""The words that equations, outputs, projections and watches may use.

Importing this module adds the words that Dedalus lacks (``dx``, ``dy``, ``dz``, ``spin_cross``,
``abs2``, ``re``, ``im``) to those that every ``problem.add_equation("…")`` knows; no word of
Dedalus is replaced.

>>> import spinhydro.language.words
>>> problem = d3.IVP([s], namespace=locals())
>>> problem.add_equation("dt(s) = cross(s, dx(dx(s)))")
"""

from typing import NamedTuple

import numpy as np

from spinhydro.dedalus_support import backend  # noqa: F401  (sets Dedalus up)

import dedalus.public as d3  # isort: skip
from dedalus.core import problems  # isort: skip
from spinhydro.dedalus_support.strings import add_words, mark_strings, name_the_time  # isort: skip
from spinhydro.language.operators import spin_cross  # isort: skip
from spinhydro.language.complex_values import abs2, im, re  # isort: skip
from spinhydro.language import drives  # isort: skip
from spinhydro.language.functions import FUNCTIONS  # isort: skip
from spinhydro.language.vocabulary import DRIVES, VOCABULARY  # isort: skip


class Word(NamedTuple):
    """One word: what it does, how it is written, one line of help."""

    function: object
    usage: str
    help: str

    @property
    def operands(self):
        """Number of its operands."""
        return self.usage.count(",") + 1


def _derivative(axis):
    def derivative(operand):
        if isinstance(operand, (int, float, complex)):
            return 0
        for coord in operand.dist.coords:
            if coord.name == axis:
                return d3.Differentiate(operand, coord)
        names = ", ".join(c.name for c in operand.dist.coords)
        raise ValueError(f"there is no coordinate '{axis}' here (coordinates: {names})")

    derivative.__name__ = f"d{axis}"
    derivative.__doc__ = f"Derivative along {axis}."
    return derivative


def _operator(function):
    """Return the function that a word calls; Dedalus can call ufuncs."""
    own = {"abs2": abs2, "re": re, "im": im}
    return own.get(function.word, function.evaluate)


_CALLED = {
    "dt": d3.TimeDerivative, "dx": _derivative("x"), "dy": _derivative("y"),
    "dz": _derivative("z"), "lap": d3.lap, "grad": d3.grad, "div": d3.div, "cross": d3.cross,
    "spin_cross": spin_cross, "dot": d3.dot, "@": d3.dot, "integ": d3.integ, "ave": d3.ave,
    **{function.word: _operator(function) for function in FUNCTIONS.values() if function.word},
    **{name: getattr(drives, name) for name in DRIVES},
}  # fmt: skip

WORDS = {name: Word(_CALLED[name], *texts) for name, texts in VOCABULARY.items()}

#: Words of Dedalus listed with ours; a problem file may use them too.
STOCK_WORDS = {name for name in problems.parseables if name.islower()}

#: Functions of one number, which would act on a vector component by component.
SCALAR_FUNCTIONS = {name for name, word in WORDS.items() if isinstance(word.function, np.ufunc)}
SCALAR_FUNCTIONS -= {"abs", "sign", "conj"}

OWN_WORDS = {
    name: WORDS[name].function for name in ("dx", "dy", "dz", "spin_cross", "abs2", "re", "im")
}

dx, dy, dz = (OWN_WORDS[name] for name in ("dx", "dy", "dz"))

add_words({**OWN_WORDS, **{name: WORDS[name].function for name in DRIVES}})
name_the_time()
mark_strings()


def reserved_names():
    """Names that a problem file may not give to a number or a field.

    Words of time and space (ramp, pulse, …) are not among them: a file may use these names.
    """
    return (set(WORDS) - {"@", *DRIVES}) | STOCK_WORDS
