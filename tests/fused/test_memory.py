"""Memory of a run; saving memory changes no number."""

import os
import subprocess
import sys

import dedalus.public as d3
import numpy as np
import pytest
from dedalus.core import future

from spinhydro import RK4, FusedIFRK4, FusedRK4
from spinhydro.dedalus_support import memory
from spinhydro.dedalus_support.memory import advise_free, parts
from spinhydro.dedalus_support.solver import no_stored_outputs
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.problem.load import load
from spinhydro.steppers import EXPLICIT, find_stepper, frequencies

from ..conftest import ROOT
from .problems import SCALAR, SPIN, assert_same, make, state


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells and gives back")
def test_a_large_run_stays_below_eight_states(tmp_path):
    """A whole run of two complex fields of 96^3 points, and 80 MB for the compiler."""
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import spinhydro
from benchmarks.resources import peak
from benchmarks.units import superfluid

before, problem = peak(), superfluid.problem((96,) * 3)
result = spinhydro.simulate(
    problem, 1e-4, 2e-4, timestepper="IFRK4", outputs={{"a": "a", "n": "abs2(b)"}},
    watch=["drift(abs2(a) + abs2(b)) <= 1e-3"], out={str(tmp_path)!r}, quiet=True)
assert "engine: fused" in (result.folder / "log.txt").read_text()
print((peak() - before - 80e6) / (2 * 16 * 96**3))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert float(done.stdout.split()[-1]) < 8


@pytest.mark.parametrize("stepper", [FusedRK4, FusedIFRK4])
def test_memory_that_was_given_back_changes_no_number(stepper, monkeypatch):
    found = []
    for least in (1 << 40, 0):
        monkeypatch.setattr(memory, "WORTH_FREEING", least)
        monkeypatch.setattr(memory, "_PAGE", 1 << 12)
        problem, fields = make((SPIN, "dt(u) - 0.1*lap(u) = n*u") if stepper is FusedIFRK4
                               else (SPIN, SCALAR), size=1024)  # fmt: skip
        solver = problem.build_solver(stepper)
        solver.timestepper.check()
        solver.timestepper.sync_on_request = True
        for _ in range(3):
            solver.step(1e-3)
            solver.timestepper.synchronise()
        found.append([field["g"].copy() for field in fields.values() if field in solver.state])
    assert_same(*found, 0)


def test_a_state_that_was_given_back_is_not_written_to_the_fields(monkeypatch):
    """Nor after an estimate of stability: until the first step only the fields hold the state."""
    monkeypatch.setattr(memory, "WORTH_FREEING", 0)
    monkeypatch.setattr(memory, "_PAGE", 1 << 12)
    problem, fields = make((SPIN, SCALAR), size=1024)
    solver = build_solver(problem, RK4)
    before = state(fields)
    assert choose_engine(solver, "fused")[0] == "fused"
    for estimate in (False, True):
        if estimate:
            frequencies.largest_frequency(solver, True)
        solver.timestepper.synchronise()
        assert_same(before, state(fields), 1e-14)


def test_arrays_can_be_written_to_again():
    array = np.ones(1 << 20)
    advise_free(array)
    array[:] = 2
    assert np.all(array == 2)


def test_parts_are_views_of_all_of_an_array():
    array = np.zeros((3, 1001))
    for (part,) in parts(array, size=100):
        part += 1
    assert np.all(array == 1)


@pytest.mark.parametrize("equations", [(SPIN, SCALAR), ("dt(s) = (n*n)*cross(s, lap(s))", SCALAR)])
def test_evaluation_without_stored_values_gives_the_same(equations):
    """Bit by bit, and no memory is kept."""
    problem, fields = make(equations)
    solver = build_solver(problem, d3.RK443)
    before, rates = state(fields), []
    for _ in range(2):
        for field, data in zip(fields.values(), before, strict=False):
            field.change_scales(1)
            field["g"] = data
        solver.evaluator.require_coeff_space(solver.state)
        if rates:
            with no_stored_outputs(problem):
                solver.evaluator.evaluate_group("F")
        else:
            solver.evaluator.evaluate_group("F")
        rates.append([field["c"].copy() for field in solver.F])
    assert_same(*rates, 0)
    assert all(
        expression.last_out is None and "store_last" not in vars(expression)
        for equation in problem.eqs
        for expression in equation["F"].atoms(future.Future) or [equation["F"]]
    )


@pytest.mark.parametrize(
    "name, engine",
    [("quantum_torque", "auto"), ("quantum_torque", "dedalus"), ("coupled_gpe", "auto")],
)
def test_sketches_find_the_frequency_of_the_whole_krylov_space(name, engine, monkeypatch):
    problem = load(ROOT / "problems" / f"{name}.py", quick=True)
    stepper = find_stepper(problem.declared("timestepper", "RK4"))
    solver = build_solver(problem.ivp, stepper)
    choose_engine(solver, engine, steps=10)
    found = []
    for large in (1 << 40, 0):
        monkeypatch.setattr(frequencies, "LARGE", large)
        found.append(frequencies.largest_frequency(solver, stepper.__name__ in EXPLICIT))
    assert found[1] == pytest.approx(found[0], rel=0.01)


def test_memory_of_fields_is_reused_and_cleared(monkeypatch):
    monkeypatch.setattr(memory, "WORTH_REUSING", 0)
    monkeypatch.setattr(memory, "_buffers", memory._LargeBuffers())
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=float)
    basis = d3.RealFourier(coords["x"], size=64, bounds=(0, 1))
    field = dist.Field(bases=basis)
    field["g"] = 1
    part, address = field["g"][3:5], field.buffer.ctypes.data
    del field
    # A view keeps the memory.
    assert not np.any(dist.Field(bases=basis).data)
    assert np.all(part == 1)
    del part
    found = [dist.Field(bases=basis) for _ in range(2)]
    assert address in {f.buffer.ctypes.data for f in found}
    assert not any(np.any(f["g"]) for f in found)
