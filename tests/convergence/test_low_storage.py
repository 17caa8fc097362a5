"""Low-storage Runge-Kutta schemes: order, stability limit, and agreement of all engines."""

from math import factorial

import numpy as np
import pytest

from spinhydro.problem.load import load
from spinhydro.steppers import find_stepper, stable_timestep
from spinhydro.steppers.growth_factors import limits_along
from spinhydro.steppers.low_storage import growth_factor

from .test_adaptive_pairs import GPE, distance, final

#: Without transforms: a spin chain with a stencil, in a field that depends on time.
CHAIN = '''
"""Spins that precess about their neighbours and a field."""
import dedalus.public as d3
import numpy as np

import spinhydro

N = 32
timestepper = "LowStorageRK4"
timestep = 0.01
stop_time = 0.2
output_interval = 0.1
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords)
xb = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, N), dealias=1)
m = dist.VectorField(spinhydro.spin, name="m", bases=xb)
t = dist.Field()
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
x = dist.local_grid(xb)
angle = 0.8 * np.sin(2 * np.pi * x / N)
m["g"][0], m["g"][2] = np.sin(angle), np.cos(angle)
W = EXCHANGE
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = cross(m, W(m)) + sin(3*t)*cross(ex, m)")
projections = {"m": "m/sqrt(m@m)"}
outputs = {"m": "m"}
'''
STENCIL = 'spinhydro.stencil("chain", omega_J=1.0, a=1.0)'
KERNEL = "spinhydro.kernel(lambda k: 2 * (1 - np.cos(k)))"


def write_files(folder, timestepper):
    """Write the three files with a time stepper; return their paths by name."""
    texts = {
        "gpe": GPE,
        "stencil": CHAIN.replace("EXCHANGE", STENCIL),
        "kernel": CHAIN.replace("EXCHANGE", KERNEL),
    }
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text.replace("LowStorageRK4", timestepper))
    return {name: folder / f"{name}.py" for name in texts}


def assert_engines_agree(path, folder, timestepper, timestep):
    """Run a file with both engines, and with members."""
    values = {"timestepper": timestepper, "stop_time": 0.2, "timestep": timestep}
    values |= {"output_interval": 0.1, **({"Nx": 17} if path.stem == "gpe" else {})}
    fused, kept = final(path, folder, "fused", **values)
    stock, _ = final(path, folder, "dedalus", **values)
    members, _ = final(path, folder, "fused", members=3, **values)
    assert distance(fused, stock) < 1e-12
    assert "engine: fused" in (kept / "log.txt").read_text()
    parts = np.moveaxis(members[0], -2, 0)
    assert len(parts) == 3 and all(distance([part], fused) < 1e-13 for part in parts)


def sizes_after_oscillation(folder, timestepper, products):
    """Return the final amplitudes of a wave of amplitude 1, for products of omega and timestep."""
    path = folder / "wave.py"
    source = GPE.replace('u["g"] = 1 + 0.4 * np.exp(-(x**2)) * np.exp(1j * x)', "u['g'] = 1")
    path.write_text(source.replace("-1j*spinhydro.abs2(u)*u", "-1j*100*u"))
    sizes = []
    for product in products:
        values = {"timestepper": timestepper, "depth": 0.0, "stop_time": 20.0}
        problem = load(path, **values, timestep=product / 100, output_interval=20.0, Nx=5)
        problem.run(out=folder, quiet=True, force=True)
        sizes.append(np.abs(problem.ivp.variables[0]["g"]).max())
    return sizes


SCHEMES = ("LowStorageRK4", "WaveRK4")


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path, "LowStorageRK4")


@pytest.mark.parametrize(
    ("name", "steps"),
    [("LowStorageRK4", [0.04, 0.4 / 14, 0.02, 0.01]), ("WaveRK4", [0.08, 0.4 / 7, 0.04, 0.02])],
)
def test_order(name, steps, files, tmp_path):
    values = {"timestepper": name, "Nx": 17, "stop_time": 0.4, "output_interval": 0.4}
    exact, _ = final(files["gpe"], tmp_path, **values, timestep=0.0025)
    errors = [
        distance(final(files["gpe"], tmp_path, **values, timestep=h)[0], exact) for h in steps
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("scheme", [*SCHEMES, "WaveRK43"])
@pytest.mark.parametrize("name", ["gpe", "stencil", "kernel"])
def test_engines_agree(name, scheme, files, tmp_path):
    """With transforms on spectra and on the grid, and without any; with and without members."""
    assert_engines_agree(files[name], tmp_path, scheme, 0.01)


@pytest.mark.parametrize(
    ("name", "stable", "unstable"), [("LowStorageRK4", 3.30, 3.38), ("WaveRK4", 6.85, 6.98)]
)
def test_stability_limit(name, stable, unstable, tmp_path):
    sizes = sizes_after_oscillation(tmp_path, name, (stable, unstable))
    assert sizes[0] <= 1 < 1.2 < sizes[1]


@pytest.mark.parametrize("name", SCHEMES)
def test_coefficients(name):
    """Times are those of the states, and growth is the exponential series to order 4."""
    scheme = find_stepper(name)
    time, total = 0.0, 0.0
    for factor, weight, node in zip(scheme.factors, scheme.weights, scheme.nodes, strict=True):
        assert node == pytest.approx(time, abs=1e-12)
        total = factor * total + 1
        time += weight * total
    series = [value * factorial(n) for n, value in enumerate(growth_factor(scheme))]
    assert np.allclose(series[:5], 1, rtol=0, atol=1e-12)
    assert len(series) == scheme.stages + 1 and abs(series[5] - 1) > 0.1


def test_safe_timesteps_follow_the_limit_of_waves():
    assert stable_timestep("WaveRK4", 10.0) == pytest.approx(0.88 * 6.91 / 10)
    assert limits_along(np.array([1j, -1.0]), "WaveRK4") == pytest.approx([6.91, 3.575], abs=0.01)
