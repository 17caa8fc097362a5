"""Compiled functions that are kept on disk: a problem is compiled once, not in every run.

The machine code of every function is a file of its own, ``<name>-<key>.o``, whose key is a hash of
the source and of everything else that has a say in it: another release of spinhydro or LLVM,
or another kind of processor, has other files. The folder is ``$SPINHYDRO_CACHE_DIR``, or
``spinhydro`` in ``$XDG_CACHE_HOME`` or ``~/.cache``; if nothing can be written there, functions are
compiled anew in every run. Files appear in one piece, and begin with a hash of what follows:
whatever else stands there is not looked at. What nobody has used for a long time goes.
"""

import hashlib
import os
import tempfile
import time
from functools import cache
from pathlib import Path

from spinhydro.engines.fused.compile import llvm

#: Days after which an unused file is deleted, and the most bytes of all files together.
KEPT_DAYS, KEPT_BYTES = 60, 50_000_000
_MAGIC = b"spinhydro machine code 1\n"
_WORK_OFF = """def work_off(calls, numbers, number, members, steps):
    calls_ = carray(pointer(calls), (65536, 4), np.int64)
    numbers_ = carray(pointer(numbers), (65536, 2), np.float64)
    for member in range(members):
        for step in range(steps):
            for i in range(number):
                call(calls_[i, 0], calls_[i, 1], member, calls_[i, 2], calls_[i, 3],
                     numbers_[i, 0], numbers_[i, 1])
"""
_loaded = {}


def folder():
    """Where compiled functions are kept; None if this user has no place for such things."""
    chosen = os.environ.get("SPINHYDRO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "spinhydro"
    except RuntimeError:
        return None


def compile_pass(name, body):
    """The compiled form of a pass with these lines; its address is ``.address``.

    It is called with the address of its table of addresses; which member; row of the constants;
    what the stage does, and its two numbers.
    """
    head = [f"def {name}(table, member, stage, kind, ahead, weight):",
            "    places = carray(pointer(table), (65536,), np.int64)"]  # fmt: skip
    return compile_function(name, "iiiiff", "\n".join([*head, body]))


@cache
def work_off():
    """``function(calls, numbers, n, members, steps)``: all steps of a member, then of the next.

    A step is a table of calls, given by the addresses of arrays (n, 4) of integers and (n, 2) of
    floats.
    """
    return compile_function("work_off", "iiiii", _WORK_OFF)


def compile_steps(name, body):
    """Compile steps with these lines: ``function(table of addresses, timestep, steps)``."""
    head = f"def {name}(table, timestep, steps):\n"
    places = "    places = carray(pointer(table), (65536,), np.int64)\n"
    return compile_function(name, "ifi", head + places + body)


def compile_function(name, kinds, source):
    """Compile the function `name` that is defined by `source`; it has an ``address``.

    Parameters
    ----------
    name : str
    kinds : str
        "i" for an integer, "f" for a float: the kinds of its arguments.
    source : str
        In the language of `spinhydro.engines.fused.compile.translate`.

    Raises
    ------
    Untranslatable
    """
    from spinhydro import __version__

    text = "\n".join([*llvm.versions(), __version__, kinds, source])
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    if key not in _loaded:
        _loaded[key] = _compile(f"{name}-{key}", f"{name}_{key}", kinds, source)
    return _loaded[key]


def _compile(file_name, symbol, kinds, source):
    place = folder()
    code = _read(place / f"{file_name}.o") if place else None
    if code is None:
        code = llvm.compile_object(llvm.translate(source, symbol, kinds))
        if place:
            _write(place / f"{file_name}.o", code)
    return llvm.load(code, symbol, kinds)


def _read(path):
    """What was written to a file; None if it is not there, or not whole."""
    try:
        content = path.read_bytes()
        head = len(_MAGIC)
        digest, code = content[head : head + 32], content[head + 32 :]
        if content[:head] != _MAGIC or hashlib.sha256(code).digest() != digest:
            return None
        if time.time() - path.stat().st_mtime > 86400:
            # It is still of use.
            os.utime(path)
    except OSError:
        return None
    return code


def _write(path, code):
    """Keep a file, in one piece; without a word if that is not possible."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(number, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(code).digest() + code)
        os.replace(temporary, path)
        prune(path.parent)
    except OSError:
        if temporary is not None:
            _remove(temporary)


def prune(place, days=KEPT_DAYS, size=KEPT_BYTES):
    """Remove what has not been used for some days, and then the oldest until the rest is small.

    Only files of ours are touched. Another process may do the same at the same time.
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
    for _, bytes_of_it, path in sorted(found):
        total += bytes_of_it
        if total > size:
            _remove(path)


def _remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass
