"""
Switching by a circularly polarised pulse: heat, and the field of the inverse Faraday effect.

A laser pulse heats the electrons of a granular film, by the two-temperature model, and while it
lasts its helicity acts as a field along z. Grains of moment mu with the easy axis z feel both:

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],  b = sqrt(2 alpha gamma k_B T_e/mu) xi,
    H = (omega_K m_z + helicity omega_F f(t)) z,   f = exp(-(t - t_0)^2/2 tau^2),
    d(gamma_e T_e^2/2)/dt = -G (T_e - T_p) + P_0 f,   C_p dT_p/dt = G (T_e - T_p).

Half of the grains point up at the start; heat lowers their barrier, and the helicity chooses. They
do not interact: <m_z> obeys a Fokker-Planck equation in m_z, which is solved beside the run.
Numbers are of the order of those of FePt, not of an experiment. helicity=-1: the other way.
    spinhydro run problems/helicity_switching.py
Expected: <m_z> = 0.723 after 60 ps by the Fokker-Planck equation, within 0.05 (4096 grains).
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.heating import mean_of_axial_spins, two_temperatures
from spinhydro.units.nm_ps import J, K, k_B, metre, mu_B, nm, ps, rad, second, tesla

# Parameters
helicity, mu, alpha, gamma = 1, 2000 * mu_B, 0.2, 1.76e11 * rad / (second * tesla)
B_K, B_F, T_0, t_0, tau = 6 * tesla, 8 * tesla, 300 * K, 25 * ps, 8 * ps
gamma_e, C_p = 110 * J / (metre**3 * K**2), 3e6 * J / (metre**3 * K)
G, P_0 = 5e17 * J / (metre**3 * K * second), 8e19 * J / (metre**3 * second)
N, seed, timestepper, timestep = 4096, 0, "RK4", 0.02 * ps
stop_time, output_interval = 60 * ps, 1 * ps
omega_K, omega_F, p = gamma * B_K, gamma * B_F, 1 / (1 + alpha**2)

# Temperature of the electrons, and what the Fokker-Planck equation makes of it
times = np.linspace(0, stop_time, 601)
heat = two_temperatures(times, lambda t: P_0 * spinhydro.pulse(t, t_0, tau), gamma_e, C_p, G, T_0)
mz_exact = mean_of_axial_spins(
    times, lambda t: helicity * omega_F * spinhydro.pulse(t, t_0, tau), omega_K,
    lambda t: alpha * p * gamma * k_B / mu * np.interp(t, times, heat.electrons), alpha,
)[-1]  # fmt: skip

# Bases and fields: one grain per grid point
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, N * 10 * nm))
m, t = dist.VectorField(spinhydro.spin, name="m", bases=xbasis), dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
T_e = spinhydro.table(t, times, heat.electrons)
b = spinhydro.thermal_field(m, T_e, alpha, mu, gamma, k_B, seed=seed)
H = (omega_K * (m @ ez) + helicity * omega_F * spinhydro.pulse(t, t_0, tau)) * ez + b
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}
m["g"][2] = (-1.0) ** np.rint(dist.local_grid(xbasis) / (10 * nm))
outputs = {"mz_mean": "ave(m@ez)", "T_e": "ave(T_e*(m@m))", "m2": "ave((m@ez)**2)"}
expect = {"order": "ave(m@ez) = mz_exact +- 0.05"}
quick = {"stop_time": "5*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
