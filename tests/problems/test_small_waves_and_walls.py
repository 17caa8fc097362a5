"""Plasma oscillations, Bogoliubov's branches at three levels, domain walls, a gas that flows."""

import numpy as np
import pytest

from spinhydro.analysis import load as load_run
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

PROBLEMS = ROOT / "problems"


def met(result):
    return {name: found["value"] for name, found in result.expect.items() if not found["met"]}


@pytest.mark.parametrize("s_x", [-1, 1])
@pytest.mark.parametrize("level", ["gpe", "hydrodynamics", "lle"])
def test_bogoliubov_branches_and_growth(level, s_x, tmp_path):
    """About s_x = +1 the waves grow by a factor; a rate that is wrong by 1e-4 would show."""
    stop_time = 0.2 if level == "hydrodynamics" else 2
    problem = load(PROBLEMS / "bogoliubov.py", level=level, s_x=s_x, stop_time=stop_time)
    assert (problem["growth_rate"] > 0) == (s_x == 1)
    result = problem.run(out=tmp_path, quiet=True)
    assert not met(result)
    assert len(result.expect) == (1 if level == "lle" else 2)
    if s_x == 1 and level != "hydrodynamics":
        longest = np.abs(np.fft.rfft(load_run(result.folder).Z, axis=1)[:, 1])
        assert longest[-1] > 2 * longest[0]


def test_plasma_frequency_against_position(tmp_path):
    """Fitted to Z(t) at three places of a run without torque: 237 Hz at the centre."""
    result = load(PROBLEMS / "plasma_oscillation.py", torque=0, Nx=256).run(
        out=tmp_path, quiet=True
    )
    assert not met(result)
    run = load_run(result.folder)
    Omega_R, kappa_n0 = (run.attrs[name] for name in ("Omega_R", "kappa_n0"))
    t, trial = run.t.values, np.linspace(0.99, 1.01, 201)
    for x in (0, 90, 180):
        here = run.sel(x=x, method="nearest")
        formula = np.sqrt(Omega_R * (Omega_R + kappa_n0 * float(here.n[0])))
        misfit = [np.sum((here.Z.values / 1e-3 - np.cos(f * formula * t)) ** 2) for f in trial]
        assert trial[np.argmin(misfit)] == pytest.approx(1, abs=2e-4)
        if x == 0:
            assert formula / (2 * np.pi) == pytest.approx(0.237, abs=1e-3)


def test_plasma_oscillation_about_the_other_state(tmp_path):
    """omega^2 = Omega_R (Omega_R - kappa n) about s_x = +1: stable for a strong coupling only."""
    path = PROBLEMS / "plasma_oscillation.py"
    strong = load(path, ground=1, Omega_R="2*pi*500*Hz", torque=0, Nx=128, stop_time=5)
    assert not strong.advice
    assert not met(strong.run(out=tmp_path, quiet=True))
    weak = load(path, ground=1, torque=0, Nx=128, stop_time=4)
    assert "unstable" in weak.advice[0]
    Z = load_run(weak.run(out=tmp_path, quiet=True).folder).Z
    assert float(np.abs(Z[-1]).max()) > 5e-3


@pytest.mark.parametrize(
    "options",
    [
        {"kappa_n0": 0, "stop_time": 0.5},
        {"velocity": -2.0, "stop_time": 0.5},
        {"kind": "lattice", "stop_time": 0.2},
        {"kind": "lattice", "kappa_n0": "-2*pi*200*Hz", "modulus": 0.99, "stop_time": 0.5},
    ],
    ids=str,
)
def test_walls_and_lattices_keep_their_form(options, tmp_path):
    problem = load(PROBLEMS / "gas_domain_walls.py", **options)
    assert not met(problem.run(out=tmp_path, quiet=True))


def test_easy_axis_wall_is_the_limit_of_the_lattice():
    problem = load(
        PROBLEMS / "gas_domain_walls.py", kind="lattice", kappa_n0=-2.0, modulus=1 - 1e-10, turns=1,
        Nx=256,
    )  # fmt: skip
    x = problem["X"]["g"]
    near = np.abs(x) < 4 * problem["ell"]
    wall = np.tanh(x / problem["ell"])
    np.testing.assert_allclose(problem["s"]["g"][2][near], wall[near], atol=1e-6)


def test_profile_of_the_flow_carries_the_spins(tmp_path):
    """ds/dt = -v ds/dx with v = c/(1 + a cos kx): Z is a function of travel time minus t."""
    problem = load(
        PROBLEMS / "quantum_torque.py", torque=0, Omega_R=0, Nx=128, L_x=480, stop_time=20,
        timestep=0.05,
    )  # fmt: skip
    x, k, c, a = problem["x"], 2 * np.pi / 480, 3.0, 0.3
    problem["v"]["g"] = c / (1 + a * np.cos(k * x))
    problem["n"]["g"] = 0
    problem["q"]["g"] = 0

    def angle(t):
        return k * (x + a / k * np.sin(k * x) - c * t)

    problem["s"]["g"] = np.stack([np.cos(angle(0)), 0 * x, np.sin(angle(0))])
    result = problem.run(out=tmp_path, quiet=True)
    run = load_run(result.folder)
    np.testing.assert_allclose(run.Z[-1], np.sin(angle(20.0)), atol=1e-7)
    assert np.abs(np.sin(angle(20.0)) - np.sin(angle(0))).max() > 0.5


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bogoliubov", {"level": "gp"}, "gpe, hydrodynamics or lle"),
        ("bogoliubov", {"g12_over_g": 1.2}, "immiscible"),
        ("plasma_oscillation", {"Omega_R": -1}, "cannot be negative"),
        ("gas_domain_walls", {"kind": "lattice", "modulus": 1}, "between 0 and 1"),
    ],
    ids=str,
)
def test_parameters_that_cannot_work(name, options, message):
    with pytest.raises(InputError, match=message):
        load(PROBLEMS / f"{name}.py", **options)
