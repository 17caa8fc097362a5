"""``spinhydro run -n N``: mpiexec with the right settings, its signals and exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from spinhydro.analysis import load as read
from spinhydro.run import launch
from spinhydro.run.launch import descendants, mpiexec_line

from ..conftest import ROOT
from .test_ranks import TWO_DIMENSIONS

pytestmark = pytest.mark.mpi

ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMIX_", "PMI_"))},
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PYTHONPATH": str(ROOT),
}


def start(*arguments, cwd=None):
    line = [sys.executable, "-m", "spinhydro", *map(str, arguments)]
    return subprocess.Popen(
        line, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path, process, seconds=100):
    deadline = time.monotonic() + seconds
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists(), process.communicate(timeout=10)


def record(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_waiting_ranks_yield_where_cores_are_few(monkeypatch):
    monkeypatch.setattr(launch, "_is_open_mpi", lambda _: True)
    assert "mpi_yield_when_idle" in mpiexec_line(4, available=4)
    assert "mpi_yield_when_idle" not in mpiexec_line(2, available=4)


def test_stopped_by_a_signal_and_resumed_on_one_and_two_ranks(tmp_path):
    path = tmp_path / "square.py"
    path.write_text(TWO_DIMENSIONS)
    quick = ["timestep=1e-4", "stop_time=0.06", "output_interval=0.01", "--quiet"]
    process = start("run", "-n", 2, path, *quick, "--out", tmp_path / "b")
    folder = tmp_path / "b" / "square" / "0001"
    wait_for(folder / "fields" / "fields_s1.h5", process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert out.strip() == str(folder)
    assert record(folder)["exit_code"] == 75 and "SIGTERM" in record(folder)["message"]
    assert descendants(process.pid) == []
    process = start("resume", "-n", 2, folder, "--quiet")
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out.strip()) == (0, str(folder)), err
    whole = start("run", path, *quick, "--out", tmp_path / "a")
    whole.communicate(timeout=100)
    a, b = read(tmp_path / "a" / "square" / "0001"), read(folder)
    assert a.sizes["t"] == b.sizes["t"] == 7
    assert abs(a.s.values - b.s.values).max() < 1e-12
    process = start("resume", folder, "--checkpoint", 1, "--quiet")
    process.communicate(timeout=100)
    assert process.returncode == 0
    assert abs(a.s.values - read(folder).s.values).max() < 1e-12


def test_a_signal_while_ranks_start_or_load(tmp_path):
    path = tmp_path / "square.py"
    slow = "\nopen('loading', 'w').close()\nimport time\ntime.sleep(20)\n"
    path.write_text(TWO_DIMENSIONS.replace("\nprojections = ", slow + "projections = "))
    for ready in ("started", "loading"):
        process = start("run", "-n", 2, path, "--out", tmp_path / "runs", cwd=tmp_path)
        if ready == "started":
            while not descendants(process.pid):
                time.sleep(0.01)
        else:
            wait_for(tmp_path / "loading", process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=15)
        assert process.returncode == 75, err
        assert not (tmp_path / "runs").exists()


def test_exit_codes_and_messages_pass_through(tmp_path):
    process = start("run", "-n", 2, ROOT / "problems" / "spin_spiral.py", "turns=x", "--quiet")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("spinhydro: error:") == 1 and "mpiexec" not in err


def test_multistep_history_goes_to_another_number_of_ranks(tmp_path):
    path = tmp_path / "square.py"
    path.write_text(
        TWO_DIMENSIONS.replace('"dt(s) = ', '"dt(s) - 0.02*lap(s) = ') + 'timestepper = "SBDF3"\n'
    )
    quick = ["timestep=1e-4", "output_interval=2e-3", "projections={}", "watch=[]", "--quiet"]
    run = ["run", "-n", 2, path, *quick, "stop_time=2e-3", "--out", tmp_path / "b"]
    out, err = start(*run).communicate(timeout=100)
    folder = tmp_path / "b" / "square" / "0001"
    assert out.strip() == str(folder), err
    process = start("resume", folder, "stop_time=4e-3", "--quiet")
    _, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    whole = start("run", path, *quick, "stop_time=4e-3", "--out", tmp_path / "a")
    whole.communicate(timeout=100)
    a, b = read(tmp_path / "a" / "square" / "0001"), read(folder)
    assert a.sizes["t"] == b.sizes["t"] == 3
    assert abs(a.s.values - b.s.values).max() < 1e-13
