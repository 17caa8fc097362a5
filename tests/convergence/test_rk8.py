"""The Runge-Kutta scheme of order 8: order, stability limits, and agreement of all engines."""

from math import factorial

import numpy as np
import pytest

from spinhydro.steppers import rk8
from spinhydro.steppers.stability import explicit_limit

from .test_adaptive_pairs import distance, final
from .test_low_storage import assert_engines_agree, sizes_after_oscillation, write_files


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path, "RK8")


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
    assert_engines_agree(files[name], tmp_path, "RK8", 0.02)


def test_stability_limits(tmp_path):
    """Oscillation is stable for omega h = 5.93, and grows for 6.03; decay up to 6.39."""
    sizes = sizes_after_oscillation(tmp_path, "RK8", (5.93, 6.03))
    assert sizes[0] <= 1 < 1.2 < sizes[1]
    assert explicit_limit("RK8", 1j) == pytest.approx(5.96, abs=0.01)
    assert explicit_limit("RK8", -1.0) >= 5.96
