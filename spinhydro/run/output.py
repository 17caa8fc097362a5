"""Numbered run folders, the record run.json, and Dedalus file handlers that are read back."""

import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path

import h5py
import numpy as np
from dedalus.core.evaluator import H5GatherFileHandler
from dedalus.core.field import Field, Operand

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import InputError, OutputError, shorten
from spinhydro.language.complex_values import is_real_valued

#: Bytes that must stay free on the disk beyond what a write needs.
SPARE_BYTES = 20_000_000


def check_writable(out, problem):
    """Raise InputError now if the run folder ``<out>/<problem>/NNNN`` could not be made later.

    Nothing is left behind.
    """
    if not str(out):
        raise InputError("results need a folder: --out DIR")
    try:
        existing = (Path(out) / problem).absolute()
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise InputError(
                f"results cannot go to '{out}': {existing} is a file, not a folder; choose "
                "another place with --out DIR"
            )
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(
            f"results cannot go to '{shorten(out)}': no permission to write in "
            f"{shorten(existing, 200)} ({error.strerror}); choose another place with --out DIR"
        ) from None


class RunFolder:
    """``runs/<problem>/NNNN``: made new for every run, never overwritten.

    Parameters
    ----------
    out : str or Path
        The folder of all runs, ``runs``.
    problem : str
        Name of the problem.

    Raises
    ------
    OutputError
        If it cannot be made.
    """

    def __init__(self, out, problem):
        parent = Path(out) / problem
        try:
            parent.mkdir(parents=True, exist_ok=True)
            numbers = [int(p.name) for p in parent.iterdir() if p.name.isdigit()]
            number = max(numbers, default=0) + 1
            while True:
                self.path = parent / f"{number:04d}"
                try:
                    self.path.mkdir()
                    break
                except FileExistsError:
                    # Another run has taken this number in the meantime.
                    number += 1
        except OSError as error:
            raise OutputError(f"no run folder could be made in {parent}: {error}") from None
        self.record = {}

    def write_text(self, name, text):
        """Write a small file so that it is either the old one or the new one, never half."""
        temporary = self.path / f".{name}.part"
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path / name)
        except OSError as error:
            raise OutputError(f"{self.path / name} could not be written: {error}") from None

    def update(self, **entries):
        """Merge entries into run.json."""
        self.record.update(entries)
        self.write_text(
            "run.json", json.dumps(self.record, indent=2, ensure_ascii=False, default=str) + "\n"
        )

    def log(self, line):
        """Append one line to log.txt."""
        try:
            with open(self.path / "log.txt", "a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise OutputError(f"{self.path / 'log.txt'} could not be written: {error}") from None


class GatherHandler(H5GatherFileHandler):
    """Dedalus's gathering handler; writes real-valued tasks of complex problems as float64."""

    def add_task(self, operand, variables=(), **options):
        super().add_task(operand, **options)
        if np.issubdtype(operand.dtype, np.complexfloating) and is_real_valued(operand, variables):
            self.tasks[-1]["dtype"] = np.float64

    def write_task(self, file, task):
        field = task["out"].field()
        data = field.data if self.comm.size == 1 else field.gather_data()
        if self.comm.rank == 0:
            dataset = file["tasks"][task["name"]]
            dataset.resize(self.file_write_num, axis=0)
            data = as_stored(data, task)
            dataset[self.file_write_num - 1] = data
            task["checksum"] = checksum(data)


class Pending:
    """The values of a task, which are computed when the handler writes them, and then forgotten.

    What ``solver.evaluate_handlers`` does, but values that are on the grid stay there: Dedalus
    takes every output through coefficient space, where a complex Fourier basis drops the Nyquist
    mode, and that adds a grid-scale ripple to outputs with a sharp edge.
    """

    def __init__(self, operand):
        self.operand = operand

    def change_scales(self, scales):
        self.scales = scales

    def change_layout(self, layout):
        self.layout = layout

    def field(self):
        """A field with the values, in the layout that the handler has asked for."""
        found = self.operand
        if not isinstance(found, Field):
            found = evaluated(found)
        elif (found.scales, found.layout) != (self.scales, self.layout):
            # The original stays as it is.
            found = found.copy()
        found.change_scales(self.scales)
        found.change_layout(self.layout)
        return found


#: Bytes of a dataset that are read at once.
_PIECE = 1 << 22


def checksum(data, first=()):
    """CRC-32 of the values of an array, or of the entry `first` of a dataset, in their order."""
    shape = data.shape[len(first) :]
    if not shape:
        return zlib.crc32(np.asarray(data[first]).tobytes())
    rows = max(1, _PIECE * shape[0] // max(1, int(np.prod(shape)) * data.dtype.itemsize))
    found = 0
    for start in range(0, shape[0], rows):
        piece = data[(*first, slice(start, start + rows))]
        found = zlib.crc32(np.ascontiguousarray(piece), found)
    return found


def as_stored(data, task):
    """The values of a task as its dataset keeps them."""
    return data.real if task["dtype"] == np.float64 else data


class FieldOutput:
    """The Dedalus file handler of a run: written when told to, checked after each write.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    path : Path
        Folder of the handler; its files are ``<name>_s1.h5``, …
    tasks : dict
        ``{name: operand}``.
    units : dict
        ``{name: unit}`` of the tasks.
    attributes : dict
        Texts that every file carries in its root attributes.
    kernels : dict
        Tables that every file carries in its group ``kernels``.
    """

    def __init__(self, solver, path, tasks, units, attributes, max_writes=1000, kernels=None):
        self.solver, self.units, self.attributes = solver, units, attributes
        self.kernels = kernels or {}
        self.comm = solver.dist.comm
        self.handler = GatherHandler(
            path, solver.dist, solver.evaluator.vars,
            mode="append", max_writes=max_writes, custom_schedule=_never,
        )  # fmt: skip
        solver.evaluator.add_handler(self.handler)
        for name, operand in tasks.items():
            self.handler.add_task(operand, solver.state, name=name, scales=1)
        self.last_bytes = sum(
            int(np.prod(task["global_shape"])) * np.dtype(task["dtype"]).itemsize
            for task in self.handler.tasks
        )
        self.writes = 0
        self.last_time = None

    def write(self, timestep):
        """Write every task once, then read the write back.

        Raises
        ------
        OutputError
            On every rank, if rank 0 found the disk full or the data not as written.
        """
        problem = parallel.on_root(self.comm, self._check_space)
        if problem is None:
            try:
                self._evaluate_and_write(timestep)
            except (OSError, RuntimeError, ValueError) as error:
                problem = f"{self.handler.current_file} could not be written: {error}"
            problem = parallel.on_root(self.comm, lambda: problem or self._check_written())
        if problem is not None:
            raise OutputError(problem)
        self.writes += 1
        self.last_time = self.solver.sim_time

    def _evaluate_and_write(self, timestep):
        for task in self.handler.tasks:
            task["out"] = Pending(task["operator"])
        solver = self.solver
        self.handler.process(
            iteration=solver.iteration,
            wall_time=solver.wall_time,
            sim_time=solver.sim_time,
            timestep=timestep,
        )

    def _check_space(self):
        free = shutil.disk_usage(self.handler.base_path).free
        needed = 2 * self.last_bytes + SPARE_BYTES
        if free < needed:
            return (
                f"the disk of {self.handler.base_path} is full: {free / 1e6:.0f} MB are free, the "
                f"next write needs {needed / 1e6:.0f} MB; everything up to the last output is kept"
            )
        return None

    def _check_written(self):
        path = self.handler.current_file
        try:
            with h5py.File(path, "r+") as file:
                if "spinhydro_version" not in file.attrs:
                    self._describe(file)
                index = self.handler.file_write_num - 1
                if file["scales/sim_time"][index] != self.solver.sim_time:
                    return f"{path} did not keep the time of its last write"
                for task in self.handler.tasks:
                    if checksum(file["tasks"][task["name"]], (index,)) != task["checksum"]:
                        return f"{path} did not keep {task['name']} as it was written"
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            return f"{path} could not be read back after writing: {error}"
        return None

    def _describe(self, file):
        for name, text in self.attributes.items():
            # HDF5 keeps at most 64 kB in an attribute; the run folder has the whole text.
            file.attrs[name] = text if len(text.encode()) < 60_000 else "see the run folder"
        for name, table in self.kernels.items():
            file[f"kernels/{name}"] = table
        space = self.solver.dist.coordsystems
        for task in self.handler.tasks:
            dataset = file["tasks"][task["name"]]
            dataset.attrs["units"] = self.units.get(task["name"], "1")
            signature = task["operator"].tensorsig
            if signature:
                axes = ["component" if cs in space else _axis_name(cs) for cs in signature]
                dataset.attrs["tensor_axes"] = axes


def _never(**_):
    return False


def _axis_name(coordinates):
    names = [coord.name for coord in coordinates.coords]
    return "spin" if names == ["sx", "sy", "sz"] else "component"


def as_task(value, dist):
    """A value of an output string as something a handler can write: numbers become fields."""
    if isinstance(value, Operand):
        return value
    if isinstance(value, complex) and not np.iscomplexobj(dist.dtype()):
        raise InputError(f"{value} is complex, the problem is real")
    constant = dist.Field()
    constant["g"] = value
    return constant
