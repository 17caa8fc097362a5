"""Files that save work in later processes: machine code and FFTW's wisdom.

The folder is ``$SPINHYDRO_CACHE_DIR``, or ``spinhydro`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
Files are written atomically and begin with a hash of their content; a damaged file counts as
missing. Nothing here is an error: without a folder everything is compiled in every process.
Machine code that was not used for 60 days is deleted, once a day.
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path

#: Days after which an unused file is deleted, and the largest size of all machine code in bytes.
KEPT_DAYS, KEPT_BYTES = 60, 50_000_000
_DAY = 86400.0
#: File whose time is that of the last pruning.
_PRUNED = "pruned"


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
        if time.time() - path.stat().st_mtime > _DAY:
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
        _prune_daily(path.parent)
    except OSError:
        if temporary is not None:
            _remove(temporary)
        return False
    return True


def _prune_daily(place):
    """Prune a folder once a day: looking at thousands of files takes longer than compiling."""
    mark = place / _PRUNED
    if mark.exists() and time.time() - mark.stat().st_mtime < _DAY:
        return
    mark.touch()
    prune(place)


def prune(place, days=KEPT_DAYS, size=KEPT_BYTES):
    """Delete machine code that was not used for some days, then the oldest beyond `size` bytes.

    Other files stay. Another process may do the same at the same time.
    """
    now, found = time.time(), []
    for entry in os.scandir(place):
        is_part = entry.name.startswith(".part-")
        if not is_part and not ("-" in entry.name and entry.name.endswith(".o")):
            continue
        try:
            status = entry.stat()
        except OSError:
            continue
        age = now - status.st_mtime
        if age > days * _DAY or (is_part and age > _DAY):
            _remove(entry.path)
        else:
            found.append((age, status.st_size, entry.path))
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
