"""Set files of Dedalus's file handlers, replaced as a whole at every write.

A set is kept as an HDF5 image in memory, and every write replaces the file by the new image (see
``spinhydro.run.durable``). Sets are small, so that this stays cheap; a write that is larger than a
set becomes a separate set and is streamed to the disk. HDF5 itself never sees a failing disk.

Every file holds, beside what Dedalus writes, the dataset ``checksums``: one row per write, with the
CRC-32 of the scales and of each task (see docs/output_format.md).
"""

import zlib

import h5py
import numpy as np
from dedalus.core.evaluator import H5GatherFileHandler
from h5py import h5a, h5d, h5s, h5t

from spinhydro.dedalus_support import parallel
from spinhydro.language.complex_values import is_real_valued
from spinhydro.run.durable import make_folder, replace_file
from spinhydro.run.hdf5_file import data_checksum, write_hdf5

#: Size of a set from which a new one is begun, in bytes.
SET_BYTES = 1 << 20
#: Largest chunk of a dataset, in bytes.
CHUNK_BYTES = 1 << 22
#: Smallest chunk, in bytes: several writes share one if they are smaller.
SMALL_CHUNK = 1 << 12
#: The scales of a write, in the order of their checksum, and their types in the file.
SCALES = {
    "sim_time": "<f8", "wall_time": "<f8", "timestep": "<f8", "iteration": "<i8",
    "write_number": "<i8",
}  # fmt: skip
#: HDF5 keeps at most 64 kB in an attribute.
LONGEST_ATTRIBUTE = 60_000


def scales_checksum(scales):
    """Return the CRC-32 of the scales of one write."""
    return zlib.crc32(b"".join(np.array(scales[n], kind).tobytes() for n, kind in SCALES.items()))


def kept_type(operand, variables):
    """Return the dtype in which the values of an operand are written.

    float64 for a real-valued operand of a complex problem with these variables.
    """
    if np.issubdtype(operand.dtype, np.complexfloating) and is_real_valued(operand, variables):
        return np.float64
    return operand.dtype


def gathered_values(field, dtype):
    """Return the values of a field on rank 0 in the dtype in which they are written, or None."""
    is_alone = field.dist.comm.size == 1
    data = field.data if is_alone else field.gather_data()
    if data is None:
        return None
    data = data.real if dtype == np.float64 else data
    # A copy: later outputs reuse the memory of operands that they share with this one.
    return data.copy() if is_alone else data


