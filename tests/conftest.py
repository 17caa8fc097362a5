"""Shared by all tests: folders, and functions that start processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def quiet():
    """Keep Dedalus's log out of the output of commands.

    Imported here and not above: once MPI has started, processes that are started with this
    environment cannot start another mpiexec, and pytest's workers are such processes.
    """
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()


#: Open MPI 4 and 5 otherwise refuse root and more ranks than cores, and bind each rank to a core;
#: other libraries ignore these variables.
MPI_VARIABLES = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}


def launch(*arguments, ranks=1, cwd=ROOT, timeout=120, **variables):
    """Run ``python ARGUMENTS`` with this checkout in a process, or in several MPI ranks.

    Returns a subprocess.CompletedProcess with its output as text; `variables` are added to the
    environment.
    """
    line = [sys.executable, *map(str, arguments)]
    if ranks and ranks > 1:
        line = ["mpiexec", "-n", str(ranks), *line]
    environment = {**os.environ, **MPI_VARIABLES, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.fixture
def problems():
    """The folder of the problem files."""
    return ROOT / "problems"


@pytest.fixture
def command(tmp_path):
    """Run ``spinhydro …`` in a separate process; output goes below tmp_path."""

    def run(*arguments, module="spinhydro", **options):
        return launch("-m", module, *arguments, **options)

    return run


@pytest.fixture
def copied(tmp_path):
    """Copy a problem file and replace parts of its text, each of which must occur once."""

    def copy(name, *edits, to=None):
        text = (ROOT / "problems" / f"{name}.py").read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {name}.py"
            text = text.replace(old, new)
        path = tmp_path / f"{to or name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    return copy


def stored(folder):
    """Return the outputs of a run as they are stored, all sets joined: times as "t", then tasks."""
    import h5py
    import numpy as np

    parts = {}
    sets = Path(folder, "fields").glob("fields_s*.h5")
    for path in sorted(sets, key=lambda path: int(path.stem.rpartition("_s")[2])):
        with h5py.File(path, "r") as file:
            parts.setdefault("t", []).append(file["scales/sim_time"][:])
            for name, task in file["tasks"].items():
                parts.setdefault(name, []).append(task[:])
    return {name: np.concatenate(found) for name, found in parts.items()}
