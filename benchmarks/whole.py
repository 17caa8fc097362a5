"""Whole processes: ``spinhydro run`` as a user types it, from first import to last output."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spinhydro.analysis import load as load_run
from spinhydro.problem.load import load

PROBLEMS = Path(__file__).parents[1] / "problems"
#: Runs: (problem, values, output that is compared with a run of half the timestep).
UNITS = {
    "W1, GPE 4096 to 16.949 ms": ("coupled_gpe", {"Nx": "4096", "stop_time": "16.949*ms"}, "Z"),
    "W1, GPE 16384 to 16.949 ms": ("coupled_gpe", {"Nx": "16384", "stop_time": "16.949*ms"}, "Z"),
    "W2, LLE 4096 to 16.949 ms": ("quantum_torque", {"Nx": "4096", "stop_time": "16.949*ms"}, "Z"),
    "W3, chain of 1152 sites to 5 ps": (
        "transient_grating",
        {"N": "1152", "kernel": "lattice", "keep_nyquist": "1", "timestep": "1*fs",
         "stop_time": "5*ps"},
        "m",
    ),
}  # fmt: skip


def rows(repeats):
    """(what, figure) of each unit: CPU seconds of the process, and the error of its timestep."""
    for name, (problem, values, output) in UNITS.items():
        yield f"{name}: CPU seconds of the whole process", measure_process(problem, values, output)


def measure_process(problem, values, output):
    """CPU seconds of a run that finds its code and plans on disk, and its half-step difference."""
    timestep = float(load(PROBLEMS / f"{problem}.py", **values).declared("timestep"))
    with tempfile.TemporaryDirectory() as folder:
        _run(problem, values, folder)
        seconds, run = _run(problem, values, folder)
        _, finer = _run(problem, {**values, "timestep": repr(timestep / 2)}, folder)
        last, exact = (load_run(one)[output].isel(t=-1).values for one in (run, finer))
    error = np.abs(last - exact).max() / np.abs(exact).max()
    return f"{seconds:.2f} s, error {error:.1e}"


def _run(problem, values, folder):
    """CPU seconds of one process, and the folder of its run."""
    line = [sys.executable, "-m", "spinhydro", "run", str(PROBLEMS / f"{problem}.py"), "--quiet",
            "--out", folder, *(f"{name}={value}" for name, value in values.items())]  # fmt: skip
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(line, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(line)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, text.splitlines()[-1]
