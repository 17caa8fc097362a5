"""Numbers that options give as expressions over the names of a problem file."""

import ast

import numpy as np

from spinhydro.errors import EquationError, InputError, shorten
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.problem.dimensions import dimension
from spinhydro.units import DIMENSIONS, describe

#: Powers of (length, time, mass, temperature, current).
LENGTH, TIME, WAVENUMBER = (1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (-1, 0, 0, 0, 0)
PURE = DIMENSIONS["pi"]
_EXAMPLES = {LENGTH: "length", TIME: "time", WAVENUMBER: "length"}


def evaluate_option(problem, text, option):
    """The value of an expression over the names of a problem file.

    Parameters
    ----------
    problem : Problem
    text : str
    option : str
        For messages, "--blur".

    Raises
    ------
    InputError
        In one line.
    """
    try:
        return ExpressionBuilder({"pi": np.pi, **problem.namespace})(text)
    except EquationError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise InputError(f"{option} {shorten(text)}: {error.message}{hint}") from None


def number(problem, text, option, powers=None):
    """A finite number from an expression over the names of a problem file.

    Parameters
    ----------
    problem : Problem
    text : str
    option : str
        For messages, "--blur".
    powers : tuple of 5, optional
        Its dimension; numbers without a unit are in units of the file.

    Raises
    ------
    InputError
        In one line, for anything else.
    """
    value = evaluate_option(problem, text, option)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{option} {shorten(text)}: this is not a number")
    if not np.isfinite(value):
        raise InputError(f"{option} {shorten(text)}: this is not finite")
    found = _dimension(problem, text)
    if powers is not None and found not in (None, powers, PURE):
        unit = problem.units.get(_EXAMPLES.get(tuple(powers)), "")
        unit = f"1/{unit}" if unit and powers == WAVENUMBER else unit
        raise InputError(
            f"{option} {shorten(text)} is {describe(found)}, not {describe(powers)}"
            + (f" in {unit}" if unit else "")
        )
    return float(value)


def _dimension(problem, text):
    """Powers of an expression, or None if they are unclear."""
    known = {name: tuple(powers) for name, powers in problem.dimensions.items()}
    if problem.units:
        # Parameters may have the name of a unit.
        free = DIMENSIONS.keys() - problem.parameters.keys()
        known = {**{name: DIMENSIONS[name] for name in free}, **known}
    try:
        return dimension(ast.parse(text.strip(), mode="eval").body, known)
    except SyntaxError:
        return None
