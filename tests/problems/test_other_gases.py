"""Gases beyond the papers: conservation laws for other atoms, traps and couplings."""

import numpy as np
import pytest

from spinhydro.analysis import load as load_run
from spinhydro.problem.load import load

from ..conftest import ROOT

PROBLEMS = ROOT / "problems"


def anything(seed):
    """Atom, trap and couplings drawn at random."""
    rng = np.random.default_rng(seed)
    R_x = rng.uniform(40, 90)
    kappa_n0 = rng.uniform(1, 2.5)
    return {
        "atom": str(rng.choice(["Li7", "K39", "K41", "Cs133"])),
        "R_x": R_x,
        "L_x": R_x * rng.uniform(2.2, 2.6),
        "kappa_n0": kappa_n0,
        "Omega_R": kappa_n0 * rng.uniform(0.1, 0.45),
        "g12_over_g": rng.uniform(0.5, 0.95),
    }


RUBIDIUM = {
    "atom": "Rb87", "Omega_R": "2*pi*40*Hz", "kappa_n0": "2*pi*150*Hz", "g12_over_g": 0.9,
    "R_x": "60*um", "L_x": "150*um",
}  # fmt: skip


@pytest.mark.parametrize("gas", [RUBIDIUM, anything(1), anything(2)], ids=["Rb87", "1", "2"])
@pytest.mark.parametrize("name", ["quantum_torque", "coupled_gpe", "spinor_hydrodynamics"])
def test_expectations_hold(name, gas, tmp_path):
    problem = load(PROBLEMS / f"{name}.py", Nx=512, stop_time=1, **gas)
    result = problem.run(out=tmp_path, quiet=True)
    missed = {name: found for name, found in result.expect.items() if not found["met"]}
    assert not missed
    Z = load_run(result.folder).Z
    assert float(Z[-1].max()) > -0.995  # the spins have left the pole


def test_centre_of_a_displaced_gas_oscillates_with_the_trap(tmp_path):
    """Kohn's theorem: X'' = -omega_x^2 X."""
    problem = load(PROBLEMS / "coupled_gpe.py", Nx=384, R_x=20, L_x=60, stop_time=4)
    moved = 6
    problem["psi_b"]["g"] = np.roll(problem["psi_b"]["g"], moved)
    run = load_run(problem.run(out=tmp_path, quiet=True).folder)
    centre = (run.x * run.n).sum("x") / run.n.sum("x")
    omega_x = np.sqrt(2 * problem["hbar_over_m"] * problem["mu"]) / problem["R_x"]
    expected = moved * 60 / 384 * np.cos(omega_x * run.t)
    np.testing.assert_allclose(centre, expected, atol=1e-5)
    assert float(run.Z.sel(x=0, method="nearest").max()) > -0.95


def test_fixed_points_of_the_local_spin_stay(tmp_path):
    """s_x = Omega_R/(kappa n) where that is below 1: the spin is along its field."""
    problem = load(PROBLEMS / "josephson.py", Nx=64, stop_time=5, watch=[], expect={})
    problem["n"]["g"] = 0.8
    s_x = problem["Omega_R"] / (0.8 * problem["kappa_n0"])
    problem["s"]["g"][0], problem["s"]["g"][2] = s_x, np.sqrt(1 - s_x**2)
    run = load_run(problem.run(out=tmp_path, quiet=True).folder)
    np.testing.assert_allclose(run.s[-1], run.s[0], atol=1e-12)
