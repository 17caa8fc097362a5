"""Files that save work in later processes: machine code and FFTW's wisdom.

The folder is ``$SPINHYDRO_CACHE_DIR``, or ``spinhydro`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
Files are written atomically and begin with a hash of their content; a damaged file counts as
missing. Nothing here is an error: without a folder everything is compiled in every process.
Machine code that was not used for 60 days is deleted.
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path

#: Days after which an unused file is deleted, and the largest size of all machine code in bytes.
KEPT_DAYS, KEPT_BYTES = 60, 50_000_000


def folder():
    """Return the folder of these files; None if there is none for this user."""
    chosen = os.environ.get("SPINHYDRO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "spinhydro"
    except RuntimeError:
        return None


def read_file(path, magic):
    """Return the content of a file; None if it is missing, damaged or of another kind."""
    try:
        whole = path.read_bytes()
        head = len(magic)
        digest, content = whole[head : head + 32], whole[head + 32 :]
        if whole[:head] != magic or hashlib.sha256(content).digest() != digest:
            return None
        if time.time() - path.stat().st_mtime > 86400:
            # Still in use: pruning uses the time of the file.
            os.utime(path)
    except OSError:
        return None
    return content


def write_file(path, magic, content):
    """Write a file atomically; return whether that was possible."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(number, "wb") as file:
            file.write(magic + hashlib.sha256(content).digest() + content)
        os.replace(temporary, path)
        prune(path.parent)
    except OSError:
        if temporary is not None:
            _remove(temporary)
        return False
    return True


def prune(place, days=KEPT_DAYS, size=KEPT_BYTES):
    """Delete machine code that was not used for some days, then the oldest beyond `size` bytes.

    Other files stay. Another process may do the same at the same time.
    """
    now, found = time.time(), []
    ours = ("*-*.o", ".part-*")
    for path in (path for pattern in ours for path in place.glob(pattern)):
        try:
            status = path.stat()
        except OSError:
            continue
        age = now - status.st_mtime
        if age > days * 86400 or (path.name.startswith(".part-") and age > 86400):
            _remove(path)
        else:
            found.append((age, status.st_size, path))
    total = 0
    for _, length, path in sorted(found):
        total += length
        if total > size:
            _remove(path)


def _remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass
