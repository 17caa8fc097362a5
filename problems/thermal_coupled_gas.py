"""
A coupled gas at a temperature: two stochastic Gross-Pitaevskii equations and their magnetization.

With every term over hbar, |a|^2 = 1 for n_0 atoms per length, T a frequency and white noise,
<eta*(x, t) eta(x', t')> = 2 gamma T/n_0 delta(x - x') delta(t - t'), a (and b, exchanged) obeys

    i da/dt = (1 - i gamma) {[-hbar/2m d2/dx2 + g |a|^2 + g12 |b|^2 - mu] a + Omega_R/2 b} + eta_a.

For T -> 0 a ferromagnet, kappa = g - g12 < 0, has Z^2 = 1 - (Omega_R/kappa n)^2; heat makes walls.
Without interactions the modes of a +- b hold T/(e_k +- Omega_R/2 - mu) atoms, whatever gamma is.

    spinhydro run problems/thermal_coupled_gas.py T='[0.1, 1, 4, 16]'
    spinhydro run problems/thermal_coupled_gas.py g_n0=0 kappa_n0=0 mu=-2

Expected: Z^2 = 0.75 at T = 0.1/ms, within 0.03.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
T, gamma, n_0 = 0.1 / ms, 0.2, 40 / um  # k_B T/hbar: 131/ms is 1 uK
kappa_n0, g_n0 = -2 * pi * 300 * Hz, 2 * pi * 1000 * Hz
Omega_R, mu = 2 * pi * 150 * Hz, g_n0
atom, L_x, Nx, members, seed = "Na23", 40 * um, 81, 4, 1
timestepper, stop_time, output_interval = "StochasticHeun", 20 * ms, 0.5 * ms
conditions = {"g_n0 > 0 or mu < -Omega_R/2": "an ideal gas needs mu < -Omega_R/2"}
K, g, g12 = spinhydro.hbar_over_m(atom) / 2, g_n0, g_n0 - kappa_n0
Z2_0 = 1 - (Omega_R / kappa_n0) ** 2 if kappa_n0 < 0 else 0
strength = np.sqrt(2 * gamma * T / n_0 * Nx / L_x)
timestep = 0.2 / (K * (pi * Nx / L_x) ** 2 + 2 * g_n0 + Omega_R + abs(mu))

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128, members=members)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
a, b = (dist.Field(name=name, bases=xbasis) for name in "ab")
eta_a, eta_b = (spinhydro.white_noise(field, seed=seed) for field in (a, b))
H_a = -K * d3.lap(a) + (g * spinhydro.abs2(a) + g12 * spinhydro.abs2(b) - mu) * a + Omega_R / 2 * b
H_b = -K * d3.lap(b) + (g * spinhydro.abs2(b) + g12 * spinhydro.abs2(a) - mu) * b + Omega_R / 2 * a

# Problem
problem = d3.IVP([a, b], namespace=locals())
problem.add_equation("dt(a) = -(1j + gamma)*H_a + strength*eta_a")
problem.add_equation("dt(b) = -(1j + gamma)*H_b + strength*eta_b")

# Initial conditions
a["g"], b["g"] = (1.0, -0.3) if g_n0 > 0 else (0.1, -0.1)

s_z, n = spinhydro.abs2(a) - spinhydro.abs2(b), spinhydro.abs2(a) + spinhydro.abs2(b)
outputs = {"Z": "s_z", "Z2": "ave(s_z**2)/ave(n**2)", "s_x": "ave(2*re(conj(a)*b))", "n": "ave(n)"}
cold = 1.0 * (T <= 0.2) * (kappa_n0 < 0)
expect = {"Z^2 of a cold gas": "abs(cold*(ave(s_z**2)/ave(n**2) - Z2_0)) <= 0.03"}
quick = {"members": 2, "Nx": 31, "stop_time": "8*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
