"""The parameters of a problem file: its top-level assignments, and how they are overridden.

An override replaces the text to the right of ``NAME =`` in the source. The file is then executed
with the new text, so that whatever it derives from NAME follows, and the source that is kept with
the results is the one that ran.
"""

import ast
import io
import logging
import math
import tokenize
from dataclasses import dataclass, field

from spinhydro.dedalus_support.ensemble.values import PerMember, check_members
from spinhydro.errors import EquationError, ParameterError, did_you_mean, marked, shorten
from spinhydro.language.functions import dimension_rules
from spinhydro.units import DIMENSIONS, describe

#: Names that declare data about the run; they are no physical parameters.
DECLARATIONS = (
    "outputs",
    "output_units",
    "projections",
    "watch",
    "expect",
    "conditions",
    "advice",
    "quick",
)

logger = logging.getLogger("spinhydro")

_PURE = DIMENSIONS["pi"]
_FUNCTIONS = dimension_rules()
_KEEPS_DIMENSION = (
    "max", "min", "float", "int", "round", "per_member", "linspace", "arange", "array",
)  # fmt: skip


@dataclass
class Assignment:
    """One top-level ``name = value``: where it stands and what it says."""

    name: str
    statement: ast.stmt
    value: ast.expr

    @property
    def line(self):
        return self.statement.lineno


@dataclass
class Source:
    """A problem file as text, with its top-level assignments."""

    path: object
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self):
        try:
            self.tree = ast.parse(self.text, filename=str(self.path))
        except SyntaxError as error:
            line = (error.text or "").rstrip("\n")
            shown = marked(line, (error.offset or 1) - 1, (error.end_offset or 0) - 1)
            where = f"{self.path}, line {error.lineno}" if error.lineno else str(self.path)
            raise ParameterError("\n".join([f"this is not Python: {error.msg}", *shown])).at(
                where
            ) from None
        except (ValueError, MemoryError, RecursionError) as error:
            raise ParameterError(
                f"{self.path} cannot be read as Python: {error or 'it is nested too deeply'}"
            ) from None

    @property
    def assignments(self):
        """Every assignment to a plain name at the top level, in order."""
        found = []
        for statement in self.tree.body:
            if isinstance(statement, ast.AnnAssign) and statement.value is not None:
                found += _pairs(statement, [statement.target], statement.value)
            elif isinstance(statement, ast.Assign):
                found += _pairs(statement, statement.targets, statement.value)
        return found

    @property
    def units_module(self):
        """The declared unit system, "spinhydro.units.um_ms", or None."""
        for statement in self.tree.body:
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(
                "spinhydro.units."
            ):
                return statement.module
        return None

    def names_above(self, line):
        """Names that are imported or assigned above a line."""
        names = set()
        for statement in self.tree.body:
            if statement.lineno >= line:
                break
            for node in ast.walk(statement):
                if isinstance(node, ast.alias):
                    names.add((node.asname or node.name).split(".")[0])
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
        return names


def _pairs(statement, targets, value):
    pairs = []
    for target in targets:
        if isinstance(target, ast.Name):
            pairs.append(Assignment(target.id, statement, value))
        elif (
            isinstance(target, (ast.Tuple, ast.List))
            and isinstance(value, (ast.Tuple, ast.List))
            and len(target.elts) == len(value.elts)
        ):
            pairs += [
                Assignment(t.id, statement, v)
                for t, v in zip(target.elts, value.elts, strict=True)
                if isinstance(t, ast.Name)
            ]
    return pairs


def parse_pairs(arguments):
    """``["Omega_R=2*pi*62*Hz", "Nx=2048"]`` as a dictionary of texts.

    Raises ParameterError for an argument without a name or value, or a name given twice.
    """
    pairs = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        name, text = name.strip(), text.strip()
        if not equals or not name.isidentifier():
            raise ParameterError(
                f"'{argument}' is not NAME=VALUE; write for example Nx=2048 or Omega_R='2*pi*62*Hz'"
            )
        if not text:
            raise ParameterError(f"{name} has no value; write {name}=VALUE without spaces")
        if name in pairs:
            raise ParameterError(f"{name} is given twice: {pairs[name]} and {text}")
        pairs[name] = text
    return pairs


