"""The equation strings of problem files, read from their text."""

import ast
from functools import lru_cache

from .figures import shipped_folder


@lru_cache(maxsize=32)
def equations_in(source):
    """Return the strings that a source gives to ``add_equation``; none if it is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    given = [
        call.args[0] for call in calls if getattr(call.func, "attr", None) == "add_equation"
    ]  # fmt: skip
    return tuple(
        argument.value
        for argument in given
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )


def edited_equations(ds):
    """Return the equations of a run that are not those of the problem files of the library.

    They are compared with the file of the same name, or with all files for a copy of another name.
    """
    folder = shipped_folder().parent / "problems"
    own = folder / f"{ds.attrs.get('problem')}.py"
    files = [own] if own.is_file() else sorted(folder.glob("*.py"))
    original = {
        "".join(text.split())
        for file in files
        for text in equations_in(file.read_text(encoding="utf-8"))
    }
    source = str(ds.attrs.get("source", ""))
    return [text for text in equations_in(source) if "".join(text.split()) not in original]
