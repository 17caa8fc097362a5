"""accelerate(): one changed line in a plain Dedalus script, the same numbers."""

import logging

import dedalus.public as d3
import h5py
import numpy as np
import pytest
from dedalus.core.timesteppers import RungeKuttaIMEX

import spinhydro
from spinhydro import IFRK4, RK4, accelerate
from spinhydro.errors import InputError, ParameterError

from .all_fourier import EXAMPLES, kdv_burgers, schroedinger, shear_flow


def identity(solver):
    return solver


def run(make_problem, stepper, change, steps=20, timestep=1e-3, edit=None):
    problem = make_problem()
    solver = change(problem.build_solver(stepper, ncc_cutoff=0, entry_cutoff=0))
    for i in range(steps):
        if edit and i == steps // 2:
            edit(problem)
        solver.step(timestep if i < 15 else timestep / 2)
    return [variable["c"].copy() for variable in problem.variables]


def assert_same(ours, theirs, tolerance=1e-12):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-300, np.abs(b).max()))


@pytest.mark.parametrize("stepper", [d3.RK443, d3.RK222, d3.SBDF2], ids=lambda s: s.__name__)
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_give_the_numbers_of_dedalus(name, stepper, caplog):
    theirs = run(EXAMPLES[name], stepper, identity)
    with caplog.at_level(logging.INFO, "spinhydro"):
        ours = run(EXAMPLES[name], stepper, accelerate)
    scale = max(np.abs(a).max() for a in theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * scale)
    (line,) = [r.getMessage() for r in caplog.records if r.name == "spinhydro"]
    assert line.startswith("engine: fused (agrees with Dedalus to ")


@pytest.mark.parametrize("engine", ["fused", "lean", "dedalus"])
def test_an_engine_may_be_asked_for(engine):
    theirs = run(schroedinger, d3.RK443, identity)
    assert_same(run(schroedinger, d3.RK443, lambda s: accelerate(s, engine)), theirs)


@pytest.mark.parametrize("stepper", [RK4, IFRK4, spinhydro.ETDRK4], ids=lambda s: s.__name__)
def test_our_own_steppers(stepper):
    assert_same(run(schroedinger, stepper, accelerate), run(schroedinger, stepper, identity))


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_fields_changed_between_steps_are_honoured(engine):
    def edit(problem):
        (psi,) = problem.variables
        psi.change_scales(1)
        psi["g"] *= 1.1
        psi["c"][2, 3] = 0.01j

    def change(solver):
        return accelerate(solver, engine)

    ours = run(schroedinger, d3.RK443, change, edit=edit)
    assert_same(ours, run(schroedinger, d3.RK443, identity, edit=edit))


def script(change, folder, stepper):
    """Handlers, CFL, flow properties, stop time, statistics and restart, as scripts use them."""
    problem = kdv_burgers()
    (u,) = problem.variables
    solver = change(problem.build_solver(stepper))
    solver.stop_sim_time = 0.05
    snapshots = solver.evaluator.add_file_handler(folder / "snapshots", sim_dt=0.01, max_writes=50)
    snapshots.add_task(u, name="u", layout="c")
    snapshots.add_task(d3.Integrate(u * u), name="energy")
    checkpoints = solver.evaluator.add_file_handler(
        folder / "checkpoints", iter=5, mode="overwrite"
    )
    checkpoints.add_tasks(solver.state)
    flow = d3.GlobalFlowProperty(solver, cadence=3)
    flow.add_property(u**2, name="u2")
    largest, steps = [], []
    timestep = 1e-3
    while solver.proceed:
        solver.step(timestep)
        timestep = 1e-3 * (1 + 0.5 * (solver.iteration % 7 == 0))
        steps.append(timestep)
        if solver.iteration % 3 == 1:
            largest.append(flow.max("u2"))
    solver.log_stats()
    return u["c"].copy(), largest, solver


@pytest.mark.parametrize("stepper", [d3.RK443, d3.RK222], ids=lambda s: s.__name__)
def test_what_scripts_do_with_a_solver(stepper, tmp_path):
    runs = []
    for name, change in (("ours", accelerate), ("theirs", identity)):
        folder = tmp_path / name
        folder.mkdir()
        u, largest, solver = script(change, folder, stepper)
        with h5py.File(folder / "snapshots" / "snapshots_s1.h5") as file:
            tasks = {key: file["tasks"][key][:] for key in file["tasks"]}
            times = file["scales"]["sim_time"][:]
        runs.append((u, largest, tasks, times, solver.iteration, solver.sim_time))
    ours, theirs = runs
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)
    for key in theirs[2]:
        np.testing.assert_allclose(ours[2][key], theirs[2][key], rtol=0, atol=1e-13)
    np.testing.assert_array_equal(ours[3], theirs[3])
    assert ours[4:] == theirs[4:]


