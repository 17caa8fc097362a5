"""Fits of synthetic data: known parameters are recovered, bad data give one line."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from spinhydro import load
from spinhydro.analysis import load as load_run
from spinhydro.cli.main import call
from spinhydro.derivatives.data import Data, read_data
from spinhydro.derivatives.family import Family
from spinhydro.derivatives.fit import fit
from spinhydro.derivatives.measurement import common_steps, sampling_matrix
from spinhydro.derivatives.nearby import NearbyLeaves
from spinhydro.errors import InputError

PATH, QUICK = "problems/quantum_torque.py", {"Nx": 64, "L_x": "450*um"}
BLUR, NOISE = 4.0, 0.02


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Z of a run at eight times, blurred, with noise."""
    problem = load(PATH, **QUICK, stop_time="0.8*ms", output_interval="0.1*ms")
    run = problem.run(out=tmp_path_factory.mktemp("runs"), quiet=True)
    found = load_run(run.folder).isel(t=slice(1, None))
    x, values = found.x.values, found.Z.values
    matrix = sampling_matrix(-225, 225, len(x), x, BLUR)
    noise = NOISE * np.random.default_rng(3).standard_normal(values.shape)
    return Data({"t": found.t.values, "x": x}, {"Z": values @ matrix.T + noise})


def test_parameters_come_back_with_their_errors(frames):
    start = {"Omega_R": 0.75, "kappa_n0": 2.2}
    found = fit(
        load(PATH, **QUICK, **start), frames, ["Omega_R", "kappa_n0"], blur=BLUR, noise=NOISE
    )
    truth = load(PATH, **QUICK).parameters
    for name, value, error in zip(found.names, found.estimates, found.errors, strict=True):
        assert abs(value - truth[name]) < 4 * error
        assert error < 0.1 * truth[name]
    assert 0.8 < found.chi_squared < 1.2
    assert not found.undetermined


def test_offsets_and_priors(frames):
    drift = np.linspace(-0.1, 0.1, 8)
    found = fit(
        load(PATH, **QUICK), Data(frames.axes, {"Z": frames.values["Z"] + drift[:, None]}),
        ["kappa_n0"], blur=BLUR, noise=NOISE, offset=True, priors={"kappa_n0": (2.2467, 0.05)},
    )  # fmt: skip
    assert np.allclose(found.nuisance["offset"], drift, atol=0.02)
    assert abs(found.estimates[0] - 2.2467) < 4 * found.errors[0] < 0.2


def test_what_the_data_do_not_know_is_named(frames):
    found = fit(load(PATH, **QUICK), frames, ["Omega_R", "edge"], blur=BLUR, noise=NOISE)
    assert found.undetermined == ["+1.00 edge"] or found.undetermined == ["-1.00 edge"]
    assert any("not determined by the data" in line for line in found.table())


def test_samples_agree_with_the_interval(frames):
    found = fit(
        load(PATH, **QUICK), frames, ["kappa_n0"], blur=BLUR, noise=NOISE, offset=True, samples=80
    )
    (values,) = found.posterior.samples.T
    assert abs(values.mean() - found.estimates[0]) < found.errors[0]
    assert 0.6 < values.std() / found.errors[0] < 1.5
    assert any("posterior of kappa_n0" in line for line in found.table())


def test_leaves_nearby_are_those_of_the_file():
    names = ["Omega_R", "R_x"]
    family = Family(load(PATH, **QUICK), names, ["ave(s@ez)"], 0.01, "the test")
    near = NearbyLeaves(family, family.start, 0.01 * family.start)
    moved = family.start * [1.005, 0.995]
    # The profile has a kink at its edge: at x = -84 um it is smooth.
    parts = [
        np.concatenate([np.ravel(leaves["numbers"]).real, np.asarray(leaves["profiles"])[:, 20]])
        for leaves in (family.model.leaves, near(moved), family.leaves_at(moved))
    ]
    plain, ours, wanted = parts
    assert np.abs(ours - wanted).max() <= 1e-2 * np.abs(wanted - plain).max()


def test_sampling_is_exact_for_waves():
    x = np.linspace(-3, 3, 5, endpoint=False)
    grid = np.linspace(-4, 4, 16, endpoint=False)
    k = 2 * np.pi * 3 / 8
    values = sampling_matrix(-4, 4, 16, x, 0.3) @ np.cos(k * grid + 0.4)
    assert np.allclose(values, np.exp(-((k * 0.3) ** 2) / 2) * np.cos(k * x + 0.4), atol=1e-13)


def test_steps_fall_on_the_times():
    timestep, steps = common_steps(np.array([0.25, 0.5, 1.25]), 0.02)
    assert timestep <= 0.02
    assert np.allclose(steps * timestep, [0.25, 0.5, 1.25])
    with pytest.raises(InputError, match="no common interval"):
        common_steps(np.array([0.1, 0.1 + np.pi * 1e-3, 0.37123456]), 0.02)


