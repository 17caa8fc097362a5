"""Limits that no run can keep, too many ranks, and timesteps far beyond a resonance."""

import re

import pytest

from spinhydro.cli.main import call
from spinhydro.errors import ParameterError
from spinhydro.problem.load import load
from spinhydro.run import launch

from ..conftest import ROOT

GAS = ROOT / "problems" / "coupled_gpe.py"
SPIRAL = str(ROOT / "problems" / "spin_spiral.py")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--wall-limit", "10", "--grace", "100"], "wall_limit = 10 s is over before the run"),
        (["--wall-limit", "0"], "give a longer limit, or a shorter grace"),
        (["--checkpoints-kept", "0"], "checkpoints_kept = 0: it must be a whole number, 1 or more"),
        (["--checkpoints-kept", "-1"], "checkpoints_kept = -1"),
        (["-n", "100000"], "-n 100000: .* up to"),
    ],
)
def test_limits_are_refused(options, message, tmp_path, capfd, monkeypatch):
    for name in launch.BATCH_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert call(["run", SPIRAL, "Nx=32", "--out", str(tmp_path / "runs"), *options]) == 2
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert re.search(message, error), error
    assert not (tmp_path / "runs").exists()


def test_a_batch_job_may_start_any_number_of_ranks(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert launch.most_ranks() > 10**6


def test_splitting_far_beyond_a_resonance_is_refused(tmp_path):
    values = {"Nx": 256, "timestepper": "Strang", "timestep": 2, "stop_time": 2000}
    values["output_interval"] = 2
    with pytest.raises(ParameterError, match="turns phases by .* per step.*safe timestep: 0\\.1"):
        load(GAS, truncate=1, **values).run(out=tmp_path, quiet=True)
    assert not list(tmp_path.glob("*/*"))
