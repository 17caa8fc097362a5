"""Runs to read, and the reference case."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import DATA, PARAMETERS, cloud, josephson_spins, landau_lifshitz, write_run


@pytest.fixture(scope="session")
def josephson_run(tmp_path_factory):
    """40 ms without torque, exact, output every 0.25 ms."""
    x, n = cloud()
    t = 0.25 * np.arange(161)
    s = josephson_spins(t, n)
    return write_run(
        tmp_path_factory.mktemp("runs") / "quantum_torque" / "0001",
        t,
        x,
        {"Z": s[:, 2], "n": np.tile(n, (len(t), 1)), "s": s},
        parameters={**PARAMETERS, "torque": 0.0},
    )


@pytest.fixture(scope="session")
def torque_run(tmp_path_factory):
    """10 ms with quantum torque, by a separate RK4 (N = 1024)."""
    x, n = cloud(1024)
    t, s = landau_lifshitz(x, n, 0.25, 40)
    return write_run(
        tmp_path_factory.mktemp("runs") / "quantum_torque" / "0001",
        t,
        x,
        {"Z": s[:, 2], "n": np.tile(n, (len(t), 1)), "s": s},
    )


@pytest.fixture(scope="session")
def moving_run(tmp_path_factory):
    """45 ms of an artificial moving gas: a front of domains runs inwards at 2.5 µm/ms.

    No solution of anything, but long enough, and with all the outputs, for every figure.
    """
    x, n = cloud(1024)
    t = 0.25 * np.arange(181)
    random = np.random.default_rng(1).standard_normal((len(t), len(x)))
    smooth = np.exp(-(np.subtract.outer(x, x) ** 2) / (2 * 1.5**2))
    domains = np.tanh(random @ smooth)
    front = (115 - 2.5 * np.maximum(t - 10, 0))[:, None]
    local = josephson_spins(t, n)[:, 2]
    Z = np.where((np.abs(x) > front) & (t[:, None] > 10), domains, local)
    s = np.stack([np.sqrt(np.maximum(1 - Z**2, 0)), 0 * Z, Z], axis=1)
    density = n * (1 + 0.01 * np.sin(0.1 * x) * np.sin(0.3 * t)[:, None])
    v = 0.1 * np.cos(0.1 * x) * np.cos(0.3 * t)[:, None]
    return write_run(
        tmp_path_factory.mktemp("runs") / "coupled_gpe" / "0001",
        t,
        x,
        {"Z": Z, "n": density, "v": v, "s": density[:, None] * s},
        problem="coupled_gpe",
        parameters={**PARAMETERS, "g12_over_g": 0.93, "g_n0": PARAMETERS["kappa_n0"] / 0.07},
    )


@pytest.fixture(scope="session")
def reference():
    """{"Z", "Z_gpe"}: datasets of the independent reference, both sides of the cloud."""
    with np.load(DATA / "lle_118Hz.npz") as data:
        x = np.concatenate([-data["x"][:0:-1], data["x"]])
        return {
            key: xr.Dataset(
                {"Z": (("t", "x"), np.concatenate([data[key][:, :0:-1], data[key]], axis=1))},
                coords={"t": data["t"], "x": x},
                attrs=PARAMETERS,
            )
            for key in ("Z", "Z_gpe")
        }