class SetHandler(H5GatherFileHandler):
    """Dedalus's gathering file handler on sets that are replaced atomically.

    Real-valued tasks of complex problems are written as float64.

    Parameters
    ----------
    path, dist, vars
        As in Dedalus. Set numbers continue after those of the files that are already there.
    units : dict
        ``{task: unit}``.
    attributes : dict
        Texts for the root attributes of each file.
    tables : dict
        ``{group: {name: array}}``.
    max_writes : int
        Writes per set, at most.
    """

    def __init__(self, path, dist, vars, units, attributes, tables, max_writes):
        parallel.on_root(dist.comm, lambda: make_folder(path))
        super().__init__(
            path, dist, vars, mode="append", max_writes=max_writes, custom_schedule=_never
        )
        self.units, self.attributes, self.tables = units, attributes, tables
        self.set_num -= 1
        self._template = self._set = None

    def add_task(self, operand, variables=(), **options):
        """Add a task; `variables` are those of the problem."""
        super().add_task(operand, **options)
        self.tasks[-1]["dtype"] = kept_type(operand, variables)

    @property
    def write_bytes(self):
        """Size of one write of all tasks."""
        return sum(_task_bytes(task) for task in self.tasks)

    def member_axis(self, task):
        """Return the axis of the members in the values of a task, or None."""
        axis = getattr(self.dist, "member_axis", None)
        if axis is None or task["operator"].domain.full_bases[axis] is None:
            return None
        return len(task["operator"].tensorsig) + axis

    def place_of(self, task, index):
        """Return " at x = 0.5" for an index into the values of a task in grid space."""
        operand, found = task["operator"], []
        position = index[len(operand.tensorsig) :]
        for axis, basis in enumerate(operand.domain.full_bases):
            if basis is not None and np.all(task["layout"].grid_space):
                first = self.dist.get_basis_axis(basis)
                grid = basis.global_grids(self.dist, task["scales"])[axis - first].ravel()
                name = basis.coordsys.coords[axis - first].name
                found.append(f"{name} = {grid[position[axis]]:.6g}")
        return f" at {', '.join(found)}" if found else ""

    def gathered(self, field, task):
        """Return the values of a field on rank 0, as the dataset keeps them."""
        return gathered_values(field, task["dtype"])

    def append(self, scales, values):
        """Write once, on rank 0.

        Parameters
        ----------
        scales : dict
            Time, wall time, timestep and iteration.
        values : list of array
            One for each task.

        Raises
        ------
        OutputError
            If the file could not be written; the files so far are as they were.
        """
        scales = {**scales, "write_number": self.total_write_num + 1}
        row = [scales_checksum(scales), *map(data_checksum, values)]
        if self._template is None:
            self._template = self._make_template()
        if self.write_bytes > SET_BYTES:
            self.set_num += 1
            self._stream(scales, values, row)
        else:
            if self._set is None or self._set.is_full(self.max_writes):
                self.set_num += 1
                self._set = OpenSet(self._template, self.set_num, [t["name"] for t in self.tasks])
            self._set.append(scales, values, row)
            replace_file(self.current_file, self._set.image())
        self.total_write_num += 1

    def _stream(self, scales, values, row):
        """Write a set of a single, large write without a copy of it in memory."""
        names = [task["name"] for task in self.tasks]

        def fill(file):
            OpenSet(self._template, self.set_num, names, file).append(scales, values, row)
            return {f"tasks/{name}": c for name, c in zip(names, row[1:], strict=True)}

        write_hdf5(self.current_file, fill, self._template)

    def _make_template(self):
        """Return the image of a set without writes."""
        with h5py.File("template", "w", driver="core", backing_store=False) as file:
            self.file_write_num = 0
            self.setup_file(file)
            names = ["scales", *(task["name"] for task in self.tasks)]
            sums = file.create_dataset(
                "checksums", shape=(0, len(names)), maxshape=(self.max_writes, len(names)),
                chunks=(max(1, min(self.max_writes, SMALL_CHUNK // (4 * len(names)))), len(names)),
                dtype="<u4",
            )  # fmt: skip
            sums.attrs["columns"] = names
            self._describe(file)
            file.flush()
            return file.id.get_file_image()

    def create_task_dataset(self, file, task):
        """Create the dataset of a task, without writes, in chunks of whole writes if possible."""
        shape = tuple(task["global_shape"])
        chunk, size = [1, *shape], np.dtype(task["dtype"]).itemsize
        chunk[0] = max(1, min(self.max_writes, SMALL_CHUNK // max(1, _task_bytes(task))))
        while np.prod(chunk) * size > CHUNK_BYTES:
            largest = int(np.argmax(chunk))
            chunk[largest] = -(-chunk[largest] // 2)
        return file["tasks"].create_dataset(
            name=task["name"], shape=(0, *shape), maxshape=(self.max_writes, *shape),
            chunks=tuple(chunk), dtype=task["dtype"],
        )  # fmt: skip

    def _describe(self, file):
        for name, text in self.attributes.items():
            fits = len(text.encode()) < LONGEST_ATTRIBUTE
            file.attrs[name] = text if fits else "see the run folder"
        for group, tables in self.tables.items():
            for name, table in tables.items():
                file[f"{group}/{name}"] = table
        space = self.dist.coordsystems
        for task in self.tasks:
            dataset = file["tasks"][task["name"]]
            dataset.attrs["units"] = self.units.get(task["name"], "1")
            signature = task["operator"].tensorsig
            if signature:
                axes = ["component" if cs in space else _axis_name(cs) for cs in signature]
                dataset.attrs["tensor_axes"] = axes


class OpenSet:
    """A set file in memory, or open on a stream, to which writes are appended.

    It uses HDF5's low-level interface: that of h5py takes 2 ms for one write of four tasks.

    Parameters
    ----------
    template : bytes
        Image of a set without writes.
    number : int
        Number of the set.
    tasks : list of str
    file : h5py.File, optional
        A file that begins with the template and is open on a stream.
    """

    def __init__(self, template, number, tasks, file=None):
        self._file = file or h5py.File(
            h5py.h5f.open_file_image(template, h5py.h5f.FILE_IMAGE_OPEN_RW)
        )
        root = self._file.id
        h5a.open(root, b"set_number").write(np.array(number))
        # The attribute is rewritten at each write.
        self._writes_attribute = h5a.open(root, b"writes")
        self._scales = {name: _Rows(root, f"scales/{name}") for name in SCALES}
        self._tasks = [_Rows(root, f"tasks/{name}") for name in tasks]
        self._checksums = _Rows(root, "checksums")
        self.writes = 0
        self._empty = self._size = len(template)

    def append(self, scales, values, checksums):
        """Append one write."""
        for name, kind in SCALES.items():
            self._scales[name].append(np.array([scales[name]], kind))
        for dataset, data in zip(self._tasks, values, strict=True):
            dataset.append(np.ascontiguousarray(data)[None])
        self._checksums.append(np.array([checksums], "<u4"))
        self.writes += 1
        self._writes_attribute.write(np.array(self.writes, self._writes_attribute.dtype))

    def image(self):
        """Return the bytes of the file."""
        self._file.flush()
        found = self._file.id.get_file_image()
        self._size = len(found)
        return found

    def is_full(self, max_writes):
        """Return whether the next write belongs in a new set."""
        filled = self._size - self._empty
        return self.writes >= max_writes or filled * (1 + 1 / max(1, self.writes)) > SET_BYTES


class _Rows:
    """A dataset of HDF5's low-level interface to which rows of one type are appended."""

    def __init__(self, file, name):
        self._dataset, self._type = h5d.open(file, name.encode()), None
        self._number, *self._shape = self._dataset.shape
        self._memory = h5s.create_simple((1, *self._shape))
        self._start = (0,) * len(self._shape)

    def append(self, row):
        """Append one row, an array of shape (1, …)."""
        if self._type is None:
            self._type = h5t.py_create(row.dtype)
        self._dataset.set_extent((self._number + 1, *self._shape))
        place = self._dataset.get_space()
        place.select_hyperslab((self._number, *self._start), row.shape)
        self._dataset.write(self._memory, place, row, self._type)
        self._number += 1


def written_times(folder, name):
    """Return ``{simulation time: checksums of the tasks}`` of all writes of a handler."""
    found = {}
    for path in sorted(folder.glob(f"{name}_s*.h5")):
        with h5py.File(path, "r", locking=False) as file:
            # Several outputs may lie inside one step.
            times = file["scales/sim_time"][:].tolist()
            sums = file["checksums"][:, 1:].tolist() if "checksums" in file else []
        found |= dict(zip(times, sums, strict=False))
    return found


def _task_bytes(task):
    return int(np.prod(task["global_shape"])) * np.dtype(task["dtype"]).itemsize


def _never(**_):
    return False


def _axis_name(coordinates):
    names = [coord.name for coord in coordinates.coords]
    return "spin" if names == ["sx", "sy", "sz"] else "component"
