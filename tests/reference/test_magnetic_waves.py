"""Waves of magnets against closed formulas: instability, sublattices, films, walls."""

import numpy as np
import pytest
from scipy import constants

from spinhydro.analysis import load as read
from spinhydro.analysis.growth import cut_off, ensembles, growth_rates, largest_growth
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT, stored

PROBLEMS = ROOT / "problems"


def outputs(result, *names):
    found = stored(result.folder)
    return [found[name] for name in ("t", *names)]


def test_growth_rates_of_every_unstable_wave(tmp_path):
    """Four n_bar in one run: rates of single waves to 1e-5, cut-offs to 1e-6 (they are known to 6
    digits); the table of the largest rates and cut-offs for paper B's material."""
    n_bar = [0.0, 0.25, 0.5, 0.75]
    problem = load(
        PROBLEMS / "modulational_instability.py", n_bar=np.repeat(n_bar, 3).tolist(), members=12,
        N=288, cell=1.42, stop_time=30,
    )  # fmt: skip
    ds = read(problem.run(out=tmp_path, quiet=True).folder)
    k = 2 * np.pi * np.arange(1, 144) / (288 * 1.42)
    omega_M, omega_K = 1.76e-1 * constants.mu_0 * 770e3, 1.76e-1 * constants.mu_0 * 1550e3
    omega = 2 * omega_M * (7.3 / 0.355) ** 2 * (1 - np.cos(0.355 * k))
    largest = [171.405, 160.692, 128.554, 74.990]
    ends = [0.194394, 0.188219, 0.168342, 0.128565]
    for part, n, top, end in zip(ensembles(ds), n_bar, largest, ends, strict=True):
        rates = growth_rates(part)
        assert rates.attrs["members"] == 3
        squared = omega * ((1 - n**2) * omega_K - omega)
        unstable = np.flatnonzero(squared > 0)
        np.testing.assert_allclose(rates.growth[unstable], np.sqrt(squared[unstable]), rtol=1e-5)
        assert largest_growth(rates)[1] * 1e3 == pytest.approx(top, abs=1e-3)
        assert cut_off(rates) == pytest.approx(end, abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [{}, {"wave": 3, "moment_ratio": 0.6, "branch": -1}, {"wave": 0, "H0": "2*tesla", "branch": -1},
     {"wave": 7, "anisotropy_ratio": 0.3, "moment_ratio": 1.8}],
)  # fmt: skip
def test_two_sublattices_precess_at_the_frequency_of_the_formula(options, tmp_path):
    """Frequency from the phase of a wave after a picosecond, relative 1e-8."""
    problem = load(PROBLEMS / "afm_resonance.py", stop_time=1, timestep=5e-4, **options)
    t, m = outputs(problem.run(out=tmp_path, quiet=True), "m")
    E, K = 1.76e11 * 1e-12 * 52.6, 1.76e11 * 1e-12 * 0.82
    H = 1.76e11 * 1e-12 * (2 if "H0" in options else 0)
    A, B = E + K + H, E / options.get("moment_ratio", 1)
    cosine = np.cos(2 * np.pi * options.get("wave", 1) / (2 * 32))
    coupled = 4 * E * B * cosine**2
    B += options.get("anisotropy_ratio", 1) * K - H
    Omega = ((A - B) + options.get("branch", 1) * np.sqrt((A + B) ** 2 - coupled)) / 2
    plus = np.fft.fft(m[:, 0] + 1j * m[:, 1], axis=-1)[:, options.get("wave", 1)]
    turned = np.unwrap(np.angle(plus))
    found = (turned[-1] - turned[0]) / (t[-1] - t[0])
    assert found == pytest.approx(Omega, rel=1e-8)


def test_resonance_of_manganese_fluoride():
    problem = load(PROBLEMS / "afm_resonance.py", wave=0)
    assert problem["Omega"] / (2 * np.pi) == pytest.approx(0.261, abs=5e-4)


@pytest.mark.parametrize("waves", ["[1, 0]", "[0, 1]", "[2, 3]"])
def test_film_waves_obey_the_thin_film_formula(waves, tmp_path):
    """Half a period after half a period: m_x changes its sign, to 1e-6 of the wave."""
    half = np.pi / load(PROBLEMS / "film_spin_waves.py", quick=True, waves=waves)["Omega"]
    problem = load(
        PROBLEMS / "film_spin_waves.py", quick=True, waves=waves, stop_time=half,
        timestep=half / 400,
    )  # fmt: skip
    _, m = outputs(problem.run(out=tmp_path, quiet=True), "m")
    np.testing.assert_allclose(m[-1, 0], -m[0, 0], atol=1e-6 * 1e-7)
    assert np.abs(m[0, 0]).max() > 0.9e-7


def test_driven_wall_has_the_velocity_of_the_exact_solution(tmp_path):
    """4.482948 m/s at 50 mT and alpha = 0.1, from the growth of the domain."""
    problem = load(PROBLEMS / "domain_wall.py", stop_time=10)
    t, mean = outputs(problem.run(out=tmp_path, quiet=True), "mz_mean")
    mean = mean.reshape(len(t))
    # Two walls, and m_z from -1 to 1.
    speed = (mean[-1] - mean[0]) / 4 * problem["L_x"] / (t[-1] - t[0])
    assert speed * 1e3 == pytest.approx(4.482948, rel=1e-5)


@pytest.mark.parametrize("kernel, exchange, anisotropy", [("lattice", 1 / 24, -1 / 8),
                                                          ("micromagnetic", 0, 0)])  # fmt: skip
def test_energies_of_a_wall_at_rest(kernel, exchange, anisotropy, tmp_path):
    """stiffness/Delta each in the continuum, with corrections (a/Delta)^2 on the lattice."""
    problem = load(PROBLEMS / "domain_wall.py", kernel=kernel, field=0, alpha=1, stop_time=40)
    result = problem.run(out=tmp_path, quiet=True)
    _, *energies = outputs(result, "E_exchange", "E_anisotropy")
    Delta = 7.3 / np.sqrt(1550 / 770)
    continuum = 2 * 0.176 * constants.mu_0 * 770e3 * 7.3**2 / Delta  # two walls
    squared = (0.355 / Delta) ** 2
    for energy, correction in zip(energies, (exchange, anisotropy), strict=True):
        found = energy[-1].item() / continuum - 1
        assert found == pytest.approx(correction * squared, abs=squared**2 / 10 + 1e-9)


@pytest.mark.parametrize(
    "name, options, parts",
    [
        ("modulational_instability", {"n_bar": 1}, ["n_bar", "nothing grows"]),
        ("modulational_instability", {"Hk": "-1550e3*A/metre"}, ["easy plane"]),
        ("afm_resonance", {"H0": "12*tesla"}, ["spin flop"]),
        ("film_spin_waves", {"thickness": 0}, ["thickness", "positive"]),
        ("skyrmion", {"D": "0.02*J/metre**2"}, ["stripes"]),
        ("domain_wall", {"alpha": -0.1}, ["damping"]),
        ("moving_soliton", {"Omega": 0.99, "V": 1}, ["V^2/4 < 1"]),
        ("lattice_magnon", {"lattice": "hcp"}, ["chain, square, triangular, sc, bcc or fcc"]),
        ("damped_helix", {"material": "permaloy"}, ["did you mean 'permalloy'"]),
        ("pslle_dispersion", {"L_x": "400*nm"}, ["1126.76 cells", "N=1127"]),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(name, options, parts):
    with pytest.raises(InputError) as error:
        load(PROBLEMS / f"{name}.py", **options)
    for part in parts:
        assert part in str(error.value), str(error.value)
