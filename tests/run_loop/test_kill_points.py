"""Every call that changes a file of a run is a point at which the run may be killed."""

import io
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.problem.resume import resume_run
from spinhydro.run.hdf5_file import data_checksum

from ..conftest import ROOT
from .test_resume import CHAIN, assert_same_bytes

WRITE, TRUNCATE, OPEN, RENAME, UNLINK = range(5)
VALUES = [
    "N=256", "timestep=1e-4", "stop_time=0.03", "output_interval=1e-4", "--checkpoint-interval=0",
    "--quiet",
]  # fmt: skip

compiler = shutil.which("cc") or shutil.which("gcc")
pytestmark = pytest.mark.skipif(
    compiler is None or not sys.platform.startswith("linux"),
    reason="recording write calls needs Linux and a C compiler",
)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    """Run the chain with a preloaded library; return the folder of the run."""
    place = tmp_path_factory.mktemp("recorder")
    library = place / "write_calls.so"
    source = Path(__file__).with_name("write_calls.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    problem = place / "chain.py"
    problem.write_text(CHAIN)

    def run(out, **variables):
        environment = {
            **os.environ, "LD_PRELOAD": str(library), "WATCHED": f"{out}/chain/",
            "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in variables.items()},
        }  # fmt: skip
        line = [sys.executable, "-m", "spinhydro", "run", problem, *VALUES, "--out", out]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
        return out / "chain" / "0001", done.returncode

    return run


@pytest.fixture(scope="module")
def recorded(recorder, tmp_path_factory):
    """(run folder, list of calls) of a run that was not killed."""
    out = tmp_path_factory.mktemp("whole")
    folder, code = recorder(out, RECORD=out / "calls")
    assert code == 0
    return folder, list(calls_in((out / "calls").read_bytes()))


def calls_in(record):
    """Yield (kind, path, offset, size, data) of every call."""
    position = 0
    while position < len(record):
        kind, length, offset, size = struct.unpack_from("4q", record, position)
        position += 32
        path = record[position : position + length].decode()
        position += length
        data = b""
        if kind in (WRITE, RENAME):
            data = record[position : position + size]
            position += size
        yield kind, Path(path), offset, size, data


def test_every_call_leaves_all_earlier_outputs(recorded):
    """Replay the calls: a file with its final name is whole, and outputs only become more."""
    folder, calls = recorded
    assert len(calls) >= 1500
    files, outputs, renamed = {}, {}, 0
    for kind, path, offset, size, data in calls:
        if path.name == "log.txt":
            continue
        if kind != RENAME:
            # A kill within this call reaches only a file that is never read.
            assert path.name.startswith(".") or (kind == UNLINK and "checkpoints_s" in path.name)
        content = files.setdefault(path, bytearray())
        if kind == WRITE:
            content.extend(bytes(max(0, offset + size - len(content))))
            content[offset : offset + size] = data
        elif kind == TRUNCATE:
            del content[size:]
            content.extend(bytes(size - len(content)))
        elif kind == OPEN and size:
            content.clear()
        elif kind == RENAME:
            final = Path(data.decode())
            files[final] = files.pop(path)
            if final.suffix == ".h5":
                renamed += 1
                check_whole(final, bytes(files[final]), outputs)
    assert renamed > 300
    times = [time for name in sorted(outputs, key=_number) for time in outputs[name]]
    np.testing.assert_array_equal(times, read(folder).t.values)


def _number(name):
    return int(name.split("_s")[1].split(".")[0])


def check_whole(path, content, outputs):
    """Check a set or checkpoint file, and that a set only gains rows."""
    with h5py.File(io.BytesIO(content), "r") as file:
        if path.parent.name == "checkpoints":
            assert np.all(np.isfinite(file["tasks/s"][:])) and file["tasks/s"][:].any()
            return
        times = file["scales/sim_time"][:].tolist()
        before = outputs.get(path.name, [])
        assert times[: len(before)] == before and len(times) == len(before) + 1
        row = len(times) - 1
        columns = [str(name) for name in file["checksums"].attrs["columns"]]
        assert file["checksums"].shape == (len(times), len(columns))
        for column, name in enumerate(columns[1:], start=1):
            data = file["tasks"][name][row]
            assert data_checksum(data) == file["checksums"][row, column]
            assert data.any()
        outputs[path.name] = times


@pytest.mark.parametrize("share", [0.02, 0.37, 0.81])
def test_killed_at_a_call_and_resumed(share, recorder, recorded, tmp_path):
    whole, calls = recorded
    folder, code = recorder(tmp_path, KILL_AT=int(share * len(calls)))
    assert code == -9
    resume_run(folder, quiet=True, checkpoint_interval=600)
    assert_same_bytes(whole, folder)
