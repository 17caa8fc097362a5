"""Splitting with adaptive timesteps: errors, choice, truncation, resumption, ranks."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.errors import ParameterError
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run
from spinhydro.steppers import trial

from ..conftest import ROOT
from ..run_loop.test_resume import assert_same_bytes, stopped  # noqa: F401 (a fixture)

#: Two packets meet, so that the state comes to fill shorter waves than at the start.
GAS = '''
"""Two coupled components, whose densities meet in a trap."""
import dedalus.public as d3
import numpy as np

import spinhydro

Nx = 255
depth = 0.5
extra = 0.0
timestepper = "BlanesMoan4"
timestep = 0.01
stop_time = 4.0
output_interval = 0.5
truncate = None
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
basis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(-16, 16))
a, b = (dist.Field(name=name, bases=basis) for name in "ab")
x = dist.local_grid(basis)
a["g"] = 1.5 * np.exp(-((x - 4) ** 2) / 4) * np.exp(-1j * x)
b["g"] = np.exp(-((x + 4) ** 2) / 4) * np.exp(1j * x)
V = dist.Field(name="V", bases=basis)
V["g"] = -depth * np.cos(2 * np.pi * x / 32)
n = spinhydro.abs2(a) + spinhydro.abs2(b)
problem = d3.IVP([a, b], namespace=locals())
problem.add_equation("dt(a) - 0.5j*lap(a) + 0.25j*b = -1j*(V + n)*a + extra*b*b*np.conj(a)")
problem.add_equation("dt(b) - 0.5j*lap(b) + 0.25j*a = -1j*(V + n + 0.5*spinhydro.abs2(b))*b")
outputs = {"a": "a", "n": "n"}
'''


@pytest.fixture
def gas(tmp_path):
    path = tmp_path / "gas.py"
    path.write_text(GAS.replace(" + extra*b*b*np.conj(a)", ""))
    return path


def ended(path, out, engine="auto", **values):
    """Return the final state of a run, its log and its folder."""
    problem = load(path, **values)
    result = problem.run(out=out, quiet=True, engine=engine)
    state = np.stack([variable["c"] for variable in problem.ivp.variables])
    return state, (result.folder / "log.txt").read_text(), result.folder


def error(found, exact):
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


def test_errors_meet_the_tolerance(gas, tmp_path):
    exact, _, _ = ended(gas, tmp_path, timestepper="BlanesMoan6", timestep=0.0025)
    for tolerance in (1e-4, 1e-6, 1e-8):
        found, text, folder = ended(
            gas, tmp_path, timestepper="BlanesMoan4", tolerance=tolerance, timestep="auto"
        )
        assert "adaptive, AdaptiveBlanesMoan4, " in text
        assert tolerance / 100 < error(found, exact) < 2 * tolerance
        estimated = float(text.split("estimated error ")[1].split()[0])
        assert error(found, exact) / 5 < estimated < 5 * error(found, exact)
        assert ("truncation: BlanesMoan4 keeps the modes below 0." in text) == (tolerance > 1e-8)
        if tolerance == 1e-4:
            assert "of the largest wavenumber are kept from t = " in text
            assert json.loads((folder / "run.json").read_text())["timestepper"].startswith("Adapt")


def test_splitting_is_chosen_where_it_is_cheapest(gas, tmp_path, monkeypatch):
    """The default of a file; not for a right side that turns more than phases."""
    monkeypatch.setattr(trial, "LEAST_SAVED", 0)
    chosen, text, _ = ended(gas, tmp_path, tolerance=1e-5, timestep="auto")
    assert "stepper: BlanesMoan4 in place of IFRK4: predicted " in text, text
    stated, other, _ = ended(
        gas, tmp_path, tolerance=1e-5, timestep="auto", timestepper="BlanesMoan4"
    )
    assert "stepper:" not in other
    np.testing.assert_array_equal(chosen, stated)
    gas.write_text(GAS)
    _, text, _ = ended(gas, tmp_path, tolerance=1e-5, timestep="auto", extra=0.1, stop_time=1)
    assert "adaptive, AdaptiveBlanesMoan4" not in text
    with pytest.raises(ParameterError, match="BlanesMoan4"):
        ended(gas, tmp_path, tolerance=1e-5, timestepper="BlanesMoan4", extra=0.1)


@pytest.mark.parametrize("engine", ["lean", "dedalus"])
def test_engines_take_the_same_splitting_steps(engine, gas, tmp_path):
    values = {"timestepper": "BlanesMoan4", "tolerance": 1e-6, "timestep": "auto", "stop_time": 1}
    (fused, one, _), (other, two, _) = (
        ended(gas, tmp_path, name, **values) for name in ("fused", engine)
    )
    assert error(other, fused) < 1e-11
    assert one.split("done: ")[1].split(",")[0] == two.split("done: ")[1].split(",")[0]


@pytest.mark.parametrize("values", [{}, {"members": 2, "depth": [0.5, 0.8]}])
def test_resumed_adaptive_splitting_has_the_same_bytes(values, gas, stopped, tmp_path):  # noqa: F811
    """Also with modes that were added before the checkpoint."""
    values = {"timestepper": "BlanesMoan4", "tolerance": 1e-4, "timestep": "auto", **values}
    whole = load(gas, **values).run(out=tmp_path / "a", quiet=True)
    assert "are kept from t = " in (whole.folder / "log.txt").read_text()
    steps = json.loads((whole.folder / "run.json").read_text())["iteration"]
    folder = stopped(load(gas, **values), steps * 3 // 4, out=tmp_path / "b")
    assert resume_run(folder, quiet=True).folder == folder
    assert_same_bytes(whole.folder, folder)


def test_a_resumed_run_keeps_the_splitting_that_was_chosen(gas, stopped, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(trial, "LEAST_SAVED", 0)
    values = {"tolerance": 1e-5, "timestep": "auto", "stop_time": 2.0}
    whole = load(gas, **values).run(out=tmp_path / "a", quiet=True)
    folder = stopped(load(gas, **values), 20, out=tmp_path / "b")
    resume_run(folder, quiet=True)
    assert "stepper: BlanesMoan4 in place of" in (folder / "log.txt").read_text()
    assert_same_bytes(whole.folder, folder)


def test_outputs_inside_adaptive_splitting_steps(gas, tmp_path):
    """Each by a shorter step from the start of its step: as accurate as the others."""
    values = {"timestepper": "BlanesMoan4", "timestep": "auto", "stop_time": 1}
    _, _, exact = ended(gas, tmp_path, tolerance=1e-9, output_interval=0.01, **values)
    _, text, folder = ended(gas, tmp_path, tolerance=1e-4, output_interval=0.01, **values)
    first, second = (read(f).a.values for f in (folder, exact))
    assert first.shape == second.shape
    assert error(first, second) < 1e-4


def test_a_stated_truncation_is_kept(gas, tmp_path):
    values = {"timestepper": "BlanesMoan4", "tolerance": 1e-3, "timestep": "auto"}
    _, text, _ = ended(gas, tmp_path, truncate=0.9, stop_time=0.5, **values)
    assert "keeps the modes below 0.9 of the largest wavenumber along each axis (as stated" in text
    with pytest.raises(ParameterError, match="truncate = 0.01 would drop"):
        ended(gas, tmp_path, truncate=0.01, **values)


def test_ranks_split_space(tmp_path):
    """Two ranks take the steps of one, in a plane."""
    command = [sys.executable, "-m", "spinhydro", "run", str(ROOT / "problems/coupled_gpe.py"),
               "dimensions=2", "Nx=64", "Ny=64", "L_x=90*um", "L_y=90*um", "R_x=30*um",
               "R_y=30*um", "timestepper=BlanesMoan4", "timestep=auto", "tolerance=1e-4",
               "stop_time=0.1*ms", "output_interval=0.05*ms", "--out", str(tmp_path)]  # fmt: skip
    found = []
    for ranks in ("1", "2"):
        done = subprocess.run([*command, "-n", ranks], capture_output=True, text=True,
                              env=os.environ, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(read(done.stdout.splitlines()[-1]).n.values[-1])
    assert error(found[1], found[0]) < 1e-11
