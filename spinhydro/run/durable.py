"""Durable, atomic writes: no kill, full disk or power loss destroys an earlier file.

A file is written under a temporary name, flushed to the disk, read back and renamed. Readers see
the old file or the new one, never a part, and their locks do not reach the writer.
"""

import os
from contextlib import suppress
from pathlib import Path

from spinhydro.errors import OutputError

#: Bytes that are written in one call.
PIECE = 1 << 17


def temporary_name(path):
    """Return the name under which a file is written until it is complete."""
    return path.with_name(f".{path.name}.part")


def replace_file(path, data):
    """Put bytes into a file atomically, and verify them by reading them back.

    Parameters
    ----------
    path : Path
    data : bytes

    Raises
    ------
    OutputError
        If they could not be written; the old file is as it was.
    """
    path = Path(path)
    temporary = temporary_name(path)
    try:
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(handle, data)
            os.fsync(handle)
            kept = _holds(handle, data)
        finally:
            os.close(handle)
        if not kept:
            raise OutputError(f"{path} did not keep what was written to it")
        publish(temporary, path)
    except OSError as error:
        drop_file(temporary)
        raise not_written(path, error) from None


def make_folder(path):
    """Make a folder unless it exists; raises OutputError if it cannot be made."""
    try:
        Path(path).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path} could not be made: {error.strerror}") from None


def drop_file(path):
    """Delete a file, if possible: on a full disk its space is needed."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def publish(temporary, path):
    """Rename a complete, flushed file to its final name, and make the new name durable."""
    os.replace(temporary, path)
    # Some network file systems do not flush directories, and a process may have no descriptor
    # left; the data are flushed.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def not_written(path, error):
    """Return the error that reports a failed write of a file in one line."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return OutputError(
        f"{path} could not be written: {reason}; everything up to the last output is kept"
    )


def write_all(handle, data, start=0):
    """Write bytes at a position of an open file, in pieces."""
    view = memoryview(data)
    position = 0
    while position < len(view):
        position += os.pwrite(handle, view[position : position + PIECE], start + position)


def _holds(handle, data):
    """Return whether a file consists of these bytes."""
    if os.fstat(handle).st_size != len(data):
        return False
    return all(
        os.pread(handle, PIECE, start) == data[start : start + PIECE]
        for start in range(0, len(data), PIECE)
    )


class FaultTolerantFile:
    """A file for ``h5py.File`` whose write errors are noted instead of reported to HDF5.

    HDF5 cannot close a file that refuses its writes and ends the process at exit. Here its writes
    seem to succeed; the caller checks ``error`` after closing and discards the file.

    Parameters
    ----------
    handle : int
        Descriptor of a file that is open for reading and writing.

    Attributes
    ----------
    error : OSError or None
        The first error.
    """

    def __init__(self, handle):
        self._handle, self._position = handle, 0
        self.error = None

    def write(self, data):
        """Write at the present position; an error is noted."""
        self._try(write_all, self._handle, data, self._position)
        self._position += len(data)
        return len(data)

    def read(self, size):
        """Read at the present position; h5py recognises files by this method."""
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, buffer):
        """Read at the present position; zeros beyond the end."""
        data = self._try(os.pread, self._handle, len(buffer), self._position) or b""
        buffer[: len(data)] = data
        buffer[len(data) :] = bytes(len(buffer) - len(data))
        self._position += len(buffer)
        return len(buffer)

    def seek(self, offset, whence=os.SEEK_SET):
        """Move the position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (os.fstat(self._handle).st_size if base is None else base)
        return self._position

    def tell(self):
        """Return the position."""
        return self._position

    def truncate(self, size=None):
        """Set the size; an error is noted."""
        self._try(os.ftruncate, self._handle, self._position if size is None else size)

    def flush(self):
        """Do nothing: the caller flushes the file to the disk when it is complete."""

    def _try(self, action, *arguments):
        try:
            return action(*arguments)
        except OSError as error:
            self.error = self.error or error
            return None


class Reserve:
    """Disk space that is set aside for the last record of a run.

    Where the disk or a quota is full, the record is written over the blocks of this file, which is
    then renamed to the record: that needs no free space, no free inode and no free descriptor.

    Parameters
    ----------
    path : Path
        The reserve file.
    """

    def __init__(self, path):
        self.path, self._size, self._handle = Path(path), 0, None

    def hold(self, size):
        """Set aside at least this many bytes, as far as there are any."""
        if size <= self._size:
            return
        try:
            replace_file(self.path, b" " * (2 * size))
            handle = os.open(self.path, os.O_RDWR)
        except (OutputError, OSError):
            # The disk is full already: what was set aside before stays.
            return
        self._close()
        self._size, self._handle = 2 * size, handle

    def spend(self, path, data):
        """Write bytes to `path` with the space that was set aside.

        Raises
        ------
        OutputError
            If that fails too.
        """
        if self._handle is None:
            raise OutputError(f"{path} could not be written, and no space was set aside for it")
        try:
            write_all(self._handle, data)
            os.ftruncate(self._handle, len(data))
            os.fsync(self._handle)
            publish(self.path, Path(path))
        except OSError as error:
            raise not_written(path, error) from None
        finally:
            self._close()
            self._size = 0

    def release(self):
        """Free the space."""
        self._close()
        self._size = 0
        drop_file(self.path)

    def _close(self):
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
