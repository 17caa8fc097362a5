"""Kernels on several ranks: the same numbers as on one."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from ..conftest import ROOT

CASES = {
    "3-D": ("lattice_magnon.py", {"N": 8, "stop_time": "0.004*ps", "output_interval": "0.004*ps"}),
    "stencil": ("lattice_magnon.py", {"lattice": "triangular", "kernel": "atomistic", "N": 9,
                                      "turns": "[1, 0]", "stop_time": "0.01*ps",
                                      "output_interval": "0.01*ps"}),
    "2-D tensor": ("film_spin_waves.py", {"Nx": 9, "Ny": 12, "stop_time": "3*ps",
                                          "amplitude": 0.01}),
    "members": ("modulational_instability.py", {"members": 3, "N": 24, "stop_time": "0.1*ps",
                                                "output_interval": "0.1*ps"}),
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        "2-D tensor",
        "stencil",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("3-D", "members")),
    ],
)
def test_two_ranks_agree_with_one(case, command, tmp_path):
    name, values = CASES[case]
    found = []
    for ranks in (1, 2):
        done = command(
            "run", ROOT / "problems" / name, *(f"{k}={v}" for k, v in values.items()),
            "--out", tmp_path / str(ranks), "--quiet", ranks=ranks,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        folder = done.stdout.splitlines()[-1]
        with h5py.File(f"{folder}/fields/fields_s1.h5") as file:
            found.append(file["tasks/m"][-1])
        engine = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))["engine"]
        assert case not in ("members", "stencil") or engine == "fused"
    if case == "members":
        assert found[0].tobytes() == found[1].tobytes()
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-13)
