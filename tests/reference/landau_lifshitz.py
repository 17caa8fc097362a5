"""The frozen gas of problems/quantum_torque.py written out with NumPy, independent of spinhydro."""

import numpy as np

HBAR_OVER_M = 2.762437  # um^2/ms, sodium
OMEGA_R = 2 * np.pi * 0.118
KAPPA_N0 = OMEGA_R / 0.33
G_N0 = KAPPA_N0 / 0.07
R_X, L_X = 210.0, 480.0


def ground_state(x, steps=4000):
    """Density of the harmonically trapped gas by imaginary time, second-order splitting."""
    k = 2 * np.pi * np.fft.fftfreq(x.size, x[1] - x[0])
    trap = G_N0 * (x / R_X) ** 2
    psi = np.sqrt(np.maximum(1 - (x / R_X) ** 2, 1e-8))
    tau = 0.5 / G_N0
    kinetic = np.exp(-HBAR_OVER_M / 2 * k**2 * tau)
    for _ in range(steps):
        psi = psi * np.exp(-tau / 2 * (trap + G_N0 * psi**2 - G_N0))
        psi = np.fft.ifft(kinetic * np.fft.fft(psi)).real
        psi = psi * np.exp(-tau / 2 * (trap + G_N0 * psi**2 - G_N0))
    return psi**2


def magnetization(size=1024, periods=1.0, timestep=0.02, edge=1e-4):
    """t, x and Z(t, x) of the spins over some Rabi periods, by classical Runge-Kutta."""
    x = (np.arange(size) / size - 0.5) * L_X
    k = 2 * np.pi * np.fft.rfftfreq(size, L_X / size)
    k[-1] = 0  # the Nyquist mode has no first derivative

    def d(f, order):
        symbol = 1j * k if order == 1 else -((2 * np.pi * np.arange(k.size) / L_X) ** 2)
        return np.fft.irfft(symbol * np.fft.rfft(f), size)

    n = ground_state(x)
    slope = d(n, 1) / (n + edge)

    def rate(s):
        field = np.array([np.full(size, OMEGA_R), np.zeros(size), KAPPA_N0 * n * s[2]])
        torque = HBAR_OVER_M / 2 * np.cross(s, d(s, 2) + slope * d(s, 1), axis=0)
        return torque + np.cross(field, s, axis=0)

    s = np.array([np.zeros(size), np.zeros(size), -np.ones(size)])
    steps = int(np.ceil(periods * 2 * np.pi / OMEGA_R / timestep)) + 1
    Z = [s[2]]
    for _ in range(steps):
        k1 = rate(s)
        k2 = rate(s + timestep / 2 * k1)
        k3 = rate(s + timestep / 2 * k2)
        s = s + timestep / 6 * (k1 + 2 * k2 + 2 * k3 + rate(s + timestep * k3))
        s = s / np.sqrt((s**2).sum(0))
        Z.append(s[2])
    return timestep * np.arange(steps + 1), x, np.array(Z)


def critical_position(t, x, Z, ending):
    """Outermost |x| where the maximum of Z up to `ending` reaches 0, the mean of both sides."""
    inside = (t <= ending)[:, None]
    last = np.searchsorted(t, ending)
    # Z at the ending itself, between two steps, by a straight line.
    share = (ending - t[last - 1]) / (t[last] - t[last - 1])
    at_end = (1 - share) * Z[last - 1] + share * Z[last]
    highest = np.maximum(np.where(inside, Z, -1).max(axis=0), at_end)
    sides = []
    for side in (x > 0, x < 0):
        order = np.argsort(np.abs(x[side]))
        r, top = np.abs(x[side])[order], highest[side][order]
        near = r < 200
        r, top = r[near], top[near]
        i = np.flatnonzero(top < 0)[-1]
        sides.append(r[i] - top[i] * (r[i + 1] - r[i]) / (top[i + 1] - top[i]))
    return np.mean(sides)
