"""Two coupled Gross-Pitaevskii equations, split-step, by hand: START.npz STEPS OUT.npy."""

import sys

import numpy as np
import pyfftw

a = (0.0792036964311957, 0.353172906049774, -0.0420650803577195)
b = (0.209515106613362, -0.143851773179818)
drifts = (*a, 1 - 2 * sum(a), *a[::-1])
kicks = (*b, 0.5 - sum(b), 0.5 - sum(b), *b[::-1])

start, steps = np.load(sys.argv[1]), int(sys.argv[2])
V, D, Omega, g, g_ab, L, T = (start[name] for name in ("V", "D", "Omega", "g", "g_ab", "L", "T"))
N, h = V.size, T / steps
psi = pyfftw.zeros_aligned((2, N), complex)
forward = pyfftw.FFTW(psi, psi, axes=(1,), flags=("FFTW_MEASURE",))
backward = pyfftw.FFTW(psi, psi, axes=(1,), direction="FFTW_BACKWARD", flags=("FFTW_MEASURE",))
psi[...] = start["psi"]
k = 2 * np.pi * np.fft.fftfreq(N, L / N)
# Shorter waves resonate with the timestep: k > 0.55 k_max with 900 steps on 4096 points.
kept = h * D * k**2 < 1.8 * np.pi
phases = [np.exp(-1j * x * h * D * k**2) * kept for x in drifts]
mixing = [(np.cos(x * h * Omega / 2), -1j * np.sin(x * h * Omega / 2)) for x in drifts]


def drift(i):
    cosine, sine = mixing[i]
    first = phases[i] * (cosine * psi[0] + sine * psi[1])
    psi[1] = phases[i] * (sine * psi[0] + cosine * psi[1])
    psi[0] = first


forward()
for _ in range(steps):
    for i, kick in enumerate(kicks):
        drift(i)
        backward()
        n_a, n_b = psi.real**2 + psi.imag**2
        psi[0] *= np.exp(-1j * kick * h * (V + g * n_a + g_ab * n_b))
        psi[1] *= np.exp(-1j * kick * h * (V + g * n_b + g_ab * n_a))
        forward()
    drift(len(kicks))
backward()
np.save(sys.argv[3], psi)
