"""
A precessing spin spiral, against the exact solution.

In a uniform gas without Rabi coupling that flows at the velocity v, the one-dimensional
Landau-Lifshitz equation

    ds/dt = -v ds/dx + (hbar/2m) s x d2s/dx2 + (0, 0, kappa n s_z) x s

turns the spiral s = (sin theta cos phi, sin theta sin phi, cos theta), phi = q x - omega t, rigidly
at omega = v q - (kappa n - hbar q^2/2m) cos theta: interaction and quantum torque turn it in
opposite directions, and the flow carries it along. For theta near pi/2 and hbar q^2/2m < kappa n
the spiral is stable.

    spinhydro run problems/spin_spiral.py turns=5
    spinhydro plot runs/spin_spiral/0001

Expected: the exact solution to 1e-9.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, rad, um

# Parameters
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction kappa n
polar_angle = pi / 3 * rad  # theta
velocity = 0.5 * um / ms  # of the gas
turns = 3  # over the box: q = 2 pi turns / L_x
atom = "Na23"
L_x = 40 * um
Nx = 64
timestepper = "RK4"
timestep = 0.01 * ms
stop_time = 5 * ms
output_interval = 0.1 * ms

conditions = {
    "L_x > 0": "the box length must be positive",
    "abs(turns) < Nx/2": "the grid resolves fewer than Nx/2 turns",
}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
q = 2 * pi * turns / L_x
omega = velocity * q - (kappa_n0 - hbar_over_m / 2 * q**2) * np.cos(polar_angle)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)


def exact(x, t):
    return spinhydro.spin_spiral(q * x - omega * t, polar_angle)


s_exact = spinhydro.pointwise(exact, X, t, like=s)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation(
    "dt(s) + velocity*dx(s) = hbar_over_m/2*cross(s, lap(s)) + cross(kappa_n0*(s@ez)*ez, s)"
)

# Initial conditions
s["g"] = exact(dist.local_grid(xbasis), 0)

# Output
outputs = {"Z": "s@ez", "s": "s", "s_exact": "s_exact"}
watch = ["abs(sqrt(s@s) - 1) <= 0.1"]
expect = {"spin against the exact solution": "abs(s - s_exact) <= 1e-8"}
quick = {"stop_time": "2*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
