"""Without numba everything works, slower, and the log says so once."""

from spinhydro.fused import kernels, native
from spinhydro.problem import load

from ..conftest import ROOT


def test_a_run_without_numba_says_so_once(monkeypatch, tmp_path):
    for module in (kernels, native):
        monkeypatch.setattr(module, "HAS_NUMBA", False)
    problem = load(ROOT / "problems" / "spin_spiral.py", stop_time=0.2)
    result = problem.run(out=tmp_path, quiet=True)
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert "engine: fused" in log
    assert log.count("pip install numba") == 1
