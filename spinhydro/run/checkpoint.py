"""Checkpoints: the state of a run in files from which it can be resumed with the same bytes.

A checkpoint is a Dedalus set file with one write: its tasks are the variables in coefficient space,
so that ``solver.load_state`` reads it on any number of ranks. The group ``exact`` holds what the
same number of ranks needs to continue with the same bytes: the engine's own form of the state and
the history of the time stepper. The attribute ``progress`` holds the rest, as JSON.
"""

import json
import re
from pathlib import Path

import h5py
import numpy as np

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.memory import free_temporaries, parts
from spinhydro.errors import InputError
from spinhydro.run.durable import make_folder
from spinhydro.run.hdf5_file import data_checksum, dataset_checksum, write_hdf5
from spinhydro.run.sets import SCALES
from spinhydro.steppers.noise import noises_of
from spinhydro.steppers.records import restore, state_record

#: Name of the folder and of the files in it.
NAME = "checkpoints"
_FILE = re.compile(rf"{NAME}_s(\d+)\.h5$")


def checkpoint_files(folder):
    """Return ``{number: path}`` of the checkpoints of a run folder, in the order of time."""
    found = {}
    for path in (Path(folder) / NAME).glob(f"{NAME}_s*.h5"):
        match = _FILE.search(path.name)
        if match:
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def save_checkpoint(solver, path, timestep, progress, failed=None):
    """Write the present state of a solver into a file; a collective operation.

    The state is left as it is, to the last bit.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With the present state in its fields.
    path : Path
    timestep : float
        The last timestep.
    progress : dict
        Further data needed to continue, as JSON can hold it.
    failed : FailedMembers, optional
        Members whose state may be NaN.

    Returns
    -------
    bool
        False, and nothing is written, if the state is not finite.

    Raises
    ------
    OutputError
        On every rank, if it could not be written and verified.
    """
    comm = solver.dist.comm
    scales = {
        "sim_time": solver.sim_time, "wall_time": solver.wall_time, "timestep": timestep,
        "iteration": int(solver.iteration), "write_number": 1,
    }  # fmt: skip
    progress = {**progress, "ranks": comm.size, "noise": _noise_positions(solver)}
    datasets = _datasets(solver, failed)

    def write():
        try:
            write_hdf5(path, lambda file: _fill(file, scales, datasets, progress))
        except _NotFinite:
            return False
        finally:
            # The other ranks send the rest also if the disk is full.
            _exhaust(datasets)
        return True

    if comm.rank:
        _exhaust(datasets)
    return parallel.on_root(comm, write)


class _NotFinite(Exception):
    """The state is not finite; raised on all ranks."""


def _exhaust(datasets):
    """Take part in the collective operations that are left."""
    try:
        for _ in datasets:
            pass
    except _NotFinite:
        # Rank 0 reports it.
        return


def _datasets(solver, failed):
    """Iterate over (name, values, attributes) of the state; a collective operation.

    Values are complete on rank 0 only. One array is in memory at a time, beside the solver's.
    """
    comm = solver.dist.comm
    for variable in solver.state:
        field = variable.copy()
        field.change_layout("c")
        if not all(comm.allgather(bool(_is_finite(field, failed)))):
            raise _NotFinite
        attributes = {
            "grid_space": field.layout.grid_space,
            "constant": field.domain.constant,
            "scales": field.scales,
        }
        values = field.data if comm.size == 1 else field.gather_data()
        del field
        yield f"tasks/{variable.name}", values if comm.rank else values[None], attributes
        del values
    free_temporaries()
    record = {name: _plain(values) for name, values in local_record(solver).items()}
    forms = {name: (values.shape, values.dtype) for name, values in record.items()}
    forms = comm.gather(forms, root=0)
    if comm.rank:
        for values in record.values():
            comm.Send(_as_message(values), dest=0)
        return
    for rank in range(comm.size):
        for name, (shape, dtype) in forms[rank].items():
            if rank:
                values = np.empty(shape, dtype)
                comm.Recv(_as_message(values), source=rank)
            else:
                values = record[name]
            # "state" and "state/0" cannot both be names in HDF5.
            yield f"exact/{rank}/{name.replace('/', ':')}", values, {}
            del values


def _plain(values):
    """Return contiguous values of a kind that HDF5 holds."""
    values = np.asarray(values, order="C")
    return values.astype("S") if values.dtype.kind == "U" else values


def _as_message(values):
    """Return a flat view of contiguous values that MPI can send."""
    flat = values.reshape(-1)
    return flat.view(np.uint8) if flat.dtype.kind == "S" else flat


def _is_finite(field, failed):
    data = field.data
    axis = failed.axis_of(field) if failed and failed.reasons else None
    if axis is not None:
        data = np.delete(data, failed.local(failed.numbers), axis=axis)
    return all(np.isfinite(part).all() for (part,) in parts(data))


