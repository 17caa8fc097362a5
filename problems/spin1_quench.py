"""
A quench of a spin-1 condensate: the polar state breaks up into ferromagnetic domains.

Three components psi_m, m = 1, 0, -1, with the density interaction c0, the spin interaction c2 < 0
and the quadratic Zeeman shift q obey, with every term divided by hbar,

    i dpsi_1/dt  = [-hbar/2m d2/dx2 + q + c0 n - mu + c2 F_z] psi_1 + c2 conj(F) psi_0/sqrt(2),
    i dpsi_0/dt  = [-hbar/2m d2/dx2 + c0 n - mu] psi_0 + c2 (F psi_1 + conj(F) psi_-1)/sqrt(2),
    i dpsi_-1/dt = [-hbar/2m d2/dx2 + q + c0 n - mu - c2 F_z] psi_-1 + c2 F psi_0/sqrt(2),

F = sqrt(2) (conj(psi_1) psi_0 + conj(psi_0) psi_-1), F_z = |psi_1|^2 - |psi_-1|^2. After a quench
from large q all atoms are in m = 0; small waves of m = +-1 grow with (e = hbar k^2/2m)

    Gamma = sqrt(-(e + q)(e + q + 2 c2 n)),   at most |c2| n, where e + q = |c2| n

(Kawaguchi and Ueda, Physics Reports 520, 253 (2012)). Parameters are those of rubidium, rounded.

    spinhydro run problems/spin1_quench.py

Expected: atoms and magnetization are kept; the strongest waves grow with |c2| n = 0.1257/ms.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
c0, c2, q = 2 * pi * 1000 * Hz, -2 * pi * 20 * Hz, 2 * pi * 5 * Hz
noise, seed = 1e-6, 1
atom, L_x, Nx = "Rb87", 200 * um, 256
stop_time, output_interval = 80 * ms, 1 * ms

# Derived parameters
K, mu = spinhydro.hbar_over_m(atom) / 2, c0
timestepper = "IFRK4"
timestep = spinhydro.stable_timestep(timestepper, K * (pi * Nx / L_x) ** 2, 2 * c0, 0.02 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
up, zero, down = (dist.Field(name=name, bases=xbasis) for name in ("up", "zero", "down"))
n = spinhydro.abs2(up) + spinhydro.abs2(zero) + spinhydro.abs2(down)
F_z = spinhydro.abs2(up) - spinhydro.abs2(down)
F = np.sqrt(2) * (np.conj(up) * zero + np.conj(zero) * down)
root = np.sqrt(1 / 2)

# Problem
problem = d3.IVP([up, zero, down], namespace=locals())
problem.add_equation(
    "dt(up) - 1j*K*lap(up) + 1j*q*up = -1j*((c0*n - mu + c2*F_z)*up + c2*root*conj(F)*zero)"
)
problem.add_equation(
    "dt(zero) - 1j*K*lap(zero) = -1j*((c0*n - mu)*zero + c2*root*(F*up + conj(F)*down))"
)
problem.add_equation(
    "dt(down) - 1j*K*lap(down) + 1j*q*down = -1j*((c0*n - mu - c2*F_z)*down + c2*root*F*zero)"
)

# Initial conditions
zero["g"] = 1
up["g"] = noise * spinhydro.initial_noise(up, seed)
down["g"] = noise * spinhydro.initial_noise(down, seed)

# Output
outputs = {"F_z": "F_z", "F": "F", "n": "n", "transverse": "ave(abs2(F))"}
expect = {"number of atoms": "drift(n) <= 1e-8", "magnetization": "drift(1 + F_z) <= 1e-8"}
quick = {"Nx": 64, "stop_time": "5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
