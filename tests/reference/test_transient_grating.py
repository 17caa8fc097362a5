"""Atomistic spin dynamics, written out with NumPy, against the problem file and its numbers."""

import numpy as np
import pytest
from scipy import constants

from spinhydro.analysis import load as read
from spinhydro.analysis.exchange import energy_errors, error_report, largest_errors
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT, stored

GRATING = ROOT / "problems" / "transient_grating.py"
# SI units throughout, from the parameters of paper B.
GAMMA, MU_0 = 1.76e11, constants.mu_0
MS, HK, LAMBDA, A_LATTICE, ALPHA = 770e3, 1550e3, 7.3e-9, 0.355e-9, 0.01


def atomistic_rate(S, kernel=None):
    """dS/dt of the Landau-Lifshitz-Gilbert equation for spins S (3, N) on a ring, per ps."""
    J = 2 * (MU_0 * MS**2 * LAMBDA**2 / 2) * A_LATTICE
    mu = MS * A_LATTICE**3
    d_z = mu * MU_0 * HK / 2
    if kernel is None:
        field = J * (np.roll(S, 1, axis=1) + np.roll(S, -1, axis=1))
    else:
        field = kernel(S) * mu / GAMMA
    field[2] += 2 * d_z * S[2]
    torque = np.cross(S, field, axis=0)
    total = torque + ALPHA * np.cross(S, torque, axis=0)
    return -GAMMA / mu / (1 + ALPHA**2) * total * 1e-12


def continuum_field(S):
    """-omega_M lambda^2 k^2 in rad/s."""
    k = 2 * np.pi * np.fft.fftfreq(S.shape[1], A_LATTICE)
    omega = GAMMA * MU_0 * MS * LAMBDA**2 * k**2
    return -np.fft.ifft(omega * np.fft.fft(S, axis=1), axis=1).real


def initial(N=1127, pulses=8, r_max=0.5, seed=0):
    x = np.arange(N) + 0.5
    centres = (np.arange(pulses) + 0.5) * N / pulses
    d = np.abs(x[:, None] - centres)
    d = np.minimum(d, N - d).min(axis=1)
    g = np.exp(-(d**2) / (2 * (N / (3 * pulses)) ** 2))
    random = np.random.default_rng(seed)
    z = 1 - r_max * random.random(N) * g
    phase = 2 * np.pi * random.random(N)
    return np.array([np.sqrt(1 - z**2) * np.cos(phase), np.sqrt(1 - z**2) * np.sin(phase), z])


def exchange_energy(S):
    """E/(N J)."""
    return np.mean(np.sum((np.roll(S, -1, axis=1) - S) ** 2, axis=0)) / 2


def rate_of(problem):
    equation = problem.ivp.equations[0]
    rate = equation["RHS"].evaluate()
    rate.change_scales(1)
    return rate["g"].copy()


