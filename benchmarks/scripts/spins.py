"""Spins with exchange, anisotropy and damping, RK4 and unit vectors: START.npz STEPS OUT.npy.

dm/dt = -p [m x H + alpha m x (m x H)], H = omega_K m_z z - F^-1{W(k) F{m}}, in any dimension.
"""

import sys

import numpy as np
from scipy import fft

start, steps = np.load(sys.argv[1]), int(sys.argv[2])
m, W, h = start["m"], start["W"], start["T"] / steps
p, alpha, omega_K = start["p"], start["alpha"], start["omega_K"]
axes, shape = tuple(range(1, m.ndim)), m.shape[1:]


def cross(a, b):
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                     a[0] * b[1] - a[1] * b[0]])  # fmt: skip


def rate(m):
    H = -fft.irfftn(W * fft.rfftn(m, axes=axes), s=shape, axes=axes)
    H[2] += omega_K * m[2]
    torque = cross(m, H)
    return -p * (torque + alpha * cross(m, torque))


for _ in range(steps):
    k1 = rate(m)
    k2 = rate(m + h / 2 * k1)
    k3 = rate(m + h / 2 * k2)
    k4 = rate(m + h * k3)
    m = m + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    m /= np.sqrt(np.sum(m**2, axis=0))
np.save(sys.argv[3], m)
