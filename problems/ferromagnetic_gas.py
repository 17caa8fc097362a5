"""
Ferromagnetism of a coupled gas: hysteresis and critical point (Cominotti et al. 2023, on a ring).

For kappa < 0 the spins of a coupled gas at uniform density are an easy-axis ferromagnet with the
Rabi frequency as transverse and the detuning delta as longitudinal field (alpha: weak damping),

    ds/dt = hbar/2m s x d2s/dx2 + H x s + alpha s x (s x H), H = (Omega_R, 0, kappa n s_z - delta).

It has two states for Omega_R < |kappa| n, |Z| = sqrt(1 - (Omega_R/kappa n)^2) at delta = 0, and one
above (Phys. Rev. X 13, 021037 (2023)). The metastable one ends at the spinodal,

    delta_c = |kappa| n [1 - (Omega_R/|kappa| n)^(2/3)]^(3/2).

delta is swept up, down and back to 0; a list of ratios Omega_R/|kappa| n is one run:

    spinhydro run problems/ferromagnetic_gas.py ratio='[0.3, 0.5, 0.7, 1.2]'
    spinhydro plot runs/ferromagnetic_gas/0001 --figure hysteresis

Expected: Z at delta = 0 to 1e-3; switching 4 ms after delta_c, 5 per cent beyond it at 0.5.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
ratio, kappa_n0, delta_max, alpha = 0.5, -2 * pi * 1150 * Hz, 2 * pi * 800 * Hz, 0.03
noise, seed, atom, L_x, Nx = 1e-3, 1, "Na23", 40 * um, 16
timestepper, timestep, stop_time, output_interval = "RKMK4", 0.1 * ms, 800 * ms, 2 * ms
conditions = {"kappa_n0 < 0 and ratio > 0": "a ferromagnet needs kappa_n0 < 0, and Omega_R > 0"}
K, Omega_R = spinhydro.hbar_over_m(atom) / 2, ratio * abs(kappa_n0)
Z_0 = np.sqrt(np.maximum(1 - ratio**2, 0))

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(0, L_x))
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
turns = np.array([0, 0.4, 0.8, 1]) * stop_time
delta = spinhydro.table(t, turns, delta_max * np.array([-1, 1, -1, 0]))
H = Omega_R * ex + (kappa_n0 * (s @ ez) - delta) * ez

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) = K*cross(s, lap(s)) + cross(H, s) + alpha*cross(s, cross(s, H))")

# Initial conditions
s["g"] = noise * spinhydro.initial_noise(s, seed)
s["g"][2] = -1
s["g"] /= np.sqrt((s["g"] ** 2).sum(axis=0))
outputs = {"Z": "s@ez", "M": "ave(s@ez)", "delta": "ave((kappa_n0*s - H)@ez)"}
expect = {"remanence": "abs(ave(s@ez) + Z_0) <= 0.02"}
quick = {"stop_time": "200*ms", "Nx": 8}

if __name__ == "__main__":
    spinhydro.main(__file__)
