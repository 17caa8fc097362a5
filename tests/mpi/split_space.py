"""Fused and stock steps of two- and three-dimensional problems; every rank checks, rank 0 saves.

python split_space.py FILE compiled|numpy [apart]

With "apart" ranks do not see each other's memory, as on several machines.
"""

import sys
from functools import partial

import dedalus.public as d3
import numpy as np
from mpi4py import MPI

import spinhydro
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused import FusedIFRK4, FusedRK4
from spinhydro.engines.fused.program.slabs import Slabs
from spinhydro.engines.fused.steppers.pairs import FusedRK853, FusedWaveRK43
from spinhydro.steppers import (
    IFRK4,
    RK4,
    RK8,
    RK853,
    RKMK4,
    RKMK43,
    ImplicitMidpoint,
    SemiImplicit,
    StochasticHeun,
    WaveRK43,
)

quiet_dedalus()
PAIRS = {
    "RK4": (RK4, FusedRK4), "RK853": (RK853, FusedRK853), "IFRK4": (IFRK4, FusedIFRK4),
    "WaveRK43": (WaveRK43, FusedWaveRK43),
}  # fmt: skip


def solved(stepper, dtype, dealias, dimensions, sync_on_request=False):
    coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords, dtype=dtype)
    bases = [
        d3.Fourier(coord, size=8 + 4 * i, bounds=(0, 2 * np.pi), dealias=dealias, dtype=dtype)
        for i, coord in enumerate(coords.coords)
    ]
    s, t = dist.VectorField(spin, name="s", bases=bases), dist.Field(name="t")
    n, f = dist.Field(name="n", bases=bases), dist.Field(name="f", bases=bases[1])
    axes = dist.local_grids(*bases)
    s["g"][0], s["g"][1] = np.sin(axes[0] + 2 * axes[1]), np.cos(axes[-1]) * np.sin(axes[0])
    s["g"][2] = 1 + 0.1 * np.cos(axes[1])
    n["g"] = 1 + 0.3 * np.cos(axes[0] - axes[-1])
    f["g"] = np.cos(axes[1])
    ex, ey, ez = spin.unit_vector_fields(dist)
    i = 1 if dtype is np.float64 else 1j
    problem = d3.IVP([s], time=t, namespace=locals())
    problem.add_equation(
        "dt(s) - 0.05*i*lap(s) + 0.3*s = i*cross(s, lap(s)/n) - 0.1*f*(s@s)*s + cos(t)*ez"
    )
    solver = build_solver(problem, stepper)
    # From the second evaluation on, Dedalus finds the profiles on the dealiased grid, and truncates
    # 1/n; in the very first one it does not.
    solver.evaluator.require_coeff_space(solver.state)
    solver.evaluator.evaluate_group("F")
    if hasattr(solver.timestepper, "check"):
        assert solver.timestepper.check() < 1e-11
        assert (solver.timestepper.native is not None) == (COMPILED and "apart" not in sys.argv)
        solver.timestepper.sync_on_request = sync_on_request
    for _ in range(3):
        solver.step(0.003)
    if hasattr(solver.timestepper, "synchronise"):
        solver.timestepper.synchronise()
    s.change_scales(1)
    return s.allgather_data("g")


def turned(stepper):
    """Spins in a plane, on bases that keep all modes, with noise if the stepper is made for it."""
    coords = d3.CartesianCoordinates("x", "y")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords)
    bases = [
        spinhydro.RealFourierNyquist(coord, size=size, bounds=(0, 2 * np.pi))
        for coord, size in zip(coords.coords, (8, 12), strict=True)
    ]
    s = dist.VectorField(spin, name="s", bases=bases)
    ex, ey, ez = spin.unit_vector_fields(dist)
    x, y = dist.local_grids(*bases)
    angle = 0.3 * np.sin(x) * np.cos(y)
    s["g"][0], s["g"][2] = np.sin(angle), np.cos(angle)
    xi = spinhydro.white_noise(s, seed=3) if stepper is StochasticHeun else ey
    problem = d3.IVP([s], namespace=locals())
    problem.add_equation("dt(s) = cross(s, lap(s)) + cross(0.5*(s@ez)*ez + 0.01*xi, s)")
    solver = build_solver(problem, stepper)
    # As accelerate() does it: which variables are spins is found in the first step.
    name, _ = choose_engine(solver, "fused", steps=COMPILED * 1e9)
    assert name == "fused"
    for _ in range(3):
        solver.step(0.003)
    solver.timestepper.synchronise()
    s.change_scales(1)
    return s.allgather_data("g")


COMPILED = sys.argv[2] == "compiled"
if "apart" in sys.argv:
    together = Slabs.__init__

    def apart(self, comm):
        together(self, comm)
        self.share_memory = False

    Slabs.__init__ = apart
CASES = [
    (2, np.float64, 1, "RK4"),
    (2, np.float64, 3 / 2, "IFRK4"),
    (2, np.complex128, 3 / 2, "RK853"),
    (2, np.complex128, 1, "IFRK4"),
    (2, np.float64, 3 / 2, "WaveRK43"),
    (3, np.float64, 3 / 2, "RK4"),
    (3, np.complex128, 1, "IFRK4"),
]

found = {}
for dimensions, dtype, dealias, scheme in CASES:
    stock, fused = PAIRS[scheme]
    case = dtype, dealias, dimensions
    theirs = solved(stock, *case)
    ours = solved(partial(fused, compiled=COMPILED), *case, sync_on_request=scheme == "RK4")
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    found[f"{dimensions} {dtype.__name__} {dealias} {scheme}"] = ours
for stepper in (RK8, RKMK4, RKMK43, SemiImplicit, ImplicitMidpoint, StochasticHeun):
    found[stepper.__name__] = turned(stepper)
if MPI.COMM_WORLD.rank == 0:
    np.savez(sys.argv[1], **found)
