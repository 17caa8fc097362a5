"""The job script for PBS against a stand-in for its commands (`pbs_stand_in`)."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..conftest import MPI_VARIABLES, ROOT, stored

pytestmark = pytest.mark.slow

#: A second of steps, with ten outputs; quotes, parentheses, blanks and a comma.
VALUES = "Nx='64' stop_time='(4 + 16)*ms' output_interval='2*ms' timestep='min(0.0005, 1)*ms'"


@pytest.fixture
def pbs(tmp_path, monkeypatch):
    """Commands qsub and qstat; a function that runs a queued job and may send it a signal."""
    stand_in = Path(__file__).with_name("pbs_stand_in.py")
    (tmp_path / "bin").mkdir()
    (tmp_path / "queue").mkdir()
    for name in ("qsub", "qstat"):
        program = tmp_path / "bin" / name
        line = shlex.join([sys.executable, str(stand_in), name])
        program.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PBS_STAND_IN", str(tmp_path / "queue"))
    monkeypatch.setenv("SPINHYDRO_ROOT", str(ROOT))
    monkeypatch.chdir(tmp_path)

    def run(number, stop=False, **more):
        job = json.loads((tmp_path / "queue" / f"{number}.json").read_text(encoding="utf-8"))
        spooled = tmp_path / f"{number}.SC"
        spooled.write_text(job["script"], encoding="utf-8")
        environment = {"SPINHYDRO_PYTHON": sys.executable, **MPI_VARIABLES, **more}
        process = subprocess.Popen(
            ["bash", spooled], cwd=Path.home(), env={**job["environment"], **environment},
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + 100
        while stop and process.poll() is None and time.monotonic() < until:
            if len(list(tmp_path.glob("runs/*/*/*/fields/*.h5"))) and _iteration(tmp_path) > 0:
                os.killpg(process.pid, signal.SIGTERM)
                break
            time.sleep(0.02)
        _, text = process.communicate(timeout=100)
        return process.returncode, text, job

    return run


def _records(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.glob("runs/*/*/*/run.json"))]


def _iteration(folder):
    return max((record.get("iteration", 0) for record in _records(folder)), default=0)


def submit(*words):
    return subprocess.run(["qsub", *words], capture_output=True, text=True, check=True).stdout


def test_a_job_goes_on_in_the_next_one_with_its_values_and_resources(pbs, tmp_path, monkeypatch):
    from spinhydro import load

    problem = ROOT / "problems" / "spin_spiral.py"
    monkeypatch.setenv("PROBLEM", str(problem))
    monkeypatch.setenv("VALUES", VALUES)
    script = str(ROOT / "run" / "pbs.sh")
    assert submit("-v", "PROBLEM,VALUES,SPINHYDRO_ROOT", "-l", "walltime=12:00:00", script)
    status, text, _ = pbs(101, stop=True)
    assert status == 75, text
    (record,) = _records(tmp_path)
    assert record["status"] == "stopped" and record["overrides"]["stop_time"] == "(4 + 16)*ms"
    assert f"--wall-limit {12 * 3600 - 300} " in record["command"]
    status, text, job = pbs(102)
    assert status == 0, text
    assert job["resources"] == {"select": "1:ncpus=1:mpiprocs=1", "walltime": "12:00:00"}
    (record,) = _records(tmp_path)
    assert record["status"] == "done" and len(record["resumed"]) == 1
    assert (tmp_path / "runs" / "job_101").is_dir() and not (tmp_path / "queue/103.json").exists()
    values = {"Nx": 64, "stop_time": "20*ms", "output_interval": "2*ms", "timestep": "0.0005*ms"}
    whole = stored(load(problem, **values).run(out=tmp_path / "whole", quiet=True).folder)
    (folder,) = tmp_path.glob("runs/job_101/spin_spiral/0001")
    assert whole["s"].tobytes() == stored(folder)["s"].tobytes()


def test_a_job_without_a_problem_or_a_limit_says_what_to_type(pbs, monkeypatch):
    script = str(ROOT / "run" / "pbs.sh")
    submit("-v", "SPINHYDRO_ROOT", script)
    status, text, _ = pbs(101)
    assert status != 0 and "name a problem file" in text
    monkeypatch.setenv("PROBLEM", "x.py")
    submit("-v", "PROBLEM,SPINHYDRO_ROOT", "-l", "walltime=", script)
    status, text, _ = pbs(102)
    assert status == 2 and "-l walltime=HH:MM:SS" in text
