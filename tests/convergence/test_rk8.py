"""The Runge-Kutta scheme of order 8: order, stability limits, and agreement of all engines."""

from math import factorial

import numpy as np
import pytest
from scipy.integrate import DOP853

from benchmarks import schemes
from spinhydro.steppers import RK8, rk8
from spinhydro.steppers.control import ErrorControl
from spinhydro.steppers.stability import explicit_limit

from .test_adaptive_pairs import _first, final
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


def test_order_of_four_problems():
    """As in docs/schemes.md: fitted to the shortest four timesteps with errors above rounding."""
    exact = {schemes.LONG: schemes.exact_states(schemes.LONG)}
    orders = [schemes.order(name, RK8, exact) for name in schemes.EQUATIONS]
    assert orders == pytest.approx([8] * 4, abs=0.1)


def test_rounding_of_a_step():
    """Steps are those of the same tableau with long doubles, to rounding."""
    name, setting, timestep = "LLE", schemes.LONG, 0.02
    case = schemes.Case(schemes.EQUATIONS[name], RK8, setting)
    change = schemes.rate(name, setting, case.start.shape[-1])
    state = case.start.astype(np.longdouble)
    for _ in range(20):
        rates = []
        for weights in (*rk8.STAGES, rk8.WEIGHTS):
            moved = sum(np.longdouble(w) * rates[stage] for stage, w in weights.items())
            rates.append(change(state + np.longdouble(timestep) * moved))
        state = state + np.longdouble(timestep) * moved
    found, _ = case.advance(timestep, 20)
    np.testing.assert_allclose(found, state.astype(float), rtol=0, atol=2e-15)


@pytest.mark.parametrize("name", ["gpe", "stencil", "kernel"])
@pytest.mark.parametrize("stepper", ["RK8", "RK853"])
def test_engines_agree(stepper, name, files, tmp_path):
    """With transforms on spectra and on the grid, and without any; with and without members."""
    assert_engines_agree(files[name], tmp_path, stepper, 0.02)


def test_engines_agree_on_rotations_with_adaptive_timesteps(files, tmp_path):
    assert_engines_agree(files["stencil"], tmp_path, "RKMK43", 0.02)


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_a_step_and_its_error_are_those_of_scipy(engine, files, tmp_path, monkeypatch):
    N, timestep, judged = 17, 0.1, []
    x = -8 + 16 * np.arange(N) / N
    k = 2 * np.pi / 16 * np.fft.fftfreq(N, 1 / N)

    def rate(t, u):
        curvature = np.fft.ifft(-(k**2) * np.fft.fft(u))
        return 0.5j * curvature - 1j * np.abs(u) ** 2 * u - 0.3j * np.sin(3 * t) * u

    def judge(self, timestep, difference, measured=None, steps=1):
        judged.append(difference)
        return stock(self, timestep, difference, measured, steps)

    stock = ErrorControl.judge
    monkeypatch.setattr(ErrorControl, "judge", judge)
    monkeypatch.setattr(ErrorControl, "start", _first(timestep))
    values = {"timestepper": "RK8", "tolerance": 0.1, "timestep": timestep}
    values |= {"stop_time": timestep, "output_interval": timestep, "Nx": N}
    found, _ = final(files["gpe"], tmp_path, engine, **values)
    start = 1 + 0.4 * np.exp(-(x**2)) * np.exp(1j * x)
    exact = DOP853(rate, 0.0, start, timestep, first_step=timestep, rtol=0.1, atol=1.0)
    exact.step()
    np.testing.assert_allclose(found[0], np.fft.fft(exact.y) / N, atol=1e-14)
    error = exact._estimate_error_norm(exact.K, timestep, np.ones(N)) * np.sqrt(N)
    size = max(np.linalg.norm(start), np.linalg.norm(exact.y))
    assert judged == pytest.approx([error / size], rel=1e-6)


def test_stability_limits(tmp_path):
    """Oscillation is stable for omega h = 5.93, and grows for 6.03; decay up to 6.39."""
    sizes = sizes_after_oscillation(tmp_path, "RK8", (5.93, 6.03))
    assert sizes[0] <= 1 < 1.2 < sizes[1]
    assert explicit_limit("RK8", 1j) == pytest.approx(5.96, abs=0.01)
    assert explicit_limit("RK8", -1.0) >= 5.96
