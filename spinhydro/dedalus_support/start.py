"""A cheap start and end for commands: modules executed at their first use, MPI without network.

Nothing here changes a result. Only processes that are a command use it: a script that imports
Dedalus itself is not affected.
"""

import atexit
import gc
import importlib
import os
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

#: Settings of Open MPI under which a process without other ranks opens no network device and
#: starts no daemon (which it needs to start ranks by itself).
_ALONE = {
    "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self", "OMPI_MCA_ess_singleton_isolated": "1",
}  # fmt: skip


def import_on_use():
    """Defer modules that other libraries import and few commands use; skip generated docstrings."""
    if "dedalus" not in sys.modules:
        sys.meta_path.insert(0, _Finder)


def initialise_mpi(alone):
    """Initialise MPI.

    Parameters
    ----------
    alone : bool
        No launcher has started this process as one of several ranks.
    """
    added = {name: value for name, value in _ALONE.items() if alone and name not in os.environ}
    os.environ.update(added)
    try:
        importlib.import_module("mpi4py.MPI")
    finally:
        # Programs that a run starts choose for themselves.
        for name in added:
            del os.environ[name]


#: What imports all that a run on the fused engine uses.
_SOLVER = (
    "spinhydro.dedalus_support.backend", "spinhydro.problem.load", "spinhydro.run.simulation",
    "spinhydro.engines.fused",
)  # fmt: skip


def import_solver():
    """Import what a run uses, in the process of a command; see `import_uncollected`."""
    if _Finder in sys.meta_path:
        for name in _SOLVER:
            import_uncollected(name)


def import_uncollected(name):
    """Return a module, imported without collecting garbage in the process of a command.

    Modules are not garbage, but every collection visits their objects, also later unless they are
    frozen: together 5 % of the CPU time of a short run.
    """
    if _Finder not in sys.meta_path or not gc.isenabled():
        return importlib.import_module(name)
    gc.disable()
    try:
        module = importlib.import_module(name)
    finally:
        gc.enable()
    gc.freeze()
    return module


def is_last_call(caller):
    """Return whether nothing follows a command in its process but the end of the process.

    Parameters
    ----------
    caller : frame
        It called the command.
    """
    return (
        # The installed script does nothing else; others may catch SystemExit.
        caller.f_back is None
        and Path(caller.f_code.co_filename).name == "spinhydro"
        and not sys.flags.inspect
        and all(thread.daemon for thread in threading.enumerate()
                if thread is not threading.main_thread())
        and _is_single_rank()
        and not _has_open_hdf5_files()
    )  # fmt: skip


def _is_single_rank():
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi is None or not mpi.Is_initialized() or mpi.COMM_WORLD.size == 1


def _has_open_hdf5_files():
    h5f = sys.modules.get("h5py.h5f")
    return h5f is not None and h5f.get_obj_count(h5f.OBJ_ALL, h5f.OBJ_FILE) > 0


def end_process(code):
    """End the process after its exit functions, without freeing the objects one by one.

    Freeing them takes 0.03 s of CPU time after a run and 0.2 s after drawing a figure.
    """
    atexit._run_exitfuncs()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized():
        mpi.Finalize()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


#: The module that imports submodules.
_IMPORTER = "importlib._bootstrap"

#: Modules that are executed when an attribute is first read.
DEFERRED = frozenset(
    {
        "PIL.ExifTags",
        "asyncio",
        "cProfile",
        "fontTools.agl",
        "llvmlite.ir",
        "numexpr",
        "numpy._core._add_newdocs",
        "numpy._core._add_newdocs_scalars",
        "numpy.f2py",
        "numpy.ma",
        "numpy.polynomial",
        "numpy.testing",
        "pandas.api.interchange",
        "pandas.api.typing",
        "pandas.testing",
        "plistlib",
        "pstats",
        "pydoc",
        "scipy._lib.array_api_compat.numpy",
        "scipy.fft",
        "scipy.fftpack",
        "scipy.interpolate",
        "scipy.linalg",
        "scipy.optimize",
        "scipy.sparse.csgraph",
        "scipy.sparse.linalg",
        "scipy.special",
        "tarfile",
        "xarray.testing",
        "xarray.tutorial",
        "xarray.ufuncs",
    }
)
#: Types of ``llvmlite.ir`` that ``llvmlite.binding`` reads while it is imported.
_TYPES = (
    "ArrayType", "DoubleType", "FloatType", "FunctionType", "HalfType", "IntType",
    "LiteralStructType", "PointerType", "Type", "VectorType", "VoidType",
)  # fmt: skip
#: Attributes that libraries read while they are imported: they are found in a submodule that does
#: not need its package.
_PARTS = {
    ("scipy.linalg", "blas"): "blas",
    ("scipy.interpolate", "make_interp_spline"): "_bsplines",
    ("scipy.optimize", "minimize_scalar"): "_minimize",
    **{("scipy.special", name): "_ufuncs" for name in ("ellipj", "ellipk", "erf", "ive", "poch")},
    ("llvmlite.ir", "Context"): "context",
    **{("llvmlite.ir", name): "types" for name in _TYPES},
}
#: Names of packages whose code, or one of whose parts, is being executed.
_executing = set()
_lock = threading.RLock()


