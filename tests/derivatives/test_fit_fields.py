"""Fits of profiles, initial fields and kernels: known ones come back within their bands."""

import csv

import numpy as np
import pytest
from scipy.optimize import least_squares

from spinhydro import load
from spinhydro.analysis import open_netcdf
from spinhydro.cli.main import call
from spinhydro.derivatives import fit_search
from spinhydro.derivatives.data import Data
from spinhydro.derivatives.family import Family
from spinhydro.derivatives.field_estimates import information
from spinhydro.derivatives.fit import fit
from spinhydro.derivatives.fit_search import Search
from spinhydro.derivatives.unknown_fields import (
    UnknownField,
    smooth_even_functions,
    smooth_waves,
)

NOISE, BLUR, CORRELATION, WIDTH = 0.02, 0.8, 3.0, 0.3
POINTS, LENGTH, STEP, TIMES = 32, 20.0, 0.05, np.arange(1, 7) * 0.5

GAS = f"""
import dedalus.public as d3
import numpy as np
import spinhydro
from spinhydro.units.um_ms import Hz, ms, um

g = 1.0
stop_time = 3 * ms
output_interval = 0.5 * ms
timestepper, timestep = "Strang", {STEP} * ms
truncate = 1.0

coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
ends = (-{LENGTH / 2} * um, {LENGTH / 2} * um)
xbasis = d3.ComplexFourier(coords["x"], size={POINTS}, bounds=ends)
psi, V, unused = (dist.Field(name=name, bases=xbasis) for name in ("psi", "V", "unused"))
psi["g"] = 1
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*(V + g*abs2(psi))*psi")
outputs = {{"n": "abs2(psi)"}}
"""

CHAIN = """
import dedalus.public as d3
import numpy as np
import spinhydro
from spinhydro.units.nm_ps import nm, ps

omega_K = 1.0
stop_time, output_interval, timestepper, timestep = 2.0 * ps, 0.25 * ps, "RK4", 0.025 * ps

coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=32, bounds=(0, 16 * nm))
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
x = dist.local_grid(xbasis)
W = spinhydro.kernel(lambda k: 0.2 * k**2)
m["g"][0], m["g"][2] = 0.5 * np.exp(-((x - 8) ** 2) / 2), 1
m["g"] /= np.sqrt(np.sum(m["g"] ** 2, axis=0))
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -cross(m, omega_K*(m@ez)*ez - W(m))")
projections = {"m": "m/sqrt(m@m)"}
outputs = {"mx": "m@ex", "my": "m@ey"}
"""


def written(path, text):
    path.write_text(text)
    return str(path)


def potential(x):
    """A potential without average, as the data do not determine it."""
    V = 0.3 * np.exp(-((x - 2) ** 2) / 12) - 0.2 * np.exp(-((x + 4) ** 2) / 12)
    return V - V.mean()


def evolved(V):
    """The blurred density at TIMES, by a split-step program without spinhydro."""
    k = 2 * np.pi / LENGTH * np.fft.fftfreq(POINTS, 1 / POINTS)
    half, psi, frames = np.exp(-0.25j * STEP * k**2), np.ones(POINTS, complex), []
    for number in range(round(TIMES[-1] / STEP)):
        psi = np.fft.ifft(half * np.fft.fft(psi))
        psi = psi * np.exp(-1j * STEP * (V + np.abs(psi) ** 2))
        psi = np.fft.ifft(half * np.fft.fft(psi))
        if (number + 1) % 10 == 0:
            spectrum = np.exp(-((k * BLUR) ** 2) / 2) * np.fft.fft(np.abs(psi) ** 2)
            frames.append(np.fft.ifft(spectrum).real)
    return np.array(frames)


@pytest.fixture(scope="module")
def gas(tmp_path_factory):
    """(path, data, true potential on the grid)."""
    x = -LENGTH / 2 + LENGTH / POINTS * np.arange(POINTS)
    noise = NOISE * np.random.default_rng(5).standard_normal((len(TIMES), POINTS))
    data = Data({"t": TIMES, "x": x}, {"n": evolved(potential(x)) + noise})
    return written(tmp_path_factory.mktemp("gas") / "gas.py", GAS), data, potential(x)


@pytest.fixture(scope="module")
def found(gas):
    path, data, _ = gas
    return fit(
        load(path), data, ["V"], blur=BLUR, noise=NOISE, priors={"V": (0.0, WIDTH)},
        smooth={"V": CORRELATION},
    )  # fmt: skip


def test_a_potential_comes_back_within_its_band(gas, found):
    _, _, truth = gas
    estimate = found.fields["V"]
    values = estimate.values[0]
    deviations = (values - values.mean() - truth) / estimate.errors_about_average[0]
    assert np.mean(np.abs(deviations) < 1) > 0.4
    assert np.abs(deviations).max() < 3.5
    assert estimate.errors_about_average.max() < 0.1 * np.ptp(truth)
    # The density does not depend on the average of V: only the prior knows it.
    assert estimate.level_is_unclear
    assert 0.8 < found.chi_squared < 1.2
    assert any("combinations of smooth functions" in line for line in found.table())


