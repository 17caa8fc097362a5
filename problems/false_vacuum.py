"""
Bubbles in a false vacuum: a ferromagnetic gas decays (Zenesini et al. 2024, on a ring).

Two coupled components with kappa < 0 have two states of opposite magnetization. Prepared in one of
them, the gas becomes metastable when the detuning delta is ramped past zero; quantum noise, half a
quantum in every mode, nucleates bubbles of the true vacuum, one run for each member:

    i dpsi_a/dt = [-hbar/2m d2/dx2 + g |psi_a|^2 + g12 |psi_b|^2 - mu + delta(t)/2] psi_a
                  + Omega_R/2 psi_b,
    i dpsi_b/dt = [-hbar/2m d2/dx2 + g |psi_b|^2 + g12 |psi_a|^2 - mu - delta(t)/2] psi_b
                  + Omega_R/2 psi_a.

The metastable state exists up to delta_c = |kappa n| [1 - (Omega_R/|kappa n|)^(2/3)]^(3/2). Single
runs are unpredictable after some 15 ms: compare rates. Parameters are close to the experiment.

    spinhydro run problems/false_vacuum.py
    spinhydro run problems/false_vacuum.py delta_end='2*pi*500*Hz' members=64

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
density = 2000 / um  # atoms of |psi|^2 = 1
members, seed = 8, 1
atom, L_x, Nx = "Na23", 60 * um, 256
stop_time, output_interval = 60 * ms, 0.5 * ms

conditions = {"0 < Omega_R < -kappa_n0": "two states need 0 < Omega_R < |kappa_n0|",
              "ramp_time > 0": "the ramp takes time"}  # fmt: skip

# Derived parameters
K = spinhydro.hbar_over_m(atom) / 2
g, g12, mu = g_n0, g_n0 - kappa_n0, g_n0
delta_c = abs(kappa_n0) * (1 - (Omega_R / abs(kappa_n0)) ** (2 / 3)) ** 1.5
timestepper = "IFRK4"
timestep = spinhydro.stable_timestep(timestepper, K * (pi * Nx / L_x) ** 2, 3 * g_n0, 0.002 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128, members=members)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
psi_a, psi_b = (dist.Field(name=name, bases=xbasis) for name in ("psi_a", "psi_b"))
t = dist.Field(name="t")
left = 1 - t / ramp_time  # remaining part of the ramp; smoothed at its end
delta = delta_end + (delta_start - delta_end) * (left + np.sqrt(left * left + 1e-8)) / 2

# Problem
problem = d3.IVP([psi_a, psi_b], time=t, namespace=locals())
problem.add_equation(
    "dt(psi_a) - 1j*K*lap(psi_a) + 1j*Omega_R/2*psi_b"
    " = -1j*(g*abs2(psi_a) + g12*abs2(psi_b) - mu + delta/2)*psi_a"
)
problem.add_equation(
    "dt(psi_b) - 1j*K*lap(psi_b) + 1j*Omega_R/2*psi_a"
    " = -1j*(g*abs2(psi_b) + g12*abs2(psi_a) - mu - delta/2)*psi_b"
)

# Initial conditions: the stationary state at delta_start, and quantum noise
psi_a["g"], psi_b["g"] = 1.0, -0.3
spinhydro.ground_state(problem, N=L_x)
psi_a["g"] += spinhydro.quantum_noise(psi_a, seed, density)
psi_b["g"] += spinhydro.quantum_noise(psi_b, seed, density)

# Output
outputs = {
    "Z": "(abs2(psi_a) - abs2(psi_b))/(abs2(psi_a) + abs2(psi_b))",
    "Z_mean": "ave(abs2(psi_a) - abs2(psi_b))",
}
expect = {"number of atoms": "drift(abs2(psi_a) + abs2(psi_b)) <= 1e-4"}
quick = {"Nx": 128, "L_x": "30*um", "members": 2, "stop_time": "2*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
