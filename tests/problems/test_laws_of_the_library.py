"""Numbers of the library's problems beside exact laws: growth rates, Thiele's equation."""

import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.analysis.domains import domains_at_onset
from spinhydro.analysis.figures import find
from spinhydro.analysis.statistics import hysteresis_loop
from spinhydro.problem.load import load

from ..conftest import ROOT


def run(name, tmp_path, **values):
    result = load(ROOT / "problems" / f"{name}.py", **values).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values()), result.expect
    return read(result.folder)


def test_faraday_waves_grow_with_the_rate_of_parametric_resonance(tmp_path):
    """Gamma = epsilon Omega_R kappa n/(4 omega_s), by the maxima of three e-foldings."""
    found = run("faraday_waves", tmp_path, Nx=64, stop_time=100)
    t, size = found.t.values, found["size"].values.ravel()
    top = (size[1:-1] >= size[:-2]) & (size[1:-1] >= size[2:]) & (t[1:-1] > 30)
    rate = np.polyfit(t[1:-1][top], np.log(size[1:-1][top]), 1)[0]
    assert rate == pytest.approx(found.attrs["Gamma"], rel=0.01)


def test_waves_of_a_spin1_quench_grow_with_bogoliubovs_rate(tmp_path):
    """The transverse spin of the wave nearest to e + q = |c2| n, from 40 to 70 ms."""
    found = run("spin1_quench", tmp_path, Nx=128, L_x=100, stop_time=70)
    t, a = found.t.values, found.attrs
    e = a["K"] * (2 * np.pi * np.arange(20) / a["L_x"]) ** 2
    growth = np.sqrt(np.maximum(-(e + a["q"]) * (e + a["q"] + 2 * a["c2"]), 0))
    wave = np.argmax(growth)
    modes = np.fft.fft(found.F.values.reshape(t.size, -1), axis=1)
    size = np.abs(modes[:, wave]) ** 2 + np.abs(modes[:, -wave]) ** 2
    late = t >= 40
    rate = np.polyfit(t[late], np.log(size[late]), 1)[0] / 2
    assert rate == pytest.approx(growth[wave], rel=0.01)


def test_skyrmions_obey_thieles_equation(tmp_path):
    """With the charge and the dissipation of the run itself, from 60 ps on."""
    found = run("skyrmion_motion", tmp_path, N=40, beta="[0.0, 0.3]", stop_time=80)
    t, a = found.t.values, found.attrs
    late = t >= 60
    for member, beta in enumerate((0.0, 0.3)):
        one = found.isel(member=member)
        v = [np.polyfit(t[late], one[name].values.ravel()[late], 1)[0] for name in ("x_c", "y_c")]
        G, D = 4 * np.pi * float(one.charge[-1]), float(one["D"].values.ravel()[late].mean())
        matrix = np.array([[a["alpha"] * D, -G], [G, a["alpha"] * D]])
        drive = np.array([[beta * D, -G], [G, beta * D]]) @ [a["u"], 0]
        np.testing.assert_allclose(v, np.linalg.solve(matrix, drive), atol=1e-4 * a["u"])


def test_domains_of_a_quench_scale_with_its_time(tmp_path):
    """Size as tau_Q^(1/3) and number as tau_Q^(-2/3), a mean field with nu = 1/2 and z = 1."""
    found = run("kibble_zurek", tmp_path, N=128, L=360, tau_Q=[8, 16, 32], stop_time=22)
    onset = domains_at_onset(found)
    exponents = {
        name: np.polyfit(np.log([8, 16, 32]), np.log(onset[name].values), 1)[0]
        for name in ("length", "number")
    }
    assert exponents["length"] == pytest.approx(1 / 3, abs=0.06)
    assert exponents["number"] == pytest.approx(-2 / 3, abs=0.25)


def test_walls_obey_walkers_law_and_turn_beyond_his_field(tmp_path):
    """Exact below; beyond, the mean over half turns of a wall of quasistatic width."""
    found = run("walker_breakdown", tmp_path, alpha=0.3, h="[0.5, 0.95, 2.0, 3.0]", N=256,
                L_x="500*nm", stop_time="200*ps")  # fmt: skip
    walker = find("walker").module
    difference = walker.velocities(found) / walker.law(found.h.values, found) - 1
    assert np.all(np.abs(difference) <= [1e-6, 1e-6, 0.01, 0.01]), difference


