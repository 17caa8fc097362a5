"""
A quench of a spin-1 condensate: the polar state breaks up into ferromagnetic domains.

Components psi_m, m = 1, 0, -1, with the density interaction c0, the spin interaction c2 < 0 and the
quadratic Zeeman shift q (Kawaguchi and Ueda, Physics Reports 520, 253 (2012)), all over hbar:

    i dpsi_1/dt  = [-hbar/2m d2/dx2 + q + c0 n - mu + c2 F_z] psi_1 + c2 conj(F) psi_0/sqrt(2),
    i dpsi_0/dt  = [-hbar/2m d2/dx2 + c0 n - mu] psi_0 + c2 (F psi_1 + conj(F) psi_-1)/sqrt(2),
    i dpsi_-1/dt = [-hbar/2m d2/dx2 + q + c0 n - mu - c2 F_z] psi_-1 + c2 F psi_0/sqrt(2),

F = sqrt(2) (conj(psi_1) psi_0 + conj(psi_0) psi_-1), F_z = |psi_1|^2 - |psi_-1|^2. After a quench
from large q all atoms are in m = 0, and waves of m = +-1 grow with (e = hbar k^2/2m)

    Gamma = sqrt(-(e + q)(e + q + 2 c2 n)),   at most |c2| n, where e + q = |c2| n

Parameters are those of rubidium, rounded.

    spinhydro run problems/spin1_quench.py

Expected: atoms and magnetization are kept; the strongest waves grow with |c2| n = 0.1257/ms.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
c0, c2, q = 2 * pi * 1000 * Hz, -2 * pi * 20 * Hz, 2 * pi * 5 * Hz
noise, seed, atom, L_x, Nx = 1e-6, 1, "Rb87", 200 * um, 256
stop_time, output_interval = 80 * ms, 1 * ms
K, mu, timestepper = spinhydro.hbar_over_m(atom) / 2, c0, "IFRK4"
timestep = spinhydro.stable_timestep(timestepper, K * (pi * Nx / L_x) ** 2, 2 * c0, 0.02 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
up, zero, down = (dist.Field(name=name, bases=xbasis) for name in ("up", "zero", "down"))
F_z = spinhydro.abs2(up) - spinhydro.abs2(down)
n = spinhydro.abs2(up) + spinhydro.abs2(zero) + spinhydro.abs2(down)
F = np.sqrt(2) * (np.conj(up) * zero + np.conj(zero) * down)
C, V = c2 / np.sqrt(2), c0 * n - mu
problem = d3.IVP([up, zero, down], namespace=locals())
problem.add_equation("1j*dt(up) + K*lap(up) - q*up = (V + c2*F_z)*up + C*conj(F)*zero")
problem.add_equation("1j*dt(zero) + K*lap(zero) = V*zero + C*(F*up + conj(F)*down)")
problem.add_equation("1j*dt(down) + K*lap(down) - q*down = (V - c2*F_z)*down + C*F*zero")

# All atoms in m = 0, and noise
zero["g"] = 1
up["g"], down["g"] = (noise * spinhydro.initial_noise(psi, seed) for psi in (up, down))
outputs = {"F_z": "F_z", "F": "F", "n": "n", "transverse": "ave(abs2(F))"}
expect = {"number of atoms": "drift(n) <= 1e-8", "magnetization": "drift(1 + F_z) <= 1e-8"}
quick = {"Nx": 64, "stop_time": "5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
