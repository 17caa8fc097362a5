"""The jax engine: the numbers of the fused engine to rounding, refusals with their reason."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import spinhydro
from spinhydro.cli.main import call
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError, ParameterError
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import find_stepper


def advanced(path, engine, steps=20, precision="double", **values):
    """Coefficients of the state after some steps from a slightly noisy start."""
    return rate_and_state(path, engine, steps, precision, **values)[1]


def rate_and_state(path, engine, steps=20, precision="double", **values):
    """(right side at a slightly noisy start, coefficients of the state after some steps)."""
    problem = spinhydro.load(path, quick=True, **values)
    solver = build_solver(problem.ivp, find_stepper(problem.declared("timestepper", "RK4")))
    projections = read_projections(problem.ivp, problem.declared("projections") or {})
    random = np.random.default_rng(0)
    for variable in solver.state:
        values = variable["g"]
        values += 1e-3 * np.abs(values).max() * random.standard_normal(values.shape)
        variable.require_coeff_space()
    name, _ = choose_engine(solver, engine, projections, steps, precision=precision)
    assert name == engine
    if problem.declared("truncate") is not None:
        solver.timestepper.truncate(problem.declared("truncate"))
    timestep = float(problem.declared("timestep"))
    solver.timestepper.read_fields()
    solver.timestepper.evaluate_rate(solver.sim_time)
    rate = solver.timestepper.rate.copy()
    for _ in range(steps // 2):
        solver.step(timestep)
    stepper = solver.timestepper
    if stepper.can_batch:
        stepper.step_many(timestep, steps - steps // 2)
    else:
        for _ in range(steps - steps // 2):
            solver.step(timestep)
    stepper.synchronise()
    return rate, np.concatenate([variable["c"].ravel() for variable in solver.state])


@pytest.mark.parametrize("path", sorted(Path("problems").glob("*.py")), ids=lambda path: path.stem)
def test_every_problem_file_agrees_with_the_fused_engine(path):
    values = {"timestepper": "'RK4'"} if path.stem == "ferromagnetic_gas" else {}
    ours, theirs = (rate_and_state(path, engine, **values) for engine in ("jax", "fused"))
    for found, wanted, tolerance in zip(ours, theirs, (1e-12, 1e-11), strict=True):
        assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("quantum_torque", {"Nx": 64, "members": 3, "timestepper": "'RK443'"}),
        ("quantum_torque", {"Nx": 64, "timestepper": "'RK8'"}),
        ("quantum_torque", {"Nx": 64, "timestepper": "'WaveRK4'"}),
        ("coupled_gpe", {"timestepper": "'IFRK4'"}),
        ("coupled_gpe", {"timestepper": "'ETDRK4'"}),
        ("coupled_gpe", {"Nx": 256, "truncate": 0.4}),
        ("coupled_gpe", {"timestepper": "'RK222'", "timestep": 0.001}),
    ],
)
def test_steps_agree_with_the_fused_engine(name, values):
    path = f"problems/{name}.py"
    ours, theirs = (advanced(path, engine, **values) for engine in ("jax", "fused"))
    assert np.abs(ours - theirs).max() <= 1e-11 * np.abs(theirs).max()


def test_single_precision_is_single():
    single = advanced("problems/quantum_torque.py", "jax", Nx=64, precision="single")
    double = advanced("problems/quantum_torque.py", "fused", Nx=64)
    difference = np.abs(single - double).max() / np.abs(double).max()
    assert 1e-9 < difference < 1e-5


def test_run_writes_what_the_fused_engine_writes(tmp_path):
    from spinhydro.analysis import load

    runs = [
        spinhydro.load("problems/josephson.py", quick=True, stop_time="1*ms").run(
            out=tmp_path, engine=engine, quiet=True
        )
        for engine in ("jax", "fused")
    ]
    ours, theirs = (load(run.folder) for run in runs)
    assert np.allclose(ours.Z, theirs.Z, rtol=0, atol=1e-12)
    assert json.loads((runs[0].folder / "run.json").read_text())["engine"] == "jax"


def test_other_schemes_are_refused_with_the_reason():
    with pytest.raises(InputError, match="the time stepper SBDF2"):
        advanced("problems/coupled_gpe.py", "jax", timestepper="'SBDF2'", timestep=0.0005)


def test_single_precision_needs_the_engine():
    problem = spinhydro.load("problems/josephson.py")
    with pytest.raises(ParameterError, match="--engine jax"):
        problem.run(precision="single")


def test_without_jax_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    problem = spinhydro.load("problems/josephson.py")
    with pytest.raises(InputError, match=r"pip install 'spinhydro\[jax\]'"):
        problem.run(engine="jax")


def test_adaptive_steppers_are_refused_with_what_to_type():
    with pytest.raises(InputError, match="type timestepper=RK4 timestep=NUMBER"):
        advanced("problems/josephson.py", "jax", timestepper="'RK43'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["spectrum", "problems/bogoliubov.py"],
        ["gradient", "problems/josephson.py", "--of", "ave(Z)", "--with", "Omega_R"],
        ["fit", "problems/josephson.py", "data.npz", "Omega_R"],
    ],
)
def test_commands_without_jax_print_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setitem(sys.modules, "jax", None)
    assert call(arguments) == 2
    printed = capsys.readouterr().err
    assert "pip install 'spinhydro[jax]'" in printed
    assert printed.count("\n") == 1


def test_no_other_room_imports_optional_packages_without_jax():
    for path in Path("spinhydro").rglob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.partition(".")[0])
        if "engines/jax" not in path.as_posix():
            assert not names & {"jax", "optax", "emcee"}, path
