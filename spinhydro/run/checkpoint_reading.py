"""Verify and restore checkpoint files; `spinhydro.run.checkpoint` describes them."""

import json
from pathlib import Path

import h5py
import numpy as np

from spinhydro.errors import InputError
from spinhydro.run.hdf5_file import dataset_checksum
from spinhydro.run.sets import SCALES
from spinhydro.steppers.noise import noises_of
from spinhydro.steppers.records import restore, settle_engine


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

    def load_fields(self, variables):
        """Fill fields with the values of the file; a collective operation.

        Raises
        ------
        InputError
            If the fields are not those of the file, by name, shape and type.
        """
        self.check_variables(variables)
        with h5py.File(self.path, "r", locking=False) as file:
            _load(variables, file)

    def check_variables(self, variables):
        """Raise InputError if the fields are not those of the file, by name, shape and type.

        Nothing is read but the headers of the data.
        """
        with h5py.File(self.path, "r", locking=False) as file:
            for variable in variables:
                name = str(variable.name)
                if name not in file["tasks"]:
                    held = ", ".join(file["tasks"])
                    raise InputError(
                        f"{self.path} holds no variable '{name}' (it holds {held}): take the "
                        "problem of that run"
                    )
                data = file["tasks"][name]
                held, needed = data.shape[1:], _global_shape(variable)
                if held != needed:
                    raise InputError(
                        f"{self.path} holds '{name}' with the shape {held}, not {needed}: take "
                        "the same bases and members, or begin a new run"
                    )
                if (data.dtype.kind == "c") != (np.dtype(variable.dtype).kind == "c"):
                    raise InputError(
                        f"{self.path} holds '{name}' as {data.dtype}, not "
                        f"{np.dtype(variable.dtype)}: take the same dtype"
                    )

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
        self.check_variables(solver.state)
        comm = solver.dist.comm
        solver.sim_time = self.sim_time
        solver.iteration = self.iteration
        with h5py.File(self.path, "r", locking=False) as file:
            _load(solver.state, file)
            settle_engine(solver)
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


def _load(variables, file):
    for variable in variables:
        variable.load_from_hdf5(file, 0)


def _global_shape(variable):
    """Return the shape of all coefficients of a field, on all ranks together."""
    components = tuple(system.dim for system in variable.tensorsig)
    return components + tuple(map(int, variable.dist.coeff_layout.global_shape(variable.domain, 1)))


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