def override(source, values):
    """A new Source with the texts of some assignments replaced.

    Parameters
    ----------
    source : Source
    values : dict
        ``{name: text}`` from a command line, or Python values.

    Returns
    -------
    (Source, dict)
        The new source, and the text that now stands for each name.

    Raises
    ------
    ParameterError
        For a name that the file does not assign (with the nearest one), or a value that is not an
        expression.
    """
    assigned = {}
    for assignment in source.assignments:
        assigned.setdefault(assignment.name, []).append(assignment)
    texts, edits = {}, []
    for name, value in values.items():
        if name == "members" and name not in assigned and assigned:
            start, _ = offsets(source.text, source.assignments[0].statement)
            texts[name] = _members_text(value)
            edits.append(((start, start), f"members = {texts[name]}; "))
            continue
        if name not in assigned:
            raise ParameterError(_unknown_name(source, name, assigned))
        first = assigned[name][0]
        texts[name] = _as_text(name, value, first)
        new = _as_kernel(name, _as_members(name, texts[name], first.value), first.value)
        prefix = _missing_units(source, texts[name], first)
        if new != texts[name] and "spinhydro" not in source.names_above(first.line):
            prefix += "import spinhydro; "
        for assignment in assigned[name]:
            edits.append((offsets(source.text, assignment.value), new))
        if prefix:
            start, _ = offsets(source.text, first.statement)
            edits.append(((start, start), prefix))
    text = source.text
    for (start, end), new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return Source(source.path, text), texts


#: Functions of NumPy that make lists of numbers.
_MAKE_LISTS = ("linspace", "arange", "logspace", "geomspace", "array", "repeat", "tile")
#: Defaults of these kinds are no single number.
_NO_NUMBERS = (ast.List, ast.Tuple, ast.Dict, ast.Set)


def _members_text(value):
    try:
        return str(check_members(ast.literal_eval(str(value))))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ParameterError(f"members = {value}: it must be a whole number") from None


def _as_members(name, text, default):
    """The text with ``per_member(…)`` around every list, where the default is one number."""
    is_word = isinstance(default, ast.Constant) and isinstance(default.value, (str, bool))
    holds_lists = any(isinstance(node, _NO_NUMBERS) for node in ast.walk(default))
    if name in DECLARATIONS or is_word or holds_lists or makes_kernel(_parsed(text)):
        return text
    edits = []
    for start, end in lists_in(text):
        edits += [(end, ")"), (start, "spinhydro.per_member(")]
    for at, new in edits:
        text = text[:at] + new + text[at:]
    return text


def _as_kernel(name, text, default):
    """The text with ``spinhydro.kernel(…)`` around a lambda, if the default is a kernel."""
    calls = [node for node in ast.walk(default) if isinstance(node, ast.Call)]
    if not isinstance(_parsed(text), ast.Lambda) or not any(map(makes_kernel, calls)):
        return text
    return f"spinhydro.kernel({text}, name={name!r})"


