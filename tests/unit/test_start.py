"""Commands that solve start without modules that they do not use, and without a network."""

import textwrap

from ..conftest import launch

BEGIN = """
import os, sys
from spinhydro.dedalus_support import start

start.import_on_use()
start.initialise_mpi(alone=True)

def deferred():
    return {n for n in start.DEFERRED if isinstance(sys.modules.get(n), start._DeferredModule)}
"""


def run(code, **variables):
    done = launch("-c", BEGIN + textwrap.dedent(code), **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


WHOLE = [
    "from scipy.linalg import expm",
    "from scipy.linalg import lapack; lapack.dgesv",
    "import scipy.linalg.blas; scipy.linalg.det",
    "import scipy.linalg; scipy.linalg.blas.daxpy; scipy.linalg.inv",
    "from scipy.linalg import *; det",
    "from scipy.special import cython_special",
    "from scipy import special; special.erf in derivatives and special.jv; special.erf",
    "from scipy.sparse.linalg import splu; from scipy.sparse.csgraph import dijkstra",
    "from scipy.fft import rfft; from scipy.fft import next_fast_len",
    "from scipy.interpolate import make_interp_spline, CubicSpline; import scipy.optimize",
    "from scipy.optimize import minimize_scalar; from scipy.optimize import curve_fit, minimize",
    "import scipy.optimize as o; assert o.brentq(lambda x: x - 1, 0, 3) == 1; o.minimize_scalar",
    "import numexpr; a = 2; assert numexpr.evaluate('a*a') == 4",
    "from llvmlite import ir; ir.Module(), ir.IntType(1), ir.IRBuilder",
    "from llvmlite.ir import *; Module, IRBuilder, Context",
    "import pydoc, cProfile; pydoc.plain('a'), cProfile.Profile()",
    "from scipy._lib._array_api import np_compat; np_compat.asarray",
    "import numpy.ma as ma; ma.masked_array([1]); from numpy.testing import assert_allclose",
]


def test_dedalus_executes_none_of_the_modules_and_every_import_finds_them_whole():
    code = f"""
    import dedalus.public as d3
    import llvmlite.binding, numpy.ma, scipy.interpolate, scipy.optimize
    unused = {{"scipy.linalg", "scipy.special", "scipy.sparse.linalg", "numexpr", "llvmlite.ir",
              "numpy._core._add_newdocs", "scipy._lib.array_api_compat.numpy"}}
    assert unused <= deferred(), deferred()
    derivatives = d3.UnaryGridFunction.ufunc_derivatives

    for statement in {WHOLE!r}:
        child = os.fork()
        if not child:
            # In a copy of this process, where everything is still deferred.
            before = deferred()
            try:
                exec(statement)
                assert before - deferred()
                from scipy.special import erf
                assert erf in derivatives and "scipy.special" in sys.modules
            except BaseException as error:
                print(statement, repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0

    import scipy.linalg, threading
    found, ready = [], threading.Barrier(8)
    def use():
        ready.wait()
        found.append(scipy.linalg.expm)
    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1

    try:
        from scipy.fft import no_such_name
    except ImportError as error:
        print(error)
    try:
        scipy.fft.no_such_function
    except AttributeError as error:
        print(error)
    """
    shown = run(code)
    assert "no_such_name" in shown and "no_such_function" in shown


def test_figures_need_neither_test_helpers_nor_generated_signatures():
    code = """
    import xarray
    from matplotlib.figure import Figure
    helpers = {"xarray.testing", "xarray.ufuncs", "pandas.api.typing", "pandas.testing"}
    assert helpers <= deferred(), deferred()
    ax = Figure().add_subplot()
    ax.set(title="a", xlabel="b")
    try:
        ax.set(colour="red")
    except AttributeError as error:
        print(error)
    one = xarray.DataArray([1.0], dims="x")
    xarray.testing.assert_equal(xarray.ufuncs.sqrt(one), one)
    import pandas
    pandas.testing.assert_index_equal(pandas.Index([1]), pandas.Index([1]))
    assert pandas.api.typing.DataFrameGroupBy and not helpers & deferred()
    """
    assert "colour" in run(code)


def test_settings_of_mpi_are_not_inherited_and_those_of_the_user_are_kept():
    show = "print(sorted(name for name in os.environ if name in start._ALONE))"
    assert run(show) == "[]\n"
    assert run(show, OMPI_MCA_btl="self,tcp") == "['OMPI_MCA_btl']\n"


def test_libraries_of_a_run_are_imported_without_collections_which_go_on_afterwards():
    code = """
    import gc
    seen = []
    gc.callbacks.append(lambda phase, info: seen.append(phase))
    start.import_solver()
    assert "spinhydro.engines.fused" in sys.modules and not seen
    print(gc.isenabled(), gc.get_freeze_count() > 1000, sorted(deferred() & {"llvmlite.ir"}))
    """
    assert run(code) == "True True ['llvmlite.ir']\n"


def test_a_script_that_imports_dedalus_itself_is_not_affected():
    done = launch("-c", "import dedalus.public" + BEGIN + "print(deferred())")
    assert done.stdout == "set()\n", done.stderr


def test_the_installed_script_ends_at_once_after_exit_functions_and_output(tmp_path):
    script = tmp_path / "spinhydro"
    script.write_text(
        "import atexit, os, sys\n"
        "from spinhydro.cli.main import main\n"
        "end = os._exit\n"
        "os._exit = lambda code: (os.write(2, b'at once'), end(code))\n"
        "atexit.register(print, 'left in order')\n"
        "sys.exit(main())\n"
    )
    done = launch(script, "words")
    assert (done.returncode, done.stderr) == (0, "at once")
    assert "neighbours" in done.stdout and done.stdout.endswith("left in order\n")
    assert launch(script, "wrods").returncode == 2
    # Other callers may catch SystemExit.
    done = launch(script.rename(tmp_path / "other.py"), "words")
    assert (done.returncode, done.stderr) == (0, "")