def write(path, kind, t, x, Z):
    target = path / f"data.{kind}"
    if kind == "npz":
        np.savez(target, t=t, x=x, Z=Z)
    elif kind == "csv":
        rows = [(a, b, Z[i, j]) for i, a in enumerate(t) for j, b in enumerate(x)]
        np.savetxt(target, rows, delimiter=",", header="t,x,Z", comments="")
    else:
        with h5py.File(target, "w") as file:
            for name, values in {"t": t, "x": x, "Z": Z}.items():
                file[name] = values
            file["x"].attrs["units"] = "um"
    return str(target)


@pytest.mark.parametrize("kind", ["npz", "csv", "h5"])
def test_formats_of_data_without_jax(tmp_path, kind):
    t, x = np.array([0.5, 1.0]), np.linspace(-3, 3, 7)
    Z = np.outer(t, x)
    found = read_data(write(tmp_path, kind, t, x, Z), ["n", "Z"], {"length": "um"})
    assert np.allclose(found.values["Z"], Z)
    assert np.allclose(found.axes["x"], x)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "t,x,Z\n0.1,1,0.2\n0.1,1,0.3\n0.2,1,0", "more than one row for t = 0.1, x = 1"),
        ("a.h5", "junk", "cannot be read"),
        ("a.npz", {"t": [], "x": [1.0], "Z": np.zeros((0, 1))}, "axis t is empty"),
        ("a.npz", {"t": [1.0], "x": [1.0], "Z": [["a"]]}, "holds text, not real numbers"),
        ("a.npz", {"t": [1.0], "x": [1.0], "Z": [[True]]}, "not real numbers"),
        ("a.npz", {"t": [1.0], "x": [1.0], "Z": [[1j]]}, "is complex"),
        ("a.npz", {"t": [1.0, 1.0], "x": [1.0], "Z": np.zeros((2, 1))}, "1 is followed by 1"),
        ("a.npz", {"t": [1.0, 2.0], "x": [1.0], "Z": np.zeros((1, 2))}, "transpose it"),
        ("a.npz", {"x": [1.0], "Z": np.zeros(1)}, "has no axis t"),
        ("a.npz", "", "is empty"),
        ("a.csv", "t,x,Z\n0.1,1,0.2\n0.1,1\n", "got 2 columns instead of 3"),
        ("a.txt", "t,x,Z", "data are .nc"),
    ],
)
def test_unreadable_data_are_one_line(tmp_path, name, contents, message):
    path = tmp_path / name
    if isinstance(contents, str):
        path.write_text(contents)
    else:
        np.savez(path, **contents)
    with pytest.raises(InputError, match=message) as refused:
        read_data(path, ["Z"])
    assert "\n" not in str(refused.value)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A good file of two frames."""
    path = tmp_path_factory.mktemp("frame")
    x = np.linspace(-3, 3, 7)
    return write(path, "npz", np.array([0.1, 0.2]), x, 0.01 * np.arange(14.0).reshape(2, 7))


def refused(capsys, arguments):
    """The error of a command that is refused in one line."""
    assert call(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    return printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--blur", "1.5*ms"], "is a time, not a length in um"),
        (["--blur", "-1"], "zero or positive"),
        (["--blur", "nan"], "'nan' is not known"),
        (["--blur", ""], "an expression is missing"),
        (["--noise", "0"], "a positive number"),
        (["--noise", "5%"], "not an expression"),
        (["--noise", "0.05*ms"], "is a time, not a pure number"),
        (["--prior", "Omega_R=1"], "write NAME=MEAN"),
        (["--prior", "=1+-1"], "write NAME=MEAN"),
        (["--prior", "Omega_R=1+-0"], "the width must be positive"),
        (["--prior", "R_x=1+-1"], "none of the fitted Omega_R"),
        (["--prior", "Omega_R=1*um+-1"], "is a length, not a frequency"),
        (["--prior", "Omega_R=s+-1"], "and so is its mean"),
        (["--prior", "Omega_R=1+-1", "--prior", "Omega_R=2+-1"], "given twice"),
        (["--window", "x=1"], "write AXIS=LOW:HIGH"),
        (["--window", "x=2:1"], "LOW must not be above HIGH"),
        (["--window", "y=0:1"], "the data have the axes t, x"),
        (["--window", "t=0:1*um"], "is a length, not a time in ms"),
        (["--window", "x=50:60"], "holds none of the data"),
        (["--observe", "z"], "did you mean 'Z'"),
        (["--observe", "Z,n"], "holds no n"),
        (["--save", "a.txt"], "the name ends in"),
        (["--starts", "0"], "from 1 to 1000"),
        (["--starts", "1e9"], "write a whole number"),
        (["--sample", "-1"], "a whole number from 10"),
        (["stop_time=0.15"], "the data reach to t = 0.2"),
        (["Nx"], "Nx = 64 is a whole number"),
        (["atom"], "not a number"),
        (["timestep"], "belongs to the calculation"),
        (["fastest"], "fastest has no influence on the run"),
        (["omega_r"], "did you mean 'Omega_R'"),
        (["x"], "no parameter 'x'"),
        (["Omega_R"], "not all different"),
    ],
)
def test_bad_words_are_one_line(frame, capsys, words, message):
    assert message in refused(capsys, ["fit", PATH, frame, "Omega_R", "Nx=64", *words])


def test_missing_words_are_one_line(frame, capsys):
    assert "name the data" in refused(capsys, ["fit", PATH])
    assert "nothing is named" in refused(capsys, ["fit", PATH, frame, "Omega_R=2"])


def test_units_of_outputs_are_those_of_the_problem(tmp_path):
    t, x = np.array([0.1, 0.2]), np.linspace(-3, 3, 7)
    file = write(tmp_path, "h5", t, x, np.zeros((2, 7)))
    with h5py.File(file, "a") as stored:
        stored["Z"].attrs["units"] = "percent"
    with pytest.raises(InputError, match="Z is in percent, the output of the problem is a pure"):
        read_data(file, ["Z"])
    with h5py.File(file, "a") as stored:
        stored["Z"].attrs["units"] = "µm/ms"
    assert read_data(file, ["Z"], output_units={"Z": "um/ms"}).values["Z"].shape == (2, 7)


def test_noise_of_the_equations_is_refused(tmp_path, capsys):
    text = Path("problems/thermal_chain.py").read_text(encoding="utf-8")
    path = tmp_path / "chain.py"
    path.write_text(text.replace('"mz_mean": "ave(m@ez)"', '"mz": "m@ez"'), encoding="utf-8")
    assert '"mz"' in path.read_text(encoding="utf-8")
    x = np.array([0.0, 0.1, 0.2])
    np.savez(tmp_path / "a.npz", t=[0.001, 0.002], x=x, mz=np.ones((2, 3)))
    assert "have noise" in refused(capsys, ["fit", str(path), str(tmp_path / "a.npz"), "alpha"])


def test_bad_data_are_one_line(tmp_path, capsys):
    t, x = np.array([0.1, 0.2]), np.linspace(-3, 3, 7)
    Z = np.zeros((2, 7))
    nan = Z.copy()
    nan[0, 0] = np.nan
    cases = [
        (("npz", t, x, nan), "not finite"),
        (("npz", t[::-1], x, Z), "must ascend"),
        (("npz", t, x, Z.T), "shape"),
        (("npz", t, 300 + x, Z), "the box"),
        (("npz", t - 0.5, x, Z), "before the run"),
        (("npz", t[:1], x[:1], Z[:1, :1]), "do not determine"),
    ]
    for number, (contents, message) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = write(folder, *contents)
        assert call(["fit", PATH, file, "Omega_R", "Nx=64", "--noise", "0.05"]) == 2
        printed = capsys.readouterr().err
        assert message in printed
        assert printed.count("\n") == 1
    with h5py.File(tmp_path / "units.h5", "w") as file:
        for name, values in {"t": t, "x": x, "Z": Z}.items():
            file[name] = values
        file["x"].attrs["units"] = "mm"
    assert call(["fit", PATH, str(tmp_path / "units.h5"), "Omega_R"]) == 2
    assert "x is in mm, the problem in um" in capsys.readouterr().err
    assert call(["fit", PATH, str(tmp_path / "none.npz"), "Omega_R"]) == 2
    assert "there is no file" in capsys.readouterr().err


SPIN_IN_A_FIELD = """
import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, ps, tesla