def makes_kernel(node):
    """True for a function, ``lambda k: …``, and for a call of ``spinhydro.kernel``."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] in ("kernel", "stencil", "exchange")
    return isinstance(node, ast.Lambda)


def _parsed(text):
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def lists_in(text):
    """Spans of the outermost lists of numbers in an expression, the last first."""
    body = _parsed(text)
    spans, stack = [], [body] if body is not None else []
    while stack:
        node = stack.pop()
        name = ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
        if name == "per_member":
            continue
        if isinstance(node, (ast.List, ast.Tuple)) or name in _MAKE_LISTS:
            spans.append(offsets(text, node))
        else:
            stack += list(ast.iter_child_nodes(node))
    return sorted(spans, reverse=True)


def _unknown_name(source, name, assigned):
    if name == "dt" and "timestep" in assigned:
        return f"{source.path} has no parameter 'dt'; did you mean 'timestep'?"
    listed = ", ".join(n for n in assigned if n not in DECLARATIONS and not n.startswith("_"))
    question = did_you_mean(name, assigned, otherwise=f"its names: {listed}")
    return f"{source.path} has no parameter '{shorten(name)}'; {question}"


def _as_text(name, value, assignment):
    """Source text of a value; a bare word is a string where the file has a string."""
    if not isinstance(value, str):
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            value = [item.item() if hasattr(item, "item") else item for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(f"{name} = {value}: the value must be finite")
        if not isinstance(value, (bool, int, float, complex, list, tuple, dict, type(None))):
            hint = "; write a function as text, W='lambda k: …'" if callable(value) else ""
            raise ParameterError(
                f"{name} is given as {type(value).__name__}; numbers, strings, lists and "
                f"dictionaries can stand in a problem file{hint}"
            )
        return repr(value)
    default = assignment.value
    if isinstance(default, ast.Constant) and isinstance(default.value, str):
        try:
            literal = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return repr(value)
        return repr(literal if isinstance(literal, str) else value)
    _refuse_comment(name, value)
    try:
        ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        column = (getattr(error, "offset", None) or 1) - 1
        hint = "units are multiplied: 62*Hz" if any(c.isdigit() for c in value) else ""
        raise EquationError(
            value, column, column + 1, f"the value of {name} cannot be read", hint
        ) from None
    return value.strip()


def _refuse_comment(name, value):
    """A '#' would hide the rest of the line that the value is put into."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(value).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    for token in tokens:
        if token.type == tokenize.COMMENT:
            at = token.start[1]
            raise EquationError(value, at, at + 1, f"the value of {name} cannot hold a comment")


def _missing_units(source, text, assignment):
    """An import for units that an override uses and the file does not import."""
    if source.units_module is None:
        return ""
    used = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    missing = sorted((used & set(DIMENSIONS)) - source.names_above(assignment.line))
    return f"from {source.units_module} import {', '.join(missing)}; " if missing else ""


def offsets(text, node):
    """Character positions of a node in a text; Python counts columns in UTF-8 bytes."""
    lines = text.splitlines(keepends=True)

    def position(line, column):
        before = sum(len(part) for part in lines[: line - 1])
        return before + len(lines[line - 1].encode()[:column].decode())

    start = position(node.lineno, node.col_offset)
    end = position(node.end_lineno, node.end_col_offset)
    return start, end


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
        # A number of an object of the library, magnet.Ms: the object knows its dimensions.
        attributes = known.get(node.value.id)
        return attributes.get(node.attr) if isinstance(attributes, dict) else None
    if isinstance(node, ast.Compare):
        return _PURE
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
    """Raise ParameterError unless an override is of the kind that the file expects.

    Parameters
    ----------
    name, text : str
        The parameter and the text of its new value.
    new, default : object
        Both values.
    new_dimension, default_dimension : tuple or None
        From `dimension`; a pure number is always accepted, in the units of the file.
    """
    if isinstance(new, PerMember):
        # What there is to say about units is said once.
        for value in new.values.tolist():
            check_override(name, text, value, default, new_dimension, default_dimension)
            new_dimension = None
        return
    shown = f"{name} = {text}"
    if (
        new_dimension is not None
        and default_dimension is not None
        and new_dimension not in (_PURE, default_dimension)
    ):
        raise ParameterError(
            f"{shown} is {describe(new_dimension)}; {name} must be {describe(default_dimension)}"
        )
    if new_dimension == _PURE and default_dimension not in (None, _PURE):
        _check_missing_unit(name, shown, new, default, default_dimension)
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
        if isinstance(default, int) and float(new) != int(new):
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
        usual = f" (default: {default:.3g} in the units of the file)" if default else ""
        raise ParameterError(
            f"{shown} has no unit: {name} is {describe(expected)}, write for example "
            f"{name}='{new:g}*{unit}'{usual}"
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
