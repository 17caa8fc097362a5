"""
A magnetic soliton that moves through an easy-axis magnet: an exact solution without damping.

A droplet of turned spins keeps its form, moves with a constant velocity and turns with a constant
frequency. In the units Delta = lambda_ex/sqrt(H_k/M_s) of length and 1/omega_K of time,

    dm/dt = -m x (m_z z + d^2 m/dx^2)

has the two-parameter family

    tan^2(theta/2) = 2 a_0/(b + R cosh(2 sqrt(a_0) xi)),      xi = x - V t,
    phi = Omega t - V xi/2 - sgn(V) atan( sqrt((R - b)/(R + b)) tanh(sqrt(a_0) xi) ),

a_0 = 1 - Omega - V^2/4, b = Omega + V^2/2, R = sqrt(Omega^2 + V^2) (the soliton of the
Landau-Lifshitz equation; Kosevich, Ivanov and Kovalev, Physics Reports 194, 117 (1990)).

| symbol in this file | meaning | source |
|---|---|---|
| Omega | frequency of precession, in units of omega_K | physics of the soliton |
| V | velocity, in units of Delta omega_K | |
| Hk, lambda_ex, Ms | set the units; 1550 kA/m, 7.3 nm, 770 kA/m | paper B |

Good values: Omega + V^2/4 < 1, Omega > 0; the smaller Omega, the wider the droplet.

Runs in some seconds on one core. To run, and to plot:

    spinhydro run problems/moving_soliton.py
    spinhydro run problems/moving_soliton.py V=-1 Omega=0.2
    spinhydro plot runs/moving_soliton/0001

Expected: the exact soliton to 1e-7 after two picoseconds.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, mu_0, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
Hk = spinhydro.material(material).Hk * A / metre
lambda_ex = spinhydro.material(material).lambda_ex * metre
gamma = 1.76e11 * rad / (tesla * second)
Omega = 0.4
V = 0.6
N = 512
stop_time = 5 * ps
output_interval = 0.25 * ps

conditions = {
    "Ms > 0 and Hk > 0 and lambda_ex > 0": "Ms, Hk and lambda_ex must be positive",
    "Omega > 0 and Omega + V**2/4 < 1": "a soliton needs Omega > 0 and Omega + V^2/4 < 1",
    "N >= 64": "N must be at least 64",
}

# Derived parameters
omega_M, omega_K = gamma * mu_0 * Ms, gamma * mu_0 * Hk
stiffness = omega_M * lambda_ex**2
Delta = np.sqrt(stiffness / omega_K)
a_0, b, R = 1 - Omega - V**2 / 4, Omega + V**2 / 2, np.sqrt(Omega**2 + V**2)
L_x = 40 * Delta / np.sqrt(a_0)  # the tails fall as exp(-sqrt(a_0) x/Delta)
conditions = {
    **conditions,
    "L_x*a_0**0.5 >= 30*Delta": "the tails need a box of at least 30 Delta/sqrt(a_0)",
}
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
timestepper = "RK4"
timestep = np.minimum(0.01 * ps, 1.0 / (omega_K + W(pi * N / L_x)))

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")

# Substitutions
X["g"] = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)


def soliton(x, t):
    """The exact solution; periodic where its tails meet."""
    xi = (x - V * Delta * omega_K * t + L_x / 2) % L_x - L_x / 2
    xi = xi / Delta
    tan2 = 2 * a_0 / (b + R * np.cosh(2 * np.sqrt(a_0) * xi))
    inner = np.sqrt((R - b) / (R + b)) * np.tanh(np.sqrt(a_0) * xi) if R > b else 0 * xi
    phi = Omega * omega_K * t - V * xi / 2 - np.sign(V) * np.arctan(inner)
    sine = 2 * np.sqrt(tan2) / (1 + tan2)
    return np.array([sine * np.cos(phi), sine * np.sin(phi), (1 - tan2) / (1 + tan2)])


m_exact = spinhydro.pointwise(soliton, X, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -cross(m, omega_K*(m@ez)*ez - W(m))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = soliton(dist.local_grid(xbasis), 0)

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"turned spins": "drift(1 - m@ez) <= 1e-6"}
if W.name == "micromagnetic":
    expect["spin against the exact solution"] = "abs(m - m_exact) <= 1e-6"
quick = {"stop_time": "1*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