@pytest.mark.parametrize(
    "options",
    [{}, {"kernel": "atomistic"}, {"N": 1126, "keep_nyquist": 1, "kernel": "atomistic"},
     {"N": 1128, "keep_nyquist": 1}],
)  # fmt: skip
def test_lattice_kernel_is_atomistic_spin_dynamics(options):
    """Right-hand sides to rounding: relative 1e-13."""
    problem = load(GRATING, **options)
    S = initial(N=options.get("N", 1127))
    np.testing.assert_allclose(problem["m"]["g"], S, atol=2e-15)
    expected = atomistic_rate(S)
    np.testing.assert_allclose(rate_of(problem), expected, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("options", [{"N": 1128}, {"dealias": 1.5}])
def test_without_that_wave_or_with_dealiasing_it_is_not(options):
    problem = load(GRATING, **options)
    expected = atomistic_rate(initial(N=options.get("N", 1127)))
    difference = np.abs(rate_of(problem) - expected).max() / np.abs(expected).max()
    assert difference > 1e-3


@pytest.mark.parametrize("kernel", ["lattice", "micromagnetic"])
def test_trajectories_are_those_of_an_independent_code(kernel, tmp_path):
    """m after 0.05 ps, RK4 and renormalisation in both codes."""
    problem = load(GRATING, kernel=kernel, stop_time=0.05, timestep=0.00025, timestepper="RK4")
    result = problem.run(out=tmp_path, quiet=True)
    S, step = initial(), 0.00025
    field = None if kernel == "lattice" else continuum_field
    for _ in range(200):
        a = atomistic_rate(S, field)
        b = atomistic_rate(S + step / 2 * a, field)
        c = atomistic_rate(S + step / 2 * b, field)
        d = atomistic_rate(S + step * c, field)
        S = S + step / 6 * (a + 2 * b + 2 * c + d)
        S /= np.sqrt((S**2).sum(axis=0))
    found = stored(result.folder)
    m, E = found["m"][-1], found["E_exchange"][-1].item()
    np.testing.assert_allclose(m, S, atol=2e-9)
    assert E / (1127 * 1.409501e-20) == pytest.approx(exchange_energy(S), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("r_max, low, high, raw", [(1, 42, 46, 17.7), (0.5, 39, 45, None)])
def test_seeds_of_an_ensemble(r_max, low, high, raw, tmp_path):
    """The k^2 law's largest error over seeds: 43.6 +- 1.2 % (raw 17.7 +- 1.0 %), 41.8 +- 1.5 %."""
    runs = [
        read(
            load(
                GRATING, kernel=kernel, r_max=r_max, seed=[0, 1, 2, 3], stop_time=0.6,
                output_interval=0.02,
            ).run(out=tmp_path, quiet=True).folder
        )
        for kernel in ("lattice", "micromagnetic")
    ]  # fmt: skip
    errors = energy_errors(runs[1], runs[0])
    _, percents = largest_errors(errors)
    assert len(percents) == 4 and low < percents.mean() < high and 0.2 < percents.std(ddof=1) < 3
    if raw:
        assert largest_errors(errors, "P_raw")[1].mean() == pytest.approx(raw, abs=1.2)
    lines = error_report(runs)
    assert "(4 members)" in lines[0] and f"E_ex {percents.mean():.4g} +- " in lines[0]


def test_the_lossy_grids_run_too(tmp_path):
    """They lose exchange energy, which is why an odd N is the default."""
    energies = []
    for options in ({"N": 1126, "keep_nyquist": 1}, {"N": 1126}):
        problem = load(GRATING, stop_time=0.2, output_interval=0.1, **options)
        found = stored(problem.run(out=tmp_path, quiet=True).folder)
        energies.append(found["E_exchange"][-1].item())
    assert 0.001 < abs(energies[1] / energies[0] - 1) < 0.1


def test_even_number_of_atoms_without_its_wave_is_refused():
    with pytest.raises(InputError, match="take N=1129, or keep_nyquist=1"):
        load(GRATING, N=1128, kernel="atomistic")


@pytest.mark.parametrize(
    "options, parts",
    [
        ({"L_x": "400*nm"}, ["1126.76 cells", "N=1126", "N=1127 (L_x = 400.085 nm)"]),
        ({"alpha": -0.1}, ["damping", "negative"]),
        ({"material": "CoFeNy"}, ["no material", "did you mean 'CoFeNi'"]),
        ({"cell": "0.2*nm"}, ["finer than the lattice", "a = 0.355", "beyond='flat'"]),
        ({"cell": "0.5*nm", "kernel": "atomistic"}, ["one cell per site"]),
        ({"kernel": "k2"}, ["lattice, micromagnetic or atomistic"]),
        ({"pulses": 0}, ["pulses"]),
    ],
)
def test_bad_parameters_are_refused(options, parts):
    with pytest.raises(InputError) as error:
        load(GRATING, **options)
    for part in parts:
        assert part in str(error.value), str(error.value)
