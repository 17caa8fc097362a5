"""A spin chain in plain numpy: the independent reference for the magnetism analysis.

dm/dt = -p [m x w + alpha m x (m x w)], w = omega_K m_z z - W(m), p = 1/(1 + alpha²), by RK4 with
renormalisation (physics of Rockwell et al., arXiv:2312.14068, with the anisotropy field H_k).
Atomistic dynamics takes differences of neighbours, the kernels go by FFT.  Units nm, ps, rad/ps.
"""

import json

import numpy as np
import xarray as xr
from synthetic_runs import record, write_set

GAMMA, MU_0 = 1.76e11, 4e-7 * np.pi
MS, HK, LAMBDA_EX, A = 770e3, 1550e3, 7.3, 0.355
OMEGA_M, OMEGA_K = GAMMA * MU_0 * MS * 1e-12, GAMMA * MU_0 * HK * 1e-12
PARAMETERS = {
    "gamma": GAMMA,
    "Ms": MS,
    "Hk": HK,
    "lambda_ex": LAMBDA_EX,
    "a": A,
    "alpha": 0.01,
    "kernel": "chain",
    "N": 1127,
}


def chain_frequency(k, a=A):
    """2 omega_M (lambda/a)² (1 - cos ka)."""
    return 2 * OMEGA_M * (LAMBDA_EX / a) ** 2 * (1 - np.cos(k * a))


def micromagnetic_frequency(k):
    """omega_M lambda² k²."""
    return OMEGA_M * LAMBDA_EX**2 * k**2


def wavenumbers(points, cell):
    return 2 * np.pi * np.fft.rfftfreq(points, cell)


def exchange_operator(model, points, cell=A):
    """W as a function of m (…, N): "chain", "micromagnetic" by FFT, "atomistic" by neighbours."""
    if model == "atomistic":
        strength = OMEGA_M * (LAMBDA_EX / A) ** 2
        return lambda m: strength * (2 * m - np.roll(m, 1, -1) - np.roll(m, -1, -1))
    law = {"chain": chain_frequency, "micromagnetic": micromagnetic_frequency}[model]
    symbol = law(wavenumbers(points, cell))
    return lambda m: np.fft.irfft(symbol * np.fft.rfft(m), points)


def evolve(m, model, timestep, interval, outputs, alpha=0.0, cell=A):
    """(t, states) of m (…, 3, N), a state every `interval`."""
    W = exchange_operator(model, m.shape[-1], cell)
    p = 1 / (1 + alpha**2)

    def rate(m):
        w = -W(m)
        w[..., 2, :] += OMEGA_K * m[..., 2, :]
        torque = cross(m, w)
        return -p * (torque + alpha * cross(m, torque)) if alpha else -torque

    states = [m]
    for _ in range(outputs):
        for _ in range(round(interval / timestep)):
            a = rate(m)
            b = rate(m + timestep / 2 * a)
            c = rate(m + timestep / 2 * b)
            d = rate(m + timestep * c)
            m = m + timestep / 6 * (a + 2 * b + 2 * c + d)
            m = m / np.sqrt(np.sum(m**2, axis=-2, keepdims=True))
        states.append(m)
    return interval * np.arange(outputs + 1), np.array(states)


def cross(a, b):
    ax, ay, az = a[..., 0, :], a[..., 1, :], a[..., 2, :]
    bx, by, bz = b[..., 0, :], b[..., 1, :], b[..., 2, :]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-2)


def sites(points, cell=A):
    return (np.arange(points) + 0.5) * cell


def defect(points, angle):
    """Uniform m_z = 1 with one site tilted towards x."""
    m = np.zeros((3, points))
    m[2] = 1
    m[:, points // 2] = np.sin(angle), 0, np.cos(angle)
    return m


def grating(points=1127, pulses=8, r_max=0.5, seed=0):
    """The seeded transient grating: Gaussian pulses with random amplitude and azimuth per site."""
    x, length = sites(points), points * A
    centres = (np.arange(pulses) + 0.5) * length / pulses
    distance = np.abs(x[:, None] - centres)
    distance = np.minimum(distance, length - distance).min(axis=1)
    envelope = np.exp(-(distance**2) / (2 * (length / (3 * pulses)) ** 2))
    rng = np.random.default_rng(seed)
    m_z = 1 - r_max * rng.random(points) * envelope
    azimuth = 2 * np.pi * rng.random(points)
    m_perp = np.sqrt(1 - m_z**2)
    return np.stack([m_perp * np.cos(azimuth), m_perp * np.sin(azimuth), m_z])


def write_chain_run(folder, t, x, tasks, problem="transient_grating", status="done", **parameters):
    """A run folder; tasks = {name: array (t, spin, x) or (t,)}; a fourth axis is the member."""
    folder.mkdir(parents=True)
    content = record(
        problem=problem,
        status=status,
        parameters={**PARAMETERS, "N": len(x), **parameters},
        units={"length": "nm", "time": "ps"},
    )
    (folder / "run.json").write_text(json.dumps(content))
    write_set(folder / "fields" / "fields_s1.h5", t, x, tasks, run=json.dumps(content))
    return folder


def dataset(t, x, m, **parameters):
    """Dataset without a file: m (t, spin, x) or (t, member, spin, x)."""
    dims = ("t", "member", "spin", "x") if m.ndim == 4 else ("t", "spin", "x")
    return xr.Dataset(
        {"m": (dims, m)},
        coords={
            "t": ("t", t, {"units": "ps"}),
            "x": ("x", x, {"units": "nm"}),
            "spin": ["x", "y", "z"],
        },
        attrs={**PARAMETERS, "N": len(x), **parameters},
    )
