"""Compiled functions that are kept on disk: a problem is compiled once, not in every run.

The machine code of every function is a file, ``<name>-<key>.o``, whose key is a hash of the source
and of everything else that affects the generated code: the releases of spinhydro and LLVM and the
kind of processor.
"""

import hashlib
from functools import cache

from spinhydro.engines.fused.compile import llvm
from spinhydro.engines.fused.compile.store import folder, read_file, write_file

_MAGIC = b"spinhydro machine code 1\n"
_RUN_CALL_TABLE = """def run_call_table(calls, numbers, count, members, steps):
    calls_ = carray(pointer(calls), (65536, 4), np.int64)
    numbers_ = carray(pointer(numbers), (65536, 2), np.float64)
    for member in range(members):
        for step in range(steps):
            for i in range(count):
                call(calls_[i, 0], calls_[i, 1], member, calls_[i, 2], calls_[i, 3],
                     numbers_[i, 0], numbers_[i, 1])
"""
_loaded = {}


def compile_pass(name, lines):
    """Compile a pass with these lines; its address is ``.address``.

    It is called with the address of its table of addresses, the member, the row of the constants,
    the use of the rates, and the two numbers of the stage.
    """
    head = f"def {name}(table, member, stage, kind, ahead, weight):"
    return compile_function(name, "iiiiff", _body(head, lines))


@cache
def run_call_table():
    """Return ``function(calls, numbers, count, members, steps)`` that runs a table of calls.

    All steps of a member, then those of the next. A step is a table of `count` calls, given by the
    addresses of arrays (count, 4) of integers and (count, 2) of floats.
    """
    return compile_function("run_call_table", "iiiii", _RUN_CALL_TABLE)


def compile_steps(name, lines):
    """Compile steps with these lines: ``function(table of addresses, timestep, steps)``."""
    return compile_function(name, "ifi", _body(f"def {name}(table, timestep, steps):", lines))


def _body(head, lines):
    """Source of a function whose first argument is the address of a table of addresses."""
    lines = ["addresses = carray(pointer(table), (65536,), np.int64)", *lines]
    return "\n".join([head, *(f"    {line}" for line in lines), ""])


def compile_function(name, kinds, source, exact=False):
    """Compile the function `name` that is defined by `source`; it has an ``address``.

    Parameters
    ----------
    name : str
    kinds : str
        "i" for an integer, "f" for a float: the kinds of its arguments.
    source : str
        In the language of `spinhydro.engines.fused.compile.translate`.
    exact : bool
        Round every operation by itself (see there).

    Raises
    ------
    Untranslatable
    """
    from spinhydro import __version__

    text = "\n".join([*llvm.versions(), __version__, kinds, str(exact), source])
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    if key not in _loaded:
        _loaded[key] = _compile(f"{name}-{key}", f"{name}_{key}", kinds, source, exact)
    return _loaded[key]


def _compile(file_name, symbol, kinds, source, exact):
    place = folder()
    code = read_file(place / f"{file_name}.o", _MAGIC) if place else None
    if code is None:
        code = llvm.compile_object(llvm.translate(source, symbol, kinds, exact))
        if place:
            write_file(place / f"{file_name}.o", _MAGIC, code)
    return llvm.load(code, symbol, kinds)
