"""
A Kibble-Zurek quench in two dimensions: ferromagnetic domains of a coupled gas.

At uniform density a gas with kappa < 0 has the ground state s = -x for Omega_R > |kappa n|, and two
of opposite magnetization s_z below. The Rabi coupling is ramped through the critical point,

    ds/dt = hbar/2m s x lap(s) + (Omega_R, 0, kappa n s_z) x s, Omega_R = |kappa n|(3/2 - t/tau_Q).

Waves, omega^2 = (e + Omega_R)(e + Omega_R - |kappa n|), e = hbar k^2/2m, freeze out at a distance
(tau_Q/|kappa n|^2)^(1/3) from it. In this mean field, nu = 1/2 and z = 1, the size of the domains
grows as tau_Q^(1/3) and their number falls as tau_Q^(-2/3). A list of tau_Q is one run.

    spinhydro run problems/kibble_zurek.py tau_Q='[8, 16, 32, 64]' stop_time=44
    spinhydro plot runs/kibble_zurek/0001 --figure kibble_zurek

Expected at the onset of domains: exponents 0.29 +- 0.05 and -0.6 +- 0.2 in a single run.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
tau_Q, kappa_n0, noise, seed = 16 * ms, -2 * pi * 1150 * Hz, 1e-2, 1
atom, L, N = "Na23", 480 * um, 256
stop_time, output_interval = 20 * ms, 0.25 * ms
conditions = {"kappa_n0 < 0 and tau_Q > 0": "domains need kappa_n0 < 0, and the ramp some time"}

# Derived parameters
K = spinhydro.hbar_over_m(atom) / 2
timestepper, fastest = "RK4", 2 * K * (pi * N / L) ** 2 + 2.5 * abs(kappa_n0)
timestep = spinhydro.stable_timestep(timestepper, fastest, longest=0.1 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [spinhydro.RealFourierNyquist(c, size=N, bounds=(0, L)) for c in coords.coords]
s = dist.VectorField(spinhydro.spin, name="s", bases=bases)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
Omega_R = abs(kappa_n0) * spinhydro.maximum(1.5 - t / tau_Q, 0)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) = K*cross(s, lap(s)) + cross(Omega_R*ex + kappa_n0*(s@ez)*ez, s)")
projections = {"s": "s/sqrt(s@s)"}

# Initial conditions
s["g"] = noise * spinhydro.initial_noise(s, seed)
s["g"][0] = -1

# Output
outputs = {"Z": "s@ez", "order": "ave((s@ez)**2)"}
expect = {"spin length": "abs(sqrt(s@s) - 1) <= 1e-9"}
quick = {"N": 32, "L": "20*um", "tau_Q": "2*ms", "stop_time": "1*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
