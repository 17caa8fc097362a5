"""Without numba everything works, slower, and the log says so once."""

import os
import subprocess
import sys

import pytest

from spinhydro.engines.fused.program import pointwise as kernels
from spinhydro.engines.fused.step import fourier_step as native
from spinhydro.problem.load import load

from ..conftest import ROOT


def test_a_run_without_numba_says_so_once(monkeypatch, tmp_path):
    for module in (kernels, native):
        monkeypatch.setattr(module, "HAS_NUMBA", False)
    problem = load(ROOT / "problems" / "spin_spiral.py", stop_time=0.2)
    result = problem.run(out=tmp_path, quiet=True)
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert "engine: fused" in log
    assert log.count("pip install numba") == 1


#: As where neither is installed.
HIDDEN = """
import importlib.util, runpy, sys

HIDDEN = ("numba", "llvmlite", "pyfftw")
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in HIDDEN else find(name, *rest)
for name in HIDDEN:
    sys.modules[name] = None
sys.argv = ["spinhydro", *sys.argv[1:]]
runpy.run_module("spinhydro", run_name="__main__")
"""


@pytest.mark.parametrize(
    "ranks, arguments",
    [
        (1, ["spin_spiral", "stop_time=0.1"]),
        (1, ["quantum_torque", "stop_time=0.1", "Omega_R=[0.3, 0.4]"]),
        (2, ["quantum_torque", "stop_time=0.1", "members=2"]),
    ],
)
def test_nothing_is_installed_beyond_what_dedalus_needs(ranks, arguments, tmp_path):
    name, *rest = arguments
    line = [sys.executable, "-c", HIDDEN, "run", str(ROOT / "problems" / f"{name}.py"), *rest,
            "--quiet", "--out", str(tmp_path)]  # fmt: skip
    if ranks > 1:
        line = ["mpiexec", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *line]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}  # fmt: skip
    done = subprocess.run(line, env=environment, cwd=ROOT, capture_output=True, text=True,
                          timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    log = (tmp_path / name / "0001" / "log.txt").read_text(encoding="utf-8")
    assert "engine: fused" in log
    assert log.count("pip install numba") == 1
