"""The parameters of a problem file: its top-level assignments, and how they are overridden.

An override replaces the text to the right of ``NAME =`` in the source. The file is then executed
with the new text, so that whatever it derives from NAME follows, and the source that is kept with
the results is the one that ran.
"""

import ast
import builtins
from dataclasses import dataclass, field

from spinhydro.errors import EquationError, ParameterError, did_you_mean, marked, shorten
from spinhydro.language.vocabulary import AUTO
from spinhydro.problem.typed_values import as_kernel, as_members, as_text, is_text, offsets
from spinhydro.units import DIMENSIONS

#: Names that a file need not assign to be given a value, and an example of each.
ADDED = {"members": 100, "tolerance": 1e-6, "timestepper": "IFRK4"}
#: Names that declare data about the run; they are not physical parameters.
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


@dataclass
class Assignment:
    """One top-level ``name = value``: its position and its text."""

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


#: What is an option on the command line, and how to write it.
OPTIONS = {"quick": "--quick", "equations": "--equation 'dt(s) = …'"}


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
        if name in OPTIONS:
            raise ParameterError(f"{name} is not a parameter of a file; write {OPTIONS[name]}")
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
        The new source, and the new text of each name.

    Raises
    ------
    ParameterError
        For a name that the file does not assign (with the nearest one), or a value that is not an
        expression.
    """
    assigned = {}
    for assignment in source.assignments:
        assigned.setdefault(assignment.name, []).append(assignment)
    texts, edits, replaced = {}, [], set()
    for name, value in values.items():
        if name in ADDED and name not in assigned and assigned:
            start, _ = offsets(source.text, source.assignments[0].statement)
            texts[name] = _text_of_added(name, value)
            edits.append(((start, start), f"{name} = {texts[name]}; "))
            continue
        if name not in assigned:
            raise ParameterError(_unknown_name(source, name, assigned))
        first = assigned[name][0]
        default = first.value
        if name == "timestep":
            _check_timestep(value, source.names_above(first.line))
        if name == "timestep" and (is_text(default) or _is_auto(value)):
            # A number or the word "auto", whichever of them the file has.
            default = ast.Constant(AUTO if _is_auto(value) else 1.0)
        new = texts[name] = as_text(name, value, default)
        if name not in DECLARATIONS:
            new = as_kernel(name, as_members(new, default), default)
        prefix = _missing_units(source, texts[name], first)
        if new != texts[name] and "spinhydro" not in source.names_above(first.line):
            prefix += "import spinhydro; "
        for assignment in assigned[name]:
            place = offsets(source.text, assignment.value)
            if place in replaced:
                # The second name of Nx = Ny = 160.
                _, end = offsets(source.text, assignment.statement)
                edits.append(((end, end), f"; {name} = {new}"))
                continue
            replaced.add(place)
            edits.append((place, new))
        if prefix:
            start, _ = offsets(source.text, first.statement)
            edits.append(((start, start), prefix))
    text = source.text
    for (start, end), new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return Source(source.path, text), texts


def _is_auto(value):
    return str(value).strip("'\"") == AUTO


def _check_timestep(value, names):
    """Raise ParameterError for a single word other than "auto" that is not a name of the file."""
    word = str(value).strip("'\"")
    if word.isidentifier() and word != AUTO and word not in names:
        raise ParameterError(
            f"timestep must be one number, not {word}: type timestep=0.01, for example, or "
            "timestep=auto for timesteps that meet a tolerance"
        ).within("timestep")


def _text_of_added(name, value):
    if name == "members":
        return _members_text(value)
    text = as_text(name, value, ast.Constant(ADDED[name]))
    for node in ast.walk(ast.parse(text, mode="eval")):
        # The name is assigned in the first line, where the names of the file are not known yet.
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            message = f"the value of {name} cannot be used: '{node.id}' is not known here"
            hint = f"write a number, for example {name}={ADDED[name]}"
            raise EquationError(text, *offsets(text, node), message, hint)
    return text


def _members_text(value):
    try:
        # Imported here: errors of typed names are found without NumPy.
        from spinhydro.dedalus_support.ensemble.values import check_members

        return str(check_members(ast.literal_eval(str(value))))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ParameterError(f"members = {value}: it must be a whole number") from None


def _unknown_name(source, name, assigned):
    if name == "dt" and "timestep" in assigned:
        return f"{source.path} has no parameter 'dt'; did you mean 'timestep'?"
    listed = ", ".join(n for n in assigned if n not in DECLARATIONS and not n.startswith("_"))
    question = did_you_mean(name, {**assigned, **ADDED}, otherwise=f"its names: {listed}")
    return f"{source.path} has no parameter '{shorten(name)}'; {question}"


def _missing_units(source, text, assignment):
    """An import for units that an override uses and the file does not import."""
    if source.units_module is None:
        return ""
    used = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    missing = sorted((used & set(DIMENSIONS)) - source.names_above(assignment.line))
    return f"from {source.units_module} import {', '.join(missing)}; " if missing else ""
