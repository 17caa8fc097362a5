"""simulate() with features of plain Dedalus scripts: CFL, hooks, handlers, any geometry."""

import dedalus.public as d3
import h5py
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.errors import InputError, Stopped
from spinhydro.run.loop import Run


def burgers(size=32):
    coords = d3.Coordinate("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords, size, (0, 2 * np.pi), dealias=3 / 2)
    u = dist.Field(name="u", bases=basis)
    forcing = dist.Field(name="forcing", bases=basis)
    names = {"u": u, "forcing": forcing, "lap": d3.lap, "dx": lambda f: d3.Differentiate(f, coords)}
    problem = d3.IVP([u], namespace=names)
    problem.add_equation("dt(u) - 0.05*lap(u) = - u*dx(u) + forcing")
    u["g"] = 1 + 0.5 * np.sin(dist.local_grid(basis))
    return problem, u, forcing


def cfl_solver():
    problem, u, _ = burgers()
    solver = problem.build_solver(d3.RK222)
    cfl = d3.CFL(solver, initial_dt=1e-3, cadence=3, safety=0.2, max_change=1.3, max_dt=0.02)
    cfl.add_frequency(np.sqrt(u * u) * (32 / (2 * np.pi)))
    solver.stop_sim_time = 0.3
    return solver, cfl


@pytest.mark.parametrize("engine", ["dedalus", "fused"])
def test_cfl_meets_outputs_and_resumes_to_the_same_bytes(engine, tmp_path, monkeypatch):
    options = {"output_interval": 0.1, "quiet": True, "engine": engine}
    solver, cfl = cfl_solver()
    whole = spinhydro.simulate(solver, cfl, out=tmp_path / "a", **options)
    first = read(whole.folder)
    np.testing.assert_allclose(first.t.values, [0, 0.1, 0.2, 0.3], rtol=1e-14)
    assert first.timestep.values[1:].max() > 2e-3
    stock = Run.attend

    def attend(self, request):
        request.signal_number = 15 if self.step == 13 else 0
        return stock(self, request)

    solver, cfl = cfl_solver()
    with monkeypatch.context() as patch:
        patch.setattr(Run, "attend", attend)
        with pytest.raises(Stopped) as stopped:
            spinhydro.simulate(solver, cfl.compute_timestep, out=tmp_path / "b", **options)
    solver, cfl = cfl_solver()
    spinhydro.simulate(solver, cfl, resume=stopped.value.folder, **options)
    second = read(stopped.value.folder)
    assert first.u.values.tobytes() == second.u.values.tobytes()
    assert first.iteration.values.tolist() == second.iteration.values.tolist()


@pytest.mark.parametrize("engine", ["dedalus", "fused"])
def test_hook_changes_fields_and_handlers_have_cadences(engine, tmp_path):
    problem, _, forcing = burgers()

    def force(solver):
        forcing["g"] = np.cos(solver.sim_time)

    result = spinhydro.simulate(
        problem, timestep=0.01, stop_iteration=25, timestepper="RK443", engine=engine, quiet=True,
        out=tmp_path, each_step=force, output_interval=0.05, max_writes=2, outputs={"m": "ave(u)"},
        handlers={
            "often": {"tasks": {"u": "u"}, "iter": 5, "scales": 2, "max_writes": 4},
            "spectra": {"tasks": {"u": "u"}, "sim_dt": 0.1, "layout": "c"},
        },
    )  # fmt: skip
    mean = read(result.folder / "fields").m.values.ravel()
    # d<u>/dt = cos(t), held over each step.
    expected = 1 + 0.01 * np.cumsum(np.cos(0.01 * np.arange(25)))
    np.testing.assert_allclose(mean[1:], expected[4::5], rtol=1e-12)
    assert len(list((result.folder / "fields").glob("*.h5"))) == 3
    often = read(result.folder / "often")
    assert often.u.shape == (6, 64)
    with h5py.File(result.folder / "spectra" / "spectra_s1.h5") as file:
        np.testing.assert_allclose(file["scales/sim_time"][:], [0, 0.1, 0.2], atol=1e-12)
        assert not file["tasks/u"].attrs["grid_space"].any()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"timestep": lambda: -1.0, "stop_time": 1}, "returned -1.0"),
        ({"timestep": lambda: 0.1}, "give a stop_time"),
        ({"timestep": 0.1, "stop_time": 1, "handlers": {"a": {"tasks": {"u": "u"}}}}, "sim_dt"),
        ({"timestep": 0.1, "stop_time": 1, "handlers": {"a": {"iters": 3}}}, "mean 'iter'"),
    ],
)
def test_bad_options_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        spinhydro.simulate(burgers()[0], timestepper="RK222", out=tmp_path, quiet=True, **options)


