"""A run that was stopped and resumed has the bytes of the run in one piece."""

import json
import os
import signal
import subprocess
import sys
import time

import dedalus.public as d3
import h5py
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.cli.main import call
from spinhydro.errors import InputError, Stopped
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run
from spinhydro.run import liveness, provenance
from spinhydro.run.checkpoint import checkpoint_files
from spinhydro.run.checkpoint_reading import Checkpoint
from spinhydro.run.loop import Run

from ..conftest import ROOT

SPIRAL = ROOT / "problems" / "spin_spiral.py"
CHAIN = '''
"""Landau-Lifshitz chain in a field that depends on time, with or without noise."""
import dedalus.public as d3
import h5py
import numpy as np

import spinhydro

N = 32
noise = 0
seed = 3
timestepper = "RK4"
timestep = 1e-3
stop_time = 0.04
output_interval = 0.01
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords)
xb = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 2 * np.pi))
s = dist.VectorField(spin, name="s", bases=xb)
t = dist.Field(name="t")
ex, ey, ez = spin.unit_vector_fields(dist)
x = dist.local_grid(xb)
angle = 0.8 * np.sin(x) + 0.5 * np.cos(2 * x)
s["g"][0], s["g"][1], s["g"][2] = np.sin(angle), 0, np.cos(angle)
xi = spinhydro.white_noise(s, seed=seed)
problem = d3.IVP([s], time=t, namespace=locals())
text = "dt(s) = cross(s, lap(s)) + cross((1 + 0.5*sin(3*t))*(s@ez)*ez, s)"
problem.add_equation(text + (" + 0.1*cross(xi, s)" if noise else ""))
outputs = {"s": "s", "E": "integ(dx(s)@dx(s))"}
watch = ["drift(s@s) <= 10"]
expect = {"drift": "drift(s@s) <= 10"}
'''


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "chain.py"
    path.write_text(CHAIN)
    return path


@pytest.fixture
def stopped(monkeypatch):
    """Run a problem until a signal at some step; return the run folder."""

    def run(problem, step, **options):
        stock = Run.attend

        def attend(self, request):
            if self.step >= step:
                request.signal_number = signal.SIGUSR2
            return stock(self, request)

        with monkeypatch.context() as patch:
            patch.setattr(Run, "attend", attend)
            with pytest.raises(Stopped, match="SIGUSR2.*spinhydro resume") as found:
                problem.run(quiet=True, **options)
        return found.value.folder

    return run


