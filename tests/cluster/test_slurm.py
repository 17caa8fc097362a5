"""Launch scripts and sweeps against a real SLURM: limits, requeue, preemption, killed tasks."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest

from spinhydro.analysis import load

from ..conftest import ROOT

pytestmark = pytest.mark.slow

PROBLEM = ROOT / "problems" / "spin_spiral.py"
#: A few seconds of steps, with ten outputs.
LONG = ("Nx=64", "stop_time=100*ms", "output_interval=10*ms", "timestep=0.0005*ms")

LONGER = ("stop_time=1000*ms", *(word for word in LONG if "stop_time" not in word))


def runs(folder):
    return sorted(folder.glob("runs/**/run.json"))


def record(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The uninterrupted run."""
    from spinhydro import load as load_problem

    values = dict(word.split("=", 1) for word in LONG)
    out = tmp_path_factory.mktemp("whole")
    return load(load_problem(PROBLEM, **values).run(out=out, quiet=True).folder)


def check_same(folder, whole):
    (path,) = runs(folder)
    assert record(path)["status"] == "done"
    found = load(path.parent)
    assert found.t.identical(whole.t) or np.array_equal(found.t, whole.t)
    assert found.s.values.tobytes() == whole.s.values.tobytes()


def start(slurm, folder, *arguments, values=LONG):
    job = slurm.submit("-t", "10", *arguments, ROOT / "run" / "slurm.sh", PROBLEM, *values,
                       cwd=folder)  # fmt: skip
    slurm.until(lambda: runs(folder) and record(runs(folder)[0]).get("iteration", 0) > 0, 60)
    return job


def test_a_job_that_ends_in_time(slurm, tmp_path):
    job = slurm.submit("-t", "5", ROOT / "run" / "slurm.sh", PROBLEM, "Nx=64", cwd=tmp_path)
    slurm.await_state(job, "COMPLETED")
    (path,) = runs(tmp_path)
    assert record(path)["status"] == "done" and path.parts[-4] == f"job_{job}"


def test_the_signal_before_the_limit_requeues_and_resumes(slurm, tmp_path, whole):
    job = start(slurm, tmp_path)
    slurm.call("scancel", "--batch", "--signal=USR1", job)
    slurm.until(lambda: slurm.field(job, "Restarts") == "1", 60)
    slurm.await_state(job, "COMPLETED", seconds=300)
    check_same(tmp_path, whole)


def test_the_signal_that_slurm_sends_by_its_clock(slurm, tmp_path, whole):
    """The limit is ten minutes and the signal is due 598 s before it."""
    job = start(slurm, tmp_path, "--signal=B:USR1@598", values=LONGER)
    slurm.until(lambda: slurm.field(job, "Restarts") not in (None, "0"), 120)
    (path,) = runs(tmp_path)
    stopped = record(path)["iteration"]
    slurm.until(lambda: record(path)["iteration"] > stopped, 120)
    slurm.call("scancel", job)
    found, number = load(path.parent), min(4, len(whole.t))
    assert found.s[:number].values.tobytes() == whole.s[:number].values.tobytes()


def test_a_job_at_its_limit_is_stopped_in_order(slurm, tmp_path, whole):
    """Without a signal before the limit: TERM, and KILL after KillWait."""
    job = start(slurm, tmp_path, "--signal=B:URG@1", "--no-requeue", values=LONGER)
    slurm.call("scontrol", "update", f"jobid={job}", f"EndTime={_in_seconds(1)}")
    slurm.await_state(job, "TIMEOUT", "FAILED", "CANCELLED", seconds=120)
    (path,) = runs(tmp_path)
    # The state is TIMEOUT as soon as TERM is sent.
    slurm.until(lambda: record(path)["status"] != "running", 15)
    assert record(path)["status"] == "stopped"
    assert list((path.parent / "checkpoints").glob("*.h5"))
    found, number = load(path.parent), min(3, len(whole.t))
    assert found.s[:number].values.tobytes() == whole.s[:number].values.tobytes()


def _in_seconds(seconds):
    """A time of day as SLURM reads it."""
    return (datetime.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_preempted_job_goes_on(slurm, tmp_path, whole):
    job = start(slurm, tmp_path)
    urgent = slurm.submit("-p", "urgent", "-n", "4", "-t", "1", "--wrap", "sleep 1", cwd=tmp_path)
    slurm.await_state(urgent, "COMPLETED", seconds=60)
    slurm.await_state(job, "COMPLETED", seconds=300)
    check_same(tmp_path, whole)


def test_a_job_with_ranks(slurm, tmp_path):
    job = slurm.submit("-t", "5", "-n", "2", ROOT / "run" / "slurm.sh", PROBLEM,
                       "velocity=[0.4, 0.5]*um/ms", "stop_time=0.5*ms", cwd=tmp_path)  # fmt: skip
    slurm.await_state(job, "COMPLETED", seconds=300)
    (path,) = runs(tmp_path)
    assert record(path)["status"] == "done" and record(path)["ranks"] == 2


def test_a_sweep_survives_a_killed_task(slurm, tmp_path):
    pytest.importorskip("submitit", reason="pip install 'spinhydro[slurm]'")
    line = [sys.executable, "-m", "spinhydro", "sweep", str(PROBLEM), "velocity=0.1:0.4:4",
            "stop_time=20*ms", "timestep=0.0005*ms", "--members", "1", "--on", "slurm",
            "--workers", "2", "--minutes", "5", "--quiet"]  # fmt: skip
    found = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**slurm.environment, "PYTHONPATH": found}
    process = subprocess.Popen(
        line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    folder = tmp_path / "runs" / "spin_spiral" / "sweep_0001"
    killed = []

    def kill_one():
        for path in folder.glob("tasks/0002/**/run.json"):
            pid = record(path).get("pid")
            if pid and not killed:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        return killed

    slurm.until(kill_one, 90)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "1 of 4 cases were not computed" in errors
    done = subprocess.run(
        [sys.executable, "-m", "spinhydro", "sweep", "--resume", str(folder), "--quiet"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(load(folder).status.values.ravel()) <= {"done", "missed"}
    assert shutil.which("sbatch", path=slurm.environment["PATH"])
