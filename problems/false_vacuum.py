"""
Bubbles in a false vacuum: a ferromagnetic gas decays (Zenesini et al. 2024, on a ring).

Two coupled components with kappa < 0 have two states of opposite magnetization. Prepared in one of
them, the gas becomes metastable when the detuning delta is ramped past zero; quantum noise, half a
quantum in every mode, nucleates bubbles of the true vacuum, one run for each member:

    i dpsi_a/dt = [-hbar/2m d2/dx2 + g |psi_a|^2 + g12 |psi_b|^2 - mu + delta(t)/2] psi_a
                  + Omega_R/2 psi_b,   and psi_b with -delta(t)/2.

The metastable state exists up to delta_c = |kappa n| [1 - (Omega_R/|kappa n|)^(2/3)]^(3/2). Single
runs are unpredictable after some 15 ms: compare rates. Parameters are close to the experiment.
    spinhydro run problems/false_vacuum.py
Expected: delta_c = 2 pi x 523 Hz; at 515 Hz bubbles come within 10 ms of the ramp, at 500 Hz none
within 40 ms.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R, kappa_n0, g_n0 = 2 * pi * 300 * Hz, -2 * pi * 1150 * Hz, 2 * pi * 5000 * Hz
delta_start, delta_end, ramp_time = -2 * pi * 600 * Hz, 2 * pi * 515 * Hz, 20 * ms
density, members, seed = 2000 / um, 8, 1  # atoms of |psi|^2 = 1
atom, L_x, Nx, stop_time, output_interval = "Na23", 60 * um, 256, 60 * ms, 0.5 * ms
conditions = {"0 < Omega_R < -kappa_n0": "two states need 0 < Omega_R < |kappa_n0|",
              "ramp_time > 0": "the ramp takes time"}  # fmt: skip
K, g, g12, mu = spinhydro.hbar_over_m(atom) / 2, g_n0, g_n0 - kappa_n0, g_n0
delta_c = abs(kappa_n0) * (1 - (Omega_R / abs(kappa_n0)) ** (2 / 3)) ** 1.5
timestepper = "IFRK4"
timestep = spinhydro.stable_timestep(timestepper, K * (pi * Nx / L_x) ** 2, 3 * g_n0, 0.002 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128, members=members)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
psi_a, psi_b = (dist.Field(name=f"psi_{i}", bases=xbasis) for i in "ab")
t = dist.Field(name="t")
left = 1 - t / ramp_time  # remaining part of the ramp; smoothed at its end
delta = delta_end + (delta_start - delta_end) * (left + np.sqrt(left * left + 1e-8)) / 2
n_a, n_b = spinhydro.abs2(psi_a), spinhydro.abs2(psi_b)
V_a, V_b = g * n_a + g12 * n_b - mu + delta / 2, g * n_b + g12 * n_a - mu - delta / 2
problem = d3.IVP([psi_a, psi_b], time=t, namespace=locals())
problem.add_equation("1j*dt(psi_a) + K*lap(psi_a) - Omega_R/2*psi_b = V_a*psi_a")
problem.add_equation("1j*dt(psi_b) + K*lap(psi_b) - Omega_R/2*psi_a = V_b*psi_b")

# The stationary state at delta_start, and quantum noise
psi_a["g"], psi_b["g"] = 1.0, -0.3
spinhydro.ground_state(problem, N=L_x)
psi_a["g"] += spinhydro.quantum_noise(psi_a, seed, density)
psi_b["g"] += spinhydro.quantum_noise(psi_b, seed, density)
outputs = {"Z": "(n_a - n_b)/(n_a + n_b)", "Z_mean": "ave(n_a - n_b)"}
expect = {"number of atoms": "drift(n_a + n_b) <= 1e-4"}
quick = {"Nx": 128, "L_x": "30*um", "members": 2, "stop_time": "2*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
