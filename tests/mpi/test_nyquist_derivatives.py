"""Derivatives of the Nyquist modes where space is split over two ranks."""

import pytest

from ..conftest import launch

pytestmark = pytest.mark.mpi

SCRIPT = """
import numpy as np
from mpi4py import MPI
from spinhydro.dedalus_support.backend import quiet_dedalus
from tests.fused.nyquist_problems import PLANE, final_state

quiet_dedalus()
for equation in PLANE:
    results = [
        final_state(equation, engine, dimensions=2, comm=comm)
        for comm in (MPI.COMM_SELF, MPI.COMM_WORLD)
        for engine in ("dedalus", "lean", "fused")
    ]
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=0, atol=1e-12)
print("same numbers", flush=True)
"""


def test_engines_agree_on_two_ranks():
    done = launch("-c", SCRIPT, ranks=2, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("same numbers") == 2
