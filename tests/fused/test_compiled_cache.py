"""Machine code and FFTW wisdom on disk: the same bytes in every process, and no failures."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from spinhydro.engines.fused.compile import cache as compiled
from spinhydro.engines.fused.compile import fftw, store
from spinhydro.engines.fused.step.memory import Memory

from ..conftest import ROOT

SCRIPT = """
import hashlib
from tests.fused.problems import SCALAR, SPIN, advance
from spinhydro import FusedRK4
from spinhydro.engines.fused.compile import cache as compiled

found = advance((SPIN, SCALAR), lambda s: FusedRK4(s, compiled=True), steps=5)
print(hashlib.sha1(b"".join(values.tobytes() for values in found)).hexdigest(),
      repr(float(sum(abs(values).sum() for values in found))))
"""


def start(folder):
    environment = {**os.environ, "SPINHYDRO_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def digest(process):
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return out.split()[-2:]


@pytest.mark.slow
def test_every_process_gives_the_same_bytes(tmp_path):
    """Two processes compile and measure at once, a third finds the cached result."""
    first = [digest(process) for process in [start(tmp_path / "code") for _ in range(2)]]
    kept = {path: path.stat().st_mtime for path in (tmp_path / "code").rglob("*.o")}
    assert len(list((tmp_path / "code").glob("*.wisdom"))) == 1
    assert kept
    time.sleep(0.01)
    again = digest(start(tmp_path / "code"))
    assert {path: path.stat().st_mtime for path in (tmp_path / "code").rglob("*.o")} == kept
    assert first[0] == first[1] == again
    # Plans are estimated if no file can be written.
    (tmp_path / "file").write_text("")
    nowhere = digest(start(tmp_path / "file" / "code"))
    assert float(nowhere[1]) == pytest.approx(float(again[1]), rel=1e-12)


SOURCE = """def double(address, factor):
    numbers = carray(pointer(address), (3,), np.float64)
    for i in range(3):
        numbers[i] = factor * numbers[i]
"""


def doubled():
    """Values at 1, 2, 3 of a function that is compiled, or found, now."""
    compiled._loaded.clear()
    numbers = np.array([1.0, 2.0, 3.0])
    compiled.compile_function("double", "if", SOURCE)(numbers.ctypes.data, 2.0)
    return list(numbers)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SPINHYDRO_CACHE_DIR", str(tmp_path / "code"))
    yield tmp_path / "code"
    compiled._loaded.clear()


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_compiled_anew(damage, place):
    assert doubled() == [2, 4, 6]
    (path,) = place.glob("*.o")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes(100) if damage is None else damage)
    assert doubled() == [2, 4, 6]
    assert path.read_bytes() == whole


def transformed(size=48):
    """The transform of a line by a new plan."""
    inward, outward = fftw.zeros(size, complex), fftw.zeros(size, complex)
    plan = fftw.Plan("dft", (size, 1, 1), [], inward, outward)
    inward[...] = np.random.default_rng(0).standard_normal(size)
    plan.execute(plan.address, inward.ctypes.data, outward.ctypes.data)
    np.testing.assert_allclose(outward, np.fft.fft(inward), atol=1e-13)
    return outward.tobytes()


def forget_wisdom():
    """Forget plans, as in a new process."""
    fftw._FUNCTIONS["wisdom"]._known = b""


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_damaged_wisdom_is_measured_anew(damage, place):
    forget_wisdom()
    transformed()
    (path,) = place.glob("*.wisdom")
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + bytes(10) if damage is None else damage)
    forget_wisdom()
    first = transformed()
    assert b"fftw_wisdom" in path.read_bytes()
    forget_wisdom()
    assert transformed() == first


def test_wisdom_of_several_plans_is_kept_together(place):
    forget_wisdom()
    for size in (40, 48, 56):
        transformed(size)
    (path,) = place.glob("*.wisdom")
    before = path.stat().st_mtime_ns, path.read_bytes()
    forget_wisdom()
    for size in (40, 48, 56):
        transformed(size)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_plans_without_a_place_for_wisdom(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPINHYDRO_CACHE_DIR", str(tmp_path / "file" / "code"))
    forget_wisdom()
    assert transformed() == transformed()


def test_nowhere_to_write_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for name, value in (("SPINHYDRO_CACHE_DIR", ""), ("XDG_CACHE_HOME", str(tmp_path / "file"))):
        monkeypatch.setenv(name, value)
    assert doubled() == [2, 4, 6]
    monkeypatch.delenv("XDG_CACHE_HOME")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(store.Path, "home", no_home)
    assert store.folder() is None
    assert doubled() == [2, 4, 6]
    compiled._loaded.clear()


def test_what_nobody_uses_goes_and_what_is_not_ours_stays(tmp_path):
    now = time.time()
    for name, days in (("old-1.o", 90), ("new-2.o", 1), ("newer-3.o", 0), ("notes.txt", 900)):
        path = tmp_path / name
        path.write_bytes(bytes(1000))
        os.utime(path, (now - 86400 * days,) * 2)
    store.prune(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"new-2.o", "newer-3.o", "notes.txt"}
    store.prune(tmp_path, size=1500)
    assert {path.name for path in tmp_path.iterdir()} == {"newer-3.o", "notes.txt"}


def test_writing_looks_through_the_folder_once_a_day(tmp_path):
    assert store.write_file(tmp_path / "a-1.o", b"", b"code")
    old = tmp_path / "old-1.o"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    assert store.write_file(tmp_path / "b-2.o", b"", b"code") and old.exists()
    os.utime(tmp_path / "pruned", (0, 0))
    assert store.write_file(tmp_path / "c-3.o", b"", b"code") and not old.exists()
    assert store.read_file(tmp_path / "a-1.o", b"") == b"code"


def test_regions_of_memory_are_those_of_arrays_that_overlap():
    """LLVM takes accesses to different regions for independent."""
    values = Memory.__new__(Memory)
    whole, other = np.zeros((4, 8)), np.zeros(8)
    values.arrays = {"b": whole[2:], "a": whole, "c": other, "d": whole[1:2]}
    found = values._regions()
    assert found["a"] == found["b"] == found["d"] != found["c"]
