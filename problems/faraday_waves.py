"""
Faraday waves of the spin: a modulated Rabi coupling makes standing waves grow.

A coupled gas rests in its ground state, all spins along -x, and the Rabi frequency is modulated:

    ds/dt = (hbar/2m) s x d2s/dx2 + (Omega_R (1 + epsilon cos omega t), 0, kappa n s_z) x s.

Waves with omega_s = sqrt((e + Omega_R)(e + Omega_R + kappa n)), e = hbar k^2/2m, are in parametric
resonance at omega = 2 omega_s and grow at the rate

    Gamma = epsilon Omega_R kappa n/(4 omega_s)

to first order in epsilon. The box holds `waves` of them; Z_linear solves the equations of one wave.

    spinhydro run problems/faraday_waves.py epsilon=0.1 waves=4 stop_time=60

Expected: Z as linear theory, and the amplitude grows with Gamma = 0.04362/ms, to 0.1 per cent.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.exact import modulated_wave
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R, kappa_n0, epsilon = 2 * pi * 118 * Hz, 2 * pi * 357 * Hz, 0.2
waves, amplitude, atom, L_x, Nx = 8, 1e-6, "Na23", 100 * um, 128
stop_time, output_interval = 100 * ms, 0.25 * ms
K, k = spinhydro.hbar_over_m(atom) / 2, 2 * pi * waves / L_x
omega_s = np.sqrt((K * k**2 + Omega_R) * (K * k**2 + Omega_R + kappa_n0))
Gamma = epsilon * Omega_R * kappa_n0 / (4 * omega_s)
timestepper, fastest = "RK4", K * (pi * Nx / L_x) ** 2 + kappa_n0
timestep = spinhydro.stable_timestep(timestepper, fastest, longest=0.02 * ms)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(0, L_x))
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
wave, t = dist.Field(name="wave", bases=xbasis), dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
wave["g"] = np.cos(k * dist.local_grid(xbasis))
Omega = Omega_R * (1 + epsilon * np.cos(2 * omega_s * t))
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) = K*cross(s, lap(s)) + cross(Omega*ex + kappa_n0*(s@ez)*ez, s)")
projections = {"s": "s/sqrt(s@s)"}

# One small wave, and what linear theory makes of it
s["g"][0], s["g"][2] = -np.sqrt(1 - (amplitude * wave["g"]) ** 2), amplitude * wave["g"]
linear = modulated_wave(K * k**2, Omega_R, kappa_n0, epsilon, 2 * omega_s, stop_time)
Z_linear = spinhydro.pointwise(lambda wave, t: amplitude * linear(t) * wave, wave, t, like=wave)
outputs = {"Z": "s@ez", "s": "s", "size": "sqrt(2*ave((s@ez)**2))"}
reached = amplitude * np.exp(Gamma * stop_time)
expect = {"wave of linear theory": "(s@ez - Z_linear)/reached <= 1e-3"}
quick = {"stop_time": "5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
