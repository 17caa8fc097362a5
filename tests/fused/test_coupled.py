"""Constraints, gauge variables and coupled time derivatives on the fused engine."""

from itertools import product

import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import accelerate
from spinhydro.analysis import load as read
from spinhydro.engines.explain import explain
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run

from .coupled_problems import PROBLEMS

#: Of one step, with L X_0, of several steps, with L of earlier steps.
SCHEMES = [d3.RK443, d3.RKSMR, d3.SBDF3, d3.CNAB2]
OTHERS = [d3.RK111, d3.RK222, d3.CNAB1, d3.SBDF1, d3.SBDF2, d3.MCNAB2, d3.SBDF4, d3.CNLF2]


def run(make, stepper, change, steps=12):
    problem = make()
    solver = change(problem.build_solver(stepper, ncc_cutoff=0, entry_cutoff=0))
    for i in range(steps):
        # The last steps are shorter.
        solver.step(2e-3 if i < steps - 3 else 1.5e-3)
    return [variable["c"].copy() for variable in problem.variables], solver


def assert_same(ours, theirs, tolerance=1e-12):
    scale = max(np.abs(a).max() for a in theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(
    "name, stepper",
    [*product(PROBLEMS, SCHEMES), *product(["Poisson 1-D"], OTHERS)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_numbers_of_dedalus(name, stepper):
    theirs, _ = run(PROBLEMS[name], stepper, lambda solver: solver)
    ours, solver = run(PROBLEMS[name], stepper, lambda solver: accelerate(solver, "fused"))
    assert type(solver.timestepper).__name__ == f"Fused{stepper.__name__}"
    assert_same(ours, theirs)


FLOW = """
import dedalus.public as d3
import numpy as np
import spinhydro

size, members, timestepper = 12, 1, "SBDF3"
timestep, stop_time, output_interval = 2e-3, 0.04, 0.01
nu = spinhydro.per_member([0.02, 0.05, 0.1]) if members == 3 else 0.05
coords = d3.CartesianCoordinates("x", "z")
dist = spinhydro.distributor(coords, members=members)
bases = [d3.RealFourier(c, size=size, bounds=(0, 2), dealias=3 / 2) for c in coords.coords]
u, p = dist.VectorField(coords, name="u", bases=bases), dist.Field(name="p", bases=bases)
tau = dist.Field(name="tau", bases=dist.members)
x, z = dist.local_grids(*bases)
u["g"][0], u["g"][1] = np.sin(np.pi * z), 0.1 * np.cos(2 * np.pi * x)
problem = d3.IVP([u, p, tau], namespace=locals())
problem.add_equation("dt(u) - nu*lap(u) + grad(p) = - u@grad(u)")
problem.add_equation("div(u) + tau = 0")
problem.add_equation("integ(p) = 0")
outputs = {"u": "u", "p": "p"}
"""


@pytest.fixture
def flow(tmp_path):
    path = tmp_path / "flow.py"
    path.write_text(FLOW)
    return path


def test_resumed_flow_has_the_bytes_of_the_run_in_one_piece(flow, tmp_path):
    whole = load(flow).run(out=tmp_path / "a", engine="fused", quiet=True).folder
    folder = load(flow, stop_time=0.02).run(out=tmp_path / "b", engine="fused", quiet=True).folder
    resume_run(folder, stop_time=0.04, quiet=True)
    first, second = read(whole), read(folder)
    for name in ("t", "u", "p"):
        assert first[name].values.tobytes() == second[name].values.tobytes(), name


def test_members_of_a_flow(flow, tmp_path):
    def final(folder, **values):
        problem = load(flow, stop_time=0.02, **values)
        run = problem.run(out=tmp_path / folder, engine=folder, quiet=True)
        return read(run.folder)["u"].isel(t=-1)

    several = final("fused", members=3)
    np.testing.assert_allclose(several, final("dedalus", members=3), rtol=0, atol=1e-12)
    np.testing.assert_allclose(several.isel(member=1), final("fused"), rtol=0, atol=1e-12)


def test_explain_a_flow(flow):
    lines, _ = explain(load(flow))
    text = "\n".join(lines)
    assert "engine fused (agrees with Dedalus to" in text
    assert "dt(u_x) = " in text and "constraint = 0" in text
    assert "constraint: dx(u_x) + dz(u_z) + tau" in text


@pytest.mark.parametrize("stepper", [d3.RK222, d3.SBDF2], ids=lambda s: s.__name__)
def test_a_step_continues_the_last_one_with_the_same_bytes(stepper):
    """The first transforms of a step are made at the end of the last one."""

    def final(continues):
        problem = PROBLEMS["flow 2-D complex"]()
        solver = accelerate(problem.build_solver(stepper), "fused")
        for _ in range(5):
            solver.step(2e-3)
            assert solver.timestepper.native.continues
            solver.timestepper.native.continues = continues
        return [variable["c"].tobytes() for variable in problem.variables]

    assert final(True) == final(False)
