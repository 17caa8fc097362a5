"""Commands and run/setup name the repair when a dependency or a library is gone."""

import os
import subprocess
import sys

import pytest

from ..conftest import ROOT, launch

SETUP = ROOT / "run" / "setup"
LIBRARY = "libfftw3_mpi.so.3: cannot open shared object file: No such file or directory"

FAULTS = {
    "dedalus": "raise ModuleNotFoundError(\"No module named 'dedalus'\", name='dedalus')",
    "mpi4py": "raise RuntimeError('cannot load MPI library')",
    "xarray": f"raise ImportError('{LIBRARY}')",
}


@pytest.fixture
def without(tmp_path):
    """PYTHONPATH on which a package fails on import, as after an upgrade or a deletion."""

    def hide(package):
        (tmp_path / "hidden" / package).mkdir(parents=True)
        (tmp_path / "hidden" / package / "__init__.py").write_text(FAULTS[package])
        return f"{tmp_path / 'hidden'}:{ROOT}"

    return hide


@pytest.mark.parametrize(
    "package, line",
    [
        ("dedalus", ["run", "problems/josephson.py", "--quick"]),
        ("dedalus", ["words", "problems/transient_grating.py"]),
        ("mpi4py", ["explain", "problems/josephson.py"]),
        ("xarray", ["plot", "{run}"]),
    ],
)
def test_commands_name_the_repair(package, line, without, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("{}")
    line = [part.format(run=run) for part in line]
    done = launch("-m", "spinhydro", *line, PYTHONPATH=without(package))
    assert done.returncode == 2, done.stderr
    assert "the installation is broken" in done.stderr
    assert f"repair it with: {SETUP}" in done.stderr
    assert "Traceback" not in done.stderr


def test_setup_verifies_the_python_it_is_given(without):
    environment = {**os.environ, "SPINHYDRO_PYTHON": sys.executable}
    done = subprocess.run(
        [SETUP], env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("setup: ready")
    done = subprocess.run(
        [SETUP],
        env={**environment, "PYTHONPATH": without("dedalus")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "No module named 'dedalus'" in done.stderr
