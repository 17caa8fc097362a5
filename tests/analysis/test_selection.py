"""One member, one cut, other names: the input of figures and numbers."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import PARAMETERS, cloud, josephson_spins

from spinhydro.analysis import interface_position
from spinhydro.analysis.arguments import split, value
from spinhydro.analysis.selection import selected
from spinhydro.errors import InputError

X, N = cloud(128)
T = 0.25 * np.arange(40)
SPINS = josephson_spins(T, N)


def line(**extra):
    return xr.Dataset(
        {
            "Z": (("t", "x"), SPINS[:, 2]),
            "n": (("t", "x"), np.tile(N, (T.size, 1))),
            "s": (("t", "spin", "x"), SPINS),
        },
        coords={"t": T, "x": X, "spin": ["x", "y", "z"]},
        attrs={**PARAMETERS, **extra},
    )


def test_nothing_to_choose():
    ds = selected(line())
    assert ds.attrs["selection"] == ""
    xr.testing.assert_identical(ds.drop_attrs(), line().drop_attrs())
    with pytest.raises(InputError, match="has no members"):
        selected(line(), member=0)
    with pytest.raises(InputError, match="runs along x only"):
        selected(line(), cut={"y": 0})


def test_member_and_mean():
    runs = xr.concat([line(), 3 * line(), 5 * line()], dim="member")
    runs = runs.transpose("t", "member", ...).assign_coords(Omega_R=("member", [0.7, 0.8, 0.9]))
    first, last = selected(runs), selected(runs, member=2)
    assert first.attrs["selection"] == "member 0 of 3" and first.attrs["Omega_R"] == 0.7
    assert last.attrs["Omega_R"] == 0.9 and last.Z.dims == ("t", "x")
    np.testing.assert_allclose(last.Z, 5 * SPINS[:, 2])
    mean = selected(runs, member="mean")
    np.testing.assert_allclose(mean.Z, 3 * SPINS[:, 2])
    assert mean.attrs["selection"] == "mean of 3 members"
    for wrong in (3, "some", 1.5):
        with pytest.raises(InputError, match="the run has 3; give 0 to 2, or mean"):
            selected(runs, member=wrong)


def test_cut_of_a_plane():
    plane = line().expand_dims(y=np.linspace(-2, 2, 5), axis=-1)
    plane = plane.transpose("t", "spin", "x", "y").copy(deep=True)
    plane["v"] = (("t", "component", "x", "y"), np.zeros((T.size, 2, X.size, 5)))
    plane.v[:, 0] = 0.5
    plane.Z[..., 4] = 0.25
    ds = selected(plane)
    assert ds.attrs["selection"] == "y = 0" and ds.Z.dims == ("t", "x")
    np.testing.assert_allclose(ds.v, 0.5)
    np.testing.assert_allclose(selected(plane, cut={"y": 1.9}).Z, 0.25)
    np.testing.assert_allclose(interface_position(ds, [1.0]), interface_position(line(), [1.0]))
    with pytest.raises(InputError, match="outside the grid, -2 to 2"):
        selected(plane, cut={"y": 3})
    with pytest.raises(InputError, match="no such axis; it has y"):
        selected(plane, cut={"z": 0})


def test_names_and_parameters_of_other_programs():
    plain = line().rename(Z="magnetization", n="rho").drop_vars("s").drop_attrs()
    ds = selected(
        plain, names={"Z": "magnetization", "n": "rho"}, parameters={"Omega_R": 0.741415866}
    )
    np.testing.assert_array_equal(interface_position(ds, [1.0]), interface_position(line(), [1.0]))
    with pytest.raises(InputError, match="did you mean 'magnetization'"):
        selected(plain, names={"Z": "magnetisation"})


def test_spin_and_flow_of_wave_functions():
    k = 2 * np.pi / 480
    amplitude = np.sqrt(0.6) * np.exp(3j * k * X), np.sqrt(0.4) * np.exp(-2j * k * X)
    ds = xr.Dataset(
        {
            name: (("t", "x"), np.tile(psi, (2, 1)))
            for name, psi in zip(("psi_a", "psi_b"), amplitude, strict=True)
        },
        coords={"t": [0.0, 1.0], "x": X},
        attrs={"hbar_over_m": 2.0},
    )
    found = selected(ds)
    np.testing.assert_allclose(found.n, 1)
    np.testing.assert_allclose(found.Z, 0.2)
    np.testing.assert_allclose(found.v, 2.0 * (0.6 * 3 - 0.4 * 2) * k)
    turn = 2 * np.sqrt(0.24)
    np.testing.assert_allclose(found.s.sel(spin="x")[0], turn * np.cos(5 * k * X), atol=1e-14)
    np.testing.assert_allclose(found.s.sel(spin="y")[0], -turn * np.sin(5 * k * X), atol=1e-14)


def test_words_on_the_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").mkdir()
    assert split(["runs/x/0001", "blur=1.5", "times=20,30", "output=n", "a=b"]) == (
        ["runs/x/0001", "a=b"],
        {"blur": 1.5, "times": (20, 30), "output": "n"},
    )
    assert value("mean") == "mean" and value("-2") == -2
