"""Estimate the cost of a sweep, from two short runs of its first task."""

import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinhydro.language.vocabulary import AUTO
from spinhydro.problem.load import load
from spinhydro.problem.sweep.grouping import values_of

#: Steps of the two short runs; their difference is the cost of steps without the start.
_SHORT, _LONG = 10, 60


@dataclass
class Estimate:
    """Tasks, cases in the largest of them, CPU hours and bytes of a whole sweep."""

    tasks: int
    members: int
    cpu_hours: float
    bytes: int


def _unit_of_steps(loaded):
    """Return the timestep, or a thousandth of the run where it is adaptive."""
    timestep = loaded["timestep"]
    if timestep == AUTO or loaded.declared("tolerance") is not None:
        return float(np.max(loaded["stop_time"])) / 1000
    return float(np.min(timestep))


def estimate(path, design, members, tasks, options):
    """Return the cost of the sweep, if every task costs as much as the first one.

    Two short runs in a temporary folder give the start-up and the cost of a step; the disk space
    is the number of outputs times the size of one.
    """
    numbers = max(tasks, key=len)
    values = values_of(design, members, numbers)

    def short(steps):
        loaded = load(path, equations=options["equations"], quick=options["quick"], **values)
        timestep = _unit_of_steps(loaded)
        stop = min(float(np.max(loaded["stop_time"])), steps * timestep)
        shorter = load(
            path, equations=options["equations"], quick=options["quick"],
            **{**values, "stop_time": stop, "output_interval": stop},
        )  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_SELF)
        with tempfile.TemporaryDirectory() as folder:
            result = shorter.run(
                out=folder, engine=options["engine"], force=options["force"], quiet=True
            )
            size = sum(p.stat().st_size for p in Path(result.folder).rglob("*.h5"))
        after = resource.getrusage(resource.RUSAGE_SELF)
        cost = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return cost, size / 2, loaded, timestep

    short(_SHORT)
    first, _, _, _ = short(_SHORT)
    second, size, loaded, timestep = short(_LONG)
    steps = float(np.max(loaded["stop_time"])) / timestep
    interval = loaded.declared("output_interval")
    outputs = 1 + (float(np.max(loaded["stop_time"])) / float(np.max(interval)) if interval else 1)
    per_step = max(second - first, 0.0) / (_LONG - _SHORT)
    # A new process repeats the imports and loading that this one has done.
    start = first + 1.0
    return Estimate(
        tasks=len(tasks),
        members=len(numbers),
        cpu_hours=len(tasks) * (start + steps * per_step) / 3600,
        bytes=int(len(tasks) * outputs * size),
    )
