"""The Runge-Kutta scheme of order 8: order, stability limits, and agreement of all engines."""

from math import factorial

import numpy as np
import pytest

from spinhydro.problem.load import load
from spinhydro.steppers import rk8
from spinhydro.steppers.stability import explicit_limit

from .test_adaptive_pairs import GPE, distance, final
from .test_low_storage import CHAIN, KERNEL, STENCIL


@pytest.fixture
def files(tmp_path):
    texts = {
        "gpe": GPE,
        "stencil": CHAIN.replace("EXCHANGE", STENCIL),
        "kernel": CHAIN.replace("EXCHANGE", KERNEL),
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text.replace("LowStorageRK4", "RK8"))
    return {name: tmp_path / f"{name}.py" for name in texts}


def test_coefficients():
    """Rows add up to their times, and growth is the exponential series to order 8."""
    for node, weights in zip(rk8.NODES, rk8.STAGES, strict=True):
        assert sum(weights.values()) == pytest.approx(node, abs=1e-14)
    series = [value * factorial(n) for n, value in enumerate(rk8.growth_factor())]
    assert np.allclose(series[:9], 1, atol=1e-13)
    assert abs(series[9] - 1) > 0.01


def test_order(files, tmp_path):
    values = {"timestepper": "RK8", "Nx": 17, "stop_time": 2.0, "output_interval": 2.0}
    exact, _ = final(files["gpe"], tmp_path, **values, timestep=0.01)
    steps = [0.25, 0.2, 2 / 12, 2 / 16]
    errors = [
        distance(final(files["gpe"], tmp_path, **values, timestep=step)[0], exact) for step in steps
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(8, abs=0.3)


@pytest.mark.parametrize("name", ["gpe", "stencil", "kernel"])
def test_engines_agree(name, files, tmp_path):
    """With transforms on spectra and on the grid, and without any; with and without members."""
    values = {"timestepper": "RK8", "stop_time": 0.2, "timestep": 0.02}
    values |= {"output_interval": 0.1, **({"Nx": 17} if name == "gpe" else {})}
    fused, folder = final(files[name], tmp_path, "fused", **values)
    stock, _ = final(files[name], tmp_path, "dedalus", **values)
    members, _ = final(files[name], tmp_path, "fused", members=3, **values)
    assert distance(fused, stock) < 1e-12
    assert "engine: fused" in (folder / "log.txt").read_text()
    parts = np.moveaxis(members[0], -2, 0)
    assert len(parts) == 3 and all(distance([part], fused) < 1e-13 for part in parts)


def test_stability_limits(files, tmp_path):
    """Oscillation is stable for omega h = 5.93, and grows for 6.03; decay up to 6.39."""
    path = tmp_path / "wave.py"
    source = GPE.replace('u["g"] = 1 + 0.4 * np.exp(-(x**2)) * np.exp(1j * x)', "u['g'] = 1")
    path.write_text(source.replace("-1j*spinhydro.abs2(u)*u", "-1j*100*u"))
    sizes = []
    for product in (5.93, 6.03):
        values = {"timestepper": "RK8", "depth": 0.0, "stop_time": 20.0}
        problem = load(path, **values, timestep=product / 100, output_interval=20.0, Nx=5)
        problem.run(out=tmp_path, quiet=True, force=True)
        sizes.append(np.abs(problem.ivp.variables[0]["g"]).max())
    assert sizes[0] <= 1 < 1.2 < sizes[1]
    assert explicit_limit("RK8", 1j) == pytest.approx(5.96, abs=0.01)
    assert explicit_limit("RK8", -1.0) >= 5.96
