"""Two temperatures, the laser grating, and starting from the output of another run."""

import h5py
import numpy as np
import pytest

from spinhydro import analysis
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

FILE = ROOT / "problems" / "laser_grating.py"
WIRE = {"N": 31, "pulses": 1, "t_0": "0.05*ps", "tau": "0.02*ps", "timestep": "2e-3*ps"}


@pytest.mark.parametrize(
    ("shape", "pulse", "highest", "when"),
    [
        ("narrow", 1.5, 6229, 10.37),
        pytest.param("wide", 2.0, 6933, 10.48, marks=pytest.mark.slow),
    ],
)
def test_highest_temperature(shape, pulse, highest, when, tmp_path):
    """Independent codes: the maximum of T_e, with the pulse at 10 ps; here it comes sooner."""
    # sigma of a long box: only the middle matters.
    values = {"N": 9, "pulses": 1, "t_0": pulse, "pulse_shape": shape, "heat_bath": 0}
    result = load(
        FILE, sigma="100*a", stop_time=pulse + 0.6, timestep="2e-3*ps", output_interval="0.01*ps",
        **values,
    ).run(out=tmp_path, quiet=True)  # fmt: skip
    assert all(found["met"] for found in result.expect.values())
    T_e = analysis.load(result.folder).T_e.isel(x=4)
    assert float(T_e.max()) == pytest.approx(highest, rel=1e-3)
    assert float(T_e.t[np.argmax(T_e.values)]) + 10 - pulse == pytest.approx(when, abs=0.0101)


def test_pulse_is_a_grating(tmp_path):
    problem = load(FILE, N=120, pulses=4)
    g = problem["g"]["g"]
    x = problem["x"].ravel() / 0.355
    centres = (np.arange(4) + 0.5) * 30
    distance = np.abs(x[:, None] - centres).min(axis=1) * 0.355
    np.testing.assert_allclose(g, np.exp(-(distance**2) / (2 * 1.775**2)), atol=1e-12)


def run(tmp_path, **values):
    return load(
        FILE, **{**WIRE, "stop_time": "0.1*ps", "output_interval": "0.05*ps", **values}
    ).run(out=tmp_path, quiet=True)


def test_going_on_from_another_run(tmp_path):
    """Without noise, two halves equal the whole run."""
    whole = run(tmp_path, heat_bath=0, T_0=300)
    first = run(tmp_path, heat_bath=0, T_0=300, stop_time="0.05*ps")
    second = run(tmp_path, heat_bath=0, start=str(first.folder), stop_time="0.05*ps")
    from_the_middle = run(
        tmp_path, heat_bath=0, start=str(whole.folder), start_time=0.05, stop_time="0.05*ps"
    )
    expected = analysis.load(whole.folder).isel(t=-1)
    assert float(expected.T_e.max()) > 310
    for other in (second, from_the_middle):
        found = analysis.load(other.folder).isel(t=-1)
        assert float(found.t) == pytest.approx(0.1)
        for name in ("m", "T_e", "T_p"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-10, atol=1e-12)


def test_continuations_start_from_the_same_spins(tmp_path):
    hot = run(tmp_path, T_0=2000)
    last = analysis.load(hot.folder).m.isel(t=-1).values
    assert np.abs(last[:2]).max() > 0.1
    energies = {}
    for name, values in {
        "bath": {"heat_bath": 1, "seed": 1},
        "none": {"heat_bath": 0},
        "k2": {"heat_bath": 0, "kernel": "micromagnetic"},
    }.items():
        data = analysis.load(run(tmp_path, start=str(hot.folder), alpha=0.1, **values).folder)
        np.testing.assert_allclose(data.m.isel(t=0).values, last, atol=1e-12)
        energies[name] = float(data.E_exchange.isel(t=-1))
    assert energies["bath"] > energies["none"] > energies["k2"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"start": "nowhere/0001"}, "no such run folder"),
        ({"start": "."}, "fields_s1.h5"),
        ({"N": 33}, "same numbers of grid points"),
        ({"a": "0.4e-9*metre"}, "same box"),
        ({"start_time": 7}, "outputs go from t = 0 to 0.02"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(values, message, tmp_path):
    folder = run(tmp_path, stop_time="0.02*ps", output_interval="0.01*ps", heat_bath=0).folder
    with pytest.raises(InputError, match=message):
        load(FILE, **{**WIRE, "start": str(folder), **values})


def test_a_run_without_the_field_is_refused(tmp_path):
    folder = run(tmp_path, stop_time="0.02*ps", output_interval="0.01*ps", heat_bath=0).folder
    with h5py.File(folder / "fields" / "fields_s1.h5", "r+") as file:
        file["tasks"].move("theta_p", "theta_q")
    with pytest.raises(InputError, match="no output 'theta_p'; did you mean 'theta_q'"):
        load(FILE, **WIRE, start=str(folder))


@pytest.mark.slow
def test_three_ways_to_go_on(tmp_path):
    """Paper B, Fig. SI 7: a plateau in the bath, a fall without it, with k^2 a faster one."""
    values = {"pulse_shape": "wide", "t_0": "2*ps"}
    values |= {"output_interval": "0.02*ps"}
    hot = load(FILE, stop_time="2.53*ps", **values).run(out=tmp_path, quiet=True)
    scale = 1127 * 1.409501e-20
    heating = analysis.load(hot.folder).E_exchange / scale
    assert 0.48 < float(heating.max()) < 0.55
    late, early = {}, {}
    for name, other in {
        "bath": {"seed": 1},
        "none": {"heat_bath": 0},
        "k2": {"heat_bath": 0, "kernel": "micromagnetic"},
    }.items():
        stop_time = "0.6*ps" if name == "k2" else "5*ps"
        result = load(FILE, start=str(hot.folder), stop_time=stop_time, **{**values, **other}).run(
            out=tmp_path, quiet=True
        )
        energy = analysis.load(result.folder).E_exchange / scale
        late[name] = float(energy[-50:].mean())
        early[name] = float(energy.sel(t=3.03, method="nearest"))
    assert late["bath"] == pytest.approx(0.25, abs=0.03)
    assert late["none"] == pytest.approx(0.023, abs=0.004)
    assert early["bath"] > 2 * early["none"] > 2.4 * early["k2"]
