"""Undocumented parts of Dedalus used by the engines, and behaviour without them."""

import logging
import os
import subprocess
import sys
from importlib.metadata import version

import dedalus.core.future
import dedalus.core.operators
import dedalus.core.subsystems
import dedalus.public as d3
import pytest

from spinhydro import accelerate
from spinhydro.dedalus_support.private import MADE_FOR, NEEDED, missing
from spinhydro.problem.load import load

from ..conftest import ROOT
from ..guests.all_fourier import schroedinger


@pytest.mark.parametrize("engine", NEEDED)
def test_this_release_of_dedalus_has_all_that_the_engines_need(engine):
    lost = missing(engine)
    assert not lost, (
        f"Dedalus {version('dedalus')} has lost {', '.join(lost)}, which the {engine} engine uses; "
        "runs go on without that engine"
    )


def test_the_release_is_the_one_that_is_pinned():
    assert version("dedalus") == MADE_FOR
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"dedalus=={MADE_FOR}"' in text


@pytest.mark.parametrize(
    "place, name, engine",
    [
        (dedalus.core.operators, "TransposeComponents", "lean"),
        (dedalus.core.subsystems.Subsystem, "field_slices", "fused"),
    ],
)
def test_an_engine_that_misses_something_is_passed_over(place, name, engine, monkeypatch, caplog):
    solver = accelerate(schroedinger().build_solver(d3.RK443))
    monkeypatch.delattr(place, name)
    with caplog.at_level(logging.INFO, "spinhydro"):
        solver.step(1e-3)
    assert f"engine: {engine}" in caplog.text
    assert (f"without {place.__name__}.{name}" in caplog.text) == (engine == "lean")


SCRIPT = """
import dedalus.public as d3
import dedalus.core.operators, dedalus.libraries.matsolvers
from tests.guests.all_fourier import schroedinger

# As in a release that has neither.
del dedalus.core.operators.TransposeComponents
del dedalus.libraries.matsolvers.SparseSolver
import spinhydro

solver = spinhydro.accelerate(schroedinger().build_solver(d3.RK443))
solver.step(1e-3)
print(type(solver.timestepper).__name__)
"""


def test_dedalus_alone_goes_on_when_both_engines_miss_something():
    """In a separate process: the modules of the engines have not been loaded before."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "RK443"
    assert "engine: dedalus" in done.stderr + done.stdout
    assert "without dedalus.core.operators.TransposeComponents" in done.stderr + done.stdout


@pytest.mark.parametrize(
    "place, name",
    [(dedalus.core.subsystems, "build_subproblems"), (dedalus.core.future, "STORE_OUTPUTS")],
)
def test_a_run_goes_on_with_a_plain_solver(place, name, monkeypatch, tmp_path):
    """With other names than those that our solver uses."""
    monkeypatch.setitem(NEEDED, "solver", (f"{place.__name__}: {name}Gone",))
    problem = load(ROOT / "problems" / "spin_spiral.py", stop_time=0.05)
    log = (problem.run(out=tmp_path, quiet=True).folder / "log.txt").read_text(encoding="utf-8")
    assert "engine: dedalus" in log
    assert f"without {place.__name__}.{name}Gone" in log
