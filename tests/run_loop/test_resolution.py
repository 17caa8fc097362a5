"""Runs whose grid is too coarse: a warning when it happens, and the cause when they fail."""

import json

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.errors import UnresolvedError, WatchError
from spinhydro.problem.load import load
from spinhydro.run.resolution import Resolution

from ..conftest import ROOT

N = 64


def advected(equation="dt(u) = -u*dx(u)", size=N, start=None, dealias=3 / 2):
    """Burgers' equation from sin(x), which steepens to a jump at t = 1."""
    coord = d3.Coordinate("x")
    dist = d3.Distributor(coord, dtype=np.float64)
    basis = d3.RealFourier(coord, size=size, bounds=(0, 2 * np.pi), dealias=dealias)
    u = dist.Field(name="u", bases=basis)
    x = dist.local_grid(basis)
    u["g"] = np.sin(x) if start is None else start(x)

    def dx(f):
        return d3.Differentiate(f, coord)

    problem = d3.IVP([u], namespace={"u": u, "dx": dx})
    problem.add_equation(equation)
    return problem


def log_of(folder):
    return (folder / "log.txt").read_text(encoding="utf-8")


def test_a_front_that_steepens_is_noticed_before_it_fails(tmp_path):
    with pytest.raises(WatchError) as caught:
        spinhydro.simulate(
            advected(), timestep=0.01, stop_time=2, output_interval=0.1, out=tmp_path, quiet=True,
            units={"time": "s"}, watch=["dx(u) >= -30"],
        )  # fmt: skip
    lines = [x for x in log_of(caught.value.folder).splitlines() if "resolution" in x]
    assert len(lines) == 1
    assert "does not resolve 'u'" in lines[0] and "try 128 grid points" in lines[0]
    # The exact solution is singular at t = 1.
    time = float(lines[0].split("t = ")[1].split()[0])
    assert 0.7 <= time <= 1.3
    assert f"too few grid points ('u' has not been resolved since t = {time:g} s)" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "equation, start",
    [
        # Without derivatives every point is independent, and any structure is right.
        ("dt(u) = sin(40*u)", None),
        # Rough from the start.
        ("dt(u) + dx(u) = 0", lambda x: np.sign(np.sin(x))),
        ("dt(u) + dx(u) = 0", lambda x: np.random.default_rng(1).standard_normal(x.shape)),
        # Smooth, uniform, or zero.
        ("dt(u) + dx(u) = 0", None),
        ("dt(u) + dx(u) = 0", lambda x: 3 + 0 * x),
        ("dt(u) + dx(u) = 0", lambda x: 0 * x),
    ],
)
def test_no_warning_where_short_waves_are_right(tmp_path, equation, start):
    result = spinhydro.simulate(
        advected(equation, start=start), timestep=0.005, stop_time=1, output_interval=0.1,
        out=tmp_path, quiet=True,
    )  # fmt: skip
    assert "resolution" not in log_of(result.folder)


def test_the_measure_counts_the_modes_that_the_basis_holds():
    """A third of the amplitude at 2/3 of k_max and above, on the grid of dealias 3/2 too."""
    ivp = advected()
    watch = Resolution(ivp, {"Nx": N})
    (u,) = ivp.variables
    for k, short in ((21, False), (22, True)):
        u.change_scales(1)
        u["g"] = (
            5
            + 3 * np.cos(ivp.dist.local_grid(u.domain.bases[0]))
            + np.cos(k * ivp.dist.local_grid(u.domain.bases[0]))
        )
        for scales in (1, 3 / 2):
            u.change_scales(scales)
            part = watch._short_part(u, 0)
            assert part == pytest.approx(np.sqrt(0.1) if short else 0, abs=1e-12)
    (line,) = watch.check(0.5)
    assert line.endswith("try Nx=128")
    assert watch.check(0.6) == []


@pytest.mark.parametrize(
    "wave, sizes, is_said",
    [
        (30, (1e-6, 9e-6, 2e-5, 1e-3), (0, 0, 1, 0)),
        # As those of a kink, which stay.
        (30, (1e-6, 2e-6, 1e-6, 2e-6), (0, 0, 0, 0)),
        (30, (1e-9, 5e-9, 2e-8, 5e-8), (0, 0, 0, 0)),
        (25, (1e-6, 9e-6, 2e-5, 1e-3), (0, 0, 0, 0)),
    ],
)
def test_growing_waves_next_to_the_shortest_are_said_once(wave, sizes, is_said):
    """Of 32 waves, numbers 29 to 32 are the last and 16 to 25 the longer ones."""
    ivp = advected()
    watch = Resolution(ivp, {})
    watch.start()
    (u,) = ivp.variables
    for size, expected in zip(sizes, is_said, strict=True):
        u.change_scales(1)
        x = ivp.dist.local_grid(u.domain.bases[0])
        u["g"] = 2 + np.sin(x) + size * np.sin(wave * x)
        lines = watch.check(0.5)
        assert len(lines) == expected
        if expected:
            assert "'u' along x are larger than longer ones, with 0.002 % of its am" in lines[0]
        record = watch.record()
        watch = Resolution(ivp, {})
        watch.restore(record)