@pytest.mark.parametrize("geometry", ["disk", "annulus", "sphere", "ball", "shell"])
def test_curvilinear_bases(geometry, tmp_path):
    """A uniform field that decays: du/dt = -u in every geometry."""
    if geometry in ("disk", "annulus"):
        coords = d3.PolarCoordinates("phi", "r")
    elif geometry == "sphere":
        coords = d3.S2Coordinates("phi", "theta")
    else:
        coords = d3.SphericalCoordinates("phi", "theta", "r")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis, edges = {
        "disk": lambda: (lambda b: (b, [b.edge]))(d3.DiskBasis(coords, (8, 8), np.float64)),
        "annulus": lambda: (lambda b: (b, [b.inner_edge, b.outer_edge]))(
            d3.AnnulusBasis(coords, (8, 8), np.float64, radii=(1, 2))
        ),
        "sphere": lambda: (d3.SphereBasis(coords, (8, 4), np.float64), []),
        "ball": lambda: (lambda b: (b, [b.surface]))(d3.BallBasis(coords, (8, 4, 4), np.float64)),
        "shell": lambda: (lambda b: (b, [b.inner_surface, b.outer_surface]))(
            d3.ShellBasis(coords, (8, 4, 6), np.float64, radii=(1, 2))
        ),
    }[geometry]()
    u = dist.Field(name="u", bases=basis)
    taus = [dist.Field(name=f"tau u{i}", bases=edge) for i, edge in enumerate(edges)]
    names = {"u": u, "lap": d3.lap}
    lift_basis = basis.derivative_basis(2) if len(taus) == 2 else basis
    for i, tau in enumerate(taus):
        names[f"lifted{i}"] = d3.Lift(tau, lift_basis, -1 - i)
    problem = d3.IVP([u, *taus], namespace=names)
    lifts = "".join(f" + lifted{i}" for i in range(len(taus)))
    problem.add_equation(f"dt(u) - lap(u){lifts} = -u")
    for radius in {"annulus": (1, 2), "shell": (1, 2)}.get(geometry, (1,) * len(taus)):
        problem.add_equation((d3.radial(d3.grad(u)(r=radius)), 0))
    u["g"] = 1
    result = spinhydro.simulate(
        problem, 1e-3, 0.01, timestepper="RK222", out=tmp_path, quiet=True, name=geometry
    )
    found = read(result.folder)
    assert set(found.data_vars) == {"u", *(str(t.name) for t in taus)}
    np.testing.assert_allclose(found.u.values[-1], np.exp(-0.01), rtol=1e-6)


@pytest.mark.parametrize("engine", ["auto", "dedalus"])
def test_seeded_random_forcing_is_that_of_the_loop_of_dedalus(engine, tmp_path):
    """Nothing but a step calls a function of the script: each call draws new numbers."""

    def forced():
        coord = d3.Coordinate("x")
        dist = d3.Distributor(coord, dtype=np.float64)
        basis = d3.RealFourier(coord, size=16, bounds=(0, 2 * np.pi))
        u = dist.Field(name="u", bases=basis)
        rng = np.random.default_rng(5)

        def draw():
            return rng.standard_normal(16)

        force = d3.GeneralFunction(dist, u.domain, (), u.dtype, "g", draw)
        problem = d3.IVP([u], namespace={"u": u, "force": force})
        problem.add_equation("dt(u) - lap(u) = force")
        return problem, u

    problem, expected = forced()
    solver = problem.build_solver(d3.RK222)
    for _ in range(4):
        solver.step(0.01)
    problem, u = forced()
    result = spinhydro.simulate(
        problem, 0.01, 0.04, timestepper="RK222", outputs={"u": "u"}, engine=engine, out=tmp_path
    )
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert "stability: not checked: the right side calls a function of the script" in log
    for field in (u, expected):
        field.change_scales(1)
    np.testing.assert_allclose(u["g"], expected["g"], rtol=1e-13)
