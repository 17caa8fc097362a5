"""Gradients against differences of whole runs of the fused engine, and Taylor tests."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.analysis import load as load_run
from spinhydro.cli.main import call
from spinhydro.derivatives.checkpoints import StepBytes, block_sizes, bytes_kept
from spinhydro.errors import InputError, ParameterError

TORQUE = {"Nx": 64, "stop_time": "0.2*ms"}


def value_of_run(tmp_path, path, measure, **values):
    """A number of the last output of a run of the fused engine."""
    problem = load(path, **values)
    problem.namespace["output_interval"] = problem.declared("stop_time")
    run = problem.run(out=tmp_path, engine="fused", quiet=True)
    return measure(load_run(run.folder).isel(t=-1))


def difference_of_runs(tmp_path, path, name, at, step, measure, **values):
    ends = [
        value_of_run(tmp_path, path, measure, **values, **{name: at + sign * step})
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * step)


def test_parameters_against_differences_of_whole_runs(tmp_path):
    """Also one that is 1 in the file, and a length that moves every wavenumber."""
    timestep = 0.01
    problem = load("problems/quantum_torque.py", **TORQUE, timestep=timestep)
    names = ["Omega_R", "torque", "L_x"]
    found = problem.gradient(of="ave(n*Z**2)", wrt=names)
    assert found.taylor.passed
    assert abs(found.taylor.slope - 2) <= 0.02
    for name in names:
        at = float(problem.parameters[name])
        wanted = difference_of_runs(
            tmp_path, "problems/quantum_torque.py", name, at, 1e-4 * at,
            lambda ds: float((ds.n * ds.Z**2).mean()), **TORQUE, timestep=timestep,
        )  # fmt: skip
        scale = max(abs(wanted), 1e-3 * found.value / at)
        assert abs(found.gradient[name] - wanted) <= 1e-5 * scale


def test_complex_state_and_numbers_that_are_0_and_1(tmp_path):
    values = {"Nx": 256, "stop_time": "0.1*ms", "timestep": 0.0025}
    problem = load("problems/coupled_gpe.py", **values)
    found = problem.gradient(of="ave(n*Z)", wrt=["detuning", "g_aa_over_g", "Omega_R"])
    assert found.taylor.passed
    for name, at in (("detuning", 0.0), ("g_aa_over_g", 1.0)):
        wanted = difference_of_runs(
            tmp_path, "problems/coupled_gpe.py", name, at, 1e-3,
            lambda ds: float((ds.n * ds.Z).mean()), **values,
        )  # fmt: skip
        assert np.isclose(found.gradient[name], wanted, rtol=1e-5, atol=1e-9)


def test_fields_profiles_and_kernels():
    problem = load("problems/quantum_torque.py", **TORQUE)
    found = problem.gradient(of="ave(n*Z**2)", wrt=["s", "n", "q"])
    assert found.gradient["s"].shape == (3, 64)
    assert abs(found.taylor.slope - 2) <= 0.05
    problem = load("problems/pslle_dispersion.py", N=33, stop_time="0.1*ps")
    found = problem.gradient(of="ave((m@ex)**2)", wrt=["W", "defect", "alpha"])
    assert found.taylor.passed
    assert {len(a) for a in found.gradient["W"].values()} == {17}


def test_one_sided_at_the_edge_of_a_condition():
    """Omega_R >= 0, and from s_z = -1 a Rabi coupling increases s_y."""
    problem = load("problems/quantum_torque.py", **TORQUE, Omega_R=0)
    found = problem.gradient(of="ave(s@ey)", wrt="Omega_R")
    assert found.taylor.passed
    assert found.gradient["Omega_R"] > 0.01


def test_integral_and_noise_of_a_seed():
    problem = load("problems/thermal_chain.py", quick=True, stop_time="0.01*ps")
    found = problem.gradient(of="ave(m@ez)", wrt="temperature", integrated=True)
    assert found.taylor.passed


def test_memory_limit_makes_blocks():
    problem = load("problems/quantum_torque.py", Nx=64, stop_time="1*ms")
    free = problem.gradient(of="ave(Z)", wrt="Omega_R")
    tight = problem.gradient(of="ave(Z)", wrt="Omega_R", memory=free.kept_bytes / 4)
    assert not free.blocks
    assert tight.blocks
    assert tight.kept_bytes <= free.kept_bytes / 4
    assert np.isclose(free.gradient["Omega_R"], tight.gradient["Omega_R"], rtol=1e-10)


def test_blocks_keep_what_is_promised():
    sizes_of = StepBytes(state=8000, transforms=40000, whole=80000)
    for steps in (10, 1000, 123457):
        for limit in (1e6, 1e7, 1e9):
            try:
                blocks = block_sizes(steps, sizes_of, limit)
            except InputError:
                continue
            assert bytes_kept(steps, blocks, sizes_of) <= limit
    with pytest.raises(InputError, match="--memory"):
        block_sizes(10**6, StepBytes(8 * 10**6, 4 * 10**7, 8 * 10**7), 1e7)


@pytest.mark.parametrize(
    ("of", "wrt", "message"),
    [
        ("Z", "Omega_R", r"ave\(Z\)"),
        ("s", "Omega_R", "vector"),
        ("ave(Zz)", "Omega_R", "Zz"),
        ("ave(Z)", "Omega_r", "Omega_R"),
        ("ave(Z)", "density", "not a number"),
        ("ave(Z)", "Nx", "whole number"),
        ("ave(Z)", "timestep", "no derivative"),
    ],
)
def test_what_cannot_be_is_one_line(of, wrt, message):
    with pytest.raises((InputError, ParameterError), match=message):
        load("problems/quantum_torque.py", **TORQUE).gradient(of=of, wrt=wrt)


def test_command(capsys):
    arguments = ["gradient", "problems/josephson.py", "Nx=32", "stop_time=0.2*ms"]
    assert call([*arguments, "--of", "ave(Z)", "--with", "Omega_R"]) == 0
    printed = capsys.readouterr().out
    assert "d/d Omega_R = " in printed
    assert "passed" in printed


def test_command_ends_with_1_if_the_taylor_test_fails(monkeypatch, capsys):
    passed = property(lambda test: False)
    monkeypatch.setattr("spinhydro.derivatives.taylor.TaylorTest.passed", passed)
    arguments = ["gradient", "problems/josephson.py", "Nx=32", "stop_time=0.2*ms"]
    assert call([*arguments, "--of", "ave(Z)", "--with", "Omega_R"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_noise_that_vanishes_at_the_start_has_a_derivative():
    """Its amplitude sqrt(T_e) has an infinite slope at T_e = 0, where the chain begins."""
    problem = load("problems/laser_grating.py", quick=True, t_0="4e-3*ps", tau="4e-3*ps")
    found = problem.gradient(of="ave(m@ex)", wrt=["P_0", "G_ep"], time=8e-3)
    assert found.taylor.passed
    assert found.gradient["P_0"] != 0


def test_long_table_of_the_time_has_a_derivative():
    """The temperature of the electrons, 601 values from an equation that the file solves."""
    problem = load("problems/helicity_switching.py", N=64, t_0="0.02*ps", tau="0.05*ps")
    found = problem.gradient(of="ave((m@ex)**2)", wrt=["P_0", "tau"], time=0.04)
    assert found.taylor.passed
    assert abs(found.taylor.slope - 2) <= 0.02
    assert found.gradient["P_0"] > 0