def _fill(file, scales, datasets, progress):
    file.attrs["set_number"], file.attrs["handler_name"], file.attrs["writes"] = 1, NAME, 1
    checksums = {}

    def add(name, data):
        file[name] = data
        checksums[name] = data_checksum(data)

    for name, kind in SCALES.items():
        add(f"scales/{name}", np.array([scales[name]], kind))
    for name, values, attributes in datasets:
        add(name, values)
        file[name].attrs.update(attributes)
        # Before the next array is made.
        del values
    file.attrs["progress"] = json.dumps(progress, default=str)
    file.attrs["checksums"] = json.dumps(checksums)
    return checksums


def local_record(solver):
    """Return what this rank needs to continue with the same bytes: ``{name: array}``.

    The arrays are those of the solver, not copies.
    """
    record = dict(state_record(solver, copy=False))
    if "state" not in record:
        # Engines without an internal state continue from the fields, as they are.
        for i, variable in enumerate(solver.state):
            record[f"fields/{i}"] = variable.data
            record[f"layouts/{i}"] = np.array([variable.layout.index, *variable.scales], float)
    return record


class Checkpoint:
    """A checkpoint file that has been read and verified.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    progress : dict
        As given to `save_checkpoint`, with ``ranks`` and ``noise``.
    sim_time, timestep : float
    iteration : int

    Raises
    ------
    InputError
        If the file is not a checkpoint or is damaged.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            with h5py.File(self.path, "r", locking=False) as file:
                self.progress = json.loads(file.attrs["progress"])
                for name, expected in json.loads(file.attrs["checksums"]).items():
                    if dataset_checksum(file[name]) != expected:
                        raise InputError(f"{path} is damaged: {name} is not as it was written")
                scales = {name: file[f"scales/{name}"][0] for name in SCALES}
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            raise InputError(f"{path} is not a checkpoint or is damaged: {error}") from None
        self.sim_time, self.timestep = float(scales["sim_time"]), float(scales["timestep"])
        self.iteration = int(scales["iteration"])

    def restore(self, solver, strict=True):
        """Put the state into a solver of the same problem; a collective operation.

        Parameters
        ----------
        solver : d3.InitialValueSolver
        strict : bool
            Refuse to begin a multistep scheme anew.

        Returns
        -------
        bool
            Whether the solver continues with the same bytes as the one that was saved. Otherwise
            (another number of ranks, another engine or time stepper) it continues from the same
            coefficients.

        Raises
        ------
        InputError
            If the variables are not those of the checkpoint, or, if `strict`, if the history of a
            multistep scheme cannot be continued on this number of ranks or with this engine.
        """
        comm = solver.dist.comm
        solver.sim_time = self.sim_time
        solver.iteration = self.iteration
        with h5py.File(self.path, "r", locking=False) as file:
            self._load_fields(solver, file)
            if self._same_ranks(comm):
                record = self._record_of(file, comm.rank)
            else:
                record = self._redistributed(file, solver)
        complete = comm.allreduce(int(record is None)) == 0
        complete = complete and self._restore_exactly(solver, record)
        if strict and not complete and solver.timestepper.steps > 1:
            raise InputError(
                f"{self.path} was written on {self.progress['ranks']} rank(s), and the history of "
                f"its multistep scheme cannot be continued on {comm.size} with this engine: resume "
                "on the same number of ranks, with the same engine"
            )
        # Members are computed independently: their bytes do not depend on the ranks.
        alone = getattr(solver.dist, "member_axis", None) is not None
        exact = complete and (alone or self._same_ranks(comm))
        if not complete and hasattr(solver.timestepper, "read_again"):
            solver.timestepper.read_again()
        for noise, position in zip(noises_of(solver.problem), self.progress["noise"], strict=False):
            if position is not None:
                noise.draw(*position)
        return exact

    def _same_ranks(self, comm):
        return self.progress["ranks"] == comm.size

    def _load_fields(self, solver, file):
        for variable in solver.state:
            name = str(variable.name)
            if name not in file["tasks"]:
                held = ", ".join(file["tasks"])
                raise InputError(
                    f"{self.path} holds no variable '{name}' (it holds {held}): it can only be "
                    "resumed with the variables of its problem"
                )
            try:
                variable.load_from_hdf5(file, 0)
            except ValueError as error:
                raise InputError(
                    f"{self.path} holds '{name}' with the shape "
                    f"{file['tasks'][name].shape[1:]}: resume with the same bases ({error})"
                ) from None

    @staticmethod
    def _record_of(file, rank):
        record = {}
        for name, dataset in file[f"exact/{rank}"].items():
            value = dataset[()]
            if isinstance(value, bytes):
                value = value.decode()
            record[name.replace(":", "/")] = np.asarray(value)
        return record

    def _redistributed(self, file, solver):
        """Return the record for this rank from those of another number of ranks.

        None if the engine keeps no internal state, or divides it differently.
        """
        stepper, comm = solver.timestepper, solver.dist.comm
        if "state" not in file["exact/0"] or not hasattr(stepper, "read_fields"):
            return None
        records = [self._record_of(file, rank) for rank in range(self.progress["ranks"])]
        stepper.read_again()
        stepper.read_fields()
        present = stepper.state.copy()
        shapes = comm.allgather(stepper.state.shape)
        held = [record["state"].shape for record in records]
        axis = _split_axis(held, shapes)
        if axis is None:
            return None
        start = sum(shape[axis] for shape in shapes[: comm.rank])
        mine = range(start, start + shapes[comm.rank][axis])
        record = {}
        for name, value in records[0].items():
            if value.shape == held[0]:
                value = np.concatenate([other[name] for other in records], axis)
                value = np.ascontiguousarray(np.take(value, mine, axis))
            record[name] = value
        difference = np.abs(record["state"] - present).max(initial=0)
        same = difference <= 1e-9 * max(np.abs(present).max(initial=0), 1e-300)
        return record if all(comm.allgather(bool(same or not present.size))) else None

    def _restore_exactly(self, solver, record):
        """Restore the engine's own form of the state, on all ranks or on none."""
        failed = False
        try:
            restore(solver, record)
            if "state" not in record:
                _restore_fields(solver, record)
        except InputError:
            failed = True
        return not solver.dist.comm.allreduce(int(failed))


