"""Heat baths: equilibrium against exact averages, mode by mode, and noise that reproduces."""

import re

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro import analysis
from spinhydro.dedalus_support.ensemble.values import new_ensemble
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError, ParameterError
from spinhydro.language.declarations import read_projections
from spinhydro.physics.exact import heisenberg_ring, langevin
from spinhydro.problem.load import load
from spinhydro.steppers import check_noise, find_stepper
from spinhydro.steppers.accuracy import accuracy_warning, diffusion_of, thermal_timestep
from spinhydro.steppers.noise import _runs
from spinhydro.steppers.normal_numbers import NormalNumbers

from ..conftest import ROOT

FILE = ROOT / "problems" / "thermal_chain.py"
J_OVER_K_B = 1.409501e-20 / 1.380649e-23


def averages(tmp_path, name, start, **values):
    """Time and member average of a scalar output from `start` on."""
    result = load(FILE, **values).run(out=tmp_path, quiet=True)
    return float(analysis.load(result.folder)[name].sel(t=slice(start, None)).mean())


def test_exact_averages():
    assert langevin(2.495126) == pytest.approx(0.6129, abs=1e-4)
    assert langevin(1e-4) == pytest.approx(1e-4 / 3, rel=1e-6)
    assert heisenberg_ring(2, 3.0) == pytest.approx(float(langevin(6.0)), rel=1e-13)
    assert 1 - heisenberg_ring(1000, J_OVER_K_B / 300) == pytest.approx(0.29164, abs=1e-5)
    assert 1 - heisenberg_ring(1000, J_OVER_K_B / 50) == pytest.approx(0.04898, abs=1e-5)
    # Three spins: the integral over all directions of the other two, first along z.
    random = np.random.default_rng(0).standard_normal((2, 3, 400_000))
    u, v = random / np.sqrt((random**2).sum(axis=1, keepdims=True))
    bonds = u[2] + v[2] + (u * v).sum(axis=0)
    expected = np.average(bonds, weights=np.exp(1.5 * bonds)) / 3
    assert heisenberg_ring(3, 1.5) == pytest.approx(expected, abs=3e-3)


FREE = {"coupling": 0, "B": "100*tesla", "temperature": 100}


def test_spins_in_a_field(tmp_path):
    values = {"N": 999, "members": 2, "timestep": 4e-3, "output_interval": 0.1, "stop_time": 1.5}
    assert averages(tmp_path, "mz_mean", 0.5, **FREE, **values) == pytest.approx(0.6129, abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alpha", "timestep", "start", "stop_time"), [(1.0, 7.5e-4, 0.4, 1.0), (0.1, 4e-3, 2.0, 5.0)]
)
def test_langevin(alpha, timestep, start, stop_time, tmp_path):
    # The initial transient is below 3e-4, the standard error 1e-3 (m_z relaxes in 0.41 ps
    # at alpha = 0.1), the error of the timestep 1e-3: an independent program finds 0.6149(5) at
    # twice the timestep. Heun's scheme errs twice as much.
    values = {"N": 64, "members": 512, "alpha": alpha, "timestep": timestep, **FREE}
    found = averages(
        tmp_path, "mz_mean", start, stop_time=stop_time, output_interval=0.1, timestepper="RK4",
        **values,
    )  # fmt: skip
    assert found == pytest.approx(0.6129, abs=0.003)


@pytest.mark.parametrize(("alpha", "timestep"), [(0.1, 3.53e-3), (1.0, 9.3e-4)])
def test_the_file_chooses_its_timestep(alpha, timestep):
    problem = load(FILE, alpha=alpha, **FREE)
    assert problem["timestep"] == pytest.approx(timestep, rel=0.02)
    assert problem["stop_time"] * problem["diffusion"] > 35
    assert load(FILE, alpha=0.5)["timestep"] == pytest.approx(2.63e-4, rel=0.02)


def test_short_cold_rings_have_an_expected_energy():
    # A bond of 8 spins at 50 K is stiffer than one of a long ring.
    problem = load(FILE, N=8, temperature=50)
    assert "exchange energy, in deviations" in problem["expect"]
    assert 0 < problem["mean"] < 0.05 and 0 < problem["spread"] < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [50, 300])
