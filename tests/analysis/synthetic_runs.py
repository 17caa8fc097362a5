"""Run folders in the agreed format, written without Dedalus, from separate solutions."""

import json
from pathlib import Path

import h5py
import numpy as np

from spinhydro.analysis.josephson import magnetization

DATA = Path(__file__).parent / "data"
OMEGA_R = 0.741415866
KAPPA_N0 = OMEGA_R / 0.33
PARAMETERS = {
    "Omega_R": OMEGA_R,
    "kappa_n0": KAPPA_N0,
    "R_x": 210.0,
    "hbar_over_m": 2.762437432,
    "torque": 1.0,
    "density": "thomas_fermi",
    "quiet": True,
}


def record(**changes):
    """Content of run.json."""
    return {
        "problem": "quantum_torque",
        "status": "done",
        "message": "",
        "command": "spinhydro run",
        "parameters": PARAMETERS,
        "units": {"length": "um", "time": "ms"},
        "versions": {"spinhydro": "0.1.0", "dedalus": "3.0.5"},
        "git": {"commit": "abc123", "dirty": True},
        "started": "2026-01-01T00:00:00",
        **changes,
    }


def write_set(file, t, x, tasks, **attributes):
    """A set file as a Dedalus handler leaves it; tasks = {name: array (t, …, x)}."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as h5:
        h5.attrs.update({"writes": len(t), "handler_name": "fields", **attributes})
        for name in ("sim_time", "wall_time", "timestep"):
            h5[f"scales/{name}"] = np.asarray(t, dtype=float)
        for name in ("iteration", "write_number"):
            h5[f"scales/{name}"] = np.arange(1, len(t) + 1)
        h5["scales/x_hash_1"] = x
        h5["scales/x_hash_1"].make_scale("x")
        h5.create_group("tasks")
        for name, data in tasks.items():
            dataset = h5["tasks"].create_dataset(
                name, data=data, maxshape=(None, *np.shape(data)[1:])
            )
            dataset.attrs.update({"units": "1", "grid_space": [True], "scales": [1.0]})
            if np.ndim(data) == 3:
                dataset.attrs["tensor_axes"] = ["spin"]
            dataset.dims[0].label = "t"
            dataset.dims[np.ndim(data) - 1].label = "x"
            dataset.dims[np.ndim(data) - 1].attach_scale(h5["scales/x_hash_1"])


def write_run(folder, t, x, tasks, **changes):
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record(**changes)))
    write_set(
        folder / "fields" / "fields_s1.h5",
        t,
        x,
        tasks,
        problem_source="Omega_R = 1",
        run=json.dumps(record(**changes)),
    )
    return folder


def josephson_spins(t, n):
    """Exact s_hat (t, spin, x) of the local dynamics from s_z = -1."""
    Z = magnetization(t, KAPPA_N0 * n, OMEGA_R)
    # kappa n Z²/4 + Omega_R s_x/2 is conserved, and dZ/dt = Omega_R s_y.
    s_x = KAPPA_N0 * n * (1 - Z**2) / (2 * OMEGA_R)
    step = 1e-4
    s_y = (
        magnetization(t + step, KAPPA_N0 * n, OMEGA_R)
        - magnetization(t - step, KAPPA_N0 * n, OMEGA_R)
    ) / (2 * step * OMEGA_R)
    return np.stack([s_x, s_y, Z], axis=1)


def cloud(points=512):
    """x, and a smooth density with the Thomas-Fermi radius 210 µm."""
    x = -240 + 480 * np.arange(points) / points
    u = 1 - (x / 210) ** 2
    return x, (u + np.sqrt(u**2 + 4e-3)) / 2 / ((1 + np.sqrt(1.004)) / 2)


def landau_lifshitz(x, n, interval, outputs, timestep=0.025):
    """s_hat(t, spin, x) of Eq. (1) with q = dx ln n, from s_z = -1."""
    k = 2 * np.pi * np.fft.rfftfreq(len(x), x[1] - x[0])
    odd = k.copy()
    odd[-1] = 0
    hbar_over_m = PARAMETERS["hbar_over_m"]

    def slope(values):
        return np.fft.irfft(1j * odd * np.fft.rfft(values), len(x))

    q = slope(n) / n

    def rate(s):
        exchange = np.fft.irfft(-(k**2) * np.fft.rfft(s), len(x)) + q * slope(s)
        field = np.stack([np.full_like(n, OMEGA_R), 0 * n, KAPPA_N0 * n * s[2]])
        return np.cross(field, s, axis=0) + hbar_over_m / 2 * np.cross(s, exchange, axis=0)

    s = np.zeros((3, len(x)))
    s[2] = -1
    states = [s]
    for _ in range(outputs):
        for _ in range(round(interval / timestep)):
            a = rate(s)
            b = rate(s + timestep / 2 * a)
            c = rate(s + timestep / 2 * b)
            d = rate(s + timestep * c)
            s = s + timestep / 6 * (a + 2 * b + 2 * c + d)
            s = s / np.sqrt(np.sum(s**2, axis=0))
        states.append(s)
    return interval * np.arange(outputs + 1), np.array(states)
