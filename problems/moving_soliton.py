"""
A magnetic soliton that moves through an easy-axis magnet: an exact solution without damping.

A droplet of reversed spins keeps its form, moves with a constant velocity and precesses with a
constant frequency. In the units Delta = lambda_ex/sqrt(H_k/M_s) of length and 1/omega_K of time,

    dm/dt = -m x (m_z z + d^2 m/dx^2)

has the two-parameter family

    tan^2(theta/2) = 2 a_0/(b + R cosh(2 sqrt(a_0) xi)),      xi = x - V t,
    phi = Omega t - V xi/2 - sgn(V) atan( sqrt((R - b)/(R + b)) tanh(sqrt(a_0) xi) ),

a_0 = 1 - Omega - V^2/4, b = Omega + V^2/2, R = sqrt(Omega^2 + V^2) (the soliton of the
Landau-Lifshitz equation; Kosevich, Ivanov and Kovalev, Physics Reports 194, 117 (1990)). The
smaller Omega, the wider the droplet.

    spinhydro run problems/moving_soliton.py
    spinhydro run problems/moving_soliton.py V=-1 Omega=0.2
    spinhydro plot runs/moving_soliton/0001

Expected: the exact soliton to 1e-7 after two picoseconds.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics import exact_magnets
from spinhydro.units.nm_ps import pi, ps

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, Hk, lambda_ex, gamma = magnet.Ms, magnet.Hk, magnet.lambda_ex, magnet.gamma
Omega = 0.4  # frequency of precession, in units of omega_K
V = 0.6  # velocity, in units of Delta omega_K
N = 512
stop_time = 5 * ps
output_interval = 0.25 * ps

conditions = {
    "Hk > 0": "the soliton needs an easy axis: Hk must be positive",
    "Omega > 0 and Omega + V**2/4 < 1": "a soliton needs Omega > 0 and Omega + V^2/4 < 1",
    "N >= 64": "N must be at least 64",
}

# Derived parameters
magnet = magnet._replace(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, gamma=gamma).checked()
omega_K, stiffness, Delta = magnet.omega_K, magnet.stiffness, magnet.Delta
tail = np.sqrt(1 - Omega - V**2 / 4) / Delta  # the tails fall as exp(-tail x)
L_x = 40 * Delta / np.sqrt(1 - Omega - V**2 / 4)
conditions = {"L_x*tail >= 30": "the tails need a box of at least 30 Delta/sqrt(a_0)"}
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
timestepper = "RK4"
timestep = np.minimum(0.01 * ps, 1.0 / (omega_K + W(pi * N / L_x)))

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)


def soliton(x, t):
    """The exact solution, periodic."""
    xi = (x - V * Delta * omega_K * t + L_x / 2) % L_x - L_x / 2
    return exact_magnets.easy_axis_soliton(xi / Delta, omega_K * t, Omega, V)


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
