"""The rooms of spinhydro import each other only as docs/layout.md allows."""

import ast
import importlib.util
import re
from collections import defaultdict

from ..conftest import ROOT, launch

PACKAGE = ROOT / "spinhydro"

#: Names at the top of the package that belong to no room.
TOP = {"__init__", "__main__", "__version__"}


def rooms_and_rules():
    """Order of the rooms, and the rooms or modules that each may import, from docs/layout.md."""
    text = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) ?\|$", text, re.MULTILINE)
    order = [room for room, _ in rows]
    rules = {room: set(re.findall(r"`([\w.]+)`", allowed)) for room, allowed in rows}
    rules["cli"] = set(order) - {"cli"}
    return order, rules


def imports():
    """``{(room, imported module): [file:line, …]}`` of all imports, also inside functions."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    base = ".".join(["spinhydro", *inside[: -node.level], *filter(None, [base])])
                names = [f"{base}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                package, *rest = name.split(".")
                if package == "spinhydro" and rest and rest[0] != inside[0]:
                    found[inside[0], ".".join(rest)].append(
                        f"{path.relative_to(ROOT)}:{node.lineno}"
                    )
    return found


def test_rooms_import_only_what_the_layout_page_allows():
    order, rules = rooms_and_rules()
    for room, allowed in rules.items():
        above = order[: order.index(room)]
        for name in allowed:
            assert name.split(".")[0] in above, f"docs/layout.md lets {room} import {name} below it"
    for (room, imported), places in imports().items():
        if room in TOP:
            continue
        assert room in rules, f"docs/layout.md does not list {room}"
        parts = imported.split(".")
        allowed = any(
            ".".join(parts[:length]) in rules[room] | TOP for length in range(1, len(parts) + 1)
        )
        assert allowed, f"{room} imports {imported}: {', '.join(places)}"


def test_the_layout_page_lists_every_room():
    entries = {path.stem for path in PACKAGE.iterdir() if path.name not in ("__pycache__",)}
    rooms = {name for name in entries if not name.startswith("_") and name != "py"}
    order, _ = rooms_and_rules()
    assert rooms == set(order)
    assert len(rooms) <= 14


def test_public_names_are_found_without_loading_the_solver():
    code = "import spinhydro, sys; assert 'load' in dir(spinhydro); print('dedalus' in sys.modules)"
    done = launch("-c", code)
    assert done.stdout == "False\n", done.stderr


def test_the_words_are_printed_without_numpy():
    """The table of words, the help and errors of typed names come from light modules."""
    for line in (["words"], ["--help"], ["list"], ["run", "problems/josephson.py", "Omga=3"]):
        code = (
            f"import sys; from spinhydro.cli.main import call; call({line!r}); "
            "print({'numpy', 'scipy', 'dedalus', 'xarray'} & set(sys.modules))"
        )
        done = launch("-c", code)
        assert done.stdout.splitlines()[-1] == "set()", (line, done.stdout, done.stderr)


def test_modules_that_are_imported_inside_functions_exist():
    """Only a call would notice, and some need an optional package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = ["spinhydro", *path.relative_to(PACKAGE).with_suffix("").parts]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                base = [*inside[: -node.level]] if node.level else []
                module = ".".join([*base, *filter(None, [node.module])])
                if module.split(".")[0] == "spinhydro":
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    assert importlib.util.find_spec(module), f"{place} imports {module}"
