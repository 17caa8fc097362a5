"""Verify an installation: import what spinhydro needs and take a Laplacian with Dedalus.

Prints ``spinhydro-probe: N ranks`` on the first of N ranks. Part of run/setup.
"""

import compileall
import importlib.metadata
import logging
import sys
from pathlib import Path

logging.getLogger("matplotlib").setLevel(logging.WARNING)

import dedalus.public as d3  # noqa: E402  matplotlib logs its font cache on import
import numpy as np  # noqa: E402
from mpi4py import MPI  # noqa: E402

import spinhydro  # noqa: E402

checkout = Path(__file__).resolve().parent.parent
package = Path(spinhydro.__file__).resolve().parent
if package.parent != checkout:
    sys.exit(f"spinhydro is installed from {package.parent} instead of {checkout}")
for name in ("h5py", "matplotlib", "pytest", "ruff", "scipy", "spinhydro", "xarray"):
    importlib.metadata.version(name)

coords = d3.CartesianCoordinates("x", "y")
dist = d3.Distributor(coords, dtype=np.float64)
bases = [d3.RealFourier(coords[i], 16, bounds=(0, 2 * np.pi), dealias=3 / 2) for i in (0, 1)]
field = dist.Field(bases=bases)
x, y = dist.local_grids(*bases)
field["g"] = np.sin(x) * np.cos(2 * y)
result = d3.Laplacian(field, coords).evaluate()
result.change_scales(1)
if not np.allclose(result["g"], -5 * np.sin(x) * np.cos(2 * y), atol=1e-12):
    sys.exit("the Laplacian of sin(x) cos(2 y) is wrong: FFTW or MPI does not fit Dedalus")
MPI.COMM_WORLD.Barrier()
if MPI.COMM_WORLD.rank == 0:
    # A run loads 170 modules, which takes half a second longer from their sources. Python keeps
    # byte code by itself only where it may write, and not with PYTHONDONTWRITEBYTECODE.
    for folder in (package, checkout / "analysis"):
        compileall.compile_dir(folder, quiet=2)
    print("\nspinhydro-probe:", MPI.COMM_WORLD.size, "ranks")
