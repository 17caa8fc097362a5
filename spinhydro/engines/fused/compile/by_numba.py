"""Compiled functions by numba, for what the translator of `llvm` does not know.

Steps on the grid alone read and write through intrinsics of their own (`access`).
Their code stays on disk too: every function is written to a file of its own, beside which numba
keeps what it makes of it.
"""

import hashlib
import importlib.util
import os
import sys
import tempfile

_HEAD = """import numpy as np
from numba import carray, njit
from numpy import inf, nan

from spinhydro.engines.fused.compile.access import read, read1, read2, read3, read4
from spinhydro.engines.fused.compile.access import write, write1, write2, write3, write4


@njit("void(int64[::1], float64, int64)", error_model="numpy", fastmath={{"contract"}}{cache})
"""


def compile_steps(name, source, folder):
    """``def name(places, timestep, number):`` compiled; kept in a folder, if there is one."""
    try:
        if folder is None:
            raise OSError
        path = _file(folder, name, _HEAD.format(cache=", cache=True") + source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        # Numba looks for the module of a function that it finds on disk.
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return getattr(module, name)
    except (OSError, RuntimeError):
        # Nowhere to write, a full disk, or a folder that numba does not like.
        namespace = {}
        exec(compile(_HEAD.format(cache="") + source, f"fused {name}", "exec"), namespace)
        return namespace[name]


def _file(folder, name, text):
    """The file with this text; whoever comes first makes it, in one piece."""
    import llvmlite
    import numba
    import numpy as np

    from spinhydro import __version__

    versions = [numba.__version__, llvmlite.__version__, np.__version__, __version__]
    key = hashlib.sha256("\n".join([*versions, text]).encode()).hexdigest()[:32]
    path = folder / f"spinhydro_{name}_{key}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".part-", delete=False
        ) as file:
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


def compile_function(name, kinds, source):
    """``def name(…):`` with arguments of these kinds compiled, and kept nowhere."""
    import numba
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

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

    import numpy as np

    namespace = {"np": np, "carray": numba.carray, "inf": np.inf, "nan": np.nan,
                 "pointer": pointer, "execute": execute, "call": call}  # fmt: skip
    exec(compile(source, f"fused {name}", "exec"), namespace)
    signature = types.void(*({"i": types.int64, "f": types.float64}[kind] for kind in kinds))
    made = numba.cfunc(signature, error_model="numpy", fastmath={"contract"})(namespace[name])
    function = made.ctypes
    function.address, function.made = made.address, made
    return function
