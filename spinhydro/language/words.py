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
from spinhydro.dedalus_support.strings import add_words, name_the_time  # isort: skip
from spinhydro.language.operators import spin_cross  # isort: skip
from spinhydro.language.complex_values import abs2, im, re  # isort: skip
from spinhydro.language import drives  # isort: skip
from spinhydro.language.functions import FUNCTIONS  # isort: skip
from spinhydro.kernels import help_lines, stencils  # isort: skip


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


WORDS = {
    "dt": Word(d3.TimeDerivative, "dt(s)", "time derivative; on the left side only"),
    "dx": Word(_derivative("x"), "dx(f)", "derivative along x; of a vector: of every component"),
    "dy": Word(_derivative("y"), "dy(f)", "derivative along y"),
    "dz": Word(_derivative("z"), "dz(f)", "derivative along z"),
    "lap": Word(d3.lap, "lap(f)", "Laplacian, over all space coordinates"),
    "grad": Word(d3.grad, "grad(f)", "gradient: adds a space index in front"),
    "div": Word(d3.div, "div(v)", "divergence over the first index, which must be a space index"),
    "cross": Word(d3.cross, "cross(a, b)", "cross product of two spin vectors"),
    "spin_cross": Word(
        spin_cross, "spin_cross(grad(s), s)", "cross product over the last index of a tensor"
    ),
    "dot": Word(d3.dot, "dot(a, b)", "contraction of neighbouring indices, the same as a @ b"),
    "@": Word(d3.dot, "s @ ez", "scalar product of spin vectors; s @ ez is the z component"),
    "integ": Word(d3.integ, "integ(f)", "integral over all space"),
    "ave": Word(d3.ave, "ave(f)", "average over all space"),
    **{
        function.word: Word(_operator(function), f"{function.word}(f)", function.help)
        for function in FUNCTIONS.values()
        if function.word
    },
    **{name: Word(*drive) for name, drive in drives.WORDS.items()},
}

#: Words of Dedalus listed with ours; a problem file may use them too.
STOCK_WORDS = {name for name in problems.parseables if name.islower()}

#: Functions of one number, which would act on a vector component by component.
SCALAR_FUNCTIONS = {name for name, word in WORDS.items() if isinstance(word.function, np.ufunc)}
SCALAR_FUNCTIONS -= {"abs", "sign", "conj"}

OWN_WORDS = {
    name: WORDS[name].function for name in ("dx", "dy", "dz", "spin_cross", "abs2", "re", "im")
}

dx, dy, dz = (OWN_WORDS[name] for name in ("dx", "dy", "dz"))

add_words({**OWN_WORDS, **{name: WORDS[name].function for name in drives.WORDS}})
name_the_time()


def reserved_names():
    """Names that a problem file may not give to a number or a field.

    Words of time and space (ramp, pulse, …) are not among them: a file may use these names.
    """
    return (set(WORDS) - {"@", *drives.WORDS}) | STOCK_WORDS


def help_text():
    """The table that ``spinhydro words`` prints."""
    width = max(len(word.usage) for word in WORDS.values())
    lines = ["Words for equations, outputs, projections, watches and expectations:", ""]
    lines += [f"  {word.usage:<{width}}  {word.help}" for word in WORDS.values()]
    lines += [
        "",
        "  + - * / **   as usual; powers are written **, not ^",
        "  ex, ey, ez   unit vectors of the spin frame, where the file defines them",
        "  t            time",
        "",
        "Tables in time: B = spinhydro.table(t, times, values), or file='…', above the problem.",
        "",
        "Every name that the problem file defines above `problem = d3.IVP(…)` is a word too:",
        "parameters, profiles (fields), substitutions. Functions of your own: F = lambda f: …",
        "",
        "A function of the wavenumber k (or of kx, ky, kz) makes a kernel,",
        "W = spinhydro.kernel(lambda k: D*k**2), and W(m) in an equation multiplies every Fourier",
        "mode of m by W(k). Kernels by name, W = spinhydro.kernel(NAME, PARAMETERS):",
        "",
        *help_lines(),
        "",
        "The same exchange as a sum over neighbours, on a grid with one point per site and dealias",
        "= 1, W = spinhydro.stencil(NAME, PARAMETERS): faster, without transforms:",
        "",
        *stencils.help_lines(),
    ]
    return "\n".join(lines)
