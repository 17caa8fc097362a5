"""Dimensions of expressions in a problem file, and the check of new values against the old."""

import ast
import logging
import math

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import ParameterError
from spinhydro.language.functions import dimension_rules
from spinhydro.language.vocabulary import AUTO
from spinhydro.units import DIMENSIONS, describe

logger = logging.getLogger("spinhydro")

#: Declarations that are no whole numbers, though a file may state 1 or 10.
TIMES = ("stop_time", "timestep", "output_interval", "tolerance")
_PURE = DIMENSIONS["pi"]
_FUNCTIONS = dimension_rules()
_KEEPS_DIMENSION = (
    "max", "min", "maximum", "minimum", "float", "int", "round", "per_member", "linspace",
    "arange", "array",
)  # fmt: skip
#: Functions of the library that give numbers in SI units, without a unit.
_GIVE_NUMBERS = ("material", "atomic_mass", "scattering_lengths")


def dimension(node, known):
    """Powers of (length, time, mass, temperature, current) of an expression, or None if unclear.

    Parameters
    ----------
    node : ast.expr
    known : dict
        Dimensions of names, None for names whose dimension is unclear; for an object with
        ``dimensions``, those of its attributes by name.
    """
    if isinstance(node, ast.Constant):
        return _PURE if isinstance(node.value, (int, float)) else None
    if isinstance(node, ast.Name):
        found = known.get(node.id)
        return None if isinstance(found, dict) else found
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        # A number of an object of the library, magnet.Ms: the object has its dimensions.
        attributes = known.get(node.value.id)
        return attributes.get(node.attr) if isinstance(attributes, dict) else None
    if isinstance(node, ast.Compare):
        return _PURE
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
        return dimension(node.value, known)
    if isinstance(node, ast.UnaryOp):
        return dimension(node.operand, known)
    if isinstance(node, (ast.List, ast.Tuple)):
        found = {dimension(item, known) for item in node.elts}
        return found.pop() if len(found) == 1 else None
    if isinstance(node, ast.BinOp):
        return _dimension_of_operation(node, known)
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).split(".")[-1]
        if name in _KEEPS_DIMENSION and node.args:
            return dimension(node.args[0], known)
        if name in _GIVE_NUMBERS:
            return _PURE
        power = _FUNCTIONS.get(name)
        if power is None or len(node.args) != 1:
            return None
        inner = _PURE if power == 0 else dimension(node.args[0], known)
        return inner and tuple(power * exponent for exponent in inner)
    return None


def _dimension_of_operation(node, known):
    left, right = dimension(node.left, known), dimension(node.right, known)
    if left is None or right is None:
        return None
    if isinstance(node.op, ast.Mult):
        return tuple(a + b for a, b in zip(left, right, strict=True))
    if isinstance(node.op, ast.Div):
        return tuple(a - b for a, b in zip(left, right, strict=True))
    if isinstance(node.op, ast.Pow):
        try:
            power = ast.literal_eval(node.right)
            return tuple(a * power for a in left)
        except (ValueError, TypeError):
            return _PURE if left == _PURE else None
    if isinstance(node.op, (ast.Add, ast.Sub)):
        return left if left == right else None
    return None


def check_override(name, text, new, default, new_dimension, default_dimension):
    """Raise ParameterError unless an override has the kind that the file expects.

    Parameters
    ----------
    name, text : str
        The parameter and the text of its new value.
    new, default : object
        Both values.
    new_dimension, default_dimension : tuple or None
        From `dimension`; a pure number is taken in the units of the file.
    """
    if isinstance(new, PerMember):
        # Units are reported once.
        for value in new.values.tolist():
            check_override(name, text, value, default, new_dimension, default_dimension)
            new_dimension = None
        return
    if name == "timestep" and new == AUTO:
        return
    is_automatic = name == "timestep" and default == AUTO
    if is_automatic:
        default_dimension = DIMENSIONS["ms"]
    shown = f"{name} = {text}"
    if (
        new_dimension is not None
        and default_dimension is not None
        and new_dimension not in (_PURE, default_dimension)
    ):
        raise ParameterError(
            f"{shown} is {describe(new_dimension)}; {name} must be {describe(default_dimension)}"
        )
    if is_automatic:
        return
    if new_dimension == _PURE and default_dimension not in (None, _PURE):
        _check_missing_unit(name, shown, new, default, default_dimension)
        if new != 0:
            logger.info(f"{shown} has no unit and is taken in the units of the file")
    kinds = (
        (bool, (bool,), "True or False"),
        (str, (str,), "a word"),
        ((list, tuple), (list, tuple), "a list"),
        (dict, (dict,), "a dictionary"),
    )
    for kind, accepted, words in kinds:
        if isinstance(default, kind) and not isinstance(new, accepted):
            raise ParameterError(f"{shown}: {name} must be {words} (default: {default!r})")
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        if isinstance(new, bool) or not isinstance(new, (int, float)):
            raise ParameterError(f"{shown}: {name} must be one number (default: {default:g})")
        if isinstance(default, int) and name not in TIMES and float(new) != int(new):
            raise ParameterError(
                f"{shown}: {name} must be a whole number "
                f"(default: {default}, nearest: {round(new)})"
            )


#: Units of magnets to type, and the size in nm, ps, kg, A from which a number lacks its unit.
_MAGNETIC = {
    (-1, 0, 0, 0, 1): ("A/metre", 1.0),
    (0, -2, 1, 0, -1): ("tesla", 1e-12),
    (0, -2, 1, 0, 0): ("J/metre**2", 1e-3),
    (1, -2, 1, 0, 0): ("J/metre", 1e-3),
    (-1, -2, 1, 0, 0): ("J/metre**3", 1e-3),
}


def _check_missing_unit(name, shown, new, default, expected):
    """Raise ParameterError for a plain number that was meant in SI units.

    Units of mass and current differ from the usual ones by many powers of ten: D=2.8e-3 for
    2.8e-3 J/m^2 would be 1e9 times what is meant. Numbers of the size of the default are taken.
    """
    if not (expected[2] or expected[4]) or not isinstance(new, (int, float)) or new == 0:
        return
    unit, large = _MAGNETIC.get(expected, ("its unit", 1e-3))
    if isinstance(default, (int, float)) and default != 0:
        fits = 1e-4 < abs(new / default) < 1e4
    else:
        fits = abs(new) < large
    if not fits:
        raise ParameterError(
            f"{shown} has no unit: {name} is {describe(expected)}, write for example "
            f"{name}='{new:g}*{unit}'"
        )


def check_units_of_list(name, text, node, known):
    """Raise ParameterError if the values of a list in an expression have different units."""
    for part in ast.walk(node):
        if isinstance(part, ast.List):
            units = {dimension(item, known) for item in part.elts}
            if len(units) > 1:
                raise ParameterError(f"{name} = {text}: the values of a list have the same units")


def check_finite(name, value, text):
    """Raise ParameterError for a number that is infinite or not a number."""
    if isinstance(value, PerMember):
        for one in value.values.tolist():
            check_finite(name, one, text)
        return
    if isinstance(value, (float, complex)) and not (
        math.isfinite(value.real) and math.isfinite(value.imag)
    ):
        shown = f" ({text})" if text else ""
        raise ParameterError(f"{name} = {value}{shown}: the value must be finite")
