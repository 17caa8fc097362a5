"""Every command that README, docs and docstrings print is accepted.

Problem files are loaded with the values of the command and the reduced settings of ``quick``, and
not run: tests/problems does that. README's commands are run in test_readme.
"""

import os
from pathlib import Path

import pytest

from spinhydro.analysis.figures import find
from spinhydro.cli.main import COMMANDS, call
from spinhydro.cli.run import _parser as run_parser
from spinhydro.problem.load import load
from spinhydro.problem.parameters import override
from spinhydro.problem.source_file import read_source

from ..conftest import ROOT
from .commands import commands, sources, write_files

PRINTED = {path.relative_to(ROOT).as_posix(): commands(path) for path in sources()}


def accept(words, folder):
    """Raise an error if a command is refused; files of the page are below a folder."""
    if words[0] == "mpiexec":
        words = words[3:]
    if words[0].startswith("run/"):
        assert os.access(ROOT / words[0], os.X_OK), words[0]
    elif words[0] == "python":
        accept_run(words[1:], folder)
    elif words[1] == "run":
        accept_run(words[2:], folder)
    elif words[1] == "plot":
        if "--figure" in words:
            name = words[words.index("--figure") + 1]
            own = folder / "analysis" / f"{Path(name).stem}.py"
            find(str(own) if own.exists() else name)
    elif words[1] in ("words", "list", "materials"):
        assert call(words[1:]) == 0
    else:
        assert words[1] in COMMANDS, words


def accept_run(arguments, folder):
    options = run_parser().read(arguments)
    path = folder / options.problem
    path = path if path.exists() else ROOT / options.problem
    override(read_source(path), options.values)
    if "start" not in options.values:  # a run made by the preceding command
        quick = path.is_relative_to(ROOT)
        load(path, quick=quick, equations=options.equation, **options.values)


@pytest.mark.parametrize("path", [path for path, found in PRINTED.items() if found])
def test_commands_are_accepted(path, capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    write_files(ROOT / path, tmp_path)
    for words in PRINTED[path]:
        try:
            accept(words, tmp_path)
        except Exception as error:
            error.add_note(" ".join(words)) if hasattr(error, "add_note") else None
            raise


def test_most_files_print_commands():
    """The shortest problem files leave theirs to the gallery (test_gallery)."""
    assert sum(map(len, PRINTED.values())) > 80
    problems = {name: found for name, found in PRINTED.items() if name.startswith("problems/")}
    printing = [n for n, f in problems.items() if any(f"run {n}" in " ".join(w) for w in f)]
    assert len(printing) > 0.8 * len(problems)
