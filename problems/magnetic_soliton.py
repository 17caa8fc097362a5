"""
A moving magnetic soliton in the easy plane, against the exact solution.

Without Rabi coupling the one-dimensional Landau-Lifshitz equation of a uniform gas,

    ds/dt = (hbar/2m) s x d2s/dx2 + (0, 0, kappa n s_z) x s,

has solitons: over the width xi = sqrt(hbar/(2 m kappa n)) the spin rotates from +y to -y and out
of the plane, and the soliton moves at a fraction U of the spin sound velocity
c_s = sqrt(hbar kappa n/2m):

    s = (U sech qz, -tanh qz, q sech qz),   q = sqrt(1 - U^2),   z = (x - U c_s t)/xi.

The periodic box holds this soliton and, half a box away, its copy rotated by pi about x.

    spinhydro run problems/magnetic_soliton.py velocity=0.3
    spinhydro plot runs/magnetic_soliton/0001

Expected: the exact solution to 1e-8; spectral accuracy in Nx, the order of the stepper in timestep.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction kappa n
velocity = 0.6  # U, in units of c_s: 0.2 to 0.9
atom = "Na23"
L_x = 110 * um
Nx = 640  # spacing below xi/3
stop_time = 10 * ms
output_interval = 0.25 * ms

conditions = {
    "L_x > 0": "the box length must be positive",
    "kappa_n0 > 0": "solitons of the easy plane need kappa_n0 > 0",
    "-1 < velocity < 1": "the soliton is slower than sound: -1 < velocity < 1",
}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
c_s = np.sqrt(hbar_over_m * kappa_n0 / 2)
xi = np.sqrt(hbar_over_m / (2 * kappa_n0))
timestepper = "RK4"
fastest = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
timestep = spinhydro.stable_timestep(timestepper, fastest, longest=0.02 * ms)

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
    """The soliton at -L_x/4 and its copy, rotated about x, at L_x/4; both move at U c_s."""
    y = (x - velocity * c_s * t + L_x / 2) % L_x - L_x / 2
    first = spinhydro.magnetic_soliton((y + L_x / 4) / xi, velocity)
    second = spinhydro.magnetic_soliton((y - L_x / 4) / xi, velocity)
    second[1:] *= -1
    return np.where(y < 0, first, second)


s_exact = spinhydro.pointwise(exact, X, t, like=s)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) = hbar_over_m/2*cross(s, lap(s)) + cross(kappa_n0*(s@ez)*ez, s)")

# Initial conditions
s["g"] = exact(dist.local_grid(xbasis), 0)

# Output
outputs = {"Z": "s@ez", "s": "s", "s_exact": "s_exact"}
watch = ["abs(sqrt(s@s) - 1) <= 0.1"]
expect = {"spin against the exact solution": "abs(s - s_exact) <= 1e-8"}
quick = {"stop_time": "1*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