def test_it_is_that_of_dense_least_squares_with_differences(gas, found):
    """Values at every point, with the covariance matrix of the prior and another program."""
    _, data, _ = gas
    x, copies = data.axes["x"], LENGTH * np.arange(-3, 4)[:, None, None]
    distances = x[:, None] - x + copies
    covariance = np.exp(-(distances**2) / (2 * CORRELATION**2)).sum(axis=0)
    covariance *= WIDTH**2 / covariance[0, 0]
    variances, directions = np.linalg.eigh(covariance)
    root = (directions * np.sqrt(np.maximum(variances, 0)))[:, variances > 1e-9]

    def residuals(weights):
        rest = (evolved(root @ weights) - data.values["n"]) / NOISE
        return np.concatenate([rest.ravel(), weights])

    dense = least_squares(residuals, np.zeros(root.shape[1]), jac="3-point", xtol=1e-10)
    estimate = found.fields["V"]
    assert np.abs(estimate.values[0] - root @ dense.x).max() < 2e-3 * estimate.errors.max()
    spread = root @ np.linalg.inv(dense.jac.T @ dense.jac) @ root.T
    assert np.allclose(estimate.errors[0], np.sqrt(np.diag(spread)), rtol=2e-3)
    centred = np.eye(POINTS) - 1 / POINTS
    about = np.sqrt(np.diag(centred @ spread @ centred))
    assert np.allclose(estimate.errors_about_average[0], about, rtol=2e-2)


def test_starts_agree_and_a_misfit_is_reported(gas):
    path, data, _ = gas
    other = fit(
        load(path), data, ["V"], blur=BLUR, noise=NOISE / 3, priors={"V": (0.0, WIDTH)},
        smooth={"V": CORRELATION}, starts=2,
    )  # fmt: skip
    assert other.agreeing_starts == (2, 2)
    assert any("does not describe the data" in line for line in other.table())


@pytest.fixture(scope="module")
def search(gas):
    path, data, _ = gas
    problem = load(path)
    family = Family(problem, ["g"], ["abs2(psi)"], STEP, "the test")
    field = UnknownField(family.model, "V", CORRELATION, 0.0, WIDTH)
    return Search(family, data, np.arange(1, 7) * 10, BLUR, NOISE, True, False, {}, [field])


def test_the_reverse_sweep_passes_a_taylor_test(search):
    random = np.random.default_rng(2)
    vector = search.start([1.1], 0.3 * random.standard_normal(search.weights))
    direction = random.standard_normal(len(vector))
    search.is_dense = False
    value, slope = search.cost(vector)
    changes = 10.0 ** -np.arange(1, 4)
    rests = [
        abs(0.5 * np.sum(search.residuals(vector + h * direction) ** 2) - value
            - h * slope @ direction) for h in 0.1 * changes
    ]  # fmt: skip
    orders = np.log10(np.divide(rests[:-1], rests[1:]))
    assert np.allclose(orders[1:], 2, atol=0.05)
    search.is_dense = True
    matrix, residuals = search.jacobian(vector), search.residuals(vector)
    assert np.allclose(matrix.T @ residuals, slope, rtol=1e-9, atol=1e-6 * np.abs(slope).max())


def test_products_give_the_information_of_columns(search):
    vector = search.start([1.0])
    search.is_dense = True
    dense = information(search.columns(vector), search.of_weights(vector))
    search.is_dense = False
    sketched = information(search.columns(vector), search.of_weights(vector))
    search.is_dense = True
    assert sketched.is_complete
    assert np.allclose(np.sort(sketched.values)[-8:], np.sort(dense.values)[-8:], rtol=1e-3)


def test_many_weights_descend_by_reverse_sweeps(gas, found, monkeypatch):
    path, data, _ = gas
    monkeypatch.setattr(fit_search, "DENSE_WEIGHTS", 3)
    other = fit(
        load(path), data, ["V"], blur=BLUR, noise=NOISE, priors={"V": (0.0, WIDTH)},
        smooth={"V": CORRELATION},
    )  # fmt: skip
    ours, theirs = other.fields["V"], found.fields["V"]
    assert np.abs(ours.values - theirs.values).max() < 0.02 * theirs.errors.max()
    assert np.allclose(ours.errors, theirs.errors, rtol=1e-3)


