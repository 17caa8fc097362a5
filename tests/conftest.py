"""Shared by all tests: where things are, and how to call the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """Dedalus's log would mix with what the command prints.

    Imported here and not above: once MPI has started, processes that are started with this
    environment cannot start another mpiexec, and pytest's workers are such processes.
    """
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()


@pytest.fixture
def problems():
    """The folder of the problem files."""
    return ROOT / "problems"


@pytest.fixture
def command(tmp_path):
    """Run ``spinhydro …`` in a process of its own; output goes below tmp_path."""

    def run(*arguments, ranks=None, cwd=ROOT, module="spinhydro", timeout=120):
        line = [sys.executable, "-m", module, *map(str, arguments)]
        if ranks:
            line = ["mpiexec", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *line]
        environment = {
            **os.environ,
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.run(
            line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
        )

    return run


@pytest.fixture
def copied(tmp_path):
    """Copy a problem file and replace parts of its text, each of which must be there once."""

    def copy(name, *edits, to=None):
        text = (ROOT / "problems" / f"{name}.py").read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}.py"
            text = text.replace(old, new)
        path = tmp_path / f"{to or name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    return copy