@pytest.mark.parametrize("Nx", [256])
def test_a_safe_timestep_does_not_promise_resolution(tmp_path, Nx):
    """Spacings of 2 um are too coarse for this gas; the timestep is far from unstable."""
    path = ROOT / "problems" / "spinor_hydrodynamics.py"
    result = load(path, Nx=Nx, stop_time=10).run(out=tmp_path, quiet=True)
    log = log_of(result.folder)
    assert "of the RK4 stability limit" in log and "warning: stability" not in log
    (line,) = (x for x in log.splitlines() if "resolution" in x)
    assert "does not resolve 's'" in line and line.endswith("try Nx=512")


@pytest.mark.parametrize(
    "engine, equation, timestepper, timestep",
    [("fused", "dt(u) = -u*dx(u)", "RK4", 0.01), ("lean", "dt(u) = -u*dx(u)", "RK4", "callable"),
     ("fused", "dt(u) = -3*u*u*dx(u)", "ETDRK4", 0.003)],
)  # fmt: skip
def test_a_run_that_outgrows_its_grid_stops_before_it_is_nan(
    engine, equation, timestepper, timestep, tmp_path
):
    """Without dealiasing a steep front grows at the scale of the grid; |u| <= 1 is exact."""
    step = (lambda: 0.01) if timestep == "callable" else timestep
    with pytest.raises(UnresolvedError) as caught:
        spinhydro.simulate(
            advected(equation, dealias=1), timestep=step, stop_time=8, output_interval=0.1,
            timestepper=timestepper, out=tmp_path, quiet=True, engine=engine,
        )  # fmt: skip
    message, folder = str(caught.value), caught.value.folder
    assert "'u' has not been resolved since t = " in message and "Try 128 grid points" in message
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (record["status"], record["exit_code"]) == ("stopped", 3)
    kept = read(folder)
    assert f"{kept.sizes['t']} outputs up to then are kept" in message
    assert np.abs(kept.u.values).max() < 5
    if timestep != "callable":
        assert "% of the" in log_of(folder) and ", while the grid resolves the fields" in log_of(
            folder
        )


def test_growth_that_the_grid_resolves_does_not_stop_a_run(tmp_path):
    """One variable is not resolved, and another grows a thousandfold between two checks."""
    ivp = advected()
    watch = Resolution(ivp, {})
    watch.start()
    (u,) = ivp.variables
    u.change_scales(1)
    x = ivp.dist.local_grid(u.domain.bases[0])
    u["g"] = np.sign(np.sin(x))
    assert watch.outgrown(0.1) is None
    assert len(watch.check(0.1)) == 1
    u.change_scales(1)
    u["g"] = 1000 * np.sin(x)
    assert watch.outgrown(0.1) is None
    u["g"] = 2.9 * np.cos(N / 2 * 0.9 * x)
    assert watch.outgrown(0.1) is None
    u["g"] = 3.1 * np.cos(28 * x)
    assert watch.outgrown(0.1) == "u"
    # A resumed run goes on from the same amplitudes.
    record = json.loads(json.dumps(watch.record()))
    again = Resolution(ivp, {})
    again.restore(record)
    assert again.outgrown(0.1) == "u" and again.check(0.2) == []


def test_a_variable_that_starts_from_zero_grows_with_a_power_of_the_time():
    ivp = advected()
    (u,) = ivp.variables
    u["g"] = 0
    watch = Resolution(ivp, {})
    watch.start()
    x = ivp.dist.local_grid(u.domain.bases[0])
    u["g"] = np.cos(28 * x)
    assert len(watch.check(0.1)) == 1
    u["g"] = 8 * np.cos(28 * x)
    again = Resolution(ivp, {})
    again.restore(json.loads(json.dumps(watch.record())))
    for one in (watch, again):
        assert one.outgrown(0.2) is None
        assert one.outgrown(0.11) == "u"


def test_a_uniform_field_with_rounding_is_smooth():
    ivp = advected(start=lambda x: 3 + 1e-14 * np.random.default_rng(2).standard_normal(x.shape))
    watch = Resolution(ivp, {})
    watch.start()
    assert watch.check(0.1) == []
    (u,) = ivp.variables
    u.change_scales(1)
    u["g"] += np.random.default_rng(3).standard_normal(u["g"].shape)
    (line,) = watch.check(0.2)
    assert "from t = 0.2 on the grid does not resolve 'u'" in line
    # Only once, and the first time is the one that an error names.
    assert watch.check(0.3) == []
    assert watch.cause("other causes").endswith("('u' has not been resolved since t = 0.2)")