def test_restart_from_a_file(tmp_path):
    u, _, first = script(accelerate, tmp_path, d3.RK443)
    problem = kdv_burgers()
    solver = accelerate(problem.build_solver(d3.RK443))
    solver.load_state(tmp_path / "checkpoints" / "checkpoints_s1.h5", 1)
    assert 0 < solver.iteration < first.iteration
    timestep = 1e-3
    while solver.iteration < first.iteration:
        timestep = 1e-3 * (1 + 0.5 * (solver.iteration % 7 == 0)) if solver.iteration else 1e-3
        solver.step(timestep)
    np.testing.assert_allclose(problem.variables[0]["c"], u, rtol=0, atol=1e-12)


def test_cfl(tmp_path):
    runs = []
    for change in (accelerate, identity):
        problem = shear_flow()
        solver = change(problem.build_solver(d3.RK222))
        cfl = d3.CFL(solver, initial_dt=1e-3, cadence=2, safety=0.2, max_dt=0.1)
        cfl.add_velocity(problem.variables[0])
        timesteps = []
        for _ in range(10):
            timesteps.append(cfl.compute_timestep())
            solver.step(timesteps[-1])
        runs.append((timesteps, problem.variables[1]["c"].copy()))
    np.testing.assert_allclose(runs[0][0], runs[1][0], rtol=1e-12)
    np.testing.assert_allclose(runs[0][1], runs[1][1], rtol=0, atol=1e-12)
    assert len(set(runs[0][0])) > 1


def test_what_is_not_a_solver_is_refused():
    with pytest.raises(InputError, match="build_solver"):
        accelerate(kdv_burgers())
    with pytest.raises(ParameterError, match="did you mean 'lean'"):
        accelerate(kdv_burgers().build_solver(d3.RK443), "leen")


def test_an_engine_that_is_not_possible_is_refused_at_the_first_step():
    coord = d3.Coordinate("x")
    dist = d3.Distributor(coord, dtype=np.float64)
    basis = d3.RealFourier(coord, size=16, bounds=(0, 1))
    u, f, tau = dist.Field(name="u", bases=basis), dist.Field(bases=basis), dist.Field(name="tau")
    f["g"] = np.cos(2 * np.pi * dist.local_grid(basis))
    problem = d3.IVP([u, tau], namespace={"u": u, "f": f, "tau": tau, "integ": d3.integ})
    problem.add_equation("dt(u) + f*u + tau = 0")
    problem.add_equation("integ(u) = 0")
    solver = accelerate(problem.build_solver(d3.RK443), "fused")
    with pytest.raises(InputError, match="cannot do linear terms that are products with fields"):
        solver.step(1e-3)


def test_a_stepper_of_a_script_runs_lean(caplog):
    class Heun(RungeKuttaIMEX):
        stages = 2
        c = np.array([0, 1, 1])
        A = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])
        H = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])

    with caplog.at_level(logging.INFO, "spinhydro"):
        ours = run(schroedinger, Heun, accelerate)
    assert "engine: lean" in caplog.text and "the time stepper Heun" in caplog.text
    assert_same(ours, run(schroedinger, Heun, identity))


@pytest.mark.parametrize(
    "equation, stepper, layout",
    [
        ("dt(u) + u = -u**3", IFRK4, "g"),
        ("dt(u) + u = -u**3", spinhydro.ETDRK4, "g"),
        ("dt(u) - lap(u) = -u**3", d3.RK222, "c"),
        ("dt(u) - lap(u) = -u**3", spinhydro.ETDRK4, "c"),
        ("dt(u) - lap(u) = 1e-9*u**3", spinhydro.ETDRK4, "flat"),
    ],
)
def test_no_false_alarms(equation, stepper, layout, caplog):
    """Linear terms without a derivative, filled coefficients that no mode uses, uniform states."""

    def advance(change):
        coord = d3.Coordinate("x")
        dist = d3.Distributor(coord, dtype=np.float64)
        u = dist.Field(name="u", bases=d3.RealFourier(coord, 32, (0, 6), dealias=3 / 2))
        problem = d3.IVP([u], namespace={"u": u})
        problem.add_equation(equation)
        if layout == "flat":
            u["g"] = 1
        else:
            u.fill_random(layout, seed=1)
        solver = change(problem.build_solver(stepper))
        for _ in range(5):
            solver.step(1e-3)
        return u["c"].copy()

    with caplog.at_level(logging.INFO, "spinhydro"):
        ours = advance(accelerate)
    assert "engine: fused (agrees" in caplog.text
    theirs = advance(identity)
    # The slot of the sine of k = 0 is not part of the field.
    ours[1] = theirs[1] = 0
    assert_same([ours], [theirs])


