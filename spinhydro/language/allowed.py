"""Functions that strings and typed values may call: they compute and do nothing else.

A problem file is trusted like any Python file: functions that it defines, or imports from a file of
the user's, may be called. Of Python, NumPy, Dedalus and this library, only what is listed here.
"""

import cmath
import functools
import math
import sys
import sysconfig
from types import ModuleType

#: Of NumPy.
NUMPY = frozenset(
    """
    abs absolute add angle arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh array cbrt
    ceil clip concatenate conj conjugate copysign cos cosh cross cumsum deg2rad degrees divide dot
    e exp exp2 expm1 eye fabs floor fmod full full_like geomspace heaviside hypot imag inf interp
    isfinite linspace log log10 log1p log2 logaddexp logspace max maximum mean min minimum mod
    multiply negative newaxis ones ones_like outer pi power prod rad2deg radians real reciprocal
    remainder repeat rint round sign sin sinc sinh sqrt square stack subtract sum tan tanh tile
    true_divide trunc where zeros zeros_like
    """.split()
)
#: Of Python itself.
BUILTINS = frozenset("abs bool complex float int len max min pow range round sum".split())
#: Of this library.
SPINHYDRO = frozenset(
    """
    abs2 atomic_mass check_cells clip dx heisenberg_ring im kernel langevin material maximum
    minimum pedestal per_member periodic pointwise projector pulse ramp re scattering_lengths
    sinc stable_timestep stencil table thomas_fermi where
    """.split()
)
_MATH = frozenset(name for name in (*dir(math), *dir(cmath)) if not name.startswith("_"))

#: Allowed names by the name under which a problem file imports a module.
MODULES = {"np": NUMPY, "numpy": NUMPY, "math": _MATH, "cmath": _MATH, "spinhydro": SPINHYDRO}

_OTHERS_FOLDERS = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def allowed_names(module):
    """Names of a module that a string may use; None if all of them, of a user's own module."""
    root = module.__name__.partition(".")[0]
    if root in MODULES:
        return MODULES[root]
    if root == "dedalus":
        from dedalus.core import problems

        return frozenset(problems.parseables)
    if module.__name__ == "scipy.special":
        return frozenset(name for name in dir(module) if _is_ufunc(getattr(module, name)))
    file = getattr(module, "__file__", None)
    return frozenset() if file is None or _is_of_others(file) else None


def is_allowed(function):
    """True if a string may call a function, an operator of Dedalus or a kernel."""
    from dedalus.core.field import Operand

    if isinstance(function, functools.partial):
        return is_allowed(function.func)
    if _is_ufunc(function) or isinstance(function, Operand):
        return True
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", None) or ""
    root = module.partition(".")[0]
    if root == "dedalus":
        from dedalus.core import problems

        return function in problems.parseables.values()
    if root == "spinhydro":
        return name in SPINHYDRO or module.split(".")[1] in ("kernels", "language", "physics")
    if root in ("builtins", "numpy"):
        return name in (BUILTINS if root == "builtins" else NUMPY)
    if root in ("math", "cmath"):
        return True
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, ModuleType):
        # An instance or a class: of the user's if its methods are.
        methods = (vars(type(function)).get("__call__"), getattr(function, "__init__", None))
        code = next((m.__code__ for m in methods if hasattr(m, "__code__")), None)
    return code is not None and not _is_of_others(code.co_filename)


def _is_ufunc(value):
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ufunc)


def _is_of_others(file):
    return str(file).startswith((*_OTHERS_FOLDERS, "<frozen"))
