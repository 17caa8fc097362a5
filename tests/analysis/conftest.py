"""Runs to read, and the reference case."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import PARAMETERS, cloud, josephson_spins, landau_lifshitz, write_run

DATA = Path(__file__).parent / "data"


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
    """10 ms with quantum torque, by an RK4 of its own (N = 1024)."""
    x, n = cloud(1024)
    t, s = landau_lifshitz(x, n, 0.25, 40)
    return write_run(
        tmp_path_factory.mktemp("runs") / "quantum_torque" / "0001",
        t,
        x,
        {"Z": s[:, 2], "n": np.tile(n, (len(t), 1)), "s": s},
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
