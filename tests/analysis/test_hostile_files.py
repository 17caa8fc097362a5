"""Damaged and hostile set files: a dataset or one InputError, never another exception."""

import os

import h5py
import numpy as np
import pytest
from synthetic_runs import write_run

from spinhydro.analysis import load
from spinhydro.analysis.measure import main as measure
from spinhydro.analysis.plot import main as plot
from spinhydro.errors import InputError

T = np.linspace(0, 1, 6)
X = np.linspace(-1, 1, 8, endpoint=False)


def replaced(group, name, **content):
    def change(h5):
        del h5[group][name]
        h5[group].create_dataset(name, **content)

    return change


def attribute(name, value, where="/"):
    return lambda h5: h5[where].attrs.__setitem__(name, value)


def foreign_source(h5):
    layout = h5py.VirtualLayout((6,), "f8")
    layout[:6] = h5py.VirtualSource("/etc/passwd", "x", (6,))
    h5["tasks"].create_virtual_dataset("v", layout)


def huge(h5):
    h5["tasks"].create_dataset("big", (6, 10**6, 10**5), "f8", chunks=(1, 100, 1000))


CHANGES = {
    "writes negative": attribute("writes", -5),
    "writes text": attribute("writes", "many"),
    "writes NaN": attribute("writes", float("nan")),
    "writes list": attribute("writes", [1, 2]),
    "times text": replaced("scales", "sim_time", data=np.array([b"a"] * 6)),
    "times in a plane": replaced("scales", "sim_time", data=np.zeros((6, 2))),
    "one time": replaced("scales", "sim_time", data=1.0),
    "output text": replaced("tasks", "Z", data=np.array([b"q"] * 6)),
    "output one number": replaced("tasks", "Z", data=1.0),
    "output of pairs": replaced("tasks", "Z", data=np.zeros(6, [("a", "f8"), ("b", "i4")])),
    "output without axes": replaced("tasks", "Z", data=np.zeros((6, 8))),
    "output NaN": lambda h5: h5["tasks/Z"].__setitem__(slice(None), np.nan),
    "grid of zeros": lambda h5: h5["scales/x_hash_1"].__setitem__(slice(None), 0),
    "unit a number": attribute("units", 5, "tasks/Z"),
    "tensor axes numbers": attribute("tensor_axes", [3, 4], "tasks/Z"),
    "kernels a dataset": lambda h5: h5.create_dataset("kernels", data=[1]),
    "kernel of another shape": lambda h5: h5.create_dataset("kernels/W", data=np.zeros((3, 7))),
    "loop of links": lambda h5: h5["tasks"].__setitem__("loop", h5py.SoftLink("/tasks/loop")),
    "link outside": lambda h5: h5["tasks"].__setitem__("e", h5py.ExternalLink("/etc/passwd", "/x")),
    "virtual outside": foreign_source,
    "larger than memory": huge,
    "record of the file a list": attribute("run", "[1, 2]"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("change", CHANGES)
def test_a_dataset_or_one_line(change, tmp_path, capsys):
    Z = np.sin(X + T[:, None])
    run = write_run(tmp_path / "0001", T, X, {"Z": Z, "n": Z**2}, problem="other")
    with h5py.File(run / "fields" / "fields_s1.h5", "r+") as h5:
        CHANGES[change](h5)
    if "record" in change:
        os.unlink(run / "run.json")
    try:
        assert load(run).sizes["t"] == 6
    except InputError as error:
        assert str(run) in str(error)
    for command, words in ((plot, ["--dpi", "20"]), (measure, [])):
        code = command([str(run), *words])
        lines = capsys.readouterr().err.splitlines()
        assert code in (0, 2) and len(lines) <= 1 + (code == 2), lines
