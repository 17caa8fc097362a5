"""Limits in which a model stays right: equal interactions, no coupling, few spins, lists."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.errors import ParameterError
from spinhydro.problem.load import load

from ..conftest import ROOT

PROBLEMS = ROOT / "problems"


def run(name, tmp_path, **values):
    result = load(PROBLEMS / f"{name}.py", quick=True, **values).run(out=tmp_path, quiet=True)
    missed = {name: found for name, found in result.expect.items() if not found["met"]}
    assert not missed
    return read(result.folder)


@pytest.mark.parametrize("equal", [{"g12_over_g": 1}, {"kappa_n0": 0}], ids=str)
@pytest.mark.parametrize(
    "name, values",
    [
        ("quantum_torque", {"stop_time": 2}),
        ("coupled_gpe", {"Nx": 512, "stop_time": 2}),
        ("spinor_hydrodynamics", {"stop_time": 2}),
    ],
)
def test_spins_with_equal_interactions_rotate_together(name, values, equal, tmp_path):
    """The energy does not depend on the spin then: Z = -cos(Omega_R t), and n rests."""
    found = run(name, tmp_path, **values, **equal)
    inside = abs(found.x) < 150
    expected = -np.cos(found.attrs["Omega_R"] * found.t)
    assert float(abs(found.Z - expected).where(inside).max()) < 1e-6
    assert float(abs(found.n - found.n.isel(t=0)).max()) < 1e-4  # 0.9 um: a coarse grid


@pytest.mark.parametrize(
    "name", ["quantum_torque", "coupled_gpe", "bogoliubov", "plasma_oscillation", "tight_tube"]
)
def test_without_rabi_coupling(name, tmp_path):
    small = {"stop_time": 0.5} if name not in ("tight_tube",) else {}
    run(name, tmp_path, Omega_R=0, **small)


def test_members_with_and_without_interaction(tmp_path):
    found = run("quantum_torque", tmp_path, kappa_n0=[0, 2.2], stop_time=1)
    alone = run("quantum_torque", tmp_path, kappa_n0=2.2, stop_time=1)
    np.testing.assert_allclose(found.Z.sel(member=1), alone.Z, atol=1e-10)
    np.testing.assert_allclose(
        found.Z.sel(member=0)[-1], -np.cos(found.attrs["Omega_R"]), atol=1e-8
    )


@pytest.mark.parametrize(
    "name, values",
    [
        ("skyrmion", {"D": "[0, 3e-3]*J/metre**2"}),
        ("transient_grating", {"temperature": [0, 50], "N": 57}),
        ("transient_grating", {"temperature": 20, "seed": [0, 3], "N": 57}),
        ("thermal_chain", {"temperature": [0, 300], "members": 2}),
        ("laser_grating", {"T_0": [0, 50], "seed": [1, 2]}),
    ],
    ids=str,
)
def test_lists_of_stochastic_files(name, values, tmp_path):
    short = {"stop_time": 0.02, "output_interval": 0.01}
    found = run(name, tmp_path, **{**short, **values} if name != "laser_grating" else values)
    assert found.sizes["member"] == 2


@pytest.mark.parametrize("size", [2, 3, 5, 6])
@pytest.mark.parametrize("make", ["kernel", "stencil"])
def test_bilayers_and_small_clusters(size, make):
    """A ring of few spins against classical Runge-Kutta over its neighbours."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    xbasis = spinhydro.RealFourierNyquist(coords["x"], size=size, bounds=(0, size))
    m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
    W = getattr(spinhydro, make)("chain", a=1.0, omega_J=1.0)
    problem = d3.IVP([m], namespace={"m": m, "W": W})
    problem.add_equation("dt(m) = cross(m, W(m))")
    S = np.random.default_rng(1).standard_normal((3, size))
    m["g"] = S = S / np.sqrt((S**2).sum(0))

    def rate(S):
        return np.cross(S, 2 * S - np.roll(S, 1, -1) - np.roll(S, -1, -1), axis=0)

    solver, h = problem.build_solver(spinhydro.RK4), 0.05
    for _ in range(10):
        solver.step(h)
        k1 = rate(S)
        k2 = rate(S + h / 2 * k1)
        k3 = rate(S + h / 2 * k2)
        S = S + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(S + h * k3))
    m.change_scales(1)
    np.testing.assert_allclose(m["g"], S, atol=1e-13)


@pytest.mark.parametrize(
    "name, values, unit",
    [
        ("skyrmion", {"D": "2.8e-3"}, "0.0028*J/metre**2"),
        ("transient_grating", {"Ms": 770e3}, "A/metre"),
        ("afm_resonance", {"H0": 2}, "tesla"),
        ("thermal_chain", {"B": "100"}, "tesla"),
    ],
)
def test_a_missing_unit_of_a_magnet_is_named(name, values, unit):
    with pytest.raises(ParameterError, match="has no unit") as error:
        load(PROBLEMS / f"{name}.py", **values)
    assert unit in str(error.value)


@pytest.mark.parametrize(
    "name, values, same",
    [
        ("skyrmion", {"D": "2.8*mJ/metre**2"}, {"D": "2.8e-3*J/metre**2"}),
        ("afm_resonance", {"H0": "200*mT"}, {"H0": "0.2*tesla"}),
        ("transient_grating", {"Hk": "1000*Oe"}, {"Hk": "1e6/(4*pi)*A/metre"}),
        ("damped_helix", {"lambda_ex": "7.1e-3*µm"}, {"lambda_ex": "7.1*nm"}),
    ],
)
def test_units_as_typed(name, values, same):
    (key,) = values
    one, other = (load(PROBLEMS / f"{name}.py", quick=True, **v)[key] for v in (values, same))
    assert one == pytest.approx(other, rel=1e-12)