def test_energy_of_rings(temperature, tmp_path):
    # Short rings: their longest wave reaches its temperature at 0.4 ps, that of 31 spins would
    # lack a tenth until 0.9 ps. The standard error is 0.3 %, that of the timestep up to 0.3 %.
    found = averages(
        tmp_path, "E_exchange", 0.4, temperature=temperature, stop_time=1.2, output_interval=0.02,
        N=16, members=512, timestepper="RK4", timestep=5e-4,
    )  # fmt: skip
    exact = 1 - heisenberg_ring(16, J_OVER_K_B / temperature)
    assert found == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("stepper", ["RKMK4", "SemiImplicit", "RK4"])
def test_other_steppers_come_to_the_same_temperature(stepper, tmp_path):
    found = averages(
        tmp_path, "E_exchange", 0.3, timestepper=stepper, timestep=1e-3, stop_time=0.8,
        members=16, output_interval=0.02,
    )  # fmt: skip
    exact = 1 - heisenberg_ring(31, J_OVER_K_B / 300)
    assert found == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize(("N", "cells", "kernel"), [(24, 1, "lattice"), (12, 2, "micromagnetic")])
def test_every_mode_has_its_share(N, cells, kernel, tmp_path):
    """Equipartition: the same wave has the same amplitude on both grids."""
    a, gamma = 0.355, 1.76e11
    values = {"N": N, "cell": cells * a, "Hk": "40e6*A/metre", "temperature": 2, "seed": 3}
    result = load(
        FILE,
        kernel=kernel,
        members=64,
        stop_time=1.2,
        timestep=1e-3,
        output_interval=0.05,
        **values,
    ).run(out=tmp_path, quiet=True)
    m = analysis.load(result.folder).m.sel(t=slice(0.3, None))
    m = m.transpose("spin", ..., "x").values[:2]
    amplitude = (np.abs(np.fft.rfft(m) / N) ** 2).mean(axis=(0, 1, 2))
    k = 2 * np.pi * np.arange(N // 2 + 1) / (N * cells * a)
    omega_M = gamma * 4e-7 * np.pi * 770e3
    lattice = 2 * omega_M * (7.3 / a) ** 2 * (1 - np.cos(k * a))
    omega = lattice if kernel == "lattice" else omega_M * (7.3 * k) ** 2
    moment = 770e3 * cells * (a * 1e-9) ** 3
    expected = 1.380649e-23 * 2 * gamma / (moment * N * (omega + gamma * 4e-7 * np.pi * 40e6))
    inner = slice(1, N // 2)
    np.testing.assert_allclose(amplitude[inner] / expected[inner], 1, atol=0.1)
    assert np.mean(amplitude[inner] / expected[inner]) == pytest.approx(1, abs=0.03)


def build(shape=(16,), seed=0, stream=0, stepper="StochasticHeun", split=None, **options):
    names = "xyz"[: len(shape)]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = tuple(
        spinhydro.RealFourierNyquist(coords[n], size=size, bounds=(0, 1))
        for n, size in zip(names, shape, strict=True)
    )
    m = dist.VectorField(spin, name="m", bases=bases)
    m["g"][2] = 1
    xi = spinhydro.white_noise(m, seed=seed, stream=stream)
    problem = d3.IVP([m], namespace={"m": m, "xi": xi})
    problem.add_equation("dt(m) = cross(xi, m)")
    return m, xi, build_solver(problem, find_stepper(stepper))


def values(noise):
    noise.change_scales(1)
    return noise["g"].copy()


def test_noise_is_white_and_normal():
    _, xi, _ = build((60_000,))
    xi.draw(5, 0.25)
    first = values(xi)
    xi.draw(6, 0.25)
    second = values(xi)
    assert first.mean() == pytest.approx(0, abs=0.02)
    np.testing.assert_allclose(np.cov(first), 4 * np.eye(3), atol=0.07)
    for other in (np.roll(first, 1, axis=1), second):
        assert np.abs((first * other).mean(axis=1)).max() < 0.05
    assert ((first / 2) ** 4).mean() == pytest.approx(3, abs=0.1)
    np.testing.assert_array_equal((first > 0).mean(axis=1).round(1), 0.5)


def test_noise_belongs_to_seed_stream_iteration_and_cell():
    drawn = {}
    for seed, stream, iteration in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        _, xi, _ = build(seed=seed, stream=stream)
        xi.draw(iteration, 1.0)
        drawn[seed, stream, iteration] = values(xi)
        xi.draw(7, 1.0)
        xi.draw(iteration, 1.0)
        np.testing.assert_array_equal(values(xi), drawn[seed, stream, iteration])
    found = list(drawn.values())
    for i, one in enumerate(found):
        for other in found[:i]:
            assert np.abs(one - other).min() > 0
    # A longer grid has the same numbers in its first cells: they are counted through.
    _, longer, _ = build((32,))
    longer.draw(0, 1.0)
    np.testing.assert_allclose(values(longer)[:, :16], drawn[0, 0, 0], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("components", [1, 2, 3, 5])
def test_any_part_of_a_grid_can_be_drawn_alone(components):
    def numbers(spans):
        local = [len(range(n)[span]) for n, span in zip(shape, spans, strict=True)]
        found = np.empty((components, int(np.prod(local))))
        for first, cells in _runs(shape, spans):
            NormalNumbers(3).fill(8, first, found[:, cells])
        return found.reshape(components, *local)

    shape = (4, 6, 5)
    whole = numbers((slice(0, 4), slice(0, 6), slice(0, 5)))
    assert np.unique(whole).size == whole.size
    for part in (
        (slice(0, 4), slice(2, 5), slice(0, 5)),
        (slice(1, 2), slice(0, 6), slice(0, 5)),
        (slice(0, 4), slice(0, 6), slice(3, 5)),
        (slice(2, 2), slice(0, 6), slice(0, 5)),
    ):
        np.testing.assert_array_equal(numbers(part), whole[(slice(None), *part)])


def test_moments_of_normal_numbers():
    """Up to the sixth, within four standard errors, and no number is used twice."""
    x = np.empty((3, 400_000))
    NormalNumbers(5, stream=2).fill(7, 12_345, x)
    for component in x:
        for power, moment, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96), (6, 15, 10170)):
            error = np.sqrt(variance / component.size)
            assert np.mean(component**power) == pytest.approx(moment, abs=4 * error)
    error = 1 / np.sqrt(x.shape[1])
    for shift in (0, 1, 2, 8):
        mixed = np.corrcoef(x, np.roll(x, shift, axis=1))[:3, 3:]
        assert np.abs(mixed - np.eye(3) * (shift == 0)).max() < 4.5 * error
        squares = np.corrcoef(x**2, np.roll(x**2, shift, axis=1))[:3, 3:]
        assert np.abs(squares - np.eye(3) * (shift == 0)).max() < 4.5 * error


def test_noises_of_one_problem_are_independent():
    """With the defaults, with a common seed, and beside a stream that is given."""
    m, _, _ = build((20_000,))
    noises = [spinhydro.white_noise(m), spinhydro.white_noise(m), spinhydro.white_noise(m, seed=1)]
    noises += [spinhydro.white_noise(m, seed=1), spinhydro.white_noise(m, stream=0)]
    good = {"temperature": 0.5, "alpha": 1.0, "moment": 1.0, "gamma": 1.0, "k_B": 1.0}
    noises += [spinhydro.thermal_field(m, **good).evaluate() for _ in range(2)]
    drawn = np.array([values(noise).ravel() for noise in noises])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.025
    # A file that is read again has the same numbers.
    again, _, _ = build((20_000,))
    np.testing.assert_array_equal(values(spinhydro.white_noise(again)).ravel(), drawn[0])
    np.testing.assert_array_equal(values(spinhydro.white_noise(again)).ravel(), drawn[1])


def test_a_refined_noise_follows_the_same_path():
    """Increments of two half steps add up to that of the whole step, and are independent."""
    _, xi, _ = build((20_000,))
    increments = {}
    for refinements in (0, 1, 2):
        xi.refinements, xi._drawn = refinements, None
        steps, h = 2**refinements, 0.4 / 2**refinements
        found = []
        for i in range(steps):
            xi.draw(5 * steps + i, h)
            found.append(h * values(xi))
            assert found[-1].var() == pytest.approx(h, rel=0.02)
        increments[refinements] = sum(found)
        if refinements:
            mixed = np.corrcoef([one.ravel() for one in found])
            assert np.abs(mixed - np.eye(steps)).max() < 0.02
    for refinements in (1, 2):
        np.testing.assert_allclose(increments[refinements], increments[0], atol=1e-6)


def test_complex_noise():
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.complex128)
    psi = dist.Field(name="psi", bases=d3.ComplexFourier(coords["x"], 30_000, (0, 1)))
    xi = spinhydro.white_noise(psi)
    xi.draw(3, 0.25)
    x = values(xi)
    assert np.mean(np.abs(x) ** 2) == pytest.approx(4, rel=0.03)
    assert abs(np.mean(x**2)) < 0.1 and abs(np.mean(x)) < 0.05
    with pytest.raises(InputError, match="take white_noise"):
        spinhydro.thermal_field(psi, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_one_draw_serves_all_stages_of_a_step():
    m, xi, solver = build((64,))
    solver.step(1e-3)
    first = values(xi)
    np.testing.assert_allclose(first, values(build((64,))[1]) / np.sqrt(1e-3), atol=1e-12)
    # One Heun step of dm/dt = xi x m from z, by hand.
    z = np.zeros((3, 64))
    z[2] = 1
    rate = np.cross(first, z, axis=0)
    rate = (rate + np.cross(first, z + 1e-3 * rate, axis=0)) / 2
    m.change_scales(1)
    np.testing.assert_allclose(m["g"], z + 1e-3 * rate, atol=1e-13)
    solver.step(1e-3)
    assert np.abs(values(xi) - first).min() > 0


@pytest.mark.parametrize("stepper", ["StochasticHeun", "RKMK4", "SemiImplicit", "ImplicitMidpoint"])
def test_rotational_diffusion_is_that_of_stratonovich(stepper):
    """<m_z> = exp(-t) for dm = xi x m; of Ito it would be a spin that grows longer."""
    m, _, solver = build((20_000,), seed=1, stepper=stepper)
    for _ in range(10):
        solver.step(0.02)
    m.change_scales(1)
    assert m["g"][2].mean() == pytest.approx(np.exp(-0.2), abs=0.006)
    assert np.sqrt((m["g"] ** 2).sum(axis=0)).mean() == pytest.approx(1, abs=0.01)


@pytest.mark.mpi
def test_ranks_and_members_do_not_change_the_noise(command, tmp_path):
    arguments = ["run", FILE, "--out", tmp_path, "N=16", "stop_time=0.02", "output_interval=0.02"]
    runs = []
    for ranks, members in ((None, 4), (2, 4), (None, 2)):
        done = command(*arguments, f"members={members}", ranks=ranks)
        assert done.returncode == 0, done.stderr
        runs.append(analysis.load(done.stdout.splitlines()[-1]).m.isel(t=-1))
    np.testing.assert_array_equal(runs[0].values, runs[1].values)
    np.testing.assert_array_equal(runs[0].sel(member=[0, 1]).values, runs[2].values)
    assert np.abs(runs[0].sel(member=0) - runs[0].sel(member=1)).max() > 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"temperature": -1}, "temperature = -1: the temperature cannot be negative"),
        ({"alpha": -0.1}, "a heat bath acts through damping: alpha > 0"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 0.5}, "seed"),
        ({"Ms": 0}, "Ms"),
        ({"timestepper": "RK443"}, "draws no noise.*StochasticHeun"),
        ({"temperature": "300*ps"}, "temperature"),
    ],
)
def test_what_is_refused(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load(FILE, quick=True, **text).run(out=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_thermal_field_looks_at_what_it_is_given():
    m, _, _ = build()
    good = {"temperature": 1.0, "alpha": 0.1, "moment": 1.0, "gamma": 1.0, "k_B": 1.0}
    for name, value in (
        ("temperature", -1.0), ("temperature", np.nan), ("alpha", -0.1), ("moment", 0),
        ("gamma", -1.0), ("k_B", "x"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=name):
            spinhydro.thermal_field(m, **{**good, name: value})
    T = m.dist.Field(name="T", bases=m.domain.bases)
    T["g"] = -1e-3
    with pytest.raises(ParameterError, match="temperature = -0.001 at the lowest"):
        spinhydro.thermal_field(m, **{**good, "temperature": T})
    T["g"] = 4.0
    b = spinhydro.thermal_field(m, **{**good, "temperature": T}, stream=0).evaluate()
    b.change_scales(1)
    _, xi, _ = build()
    np.testing.assert_allclose(b["g"], np.sqrt(0.8) * values(xi), atol=1e-13)


@pytest.mark.parametrize(
    ("basis", "options", "message"),
    [
        (d3.RealFourier, {"dealias": 3 / 2}, "dealias = 1 along x, not 1.5"),
        (spinhydro.RealFourierNyquist, {"dealias": 3 / 2}, "dealias = 1 along x, not 1.5"),
        (d3.RealFourier, {}, "RealFourier drops the Nyquist mode of 16 points along x"),
    ],
)
def test_bases_that_drop_modes_are_refused_for_spins(basis, options, message):
    """<m_z> in a field would be 0.72 instead of 0.61, or 0.65 without the Nyquist mode."""
    coords, spin = d3.CartesianCoordinates("x"), d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    m = dist.VectorField(spin, name="m", bases=basis(coords["x"], 16, (0, 1), **options))
    with pytest.raises(InputError, match=message):
        spinhydro.thermal_field(m, 1.0, 1.0, 1.0, 1.0, 1.0)
    problem = d3.IVP([m], namespace={"m": m, "xi": spinhydro.white_noise(m)})
    problem.add_equation("dt(m) = cross(xi, m)")
    with pytest.raises(InputError, match=message):
        check_noise(problem, spinhydro.RK4)


def test_two_moments_of_spins_in_a_field():
    """<m_z> and <m_z^2> of exp(x m_z), with each scheme that draws noise for spins."""
    x, size = 2.5, 4096
    expected = 1 / np.tanh(x) - 1 / x
    coords, spin = d3.CartesianCoordinates("x"), d3.CartesianCoordinates("sx", "sy", "sz")
    for stepper in ("RK4", "StochasticHeun", "SemiImplicit", "RKMK4"):
        dist = spinhydro.distributor(coords, dtype=np.float64)
        basis = spinhydro.RealFourierNyquist(coords["x"], size, (0, 1))
        m = dist.VectorField(spin, name="m", bases=basis)
        m["g"][2] = 1
        b = spinhydro.thermal_field(m, 1 / x, 1.0, 1.0, 1.0, 1.0, seed=3)
        names = {"m": m, "H": b + spin.unit_vector_fields(dist)[2]}
        problem = d3.IVP([m], namespace=names)
        problem.add_equation("dt(m) = -(cross(m, H) + cross(m, cross(m, H)))/2")
        projections = read_projections(problem, {"m": "m/sqrt(m@m)"})
        solver = build_solver(problem, find_stepper(stepper))
        choose_engine(solver, "fused", projections, 10**9, sync_on_request=False)
        found = []
        for i in range(200):
            solver.step(0.05)
            if i % 40 == 39 and i > 100:
                found.append([m["g"][2].mean(), (m["g"][2] ** 2).mean()])
        np.testing.assert_allclose(
            np.mean(found, axis=0), [expected, 1 - 2 * expected / x], atol=0.015
        )


def test_a_grating_in_a_heat_bath(tmp_path):
    """PS-LLE with temperature: the energy of the ring at equilibrium, for any grating; a
    temperature of nothing changes no byte of the grating."""
    path = ROOT / "problems" / "transient_grating.py"
    values = {"N": 127, "pulses": 1, "Hk": 0, "alpha": 0.5, "members": 8, "temperature": 300}
    problem = load(path, **values, stop_time=1.5, output_interval=0.05, timestep=5e-4)
    ds = analysis.load(problem.run(out=tmp_path, quiet=True).folder)
    energy = ds.E_exchange.sel(t=slice(0.7, None)) / (127 * 1.409501e-20)
    expected = 1 - heisenberg_ring(127, J_OVER_K_B / 300)
    # Eight rings: a standard error of 0.8 %; the error of the timestep is as large.
    assert float(energy.mean()) == pytest.approx(expected, rel=0.03)
    cold = {"N": 31, "pulses": 1, "stop_time": 0.02}
    m = [
        analysis.load(load(path, **cold, **more).run(out=tmp_path, quiet=True).folder).m.values
        for more in ({}, {"temperature": 0}, {"temperature": 50})
    ]
    assert np.array_equal(m[0], m[1]) and np.abs(m[2] - m[0]).max() > 1e-4


@pytest.mark.parametrize("name", ["thermal_chain", "transient_grating"])
def test_a_heat_bath_needs_damping(name):
    with pytest.raises(InputError, match="a heat bath acts through damping"):
        load(ROOT / "problems" / f"{name}.py", temperature=300, alpha=0)


def lattice(stepper, tau, N=12, alpha=0.5, omega_J=30.0, seed=1):
    """A simple cubic magnet at k_B T/J = tau, from a start that is close to equilibrium."""
    coords = d3.CartesianCoordinates("x", "y", "z")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [spinhydro.RealFourierNyquist(coord, size=N, bounds=(0, N)) for coord in coords.coords]
    m = dist.VectorField(spin, name="m", bases=bases)
    m["g"] = 0.7 * min(1, tau) * np.random.default_rng(seed).standard_normal(m["g"].shape)
    m["g"][2] += 1
    m["g"] /= np.sqrt((m["g"] ** 2).sum(axis=0))
    W = spinhydro.stencil("sc", a=1, omega_J=omega_J)
    b = spinhydro.thermal_field(m, tau * omega_J, alpha, 1.0, 1.0, 1.0, seed=seed)
    problem = d3.IVP([m], namespace={"m": m, "H": b - W(m), "p": 1 / (1 + alpha**2), "c": alpha})
    problem.add_equation("dt(m) = -p*(cross(m, H) + c*cross(m, cross(m, H)))")
    solver = build_solver(problem, find_stepper(stepper))
    projections = read_projections(problem, {"m": "m/sqrt(m@m)"})
    choose_engine(solver, "fused", projections, steps=10**9)
    return solver, 2 * alpha * tau * omega_J / (1 + alpha**2)


@pytest.mark.parametrize(("stepper", "error"), [("RK4", 0.01), ("RK4", 0.03)])
def test_energy_of_the_cubic_lattice(stepper, error):
    """At k_B T/J = 1 against a heat-bath Monte Carlo program, at the timestep of the rule.

    Five blocks of 1 ps: a standard error of 0.3 %.
    """
    solver, diffusion = lattice(stepper, 1.0)
    assert diffusion_of(solver) == pytest.approx(diffusion, rel=0.05)
    timestep = thermal_timestep(stepper, diffusion, error=0.97 * error)
    steps, energies = int(0.02 / timestep), []
    for i in range(300):
        for _ in range(steps):
            solver.step(timestep)
        m = solver.timestepper.state.reshape(3, 12, 12, 12)
        if i >= 50:
            energies.append(3 - sum((m * np.roll(m, 1, axis)).sum(0).mean() for axis in (1, 2, 3)))
    # Energies change by 1.3 times as much as the temperature here.
    assert np.mean(energies) / 1.1480 - 1 == pytest.approx(-1.3 * error, abs=0.012)
    warning = accuracy_warning(solver, stepper, timestep, "ps")
    assert bool(warning) == (error > 0.02)
    if warning:
        assert re.search(
            r"turns spins by 0\.2 rad .* by about (2\.[789]|3) % under RK4: 1 % needs", warning
        )


def test_the_rule_of_accuracy():
    assert thermal_timestep("RK4", 24.0, error=0.01) == pytest.approx(0.01 / (0.7 * 24))
    assert thermal_timestep("StochasticHeun", 24.0, 100.0, 0.01) == pytest.approx(
        1 / 4360, rel=1e-9
    )
    with pytest.raises(
        ParameterError, match="RK443 draws no noise; take one of StochasticHeun, RK4"
    ):
        thermal_timestep("RK443", 1.0)


@pytest.mark.parametrize("gamma", [1.0, pytest.param(0.1, marks=pytest.mark.slow)])
def test_occupation_of_an_ideal_gas(gamma):
    """Stochastic GPE: <|psi_k|^2> = T/(e_k - mu) in every mode, for any damping."""
    with new_ensemble() as ensemble:
        ensemble.declare(64, "members")
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords, dtype=np.complex128)
        N, L, T, mu = 15, 15.0, 0.1, -1.0
        psi = dist.Field(name="psi", bases=d3.ComplexFourier(coords["x"], size=N, bounds=(0, L)))
        xi = spinhydro.white_noise(psi, seed=2)
        names = {"psi": psi, "xi": xi, "c": 1j + gamma, "mu": mu}
        problem = d3.IVP([psi], namespace={**names, "amplitude": np.sqrt(2 * gamma * T * N / L)})
        problem.add_equation("dt(psi) - c*(lap(psi)/2 + mu*psi) = amplitude*xi")
        solver = build_solver(problem, spinhydro.IFRK4)
        choose_engine(solver, "fused", steps=10**9)
        found, timestep = [], 0.02 / max(1, gamma)
        for i in range(500):
            for _ in range(int(0.2 / timestep / gamma) if i else int(3 / timestep / gamma)):
                solver.step(timestep)
            solver.timestepper.synchronise()
            found.append(np.abs(psi["c"]) ** 2)
        k = 2 * np.pi / L * np.abs(np.fft.fftfreq(N, 1 / N))
        expected = T / L / (k**2 / 2 - mu)
        occupation = np.mean(found, axis=(0, 1))
        ratio = occupation[:N] / expected
        assert np.mean(ratio) == pytest.approx(1, abs=0.01)
        assert np.abs(ratio - 1).max() < 0.05