@pytest.mark.parametrize("k_max", [1.1, 0.6])
def test_modes_of_an_ideal_gas_are_occupied_as_the_temperature_says(k_max, tmp_path):
    """<|psi_k|^2> = T/(e_k - mu) up to k_max and 0 beyond, from an empty gas, by 64 members."""
    problem = load(
        ROOT / "problems" / "stochastic_gpe.py",
        members=64, gamma=0.5, Nx=33, stop_time=50, output_interval=1, k_max=k_max,
    )  # fmt: skip
    problem["psi"]["g"] = 0
    found = read(problem.run(out=tmp_path, quiet=True).folder)
    psi, a = found.psi.sel(t=slice(6, None)).values, found.attrs
    N, L = psi.shape[-1], a["L_x"]
    k = 2 * np.pi * np.fft.fftfreq(N, L / N)
    occupation = np.mean(np.abs(np.fft.fft(psi, axis=-1)) ** 2, axis=(0, 1)) * L / N**2
    inside = np.abs(k) <= k_max
    ratio = occupation[inside] * (a["K"] * k[inside] ** 2 - a["mu"]) / a["T"]
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert ratio.min() > 0.8 and ratio.max() < 1.2
    assert occupation[~inside].max(initial=0) < 1e-20


def test_curie_figure_reads_the_temperature_of_the_spins(tmp_path):
    """Long timesteps cool the spins under RK4: 2 to 6 % at 1 fs, as the accuracy warning says."""
    found = run(
        "sc_lattice", tmp_path, N=6, tau="np.repeat([1.0, 2.0, 3.0], 2)", alpha=1.0,
        timestepper="RK4", timestep="1*fs", stop_time="3*ps", output_interval="0.03*ps",
    )  # fmt: skip
    curie = find("curie").module
    ratio = curie.temperatures(found, 0.3) / found.tau.values
    for member, tau in enumerate(found.tau.values):
        expected = 1 - 0.7 * tau * 30 * 1e-3  # c D h with D = tau omega_J at alpha = 1
        assert ratio[member] == pytest.approx(expected, abs=0.02)
    distinct, U = curie.cumulants(found.tau.values, curie.mean_spins(found))
    assert U[0] == pytest.approx(2 / 3, abs=0.01) and U[2] < 0.55


def test_moments_of_a_heat_bath(tmp_path):
    """<|M|>, <M^2> and E of 6^3 spins against a heat-bath Monte Carlo of 60 000 sweeps.

    Errors of the Monte Carlo are below 0.001 for M and E; those of the run are the deviations of
    its four members. At 0.2 fs RK4 lowers the temperature by 0.3 % and 0.7 %.
    """
    found = run(
        "sc_lattice", tmp_path, N=6, tau="np.repeat([1.0, 2.0], 4)", timestep="0.2*fs",
        stop_time="3*ps", output_interval="0.05*ps",
    ).sel(t=slice(1, None))  # fmt: skip
    length = np.linalg.norm(found.M.transpose("t", "member", "spin").values, axis=-1)
    moments = {"|M|": length, "M^2": length**2, "E": found.E.transpose("t", "member").values}
    expected = {"|M|": (0.7204, 0.1499), "M^2": (0.5197, 0.0262), "E": (1.1398, 2.4333)}
    for name, values in moments.items():
        means = values.mean(axis=0).reshape(2, 4)
        errors = means.std(axis=1, ddof=1) / np.sqrt(4)
        for mean, error, right in zip(means.mean(axis=1), errors, expected[name], strict=True):
            assert abs(mean - right) < 4 * error, name
            # A wrong temperature is seen: the errors are small enough.
            assert error < 0.02 * right or name != "E", name


def test_hysteresis_of_a_ferromagnetic_gas(tmp_path):
    """Z at delta = 0 below and above the critical point, and switching beyond the spinodal."""
    found = run(
        "ferromagnetic_gas", tmp_path, ratio=[0.5, 1.3], stop_time=200, Nx=8, output_interval=1
    )
    delta, M = (found[name].transpose("t", "member").values for name in ("delta", "M"))
    np.testing.assert_allclose(M[-1], [-np.sqrt(0.75), 0], atol=0.01)
    rate = 10 * found.attrs["delta_max"] / 200 / 2
    end = abs(found.attrs["kappa_n0"]) * (1 - 0.5 ** (2 / 3)) ** 1.5
    up, down = hysteresis_loop(delta[:, 0], M[:, 0]).coercive
    assert end < up < end + 6 * rate and up == pytest.approx(-down, rel=1e-3)
    assert np.ptp(hysteresis_loop(delta[:, 1], M[:, 1]).coercive) < 0.05


