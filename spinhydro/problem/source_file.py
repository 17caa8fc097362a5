"""The text of a problem file: found, read, and changed where values or equations are replaced."""

import ast
from pathlib import Path

from spinhydro.errors import InputError, nearest, shorten
from spinhydro.problem.parameters import DECLARATIONS, Source, override
from spinhydro.problem.typed_values import list_length, offsets


def find_file(path):
    """The path of a problem file, or an InputError that names the nearest one."""
    path = Path(path)
    try:
        return _find_file(path)
    except OSError as error:
        raise InputError(f"{shorten(path)} cannot be reached: {error.strerror}") from None


def _find_file(path):
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a problem file in it, for example "
                         f"{next(iter(sorted(path.glob('*.py'))), path / 'NAME.py')}")  # fmt: skip
    if not path.exists():
        folder = path.parent if path.parent.is_dir() else Path("problems")
        known = [str(p) for p in sorted(folder.glob("*.py"))]
        close = nearest(path.stem, [Path(p).stem for p in known])
        hint = f"did you mean '{folder / close}.py'?" if close else _listing(folder, known)
        raise InputError(f"there is no problem file '{shorten(path)}'; {hint}")
    if not path.is_file():
        raise InputError(f"{path} is not an ordinary file; name a problem file")
    return path


def _listing(folder, known):
    if known:
        return f"in {folder}: {', '.join(Path(p).name for p in known)}"
    return "`spinhydro examples` copies the problem files that come with spinhydro"


def read_source(path):
    """The text of a problem file as a Source."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8; is it a problem file?") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return Source(path, text)


def with_members_of_lists(source, values):
    """Overrides with as many `members` as a typed list has values, where the file states others.

    A number of members that is typed itself stays, and must agree with the list.
    """
    defaults = {assignment.name: assignment.value for assignment in reversed(source.assignments)}
    if "members" not in defaults or "members" in values:
        return values
    lengths = (
        list_length(name, value, defaults[name])
        for name, value in values.items()
        if name in defaults and name not in DECLARATIONS
    )
    found = next((length for length in lengths if length), None)
    return values if found is None else {**values, "members": found}


def with_quick_values(source, values):
    """Return overrides, completed by the reduced settings ``quick = {…}`` of the file."""
    changed, _ = override(source, values)
    return {**_quick_values(changed), **with_members_of_lists(source, values)}


def _quick_values(source):
    for assignment in source.assignments:
        if assignment.name == "quick":
            try:
                values = dict(ast.literal_eval(assignment.value))
                if not all(isinstance(name, str) for name in values):
                    raise ValueError
                return values
            except (ValueError, TypeError):
                raise InputError("quick must be a dictionary of numbers and texts: {'Nx': 256}").at(
                    f"{source.path}, line {assignment.line}"
                ) from None
    raise InputError(f"{source.path} declares no quick = {{…}}, so it has no quick version")


def replace_equations(source, equations):
    """The source with the equation for the same variable replaced, or a new one added."""
    from spinhydro.language.equations import advanced_variable

    calls = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_equation"
        and node.args
    ]
    if not calls:
        raise InputError(f"{source.path} has no problem.add_equation('…') to replace or follow")
    text = source.text
    edits, replaced = [], set()
    for equation in equations:
        variable = advanced_variable(equation)
        if variable in replaced:
            raise InputError(f"two equations for '{variable}' are given; give one")
        replaced |= {variable} - {None}
        same = [
            call.args[0]
            for call in calls
            if variable is not None
            and any(advanced_variable(variant) == variable for variant in _variants(call.args[0]))
        ]
        if same:
            # A file may state the equation once for each of its variants.
            edits += [(offsets(text, argument), repr(equation)) for argument in same]
        else:
            last = calls[-1]
            end = offsets(text, last)[1]
            edits.append(
                ((end, end), f"; {ast.unparse(last.func.value)}.add_equation({equation!r})")
            )
    for (start, end), new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return Source(source.path, text)


def _variants(argument):
    """Texts that an argument may be: a string, or either side of ``"…" if condition else "…"``."""
    if isinstance(argument, ast.IfExp):
        return [*_variants(argument.body), *_variants(argument.orelse)]
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return [argument.value] if is_text else []
