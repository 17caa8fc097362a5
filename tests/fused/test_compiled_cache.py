"""Compiled code on disk: found again, the same bytes in every process, and never in the way."""

import os
import subprocess
import sys
import time

import pytest

from ..conftest import ROOT

SCRIPT = """
import hashlib
from tests.fused.test_fused_engine import SCALAR, SPIN, advance
from spinhydro import FusedRK4
from spinhydro.fused import compiled

found = advance((SPIN, SCALAR), lambda s: FusedRK4(s, compiled=True), steps=5)
print(hashlib.sha1(b"".join(values.tobytes() for values in found)).hexdigest())
"""


def start(folder):
    environment = {**os.environ, "SPINHYDRO_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def digest(process):
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return out.split()[-1]


@pytest.mark.slow
def test_every_process_gives_the_same_bytes(tmp_path):
    """Two that compile at once, one that finds their code, and one that has nowhere to write."""
    first = [digest(process) for process in [start(tmp_path / "code") for _ in range(2)]]
    kept = {path: path.stat().st_mtime for path in (tmp_path / "code").rglob("*.o")}
    assert kept
    time.sleep(0.01)
    again = digest(start(tmp_path / "code"))
    assert {path: path.stat().st_mtime for path in (tmp_path / "code").rglob("*.o")} == kept
    (tmp_path / "file").write_text("")
    nowhere = digest(start(tmp_path / "file" / "code"))
    assert len({*first, again, nowhere}) == 1
