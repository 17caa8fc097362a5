"""Commands that README, docs and docstrings print."""

import ast
import re
import shlex

from ..conftest import ROOT

#: A line that is a command: spinhydro or a problem file, also under mpiexec, or run/….
_COMMAND = re.compile(
    r"\s*((?:mpiexec -n \d+ )?(?:spinhydro [a-z]+(?!\S)|python problems/\S+|run/\w+(?!\S)).*)"
)

#: Words of a usage line, and shell variables or loops.
_PLACEHOLDER = re.compile(r"\b(PROBLEM|RUN|FILE|DIR|NAME)\b|…|\.\.\.|[$<>]|\[-|;|\bN\b")


def sources():
    """Paths of all files whose commands are tested."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder, kind in (("docs", "*.md"), ("problems", "*.py"), ("analysis", "*.py")):
        found += sorted((ROOT / folder).rglob(kind))
    return found + sorted((ROOT / "spinhydro").rglob("*.py"))


def _texts(path):
    """Code blocks of a page, or docstrings of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        # Before the first fence, then language, block, "", text, language, …
        fences = re.split(r"^ *```(.*)\n", text, flags=re.MULTILINE)
        blocks = zip(fences[1::4], fences[2::4], strict=True)
        return [
            block for language, block in blocks if language in ("", "text", "bash", "sh", "console")
        ]
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return [ast.get_docstring(node) for node in nodes if ast.get_docstring(node)]


def write_files(page, folder):
    """Write the files that a page gives ("Write this into `x.py`:") below a folder."""
    text = page.read_text(encoding="utf-8") if page.suffix == ".md" else ""
    for name, code in re.findall(r"into `(\S+\.py)`:\n+```python\n(.*?)```", text, re.DOTALL):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")


def commands(path):
    """Commands of a file as lists of words, in order, without those that contain placeholders."""
    found = []
    for text in _texts(path):
        for line in re.sub(r"\\+\n\s*", "", text).splitlines():
            match = _COMMAND.fullmatch(line)
            if match and not _PLACEHOLDER.search(re.sub(r"'[^']*'", "", match[1])):
                # An explanation is separated by a number sign or by several spaces.
                found.append(shlex.split(re.split(r"\s{3,}|\s+# ", match[1])[0]))
    return found
