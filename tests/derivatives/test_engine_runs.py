"""Whole runs of the jax engine: random equations, four devices, resumed runs."""

import os
import subprocess
import sys

import dedalus.public as d3
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings

from spinhydro import RK4, load
from spinhydro.analysis import load as load_run
from spinhydro.cli.main import call
from spinhydro.errors import EquationError, Unsupported
from spinhydro.language.expressions import ExpressionBuilder
from tests.fused.problems import SCALARS, VECTORS, build, make

FOUR_DEVICES = """
from spinhydro.engines.jax import engine
from tests.derivatives.test_engine import advanced

place, devices = engine.JaxStepper._on_device, set()

def recorded(self, values):
    placed = place(self, values)
    devices.add(len(placed.sharding.device_set))
    return placed

engine.JaxStepper._on_device = recorded
values = {"Nx": 64, "members": 4, "Omega_R": "[0.7, 0.72, 0.74, 0.76]"}
ours, theirs = (
    advanced("problems/quantum_torque.py", name, **values) for name in ("jax", "fused")
)
assert devices == {4}, devices
assert abs(ours - theirs).max() <= 1e-11 * abs(theirs).max()
"""


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(VECTORS, SCALARS)
def test_random_right_sides(vector, scalar):
    """The rate of random equations against Dedalus."""
    from spinhydro.engines.jax.engine import JaxStepper

    problem, _ = make((), size=12)
    for name, text in (("s", vector), ("u", scalar)):
        try:
            value = ExpressionBuilder(problem.namespace)(text)
        except EquationError:
            reject()
        assume(hasattr(value, "tensorsig") or name == "u" or value == 0)
        problem.add_equation((d3.dt(problem.namespace[name]), value))
    try:
        solver = build(problem, lambda s: JaxStepper(s, RK4))
    except Unsupported:
        return
    with np.errstate(all="ignore"):
        assert solver.timestepper.check() < 1e-10


def test_members_are_split_over_four_devices():
    flags = "--xla_force_host_platform_device_count=4 " + os.environ.get("XLA_FLAGS", "")
    subprocess.run(
        [sys.executable, "-c", FOUR_DEVICES], check=True, timeout=600,
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": "."},
    )  # fmt: skip


def test_resumed_run_continues_to_rounding(tmp_path, capsys):
    options = {"quick": True, "output_interval": "0.2*ms"}
    whole = load("problems/josephson.py", **options, stop_time="0.8*ms").run(
        out=tmp_path / "whole", engine="jax", quiet=True
    )
    first = load("problems/josephson.py", **options, stop_time="0.4*ms").run(
        out=tmp_path / "parts", engine="jax", quiet=True
    )
    assert call(["resume", str(first.folder), "--stop-time", "0.8*ms", "--quiet"]) == 0
    capsys.readouterr()
    ours, wanted = load_run(first.folder), load_run(whole.folder)
    assert np.array_equal(ours.t, wanted.t)
    assert np.abs(ours.Z - wanted.Z).max() <= 1e-12


@pytest.mark.parametrize("stepper", ["IFRK4", "ETDRK4", "Strang", "RK222"])
def test_run_whose_linear_terms_are_apart(tmp_path, stepper):
    """Its start estimates the fastest wave from the linear terms of the engine."""
    options = {"quick": True, "timestepper": stepper, "stop_time": "0.2*ms"}
    runs = (
        load("problems/coupled_gpe.py", **options).run(out=tmp_path / name, engine=name, quiet=True)
        for name in ("jax", "fused")
    )
    ours, wanted = (load_run(run.folder) for run in runs)
    for name in ("n", "s"):
        assert np.abs(ours[name] - wanted[name]).max() <= 1e-11 * np.abs(wanted[name]).max()
