"""
Josephson oscillation and self-trapping, point by point, against the exact elliptic functions.

Without spin current every point of a coupled gas (Farolfi et al. 2021) oscillates independently:

    ds/dt = (Omega_R, 0, kappa n s_z) x s,        s = -z at t = 0,

which is solved by Z = -cn(Omega_R t; k) where k = kappa n / 2 Omega_R < 1 (the magnetization
oscillates) and by Z = -dn(k Omega_R t; 1/k) where k > 1 (it is self-trapped). Here kappa n falls
from kappa_n0 in the middle of the box to zero at its ends, so that one run shows every k.

    spinhydro run problems/josephson.py
    spinhydro plot runs/josephson/0001

Expected: the exact Z(t) to 1e-7 at every point, the edge of self-trapping included.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency (Fig. 3)
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # largest spin interaction
L_x = 480 * um
Nx = 512
timestepper = "RK4"
timestep = 0.01 * ms
stop_time = 20 * ms
output_interval = 0.1 * ms

conditions = {"min(Omega_R, kappa_n0) >= 0": "Omega_R and kappa_n0 cannot be negative"}
advice = {
    "2*Omega_R <= kappa_n0": (
        "every point oscillates; self-trapping in the middle needs Omega_R below kappa_n0/2"
    ),
}

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
n = dist.Field(name="n", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
x = dist.local_grid(xbasis)
n["g"] = np.cos(pi * x / L_x) ** 2


def exact(n, t):
    return spinhydro.josephson_magnetization(kappa_n0 * n, Omega_R, t)


Z_exact = spinhydro.pointwise(exact, n, t, like=n)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) = cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)")

# Initial conditions
s["g"][2] = -1

# Output
outputs = {"Z": "s@ez", "Z_exact": "Z_exact", "n": "n", "s": "s"}
output_units = {"n": "n0"}
watch = ["abs(sqrt(s@s) - 1) <= 0.1"]
expect = {"magnetization against the exact solution": "abs(s@ez - Z_exact) <= 1e-7"}
quick = {"Nx": 64, "stop_time": "10*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
