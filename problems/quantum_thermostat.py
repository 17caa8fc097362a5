"""
Spins in a bath with memory and quantum noise: open-system spin dynamics in a field.

Every spin m in the field omega_B z drives an oscillator V, whose friction and noise it feels,

    dm/dt = -m x (omega_B z + V),   dV/dt = P,   dP/dt = -omega_0^2 V - Gamma P + A m + b,

and comes to rest with Gilbert's damping alpha = A Gamma/omega_0^4 at low frequencies (Anders, Sait
and Horsley, New J. Phys. 24, 033020 (2022)). The spectrum of b is 2 Gamma A T x coth x, x = hbar
omega/2 k_B T, T = k_B T gamma/mu; by Matsubara's sum, with nu_n = 2 pi n spin T,

    b = sqrt(2 Gamma A T) [xi_0 + sqrt(2) sum_n (xi_n - u_n)],   du_n/dt = -nu_n u_n + nu_n xi_n.

Noise with terms=0 is classical, <m_z> = L(omega_B/T), L(x) = coth x - 1/x; quantum noise makes
weakly damped spins as hot as T x coth x at omega_B.
    spinhydro run problems/quantum_thermostat.py
Expected: <m_z> = 0.443 for spin 1 (0.537 of classical noise), within 0.02: statistics and damping.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, ps, rad

# Parameters
T, omega_B, omega_0, Gamma = 0.5 * rad / ps, 1.0 * rad / ps, 4.0 * rad / ps, 4.0 * rad / ps
alpha, spin, terms, N, seed, timestepper = 0.05, 1.0, 6, 4096, 0, "RK4"
stop_time, output_interval, timestep = 120 * ps, 2 * ps, 0.05 * ps
conditions = {"0 <= terms <= 9 and T > 0": "terms is a whole number up to 9, and T > 0"}
x, A, nu = omega_B / (2 * spin * T), alpha * omega_0**4 / Gamma, 2 * np.pi * spin * T
heat = T * (x / np.tanh(x) if terms else 1)
mz_expected = 1 / np.tanh(omega_B / heat) - heat / omega_B

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, N * nm))
m, V, P = (dist.VectorField(spinhydro.spin, name=name, bases=xbasis) for name in "mVP")
u = [dist.VectorField(spinhydro.spin, name=f"u_{n + 1}", bases=xbasis) for n in range(terms)]
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
xi = [spinhydro.white_noise(m, seed=seed, name=f"xi_{n}") for n in range(terms + 1)]
b = np.sqrt(2 * Gamma * A * T) * sum((np.sqrt(2) * (xi[n + 1] - u[n]) for n in range(terms)), xi[0])
names = {f"xi_{n}": noise for n, noise in enumerate(xi)} | {field.name: field for field in u}
problem = d3.IVP([m, V, P, *u], namespace=locals() | names)
problem.add_equation("dt(m) = -cross(m, omega_B*ez + V)")
problem.add_equation("dt(V) = P")
problem.add_equation("dt(P) = -omega_0**2*V - Gamma*P + A*m + b")
for n in range(1, terms + 1):
    problem.add_equation(f"dt(u_{n}) = {n}*nu*(xi_{n} - u_{n})")
projections = {"m": "m/sqrt(m@m)"}
m["g"][2], V["g"][2] = 1, A / omega_0**2
outputs = {"mz_mean": "ave(m@ez)", "V2": "ave((V - A/omega_0**2*m)@(V - A/omega_0**2*m))"}
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-9"}
if stop_time >= 100 * ps:
    expect["order"] = "ave(m@ez) = mz_expected +- 0.03"
quick = {"N": 64, "stop_time": "2*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