class _DeferredModule(ModuleType):
    """A module whose code is executed when an attribute is first read.

    ``import a.b`` reads only ``__spec__``, which exists. Importing a submodule reads ``__path__``,
    which does not, so that a package is executed before its submodules.
    """

    def __getattr__(self, name):
        here = self.__name__
        with _lock:
            if here in _executing:
                raise AttributeError(f"module '{here}' has no attribute '{name}'")
            if name == "__path__" and sys._getframe(1).f_globals["__name__"] != _IMPORTER:
                # `from a import b` only checks whether `a` is a package.
                raise AttributeError(name)
            if (here, name) in _PARTS:
                return _part(self, name)
            if isinstance(self, _DeferredModule):
                _execute(self)
            if name not in self.__dict__ and hasattr(self, "__path__"):
                # `from a import b` of a submodule that `a` does not import.
                with suppress(ModuleNotFoundError):
                    return importlib.import_module(f"{here}.{name}")
            return getattr(self, name)


@contextmanager
def _being_executed(module):
    """Let a package find its submodules, and lack names that it does not define yet."""
    locations = module.__spec__.submodule_search_locations
    if locations is not None:
        module.__path__ = locations
    _executing.add(module.__name__)
    try:
        yield
    finally:
        _executing.remove(module.__name__)


def _part(package, name):
    """Return an attribute of a package from its submodule, without executing the package."""
    submodule = _PARTS[package.__name__, name]
    with _being_executed(package):
        found = importlib.import_module(f"{package.__name__}.{submodule}")
    del package.__path__
    return found if submodule == name else getattr(found, name)


def _execute(module):
    """Execute the code of a deferred module."""
    with _being_executed(module):
        module.__spec__.loader.exec_module(module)
        module.__class__ = ModuleType


class _DeferringLoader:
    """Makes a deferred module."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        module.__dict__.pop("__path__", None)
        module.__class__ = _DeferredModule


class _EmptyDoc(defaultdict):
    """Sections of a docstring, of which SciPy adds some to its functions: none is kept."""

    def __init__(self, function, *arguments, **options):
        super().__init__(list)

    def __str__(self):
        # SciPy drops the first line, a signature.
        return "\n"


def _mark_setter(artist):
    """Mark ``artist.set`` as generated, which matplotlib does beside documenting it."""
    artist.set._autogenerated_signature = True


class _Undocumented(_DeferringLoader):
    """Executes a module, then replaces its function that generates docstrings.

    Generating them takes half of the import of matplotlib, and a third of that of SciPy's packages.
    """

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        if module.__name__ == "matplotlib.artist":
            module.kwdoc = lambda artist: ""
            module.Artist._update_set_signature_and_docstring = classmethod(_mark_setter)
        elif module.__name__ == "matplotlib._docstring":
            for substitution in (module.Substitution, type(module.interpd)):
                substitution.__call__ = lambda self, documented: documented
        else:
            module.NumpyDocString._parse = lambda self: None
            module.FunctionDoc = _EmptyDoc


_UNDOCUMENTED = ("matplotlib._docstring", "matplotlib.artist", "scipy._lib._docscrape")


class _Finder:
    """Finds the modules above."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name not in DEFERRED and name not in _UNDOCUMENTED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            make = _DeferringLoader if name in DEFERRED else _Undocumented
            spec.loader = make(spec.loader)
        return spec
