"""An exception on any rank, anywhere, ends all ranks with its message; so does a stopped rank."""

import json
import time

import pytest

from .test_ranks import TWO_DIMENSIONS

pytestmark = pytest.mark.mpi

LOOP = """
from spinhydro.run.loop import Run
_stock = Run.advance
def _advance(self, timestep, number=1):
    if dist.comm.rank == {rank} and self.solver.iteration >= 5:
        raise {error}("on purpose")
    return _stock(self, timestep, number)
Run.advance = _advance
"""
OUTPUT = """
from spinhydro.run.sets import SetHandler
_stock = SetHandler.gathered
def _gathered(self, field, task):
    if dist.comm.rank == {rank}:
        raise {error}("on purpose")
    return _stock(self, field, task)
SetHandler.gathered = _gathered
"""
END = """
from spinhydro.run.loop import Run
_stock = Run.measure_expectations
def _measure(self):
    if dist.comm.rank == {rank}:
        raise {error}("on purpose")
    return _stock(self)
Run.measure_expectations = _measure
"""
LOAD = """
if dist.comm.rank == {rank}:
    raise {error}("on purpose")
"""


@pytest.mark.parametrize(
    "place, rank, error",
    [
        (LOAD, 1, "KeyboardInterrupt"),
        (LOOP, 1, "MemoryError"),
        (LOOP, 0, "KeyboardInterrupt"),
        (OUTPUT, 1, "OSError"),
        (END, 1, "OSError"),
    ],
)
def test_all_ranks_end_with_the_message(place, rank, error, command, tmp_path):
    path = tmp_path / "square.py"
    fault = place.format(rank=rank, error=error)
    path.write_text(TWO_DIMENSIONS.replace("\nprojections = ", fault + "\nprojections = "))
    began = time.monotonic()
    done = command("run", path, "--out", tmp_path / "runs", "--quiet", ranks=2, timeout=80)
    assert time.monotonic() - began < 60
    assert done.returncode not in (0, None), done.stderr
    assert f"rank {rank}: {error}: on purpose" in done.stderr
    for file in (tmp_path / "runs").glob("*/*/run.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        assert (record["status"], record["reason"]) == ("failed", error)
        assert "on purpose" in record["message"]


def test_an_engine_that_cannot_do_it_leaves_the_run_to_the_next(command, tmp_path):
    path = tmp_path / "square.py"
    path.write_text(TWO_DIMENSIONS + "\nfrom spinhydro.engines.fused import FUSED\nFUSED.clear()\n")
    done = command("run", path, "--out", tmp_path / "runs", ranks=2, timeout=80)
    assert done.returncode == 0, done.stderr
    assert "engine: lean" in done.stderr and "the fused engine cannot do" in done.stderr


STOP = """
import os, signal
import spinhydro.run.watchdog as watchdog
from spinhydro.run.loop import Run
watchdog.INTERVAL, watchdog.LOOKS = 0.3, 3
_stock = Run.advance
def _advance(self, timestep, number=1):
    if dist.comm.rank == 1 and self.solver.iteration >= 5:
        os.kill(os.getpid(), signal.SIGSTOP)
    return _stock(self, timestep, number)
Run.advance = _advance
"""


def test_a_stopped_rank_is_noticed(command, tmp_path):
    path = tmp_path / "square.py"
    path.write_text(TWO_DIMENSIONS.replace("\nprojections = ", STOP + "\nprojections = "))
    done = command("run", path, "--out", tmp_path / "runs", "--quiet", ranks=2, timeout=80)
    assert done.returncode == 1
    assert "rank 1 (process" in done.stderr and "has been stopped for" in done.stderr
    (file,) = (tmp_path / "runs").glob("*/*/run.json")
    assert json.loads(file.read_text(encoding="utf-8"))["status"] == "failed"
