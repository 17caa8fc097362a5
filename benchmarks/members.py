"""Ensembles: cost of a step per member, for problem files as users run them."""

import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.engines import take_steps
from benchmarks.measure import SAMPLE_SECONDS
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError
from spinhydro.language.declarations import read_projections
from spinhydro.problem.load import load
from spinhydro.steppers import find_stepper

PROBLEMS = Path(__file__).parents[1] / "problems"
#: Any long run.
STEPS_OF_A_RUN = 10**6


def rows(repeats):
    """(what, figure) of each ensemble: CPU time per step, the file's projection with it."""
    members, size = 64, 256
    found = _seconds_per_step("quantum_torque.py", repeats, members=members, Nx=size)
    yield (
        f"LLE, {members} members of {size} points, RK4: CPU time per member and step",
        found if isinstance(found, str) else f"{1e6 * found / members:.1f} µs",
    )
    members, size = 100, 1152
    found = _seconds_per_step("modulational_instability.py", repeats, members=members, N=size)
    yield (
        f"PS-LLE chain, {members} members of {size} sites, RK4: CPU time per step and site",
        found if isinstance(found, str) else f"{1e9 * found / (members * size):.1f} ns",
    )
    settings = {"members": members, "N": size, "keep_nyquist": 1, "kernel": "atomistic",
                "timestepper": "RK4"}  # fmt: skip
    found = _seconds_per_step("transient_grating.py", repeats, **settings)
    yield (
        f"Atomistic chain (stencil), {members} members of {size} sites, RK4: CPU time per step and "
        "site",
        found if isinstance(found, str) else f"{1e9 * found / (members * size):.1f} ns",
    )


def _seconds_per_step(file, repeats, **settings):
    """CPU seconds of a compiled step (median), or the reason why there is none."""
    problem = load(PROBLEMS / file, **settings)
    timestep = problem.declared("timestep")
    solver = build_solver(problem.ivp, find_stepper(problem.declared("timestepper")))
    projections = read_projections(problem.ivp, problem.declared("projections"))
    try:
        choose_engine(solver, "fused", projections, STEPS_OF_A_RUN)
    except InputError as reason:
        return str(reason)
    if solver.timestepper.native is None:
        return "the step is not compiled"
    _advance(solver, timestep, 5)
    steps = max(1, round(SAMPLE_SECONDS / _advance(solver, timestep, 5)))
    seconds = median(_advance(solver, timestep, steps) for _ in range(repeats))
    solver.timestepper.synchronise()
    if not all(np.all(np.isfinite(variable["g"])) for variable in solver.state):
        raise RuntimeError(f"{file} is no longer finite")
    return seconds


def _advance(solver, timestep, steps):
    """CPU seconds per step."""
    start = time.process_time()
    take_steps(solver, timestep, steps)
    return (time.process_time() - start) / steps
