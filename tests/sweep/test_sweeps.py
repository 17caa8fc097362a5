"""Sweeps as a user calls them: tables, failures, kills and resumption."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from spinhydro.analysis import load
from spinhydro.errors import InputError, Stopped
from spinhydro.problem.sweep.design import make_design
from spinhydro.problem.sweep.grouping import make_tasks, member_names, members_per_task, values_of

from ..conftest import ROOT

PROBLEM = ROOT / "problems" / "josephson.py"
SHORT = ("Nx=64", "stop_time=0.5*ms", "--quiet")


def table(folder):
    with open(folder / "sweep.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder):
    """Hash of all results of a sweep: the table without cost, and every output of every run."""
    rows, found = table(folder), hashlib.sha256()
    for row in rows:
        found.update(repr([v for k, v in row.items() if k != "cpu_seconds"]).encode())
    for run in dict.fromkeys(row["run"] for row in rows):
        ds = load(folder / run)
        for name in ("t", *sorted(ds.data_vars)):
            found.update(np.ascontiguousarray(ds[name].values).tobytes())
    return found.hexdigest()


def folder_of(done):
    assert done.stdout, done.stderr
    return ROOT / done.stdout.splitlines()[-1]


def test_numbers_become_members_and_shapes_become_tasks():
    design = make_design({"Nx": "64,96", "Omega_R": "0.5:0.7:3", "stop_time": "0.5"})
    members = member_names(PROBLEM, design)
    assert members == ["Omega_R"]
    assert make_tasks(design, members, most=2) == [[0, 1], [2], [3, 4], [5]]
    assert values_of(design, members, [3, 4]) == {
        "stop_time": "0.5", "Nx": "96", "Omega_R": "[0.5, 0.6]",
    }  # fmt: skip
    assert values_of(design, members, [5]) == {"stop_time": "0.5", "Nx": "96", "Omega_R": "0.7"}


def test_every_case_has_the_value_of_its_expectation(copied, command, tmp_path):
    edit = '{"magnetization against the exact solution": "abs(s@ez - Z_exact) <= 1e-7"}'
    problem = copied("josephson", (edit, '{"Z": "abs(s@ez) <= 0.9"}'))
    done = command("sweep", problem, "Omega_R=0.5,1,2,3", "stop_time=1*ms", "Nx=64", "--quiet",
                   "--members", "4", "--out", tmp_path)  # fmt: skip
    rows = table(folder_of(done))
    assert done.returncode == 0 and len({row["run"] for row in rows}) == 1
    largest = abs(load(folder_of(done)).Z.isel(t=-1)).max("x").values
    np.testing.assert_allclose([float(row["expect Z"]) for row in rows], largest, rtol=1e-6)
    assert [row["status"] for row in rows] == ["done" if z <= 0.9 else "missed" for z in largest]
    assert len({row["status"] for row in rows}) == 2


def test_members_share_the_work_among_workers():
    cases = make_design({"Omega_R": "0.5:0.7:1000"})
    assert members_per_task(cases, workers=2) == 64
    assert members_per_task(cases, workers=50) == 5
    assert members_per_task(make_design({"Omega_R": "1,2"}), workers=8) == 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep of two grids and four frequencies."""
    out = tmp_path_factory.mktemp("sweep")
    line = [sys.executable, "-m", "spinhydro", "sweep", str(PROBLEM), "Nx=64,96",
            "Omega_R=0.5:0.8:4", *SHORT[1:], "--members", "2", "--out", str(out)]  # fmt: skip
    done = subprocess.run(
        line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder_of(done)


def test_the_table_has_a_row_for_every_case(whole):
    rows = table(whole)
    assert [row["case"] for row in rows] == [str(i) for i in range(8)]
    assert {row["status"] for row in rows} == {"done"}
    assert [row["Omega_R"] for row in rows[:4]] == ["0.5", "0.6", "0.7", "0.8"]
    assert all(float(row["cpu_seconds"]) > 0 for row in rows)


def test_a_case_is_the_run_of_its_own_parameters(whole, tmp_path):
    from spinhydro import load as load_problem

    problem = load_problem(PROBLEM, Nx=96, Omega_R="0.7", stop_time="0.5*ms")
    alone = load(problem.run(out=tmp_path, quiet=True).folder)
    ds = load(whole, Nx=96)
    found = ds.Z.isel(case=2).values
    np.testing.assert_allclose(found, alone.Z.values, atol=1e-12)


def test_grids_of_different_size_do_not_fit_into_one_array(whole):
    with pytest.raises(InputError, match=r"load\(SWEEP, N=128\)"):
        load(whole)
    with pytest.raises(InputError, match="varies no 'Omega'; did you mean 'Omega_R'"):
        load(whole, Omega=1)


def test_a_sweep_that_is_complete_stays_as_it_is(whole, command):
    before = contents(whole)
    done = command("sweep", "--resume", whole, "--quiet")
    assert done.returncode == 0 and contents(whole) == before


def test_a_case_that_is_refused_stops_no_other(command, tmp_path):
    done = command("sweep", PROBLEM, "Omega_R=0.5,-1,0.7,0.9", *SHORT, "--out", tmp_path)
    assert done.returncode == 1
    rows = table(folder_of(done))
    assert [row["status"] for row in rows] == ["done", "failed", "done", "done"]
    assert "cannot be negative" in rows[1]["message"]
    assert "1 of 4 cases were not computed; the first is case 1" in done.stderr
    ds = load(folder_of(done))
    assert ds.Z.dims[0] == "Omega_R" and np.isnan(ds.Z.isel(Omega_R=1)).all()
    assert np.isfinite(ds.Z.isel(Omega_R=[0, 2, 3])).all()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_sweep_goes_on_to_the_same_bytes(number, whole, command, tmp_path):
    line = [sys.executable, "-m", "spinhydro", "sweep", str(PROBLEM), "Nx=64,96",
            "Omega_R=0.5:0.8:4", *SHORT[1:], "--members", "2", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(
        line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    started = time.monotonic()
    folder = tmp_path / "josephson" / "sweep_0001"
    while not list(folder.glob("tasks/*/task.json")) and time.monotonic() - started < 60:
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (Stopped.exit_code if number == signal.SIGTERM else -number)
    assert len(list(folder.glob("tasks/*/task.json"))) < 4
    done = command("sweep", "--resume", folder, "--quiet")
    assert done.returncode == 0, done.stderr
    assert contents(folder) == contents(whole)


def test_what_it_would_cost(command, tmp_path):
    done = command("sweep", PROBLEM, "Omega_R=0.5:0.8:200", *SHORT, "--dry-run", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert rows["cases"] == "200"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("Omega_r=1,2",), "has no parameter 'Omega_r'; did you mean 'Omega_R'?"),
        (("Omega_R=1,2*um",), "must be a frequency"),
        (("Omega_R=0.5",), "at least two cases"),
        (("Omega_R=1,2", "--on", "slrum"), "did you mean 'slurm'"),
        (("Omega_R=1,2", "--workers", "0"), "at least one"),
        (("Omega_R=1,2", "--members", "0"), "at least one member"),
    ],
)
def test_what_cannot_be_swept(arguments, message, command, tmp_path):
    done = command("sweep", PROBLEM, *arguments, "--out", tmp_path / "runs")
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