def record(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def assert_same_bytes(first, second):
    first, second = read(first), read(second)
    assert set(first.data_vars) == set(second.data_vars)
    for name in [*first.data_vars, "t", "iteration"]:
        assert first[name].values.tobytes() == second[name].values.tobytes(), name


@pytest.mark.parametrize(
    "engine, timestepper, noise",
    [
        ("fused", "RK4", 0),
        ("dedalus", "RK443", 0),
        ("fused", "SBDF4", 0),
        ("lean", "SBDF4", 0),
        ("dedalus", "SBDF4", 0),
        ("fused", "RK43", 0),
        ("lean", "IFRK43", 0),
        ("fused", "ETDRK43", 0),
        ("fused", "StochasticHeun", 1),
        ("fused", "SemiImplicit", 1),
    ],
)
def test_resumed_run_has_the_bytes_of_the_run_in_one_piece(
    engine, timestepper, noise, chain, stopped, tmp_path
):
    values = {"timestepper": timestepper, "noise": noise}
    whole = load(chain, **values).run(out=tmp_path / "a", engine=engine, quiet=True)
    folder = stopped(load(chain, **values), 13, out=tmp_path / "b", engine=engine)
    assert record(folder)["status"] == "stopped" and record(folder)["exit_code"] == 75
    assert resume_run(folder, quiet=True).folder == folder
    assert_same_bytes(whole.folder, folder)
    found = record(folder)
    assert (found["status"], found["exit_code"]) == ("done", 0)
    assert found["iteration"] == record(whole.folder)["iteration"] >= 40
    (note,) = found["resumed"]
    assert (note["iteration"], note["changed"]) == (13, False)
    assert found["watch"] == record(whole.folder)["watch"]
    assert found["expect"] == record(whole.folder)["expect"]


@pytest.mark.parametrize(
    ("stepper", "engine"),
    [
        ("RK43", "fused"),
        ("WaveRK43", "fused"),
        ("RK853", "fused"),
        ("RKMK43", "fused"),
        pytest.param("RK43", "lean", marks=pytest.mark.slow),
    ],
)
def test_a_run_whose_steps_are_measured_now_and_then_has_the_same_bytes(
    stepper, engine, chain, stopped, tmp_path
):
    """Steady equations: several adaptive steps are one call."""
    chain.write_text(
        CHAIN.replace("sin(3*t)", "0.5").replace("stop_time = 0.04", "stop_time = 1.6")
    )
    values = {"timestepper": stepper, "output_interval": 0.2, "timestep": "auto"}
    whole = load(chain, **values).run(out=tmp_path / "a", quiet=True, engine=engine)
    folder = stopped(load(chain, **values), 51, out=tmp_path / "b", engine=engine)
    calls = record(folder)["iteration"]
    assert resume_run(folder, quiet=True).folder == folder
    assert_same_bytes(whole.folder, folder)
    assert 51 <= calls < record(folder)["iteration"]


def test_a_resumed_run_keeps_the_stepper_that_was_chosen(chain, stopped, tmp_path):
    values = {"N": 8, "timestep": "auto", "tolerance": 1e-11, "stop_time": 1, "output_interval": 1}
    whole = load(chain, **values).run(out=tmp_path / "a", quiet=True)
    assert "stepper: RK8 in place of RK4" in (whole.folder / "log.txt").read_text()
    folder = stopped(load(chain, **values), 21, out=tmp_path / "b")
    assert resume_run(folder, quiet=True).folder == folder
    assert_same_bytes(whole.folder, folder)
    resume_run(folder, stop_time=1.5, values={"tolerance": 1e-3}, quiet=True)
    assert record(folder)["timestepper"] == "RK853"


@pytest.mark.parametrize("noise", [True, False])
def test_members_resume_to_the_same_bytes(noise, chain, stopped, tmp_path):
    values = {"members": 3, "noise": 1, "seed": "[1, 2, 3]", "timestepper": "StochasticHeun"}
    if not noise:
        values = {"members": 3, "timestepper": "RK853", "tolerance": 1e-11}
    whole = load(chain, **values).run(out=tmp_path / "a", quiet=True)
    folder = stopped(load(chain, **values), 21, out=tmp_path / "b")
    resume_run(folder, quiet=True)
    assert_same_bytes(whole.folder, folder)


def test_any_kept_checkpoint_and_a_later_stop_time(chain, tmp_path):
    options = {"checkpoint_interval": 0, "checkpoints_kept": 30, "quiet": True}
    whole = load(chain, stop_time=0.05).run(out=tmp_path / "a", quiet=True)
    folder = load(chain).run(out=tmp_path / "b", **options).folder
    assert len(checkpoint_files(folder)) == 30
    for choice in (-3, str(max(checkpoint_files(folder)) - 20)):
        resume_run(folder, checkpoint=choice, quiet=True)
    with pytest.raises(InputError, match="has no checkpoint 99; it has: "):
        resume_run(folder, checkpoint=99, quiet=True)
    with pytest.raises(InputError, match="is complete"):
        resume_run(folder, quiet=True)
    resume_run(folder, stop_time=0.05, quiet=True)
    assert_same_bytes(whole.folder, folder)
    assert [n["from"] for n in record(folder)["resumed"]][2] == f"checkpoints_s{_last(folder)}.h5"


def _last(folder):
    return record(folder)["resumed"][2]["from"].split("_s")[1].split(".")[0]


def test_a_stop_time_between_steps_does_not_stay_in_the_continued_run(chain, tmp_path):
    whole = load(chain, stop_time=0.04).run(out=tmp_path / "a", quiet=True)
    folder = load(chain, stop_time=0.0265).run(out=tmp_path / "b", quiet=True).folder
    resume_run(folder, stop_time=0.04, quiet=True)
    a, b = read(whole.folder), read(folder)
    at = [i for i, t in enumerate(b.t.values) if t in a.t.values]
    assert len(at) == a.sizes["t"] == b.sizes["t"] - 1
    assert a.s.values.tobytes() == b.s.values[at].tobytes()


def test_a_damaged_checkpoint_is_passed_over(chain, stopped, tmp_path):
    whole = load(chain).run(out=tmp_path / "a", quiet=True)
    folder = stopped(load(chain), 25, out=tmp_path / "b", checkpoint_interval=0)
    older, last = checkpoint_files(folder).values()
    with h5py.File(last, "r+") as file:
        file["tasks/s"][0, 0, 3] += 1e-12
    with pytest.raises(InputError, match="damaged"):
        Checkpoint(last)
    resume_run(folder, quiet=True)
    assert record(folder)["resumed"][0]["from"] == older.name
    assert_same_bytes(whole.folder, folder)


def test_an_edited_file_counts_only_if_that_is_asked(chain, stopped, tmp_path):
    whole = load(chain).run(out=tmp_path / "a", quiet=True)
    folder = stopped(load(chain), 13, out=tmp_path / "b")
    chain.write_text(CHAIN.replace("0.5*sin(3*t)", "50*sin(3*t)"))
    resume_run(folder, quiet=True)
    assert_same_bytes(whole.folder, folder)
    folder = stopped(load(chain), 13, out=tmp_path / "c")
    chain.write_text(CHAIN)
    resume_run(folder, edited=True, quiet=True)
    assert record(folder)["resumed"][0]["changed"] is True
    assert "1 + 0.5*sin(3*t)" in (folder / "chain_resumed_1.py").read_text()
    assert np.abs(read(folder).s.values[-1] - read(whole.folder).s.values[-1]).max() > 1e-6


@pytest.mark.parametrize(
    "values, text",
    [({"N": "24"}, "shape (3, 32), not (3, 24): take the same bases"),
     ({"N": "48"}, "shape (3, 32), not (3, 48)"),
     ({"N": "48", "stop_time": "0.08"}, "not (3, 48)"),
     ({"members": "2"}, "shape (3, 32), not (3, 2, 32)")],
)  # fmt: skip
def test_another_shape_is_refused_before_the_run_is_touched(values, text, chain, stopped, tmp_path):
    folder = stopped(load(chain), 13, out=tmp_path / "a")
    before = {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    with pytest.raises(InputError) as error:
        resume_run(folder, values=values, quiet=True)
    assert text in str(error.value)
    assert before == {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    assert resume_run(folder, quiet=True).status == "done"


def test_a_problem_of_a_script_resumes_itself(chain, stopped, tmp_path):
    whole = load(chain).run(out=tmp_path / "a", quiet=True)
    folder = stopped(load(chain), 13, out=tmp_path / "b")
    with pytest.raises(InputError, match="N = 32, not 16"):
        load(chain, N=16).run(resume=folder, quiet=True)
    kept = (folder / "run.json").read_text()
    older = json.loads(kept)
    older["stated"]["parameters"]["magnet"] = [1.0]
    (folder / "run.json").write_text(json.dumps(older))
    with pytest.raises(InputError, match=r"magnet = \[1.0\], which .* now.*another version"):
        resume_run(folder, quiet=True)
    (folder / "run.json").write_text(kept)
    load(chain).run(resume=folder, quiet=True)
    assert_same_bytes(whole.folder, folder)


def _diffusion():
    coords = d3.Coordinate("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords, 32, (0, 2 * np.pi), dealias=3 / 2)
    u = dist.Field(name="u", bases=basis)
    problem = d3.IVP([u], namespace={"u": u, "lap": d3.lap})
    problem.add_equation("dt(u) - lap(u) = - u*u*u")
    u["g"] = np.cos(dist.local_grid(basis))
    return problem


def test_simulate_resumes(tmp_path, monkeypatch):
    options = {"timestep": 1e-3, "timestepper": "SBDF2", "output_interval": 0.01, "quiet": True}
    whole = spinhydro.simulate(_diffusion(), stop_time=0.04, out=tmp_path / "a", **options)
    spinhydro.simulate(_diffusion(), stop_time=0.02, out=tmp_path / "b", **options)
    folder = tmp_path / "b" / "script" / "0001"
    spinhydro.simulate(_diffusion(), stop_time=0.04, resume=folder, **options)
    assert_same_bytes(whole.folder, folder)
    solver = _diffusion().build_solver(d3.RK222)
    solver.load_state(checkpoint_files(folder)[1])
    assert solver.sim_time == pytest.approx(0.02)
    np.testing.assert_allclose(solver.state[0]["g"], read(folder).u.values[2], rtol=1e-13)


@pytest.mark.parametrize("scheme", [d3.SBDF3, d3.RK443])
@pytest.mark.parametrize("engine", ["dedalus", "auto"])
def test_plain_scripts_save_and_load_the_history_of_their_scheme(tmp_path, scheme, engine):
    def build():
        solver = _diffusion().build_solver(scheme)
        return solver if engine == "dedalus" else spinhydro.accelerate(solver)

    def advance(solver, steps):
        for _ in range(steps):
            solver.step(1e-3)

    whole = build()
    advance(whole, 20)
    first = build()
    advance(first, 9)
    assert spinhydro.save_state(first, tmp_path / "state.h5", 1e-3)
    second = build()
    assert spinhydro.load_state(second, tmp_path / "state.h5") == 1e-3
    assert second.iteration == 9
    advance(second, 11)
    assert second.state[0]["c"].tobytes() == whole.state[0]["c"].tobytes()
    second.state[0]["g"][3] = np.nan
    assert not spinhydro.save_state(second, tmp_path / "state.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["state.h5"]
    assert spinhydro.load_state(first, tmp_path / "state.h5") == 1e-3


def test_a_run_on_a_lost_host_resumes_when_its_time_has_passed(
    chain, stopped, tmp_path, monkeypatch, capfd
):
    folder = stopped(load(chain), 13, out=tmp_path)
    lost = {**record(folder), "status": "running", "host": "lost", "heartbeat": provenance.now()}
    (folder / "run.json").write_text(json.dumps(lost), encoding="utf-8")
    monkeypatch.setattr(liveness, "PATIENCE", 2.0)
    assert resume_run(folder, quiet=True).status == "done"
    assert "counts as dead after 2 s" in capfd.readouterr().err


def test_killed_process_is_dead_and_resumes(tmp_path, capfd):
    """SIGKILL leaves no checkpoint here: the run begins again and keeps its outputs."""
    arguments = [str(SPIRAL), "stop_time=40", "timestep=5e-4", "--quiet"]
    line = [sys.executable, "-m", "spinhydro", "run", *arguments, "--out", str(tmp_path / "b")]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL)
    files = tmp_path / "b" / "spin_spiral" / "0001" / "fields" / "fields_s1.h5"
    deadline = time.monotonic() + 60
    while not files.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    folder = files.parent.parent
    with pytest.raises(InputError, match="is still running: process"):
        resume_run(folder)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert record(folder)["status"] == "running"
    assert call(["list", "--out", str(tmp_path / "b")]) == 0
    assert f"{folder}  dead" in capfd.readouterr().out
    assert call(["info", str(folder)]) == 0
    assert "dead" in capfd.readouterr().out
    assert call(["resume", str(folder), "--quiet"]) == 0
    assert capfd.readouterr().out.strip() == str(folder)
    assert call(["run", *arguments, "--out", str(tmp_path / "a")]) == 0
    assert_same_bytes(tmp_path / "a" / "spin_spiral" / "0001", folder)
    assert "differ" not in (folder / "log.txt").read_text()