@pytest.mark.parametrize("name", ["W", "m"])
def test_a_kernel_and_an_initial_texture_come_back(tmp_path, name):
    path = written(tmp_path / "chain.py", CHAIN)
    problem = load(path)
    family = Family(problem, [], ["m@ex", "m@ey"], 0.025, "the test")
    prior = (None, 0.3) if name == "W" else (None, 0.1)
    correlation = 3.0 if name == "W" else 2.0
    field = UnknownField(family.model, name, correlation, *prior)
    axes = {"t": np.arange(1, 7) * 0.25, "x": np.arange(32) * 0.5}
    empty = Data(axes, {n: np.zeros((6, 32)) for n in ("mx", "my")})
    search = Search(family, empty, np.arange(1, 7) * 10, 0.0, 1.0, False, False, {}, [field])
    weights = np.random.default_rng(4).standard_normal(field.size)
    clean = np.asarray(search.predict(family.model.leaves, weights))
    noise = 0.005 * np.random.default_rng(6).standard_normal(clean.shape)
    data = Data(axes, dict(zip(("mx", "my"), clean + noise, strict=True)))
    # The noise is found from the residuals.
    found = fit(problem, data, [name], priors={name: prior}, smooth={name: correlation})
    assert abs(found.noise - 0.005) < 5e-4
    estimate, truth = found.fields[name], field.values(weights)
    if name == "m":
        # The length of spins is that of the projection.
        values = estimate.values / np.linalg.norm(estimate.values, axis=0)
        truth = truth / np.linalg.norm(truth, axis=0)
        assert np.abs(values - truth)[:2].max() < 4 * estimate.errors.max()
        assert np.sqrt(np.mean((values - truth)[:2] ** 2)) < 0.02
        return
    # cross(m, m) = 0: a constant in W has no effect, and only its differences are determined.
    assert estimate.level_is_unclear
    rest = (estimate.values - truth)[0]
    assert np.abs((rest - rest.mean()) / estimate.errors_about_average[0]).max() < 3.5
    assert estimate.errors_about_average[0, :6].max() < 0.4 * prior[1]


def test_functions_of_priors_have_their_covariance():
    waves = smooth_waves(20.0, 40, 40, 2.0)
    assert waves.shape[0] == 40
    covariance = waves @ waves.T
    assert np.allclose(np.diag(covariance), 1)
    assert np.allclose(covariance[0, :8], np.exp(-((0.5 * np.arange(8)) ** 2) / 8), atol=1e-6)
    k = np.linspace(0, 5, 30)
    even = smooth_even_functions(k, 0.5)
    assert np.allclose((even**2).sum(axis=1), 1)
    assert np.allclose(
        (even @ even.T)[20, 20:23], np.exp(-((k[20:23] - k[20]) ** 2) / 0.5), atol=1e-4
    )


def test_the_command_saves_what_it_finds(gas, tmp_path, capsys):
    path, data, truth = gas
    frames, target = tmp_path / "frames.npz", tmp_path / "v"
    np.savez(frames, **data.axes, **data.values)
    options = ["--blur", "0.8*um", "--noise", "0.02", "--smooth", "V=3*um", "--prior", "V=0+-0.3"]
    for ending in (".nc", ".csv", ".png"):
        options += ["--save", f"{target}{ending}"]
    assert call(["fit", path, str(frames), "V", *options]) == 0
    assert "V: the data determine" in capsys.readouterr().out
    with open(f"{target}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    values = np.array([float(row["V"]) for row in rows])
    stored = open_netcdf(f"{target}.nc")
    assert np.allclose(stored.V, values)
    assert stored.n_residuals.shape == (6, POINTS)
    assert np.abs(values - values.mean() - truth).max() < 0.1
    assert (tmp_path / "v.png").stat().st_size > 1e4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["V"], "--smooth V=LENGTH"),
        (["V", "--smooth", "V=3*um"], "--prior V=V+-WIDTH"),
        (["V", "--prior", "V=0+-1", "--smooth", "V=0.1*um"], "nothing shorter than its spacing"),
        (["V", "--prior", "V=0+-1", "--smooth", "V=3*ms"], "is a time, not a length"),
        (["V", "--prior", "V=0+-1", "--smooth", "V=-3"], "must be positive"),
        (["V", "--prior", "V=0+-0", "--smooth", "V=3"], "must be positive"),
        (["V", "--prior", "V=0+-1", "--smooth", "W=3"], "none of the fitted"),
        (["g", "--smooth", "g=3"], "g is a number"),
        (["unused", "--prior", "unused=0+-1", "--smooth", "unused=3"], "do not read the field"),
        (["V", "--prior", "V=0+-1", "--smooth", "V=3", "--sample", "90"], "parameters only"),
    ],
)
def test_bad_priors_are_one_line(gas, tmp_path, capsys, words, message):
    path, data, _ = gas
    frames = tmp_path / "frames.npz"
    np.savez(frames, **data.axes, **data.values)
    assert call(["fit", path, str(frames), *words]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
