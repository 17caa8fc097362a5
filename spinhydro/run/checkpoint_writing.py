"""Write checkpoint files; `spinhydro.run.checkpoint` describes them."""

import json

import numpy as np

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.memory import free_temporaries, parts
from spinhydro.run.hdf5_file import data_checksum, write_hdf5
from spinhydro.run.sets import SCALES
from spinhydro.steppers.noise import noises_of
from spinhydro.steppers.records import state_record

#: Name of the folder and of the files in it.
NAME = "checkpoints"


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


def _noise_positions(solver):
    """Return (iteration, timestep) of the last draw of every noise of a problem."""
    return [
        None if noise._drawn is None else [int(noise._drawn[0]), float(noise._drawn[1])]
        for noise in noises_of(solver.problem)
    ]
