"""Compiled functions that are kept on disk: a problem is compiled once, not in every run.

Every function is written to a file of its own, whose name is a hash of its source and of the
versions of everything that has a say in it; numba keeps the machine code beside it, for each kind
of processor. The folder is ``$NUMBA_CACHE_DIR`` or ``spinhydro`` in ``$XDG_CACHE_HOME`` (or
``~/.cache``). If nothing can be written there, functions are compiled anew without a word.
"""

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_HEAD = """import numpy as np
from numba import carray, cfunc, njit
from numpy import inf, nan

from spinhydro.fused.compiled import call, execute, pointer
from spinhydro.fused.access import read, read1, read2, read3, read4
from spinhydro.fused.access import write, write1, write2, write3, write4


@{kind}({signature!r}, error_model="numpy", fastmath={{"contract"}}{cache})
"""

#: What passes are called with: address of the table of addresses; which member; row of the
#: constants; what the stage does, and its two numbers.
_PASS = "void(int64, int64, int64, int64, float64, float64)"
_ARGUMENTS = "table, member, stage, kind, ahead, weight"
_WORK_OFF = """def work_off(calls, numbers, members, steps):
    for member in range(members):
        for _ in range(steps):
            for i in range(len(calls)):
                call(calls[i, 0], calls[i, 1], member, calls[i, 2], calls[i, 3],
                     numbers[i, 0], numbers[i, 1])
"""


@intrinsic
def pointer(context, address):
    """An address as a pointer."""

    def make(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), make


@intrinsic
def execute(context, function, plan, inward, outward):
    """Call ``function(plan, inward, outward)``, all of them addresses."""

    def make(context, builder, signature, arguments):
        from llvmlite import ir

        integer = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [integer] * 3)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.none(*[types.int64] * 4), make


def folder():
    """Where compiled functions are kept."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "spinhydro"


@intrinsic
def call(context, function, table, member, stage, kind, ahead, weight):
    """Call a pass by its address."""

    def make(context, builder, signature, arguments):
        from llvmlite import ir

        integer, double = ir.IntType(64), ir.DoubleType()
        kind = ir.FunctionType(ir.VoidType(), [integer] * 4 + [double] * 2)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.none(*[types.int64] * 5, *[types.float64] * 2), make


def compile_pass(name, body):
    """The compiled form of a pass with these lines; its address is ``.address``."""
    head = f"def {name}({_ARGUMENTS}):\n    places = carray(pointer(table), (1 << 16,), np.int64)\n"
    return _compile(name, "cfunc", _PASS, head + body)


def compile_steps(name, body):
    """The compiled form of steps with these lines: ``function(places, timestep, number)``."""
    head = f"def {name}(places, timestep, number):\n"
    return _compile(name, "njit", "void(int64[::1], float64, int64)", head + body)


@cache
def work_off():
    """``function(calls, numbers, members, steps)``: all steps of a member, then those of the next.

    A step is a table of calls.
    """
    signature = "void(int64[:, ::1], float64[:, ::1], int64, int64)"
    return _compile("work_off", "njit", signature, _WORK_OFF)


def _compile(name, kind, signature, source):
    """The function `name` that is defined by `source`."""
    head = {"kind": kind, "signature": signature}
    try:
        path = _file(name, _HEAD.format(cache=", cache=True", **head) + source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        # Numba looks for the module of a function that it finds on disk.
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return getattr(module, name)
    except (OSError, RuntimeError):
        # Nowhere to write, a full disk, or a folder that numba does not like.
        namespace = {}
        text = _HEAD.format(cache="", **head) + source
        exec(compile(text, f"fused {name}", "exec"), namespace)
        return namespace[name]


def _file(name, text):
    """The file with this text; whoever comes first makes it, in one piece."""
    from spinhydro import __version__

    versions = [numba.__version__, llvmlite.__version__, np.__version__, __version__]
    key = hashlib.sha256("\n".join([*versions, text]).encode()).hexdigest()[:32]
    path = folder() / f"spinhydro_{name}_{key}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        try:
            # Numba looks at the time of the file: it must not be written twice.
            os.link(file.name, path)
        except FileExistsError:
            pass
        except OSError:
            os.replace(file.name, path)
            return path
        os.unlink(file.name)
    return path