def _split_axis(first, second):
    """Return the axis along which arrays of these shapes are parts of the same array, or None."""
    for axis in range(1, len(first[0])):
        others = {(*shape[:axis], *shape[axis + 1 :]) for shape in [*first, *second]}
        sizes = {sum(shape[axis] for shape in shapes) for shapes in (first, second)}
        if len(others) == len(sizes) == 1:
            return axis
    return None


def _restore_fields(solver, record):
    for i, variable in enumerate(solver.state):
        index, *scales = record[f"layouts/{i}"]
        variable.preset_scales(tuple(scales))
        variable.preset_layout(solver.dist.layouts[int(index)])
        if variable.data.shape != record[f"fields/{i}"].shape:
            raise InputError("the checkpoint holds fields of another shape")
        np.copyto(variable.data, record[f"fields/{i}"])


def _noise_positions(solver):
    """Return (iteration, timestep) of the last draw of every noise of a problem."""
    return [
        None if noise._drawn is None else [int(noise._drawn[0]), float(noise._drawn[1])]
        for noise in noises_of(solver.problem)
    ]


class Checkpoints:
    """The checkpoints of a run: numbered, the last few kept.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    folder : Path
        The run folder.
    kept : int
        Number of checkpoints kept, at least 1.
    """

    def __init__(self, solver, folder, kept=2):
        self.solver, self.folder, self.kept = solver, Path(folder), kept
        comm = solver.dist.comm
        files = parallel.on_root(comm, lambda: checkpoint_files(folder))
        self.number = max(files, default=0)

    def save(self, timestep, progress, failed=None):
        """Write the next checkpoint, then delete those that are too old.

        Returns
        -------
        bool
            False if the state is not finite: the old checkpoints are kept then.
        """
        path = self.folder / NAME / f"{NAME}_s{self.number + 1}.h5"
        comm = self.solver.dist.comm
        parallel.on_root(comm, lambda: make_folder(path.parent))
        if not save_checkpoint(self.solver, path, timestep, progress, failed):
            return False
        self.number += 1
        parallel.on_root(comm, self._prune)
        return True

    def _prune(self):
        files = checkpoint_files(self.folder)
        for number in [n for n in files if n <= self.number][: -self.kept]:
            files[number].unlink(missing_ok=True)


def find_checkpoint(folder, choice=None):
    """Return a verified checkpoint of a run folder, or None if it has none.

    Parameters
    ----------
    folder : Path
    choice : int, str or Path, optional
        The number in the name of the file, a negative number that counts from the last (-1), or
        the path of a file. By default the last one that is not damaged.

    Raises
    ------
    InputError
        If there is no such checkpoint, or if all are damaged.
    """
    files = checkpoint_files(folder)
    if choice is None:
        return _last_good(list(files.values()))
    if isinstance(choice, (str, Path)) and not _is_whole(choice):
        return Checkpoint(choice)
    number = int(choice)
    paths = list(files.values())
    if number < 0 and -number <= len(paths):
        return Checkpoint(paths[number])
    if number not in files:
        listed = ", ".join(map(str, files)) or "none"
        raise InputError(f"{folder} has no checkpoint {choice}; it has: {listed}")
    return Checkpoint(files[number])


def _is_whole(text):
    return re.fullmatch(r"-?\d+", str(text)) is not None


def _last_good(paths):
    damaged = None
    for path in reversed(paths):
        try:
            return Checkpoint(path)
        except InputError as error:
            damaged = damaged or error
    if damaged:
        raise damaged
    return None
