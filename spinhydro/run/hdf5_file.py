"""Whole HDF5 files, written durably and verified."""

import os
import zlib

import h5py
import numpy as np

from spinhydro.errors import OutputError
from spinhydro.run.durable import (
    FaultTolerantFile,
    drop_file,
    not_written,
    publish,
    temporary_name,
    write_all,
)

#: Bytes of a dataset that are read at once.
PIECE = 1 << 22


def write_hdf5(path, fill, template=b""):
    """Write an HDF5 file under a temporary name, verify it, and rename it.

    Parameters
    ----------
    path : Path
    fill : callable(h5py.File)
        Fill the file; return ``{dataset name: CRC-32 of its bytes}`` of what is to be verified.
        Nothing is written if it raises an exception.
    template : bytes
        Image of an HDF5 file to begin with.

    Raises
    ------
    OutputError
        If it could not be written or read back; an old file of that name is as it was.
    """
    temporary = temporary_name(path)
    try:
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(handle, template)
            stream = FaultTolerantFile(handle)
            with h5py.File(stream, "r+" if template else "w") as file:
                expected = fill(file)
            if stream.error is not None:
                raise stream.error
            os.fsync(handle)
        finally:
            os.close(handle)
        with h5py.File(temporary, "r", locking=False) as file:
            for name, checksum in expected.items():
                if dataset_checksum(file[name]) != checksum:
                    raise OutputError(f"{path} did not keep {name} as it was written")
        publish(temporary, path)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        drop_file(temporary)
        raise not_written(path, error) from None
    except BaseException:
        drop_file(temporary)
        raise


def data_checksum(data):
    """Return the CRC-32 of the values of an array, in C order."""
    return zlib.crc32(np.ascontiguousarray(data).reshape(-1).view(np.uint8))


def dataset_checksum(dataset):
    """Return the CRC-32 of the values of a dataset, which is read in pieces."""
    shape = dataset.shape
    if not shape:
        return data_checksum(np.asarray(dataset[()]))
    found, row_bytes = 0, max(1, int(np.prod(shape[1:])) * dataset.dtype.itemsize)
    if row_bytes > PIECE and len(shape) > 1:
        for row in range(shape[0]):
            rows = max(1, PIECE * shape[1] // row_bytes)
            for start in range(0, shape[1], rows):
                found = _continued(dataset[row, start : start + rows], found)
        return found
    rows = max(1, PIECE // row_bytes)
    for start in range(0, shape[0], rows):
        found = _continued(dataset[start : start + rows], found)
    return found


def _continued(piece, checksum):
    return zlib.crc32(np.ascontiguousarray(piece).reshape(-1).view(np.uint8), checksum)