def diffusion(stepper):
    """A problem whose left and right sides hold the same constant."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    u = dist.Field(name="u", bases=d3.RealFourier(coords["x"], 32, (0, 6), dealias=3 / 2))
    u["g"] = 1 + 0.3 * np.cos(np.pi / 3 * dist.local_grid(u.domain.bases[0]))
    nu = dist.Field(name="nu")
    nu["g"] = 0.01
    problem = d3.IVP([u], namespace={"u": u, "nu": nu})
    problem.add_equation("dt(u) - nu*lap(u) + nu*u = nu - u**3")
    return problem.build_solver(stepper), u, nu


@pytest.mark.parametrize("engine", ["fused", "lean", "dedalus"])
@pytest.mark.parametrize("stepper", [RK4, IFRK4, spinhydro.ETDRK4, d3.RK222, d3.SBDF2])
@pytest.mark.parametrize("again", [False, True])
def test_left_side_coefficients_follow_the_matrices(again, stepper, engine):
    """On the left side a change has no effect before build_matrices; on the right side at once."""

    def advance(change):
        solver, u, nu = diffusion(stepper)
        solver = change(solver)
        for i in range(8):
            if i == 4:
                nu["g"] = 0.5
                if again:
                    solver.build_matrices(solver.subproblems, ["M", "L"])
                    solver.timestepper._LHS_params = None
            solver.step(0.01 if i < 6 else 0.008)
        return u["c"].copy()

    theirs = advance(identity)
    assert_same([advance(lambda solver: accelerate(solver, engine))], [theirs])


def test_accelerate_twice_is_once():
    solver, u, _ = diffusion(d3.RK222)
    assert accelerate(accelerate(solver)) is solver
    solver.step(1e-3)
    stepper = solver.timestepper
    assert type(stepper).__name__ == "FusedRK222"
    assert accelerate(solver).timestepper is stepper
    solver.step(1e-3)
    other, v, _ = diffusion(d3.RK222)
    for _ in range(2):
        other.step(1e-3)
    assert_same([u["c"]], [v["c"]])


def test_a_multistep_scheme_under_way_keeps_its_history():
    solver, _, _ = diffusion(d3.SBDF2)
    for _ in range(5):
        solver.step(1e-3)
    with pytest.raises(InputError, match="history of SBDF2, which has taken 5 steps: call it befo"):
        accelerate(solver)
    one_step, u, _ = diffusion(d3.RK222)
    other, v, _ = diffusion(d3.RK222)
    for i in range(6):
        if i == 3:
            accelerate(one_step)
        one_step.step(1e-3)
        other.step(1e-3)
    assert_same([u["c"]], [v["c"]])


@pytest.mark.parametrize("stepper", [d3.RK222, d3.SBDF2, RK4], ids=lambda s: s.__name__)
def test_functions_of_the_user_are_called_as_often_as_by_dedalus(stepper):
    """Otherwise seeded random forcing would differ."""

    def advance(change):
        coords = d3.CartesianCoordinates("x")
        dist = d3.Distributor(coords, dtype=np.float64)
        u = dist.Field(name="u", bases=d3.RealFourier(coords["x"], 32, (0, 6)))
        u["g"] = 1
        random = np.random.default_rng(3)

        def force(*_):
            return random.standard_normal(32)

        forcing = d3.GeneralFunction(dist, u.domain, (), u.dtype, "g", force, (u,))
        problem = d3.IVP([u])
        problem.add_equation((d3.dt(u) - d3.lap(u), forcing))
        solver = change(problem.build_solver(stepper))
        for _ in range(5):
            solver.step(1e-3)
        return u["c"].copy(), random.standard_normal()

    ours, theirs = advance(accelerate), advance(identity)
    assert ours[1] == theirs[1]
    assert_same([ours[0]], [theirs[0]])


@pytest.mark.parametrize("stepper", [RK4, IFRK4, spinhydro.StochasticHeun, spinhydro.RKMK4])
def test_constraints_are_refused_in_words(stepper):
    problem = EXAMPLES["shear flow"]()
    with pytest.raises(InputError, match=rf"{stepper.__name__} needs a dt\(…\) term in every equa"):
        problem.build_solver(stepper)


@pytest.mark.parametrize("engine", ["fused", "lean", "auto"])
def test_a_scheme_that_cannot_take_the_problem_says_why(engine):
    """On every engine the same, before the engine's own limits."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=16, bounds=(0, 1))
    a, b = (dist.Field(name=name, bases=basis) for name in "ab")
    a["g"] = b["g"] = 1
    problem = d3.IVP([a, b], namespace=locals())
    problem.add_equation("dt(a) - 1j*lap(a) = -1j*a*conj(a)*a - 1j*b")
    problem.add_equation("dt(b) - 1j*lap(b) = -1j*b*conj(b)*b - 1j*a")
    for stepper, reason in ((spinhydro.Strang, "not -i V psi"), (spinhydro.RKMK4, "turns spins")):
        with pytest.raises(InputError, match=reason):
            accelerate(problem.build_solver(stepper), engine=engine).step(1e-3)