B, alpha, gamma = 2 * tesla, 0.1, spinhydro.magnet("PtCo").gamma
stop_time, output_interval, timestepper, timestep = 20 * ps, 2 * ps, "RK4", 0.5 * ps
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=4, bounds=(0, 1 * nm))
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -gamma*B*(cross(m, ez) + alpha*cross(m, cross(m, ez)))")
m["g"][0] = 1
outputs = {"mx": "m@ex", "mz": "m@ez"}
"""


def test_errors_do_not_depend_on_the_size_of_the_numbers(tmp_path, capsys):
    """2 T are 2e-24 in units of nm and ps; alpha is 0.1."""
    path = tmp_path / "field.py"
    path.write_text(SPIN_IN_A_FIELD, encoding="utf-8")
    data = load(path).run(out=tmp_path, quiet=True).folder
    problem = load(path, B="2.1*tesla")
    found = fit(problem, read_data(data, ["mx", "mz"], problem.units), ["B", "alpha"], noise=0.01)
    relative = found.errors / found.estimates
    # The trace of the covariance of relative changes.
    assert np.sum(relative**2) == pytest.approx(np.sum(found.singular_values**-2.0), rel=1e-6)
    assert 1e-4 < relative[0] < 0.1 and 1e-4 < relative[1] < 0.1
    assert found.table()[0].startswith("B = 2 +- 0.0") and found.table()[0].endswith(" T")
