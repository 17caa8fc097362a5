"""Members over ranks: the same bytes on any number of ranks, and a message about idle ones."""

import json

import numpy as np
import pytest

from ..conftest import ROOT, launch
from .test_ranks import TWO_DIMENSIONS, fields

pytestmark = pytest.mark.mpi

#: Five members: they divide neither by 2 nor by 4.
SCRIPT = """
import sys
import numpy as np
from spinhydro import load
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.dedalus_support.parallel import IdleRank
quiet_dedalus()
root, out, square = sys.argv[1:]
five, short = np.linspace(0.4, 0.8, 5), {"quick": True, "output_interval": 0.1}
cases = [
    ("spin_spiral", "", {"turns": [1, 2, 3, 4, 5], "polar_angle": five, "stop_time": 0.2,
                         "output_interval": 0.01, "timestep": "auto", "tolerance": 1e-8}),
    ("coupled_gpe", "", {"Omega_R": five, "Nx": 256, "watch": [], "stop_time": 0.02}),
    ("square", square, {"members": 5, "stop_time": 0.01}),
]
for engine in ("dedalus", "auto"):
    for name, path, values in cases:
        try:
            options = values if path else {**short, **values}
            problem = load(path or f"{root}/problems/{name}.py", **options)
            problem.run(out=f"{out}/{engine}", engine=engine, quiet=True)
        except IdleRank:
            print("idle", flush=True)
            sys.exit(0)
"""


@pytest.mark.slow
def test_same_bytes_on_one_two_and_four_ranks(tmp_path):
    square = tmp_path / "square.py"
    noisy = '\ns["g"] += 1e-5*spinhydro.initial_noise(s, seed=4)\nproblem = d3.IVP'
    square.write_text(TWO_DIMENSIONS.replace("\nproblem = d3.IVP", noisy))
    for ranks in (1, 2, 4):
        done = launch("-c", SCRIPT, ROOT, tmp_path / str(ranks), square, ranks=ranks, timeout=280)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("idle") == (ranks == 4)
        for run in (tmp_path / str(ranks) / "auto").glob("*/0001/run.json"):
            assert json.loads(run.read_text())["engine"] == "fused"
    for engine in ("dedalus", "auto"):
        for name in ("spin_spiral", "coupled_gpe", "square"):
            one, two, four = (
                fields(tmp_path / ranks / engine / name / "0001") for ranks in ("1", "2", "4")
            )
            for task, values in one.items():
                same = values.tobytes() == two[task].tobytes() == four[task].tobytes()
                assert same, (engine, name, task)
    assert one["s"].shape == (2, 3, 5, 32, 32)
    assert np.all(one["s"][0][:, 0] != one["s"][0][:, 1])


def test_a_member_that_breaks_ends_all_ranks_and_idle_ones(command, tmp_path):
    done = command(
        "run", ROOT / "problems" / "spin_spiral.py", "turns=[1,3]", "stop_time=1",
        "watch=['turns*t <= 2']", "--out", tmp_path, ranks=3,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "2 members on 3 ranks: 2 ranks compute 1 each, 1 waits" in done.stderr
    assert done.stderr.count("at member = 1; ") == 1
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("bad", ["turns=[1,40,2]", "Nx=[32,64]"])
def test_bad_member_ends_all_ranks_with_one_message(bad, command, tmp_path):
    done = command(
        "run", ROOT / "problems" / "spin_spiral.py", bad, "--out", tmp_path, ranks=2, timeout=60
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("spinhydro: error:") == 1
    assert list(tmp_path.iterdir()) == []