def test_a_false_vacuum_decays_near_the_spinodal_only(tmp_path):
    """delta_c = 2 pi x 523 Hz: soon after the ramp Z is reversed above it, and stays below it."""
    found = run(
        "false_vacuum", tmp_path, delta_end="2*pi*[490, 545]*Hz", members=2, L_x=30, Nx=96,
        ramp_time=8, stop_time=13,
    )  # fmt: skip
    assert found.attrs["delta_c"] == pytest.approx(2 * np.pi * 0.5238, rel=1e-3)
    last = found.Z_mean.isel(t=-1).values.real.ravel()
    assert last[0] > 0.7 and last[1] < 0


def test_flower_and_vortex_of_a_cube_have_equal_energies_at_the_published_edge(tmp_path):
    """muMAG standard problem 3: 8.47 exchange lengths, extrapolated from two grids."""
    runs = [
        run("mumag3", tmp_path, L="[8.3, 8.6]", state=state, N=N)
        for N in (6, 9) for state in ("flower", "vortex")
    ]  # fmt: skip
    single_domain = find("single_domain").module
    found = single_domain.crossings(runs)
    assert single_domain.extrapolated(found) == pytest.approx(8.47, rel=0.01), found
    assert float(runs[2].m_mean.isel(t=-1, member=0).values.ravel()[2]) > 0.96


def test_spin_of_an_ideal_coupled_gas_at_a_temperature(tmp_path):
    """Sum over k of T/(e_k + Omega_R/2 - mu) - T/(e_k - Omega_R/2 - mu), by 48 members."""
    found = run(
        "thermal_coupled_gas", tmp_path, T=4, g_n0=0, kappa_n0=0, mu=-2, gamma=0.5, members=48,
        Nx=31, stop_time=14, output_interval=1,
    )  # fmt: skip
    a = found.attrs
    e = a["K"] * (2 * np.pi * np.arange(-15, 16) / a["L_x"]) ** 2 - a["mu"]
    modes = [a["T"] / (e + sign * a["Omega_R"] / 2) / a["L_x"] / a["n_0"] for sign in (1, -1)]
    late = found.isel(t=slice(5, None))
    assert float(late.n.mean()) == pytest.approx(modes[0].sum() + modes[1].sum(), rel=0.03)
    assert float(late.s_x.mean()) == pytest.approx(modes[0].sum() - modes[1].sum(), rel=0.15)


def test_current_moves_a_vortex_as_in_other_codes(tmp_path):
    """muMAG standard problem 5 after 1 ns, mumax3's test value; here with cells of 5 nm."""
    found = run("mumag5", tmp_path, N=20, stop_time="1*ns")
    mean = found.m_mean.isel(t=-1).values.ravel()
    np.testing.assert_allclose(mean, [-0.2348, -0.0945, 0.0230], atol=0.02)


def test_kagome_has_a_flat_band(tmp_path):
    """The hexagon's frequency, and 6 omega_J at every k from the sums over neighbours."""
    found = run("kagome", tmp_path, theta=1.0, stop_time="0.5*ps")
    assert find("kagome").module.frequency(found) == pytest.approx(
        1 + 10 * (2 + 4 * np.cos(1.0)), rel=1e-5
    )
    problem = load(ROOT / "problems" / "kagome.py")
    k = np.random.default_rng(4).uniform(-6, 6, (2, 20))
    hopping = np.zeros((20, 3, 3), dtype=complex)
    for i, j in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)):
        hopping[:, i, j] = problem["W_" + "ABC"[i] + "ABC"[j]](*k)
    bands = 4 - np.linalg.eigvalsh(hopping)[:, ::-1]
    cosines = sum(np.cos(problem["a"] * q / 2) ** 2 for q in (*k, k[1] - k[0]))
    root = np.sqrt(4 * cosines - 3)
    np.testing.assert_allclose(bands.T, [3 - root, 3 + root, 6 + 0 * root], atol=1e-12)


def test_helicity_of_a_pulse_chooses_the_direction(tmp_path):
    """<m_z> at the strongest field by the Fokker-Planck equation, for both helicities."""
    means = [
        float(run("helicity_switching", tmp_path, helicity=helicity, stop_time="36*ps",
                  output_interval="36*ps").mz_mean.isel(t=-1))
        for helicity in (1, -1)
    ]  # fmt: skip
    assert means[0] == pytest.approx(0.76, abs=0.05)
    assert means[1] == pytest.approx(-means[0], abs=0.05)
