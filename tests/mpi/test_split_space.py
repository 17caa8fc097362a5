"""The fused engine where space is split over ranks: Dedalus's numbers, and those of one rank."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ..conftest import ROOT

pytestmark = pytest.mark.mpi


def run(ranks, *arguments):
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PYTHONPATH": str(ROOT),
    }
    line = [sys.executable, *map(str, arguments)]
    if ranks > 1:
        line = ["mpiexec", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *line]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240)


def test_same_numbers_on_one_and_three_ranks(tmp_path):
    script = Path(__file__).with_name("split_space.py")
    results = []
    for ranks in (1, 3):
        out = tmp_path / f"{ranks}.npz"
        done = run(ranks, script, out)
        assert done.returncode == 0, done.stderr
        results.append(np.load(out))
    one, three = results
    for name, values in one.items():
        np.testing.assert_allclose(three[name], values, rtol=0, atol=1e-14)
