"""Files of a run, and its early ends."""

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import spinhydro.run.output
from spinhydro.cli.main import call
from spinhydro.errors import (
    InputError,
    NotFiniteError,
    OutputError,
    ParameterError,
    WatchError,
)
from spinhydro.problem.load import load
from spinhydro.run.checkpoint import find_checkpoint
from spinhydro.run.plan import Plan, check_number_of_outputs, schedule
from spinhydro.run.provenance import git_state, git_states
from spinhydro.run.simulation import simulate

from ..conftest import ROOT

SPIRAL = ROOT / "problems" / "spin_spiral.py"


def record(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_git_state_names_the_commit_and_tells_changes_from_a_clean_checkout(tmp_path):
    def git(*arguments):
        line = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        done = subprocess.run(line, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    assert git_state(tmp_path) == {}
    git("init")
    assert git_state(tmp_path) == {}
    (tmp_path / "x.py").write_text("# a branch.oid in a comment\n")
    git("add", ".")
    git("commit", "-m", "first")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    git("checkout", "--detach")
    (tmp_path / "# new").touch()
    changed = {"commit": git("rev-parse", "HEAD"), "dirty": True}
    assert git_state(tmp_path) == changed
    ours = git_state(SPIRAL.parent)
    assert git_states(tmp_path) == {"git": ours, "problem_git": changed}
    assert git_states(SPIRAL.parent) == {"git": ours, "problem_git": ours}


def test_folder_holds_the_record_the_source_the_log_and_the_fields(tmp_path):
    result = load(SPIRAL, turns=2, stop_time=0.3).run(out=tmp_path, quiet=True)
    assert result.folder == tmp_path / "spin_spiral" / "0001"
    names = sorted(p.name for p in result.folder.iterdir())
    assert names == ["checkpoints", "fields", "log.txt", "run.json", "spin_spiral.py"]
    found = record(result.folder)
    assert (found["status"], found["exit_code"]) == ("done", 0)
    assert found["overrides"] == {"turns": "2", "stop_time": "0.3"}
    assert found["parameters"]["q"] == pytest.approx(2 * np.pi * 2 / 40)
    assert found["versions"]["dedalus"] == "3.0.5"
    assert found["ranks"] == 1 and found["iteration"] == 30
    assert set(found["git"]) <= {"commit", "dirty"} and "problem_git" in found
    assert found["expect"]["spin against the exact solution"]["met"] is True
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        source = (result.folder / "spin_spiral.py").read_text(encoding="utf-8")
        assert file.attrs["problem_source"] == source
        assert json.loads(file.attrs["run"])["parameters"] == found["parameters"]
        assert list(file["tasks/s"].attrs["tensor_axes"]) == ["spin"]
        assert file["tasks/s"].attrs["units"] == "1"
        assert file["tasks/s"].shape == (4, 3, 64)


def test_runs_are_numbered_and_never_overwritten(tmp_path):
    problem = {"turns": 2, "stop_time": 0.1}
    folders = [load(SPIRAL, **problem).run(out=tmp_path, quiet=True).folder for _ in range(2)]
    (tmp_path / "spin_spiral" / "0007").mkdir()
    folders.append(load(SPIRAL, **problem).run(out=tmp_path, quiet=True).folder)
    assert [f.name for f in folders] == ["0001", "0002", "0008"]
    assert list((tmp_path / "spin_spiral" / "0007").iterdir()) == []


def test_kept_source_gives_the_same_bytes(tmp_path):
    first = load(SPIRAL, turns=2, stop_time=0.2, kappa_n0="0.5*kHz").run(out=tmp_path, quiet=True)
    again = load(first.folder / "spin_spiral.py").run(out=tmp_path / "again", quiet=True)
    with (
        h5py.File(first.folder / "fields" / "fields_s1.h5") as a,
        h5py.File(again.folder / "fields" / "fields_s1.h5") as b,
    ):
        np.testing.assert_array_equal(a["tasks/s"][:], b["tasks/s"][:])


@pytest.mark.parametrize(
    "stop_time, interval, timestep, times",
    [
        (1.0, 0.25, 0.01, [0, 0.25, 0.5, 0.75, 1.0]),
        (1.0, 0.3, 0.05, [0, 0.3, 0.6, 0.9, 1.0]),
        (0.5, 0.3, 0.07, [0, 0.3, 0.5]),
        (0.05, 0.3, 0.01, [0, 0.05]),
    ],
)
def test_outputs_fall_on_their_times(stop_time, interval, timestep, times, tmp_path):
    values = {"stop_time": stop_time, "output_interval": interval, "timestep": timestep}
    result = load(SPIRAL, **values).run(out=tmp_path, quiet=True)
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        np.testing.assert_allclose(file["scales/sim_time"][:], times, rtol=1e-15, atol=1e-15)
    assert result.timestep <= timestep
    assert all(found["value"] < 1e-3 for found in result.expect.values())


def test_ten_thousand_steps_do_not_drift_off_their_times():
    plan = Plan(name="p", timestep=0.01, stop_time=100.0, output_interval=0.3)
    timestep, per_output, steps, remainder = schedule(plan)
    assert per_output * timestep == pytest.approx(0.3, rel=1e-15)
    assert steps * timestep + remainder == pytest.approx(100, rel=1e-14)
    assert 0 <= remainder < timestep


def test_not_finite_stops_with_field_time_and_iteration(copied, tmp_path):
    path = copied("quantum_torque", ("dt(s) = torque", "dt(s) = 0.01*s/(t - 0.1)**4 + torque"))
    problem = load(path, Nx=64, stop_time=5, timestep=0.01)
    with pytest.raises(
        NotFiniteError, match=r"s is not finite at t = 0\.[12]\d* ms, iteration [12]\d"
    ):
        problem.run(out=tmp_path, quiet=True)
    folder = tmp_path / "quantum_torque" / "0001"
    found = record(folder)
    assert (found["status"], found["exit_code"]) == ("stopped", 3)
    assert found["reason"] == "NotFiniteError"
    with h5py.File(folder / "fields" / "fields_s1.h5") as file:
        assert np.all(np.isfinite(file["tasks/s"][:]))


def test_not_finite_exits_3_and_still_prints_the_folder(copied, tmp_path, capfd):
    path = copied("quantum_torque", ("dt(s) = torque", "dt(s) = log(n - 2)*s + torque"))
    code = call(["run", str(path), "Nx=64", "--quiet", "--out", str(tmp_path / "runs")])
    text = capfd.readouterr()
    assert code == 3
    assert text.out.splitlines()[-1] == str(tmp_path / "runs" / "quantum_torque" / "0001")
    assert "s is not finite at t = 0.0" in text.err and "iteration 1" in text.err


def test_watch_stops_the_run(copied, tmp_path):
    path = copied("josephson", ("<= 0.1", "<= 1e-14"))
    with pytest.raises(WatchError, match=r"abs\(sqrt\(s@s\) - 1\) <= 1e-14"):
        load(path, Nx=16).run(out=tmp_path, quiet=True)
    assert record(tmp_path / "josephson" / "0001")["exit_code"] == 3


def test_missed_expectation_is_reported_and_the_run_stays(copied, tmp_path, capfd):
    path = copied("josephson", ("<= 1e-7", "<= 1e-20"))
    code = call(["run", str(path), "Nx=16", "stop_time=0.5", "--out", str(tmp_path / "runs")])
    assert code == 0
    assert "MISSED" in capfd.readouterr().err


def test_full_disk_is_an_error_and_what_was_written_stays(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    calls = []

    def nearly_full(path):
        # The check before the run is about the folder of all runs.
        if Path(path).name == "fields":
            calls.append(path)
        return usage._replace(free=0 if len(calls) > 3 else usage.free)

    monkeypatch.setattr(spinhydro.run.output.shutil, "disk_usage", nearly_full)
    with pytest.raises(OutputError, match="is full"):
        load(SPIRAL, stop_time=1).run(out=tmp_path, quiet=True)
    folder = tmp_path / "spin_spiral" / "0001"
    assert record(folder)["exit_code"] == 4
    with h5py.File(folder / "fields" / "fields_s1.h5") as file:
        assert file["tasks/s"].shape[0] == 3


@pytest.mark.parametrize("name", ["fields", "checkpoints"])
def test_a_folder_that_cannot_be_made_is_an_error_and_recorded(name, tmp_path, monkeypatch):
    stock = os.mkdir

    def mkdir(path, *options):
        if os.path.basename(path) == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        stock(path, *options)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with pytest.raises(OutputError, match=f"{name} could not be made: No space left"):
        load(SPIRAL, stop_time=1).run(out=tmp_path, quiet=True)
    assert record(tmp_path / "spin_spiral" / "0001")["status"] == "failed"


def test_a_run_without_free_descriptors_is_recorded_as_failed(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def use_up_descriptors(solver):
        if solver.iteration == 20:
            free = os.open(os.devnull, os.O_RDONLY)
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))

    problem = load(SPIRAL)
    try:
        with pytest.raises(OutputError, match="Too many open files"):
            simulate(
                problem.ivp, timestep=0.01, stop_time=1, output_interval=0.1,
                outputs={"s": "s"}, out=tmp_path, quiet=True, each_step=use_up_descriptors,
            )  # fmt: skip
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    found = record(tmp_path / "script" / "0001")
    assert found["status"] == "failed" and found["exit_code"] == 4
    assert "Too many open files" in found["message"]


def test_a_last_record_that_cannot_be_written_is_tried_again(tmp_path, monkeypatch):
    stock, failures = os.replace, []

    def replace(source, target):
        here = os.path.basename(target) == "run.json"
        if here and len(failures) < 2 and '"done"' in source.read_text(encoding="utf-8"):
            failures.append(source)
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        stock(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="quota"):
        load(SPIRAL, stop_time=0.2).run(out=tmp_path, quiet=True)
    assert len(failures) == 2
    assert record(tmp_path / "spin_spiral" / "0001")["status"] == "failed"


def test_a_write_that_does_not_read_back_is_an_error(tmp_path, monkeypatch):
    stock = os.pwrite

    def lossy(handle, data, position):
        if "fields_s" in os.readlink(f"/proc/self/fd/{handle}") and position == 0:
            data = bytes(64) + bytes(data)[64:]
        return stock(handle, data, position)

    monkeypatch.setattr(os, "pwrite", lossy)
    with pytest.raises(OutputError, match="did not keep what was written"):
        load(SPIRAL, stop_time=1).run(out=tmp_path, quiet=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_run_in_order(number, tmp_path):
    line = [sys.executable, "-m", "spinhydro", "run", str(SPIRAL), "stop_time=1000", "--quiet",
            "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    files = tmp_path / "spin_spiral" / "0001" / "fields" / "fields_s1.h5"
    deadline = time.monotonic() + 60
    while not files.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert number.name in err and "Traceback" not in err
    assert out.strip() == str(tmp_path / "spin_spiral" / "0001")
    assert record(tmp_path / "spin_spiral" / "0001")["status"] == "stopped"
    with h5py.File(files) as file:
        assert np.all(np.isfinite(file["tasks/s"][:]))
        last_output = file["scales/sim_time"][-1]
    stopped = record(tmp_path / "spin_spiral" / "0001")
    checkpoint = find_checkpoint(tmp_path / "spin_spiral" / "0001")
    assert checkpoint.sim_time == stopped["sim_time"]
    assert checkpoint.iteration == stopped["iteration"]
    assert checkpoint.sim_time >= last_output


SIGNAL_WHILE_LOADING = """
import os, signal
try:
    os.kill(os.getpid(), signal.{name})
except BaseException:
    pass
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_file_is_loaded_leaves_nothing(name, command, copied, tmp_path):
    signalled = SIGNAL_WHILE_LOADING.format(name=name)
    path = copied("spin_spiral", ("\nproblem = d3.IVP", signalled + "\nproblem = d3.IVP"))
    done = command("run", path, "--out", tmp_path / "runs")
    assert done.returncode == 75
    assert (
        done.stderr.splitlines()[-1] == f"spinhydro: error: stopped by {name} before the first step"
    )
    assert not (tmp_path / "runs").exists()


def test_same_run_twice_gives_the_same_bytes(command, tmp_path):
    arguments = ["run", "problems/quantum_torque.py", "--quick", "--quiet", "--out", tmp_path]
    for _ in range(2):
        assert command(*arguments).returncode == 0
    a, b = ((tmp_path / "quantum_torque" / n / "fields" / "fields_s1.h5") for n in ("0001", "0002"))
    with h5py.File(a) as first, h5py.File(b) as second:
        assert first["tasks/s"][:].tobytes() == second["tasks/s"][:].tobytes()


def test_fields_changed_by_hand_are_used_and_recorded(tmp_path):
    problem = load(SPIRAL, stop_time=0.2)
    assert problem.changed_by_hand() == []
    problem["s"]["g"] = np.array([[0.0], [0.0], [1.0]])
    result = problem.run(out=tmp_path, quiet=True)
    assert record(result.folder)["changed_by_hand"] == ["s"]
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        np.testing.assert_allclose(file["tasks/Z"][:], 1)


def test_a_problem_runs_once(tmp_path):
    problem = load(SPIRAL, stop_time=0.1)
    problem.run(out=tmp_path, quiet=True)
    with pytest.raises(InputError, match="load it again"):
        problem.run(out=tmp_path, quiet=True)


def test_drift_counts_from_the_initial_state(copied, tmp_path):
    """Z of a Rabi oscillation goes from -1 to 1 in half a period: a change by 2."""
    path = copied(
        "josephson",
        (
            "expect = {",
            'expect = {"drift": "drift(s@ez) <= 1e-3", "mean": "ave(n) = 0.5 +- 1e-9", ',
        ),
    )
    half = np.pi / (2 * np.pi * 0.118)
    values = {"Nx": 16, "kappa_n0": 0, "stop_time": half, "timestep": half / 100}
    result = load(path, **values).run(out=tmp_path, quiet=True)
    assert result.expect["drift"]["value"] == pytest.approx(2, abs=1e-6)
    assert result.expect["drift"]["met"] is False
    assert result.expect["mean"]["met"] is True


def test_check_compares_with_half_the_timestep(tmp_path, capfd):
    code = call(["run", str(SPIRAL), "stop_time=1", "--check", "--out", str(tmp_path)])
    text = capfd.readouterr()
    assert code == 0
    assert text.out.strip() == str(tmp_path / "spin_spiral" / "0001")
    assert "timestep 0.005 instead of 0.01" in text.err and "s: rms difference" in text.err
    difference, error = re.search(
        r"s: .*largest (\S+); .* about (\S+) \(order 4\)", text.err
    ).groups()
    assert float(error) == pytest.approx(16 / 15 * float(difference), rel=0.01)


def test_check_of_the_grid_compares_at_the_same_points(tmp_path, capfd):
    line = ["run", str(SPIRAL), "Nx=32", "stop_time=0.2", "timestep=0.002", "--quiet"]
    assert call([*line, "--check-grid", "Nx", "--out", str(tmp_path)]) == 0
    text = capfd.readouterr().err
    assert "check of the grid: Nx = 48" in text
    assert float(re.search(r"s: rms difference .*largest (\S+)", text)[1]) < 1e-9
    assert call([*line, "--check-grid", "turns", "--out", str(tmp_path / "none")]) == 2
    assert "it must be a number of grid points of this problem: Nx" in capfd.readouterr().err
    assert not (tmp_path / "none").exists()


NOISY = """
import dedalus.public as d3
import numpy as np
import spinhydro

Nx, factor = 16, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
basis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(0, 2 * np.pi))
u = dist.Field(name="u", bases=basis)
xi, strength = spinhydro.white_noise(u, seed=3), np.sqrt(Nx)
problem = d3.IVP([u], namespace=locals())
problem.add_equation("dt(u) - 0.3*lap(u) = strength*xi")
timestepper, timestep, stop_time = "RK4", 0.01 * (16 / Nx) ** factor, 0.2
output_interval, outputs = 0.1, {"u": "u"}
"""


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_check_of_the_grid_follows_the_path_of_the_noise(tmp_path, capfd, engine):
    """All modes of the coarse grid agree in a linear problem, also along a finer path."""
    (tmp_path / "noisy.py").write_text(NOISY)
    line = ["run", str(tmp_path / "noisy.py"), "--check-grid", "Nx", "--quiet"]
    line += ["--out", str(tmp_path / "runs"), "--engine", engine]
    assert call([*line, "factor=0"]) == 0
    text = capfd.readouterr().err
    assert "check of the grid: Nx = 24" in text and "same path of the noise" in text
    assert float(re.search(r"u: rms difference .*largest (\S+)", text)[1]) < 1e-14
    assert call([*line, "factor=2"]) == 0
    text = capfd.readouterr().err
    assert "in timesteps of 0.0025" in text
    assert 1e-9 < float(re.search(r"u: rms difference .*largest (\S+)", text)[1]) < 0.05


def test_unstable_timestep_is_refused_with_a_safe_one_and_forced_on_demand(tmp_path, capfd):
    arguments = ["run", str(SPIRAL), "timestep=0.1", "--quiet", "--out", str(tmp_path / "runs")]
    assert call(arguments) == 2
    message = capfd.readouterr().err
    safe = float(message.split("Largest safe timestep: ")[1].split(". ")[0])
    assert 0.07 < safe < 2.83 / 31.4
    assert not (tmp_path / "runs").exists()
    assert call([*arguments, "--force", "stop_time=0.3"]) == 0
    assert call([*arguments[:2], f"timestep={safe}", *arguments[3:], "stop_time=0.3"]) == 0


def test_info_and_list(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = load(SPIRAL, turns=2, stop_time=0.1).run(out=tmp_path, quiet=True).folder
    assert call(["info", str(folder)]) == 0
    text = capfd.readouterr().out
    for part in ("done", "* turns = 2", "s = s", "dt(s) + velocity*dx(s)"):
        assert part in text
    assert call(["list", "--out", str(tmp_path)]) == 0
    text = capfd.readouterr().out
    assert "problems/quantum_torque.py" in text and "turns=2" in text


def test_words_are_listed_with_one_line_each(capfd):
    assert call(["words"]) == 0
    text = capfd.readouterr().out
    for word in ("dt(s)", "dx(f)", "lap(f)", "cross(a, b)", "s @ ez"):
        (line,) = [line for line in text.splitlines() if line.strip().startswith(word + " ")]
        assert len(line.split("  ")) > 1


def test_outputs_beyond_the_free_space_are_refused_before_the_run(tmp_path, monkeypatch):
    """Seven numbers at each of 64 points, four outputs after the first."""
    free = [4 * 7 * 64 * 8 - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    times = {"turns": 2, "stop_time": 0.4, "output_interval": 0.1}
    with pytest.raises(ParameterError, match=r"4 outputs need 1.43e-05 GB.*--out DIR; --force"):
        load(SPIRAL, **times).run(out=tmp_path / "new" / "runs", quiet=True)
    assert list(tmp_path.iterdir()) == []
    free[0] = 10**9
    load(SPIRAL, **times).run(out=tmp_path, quiet=True)


def test_a_million_outputs_are_the_most():
    plan = Plan("a", 1e-6, 1.0, output_interval=1e-6)
    check_number_of_outputs(plan, 10**6, 1, force=False)
    check_number_of_outputs(plan, 10**6 + 1, 1, force=True)
    with pytest.raises(ParameterError, match="is one of them in the wrong unit"):
        check_number_of_outputs(plan, 10**6 + 1, 1, force=False)
    check_number_of_outputs(plan, 2 * 10**6, 2, force=False)


def test_a_short_last_step_is_taken_and_rounding_is_not():
    remainder = schedule(Plan("a", 0.1, 1.00005, output_interval=0.1))[3]
    assert remainder == pytest.approx(5e-5, rel=1e-9)
    assert schedule(Plan("a", 0.1, 3 * 0.1 + 1e-16, output_interval=0.1))[2:] == (3, 0.0)
