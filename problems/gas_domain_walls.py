"""
Domain walls of a two-component gas, and lattices of them, at rest or carried by the gas.

At uniform density, in a gas that flows at the velocity v, the Landau-Lifshitz equation

    ds/dt = -v ds/dx + (hbar/2m) s x d2s/dx2 + (Omega_R, 0, kappa n s_z) x s

has static textures in a plane, here carried along at v:

- kind="son_stephanov": with Rabi coupling, the wall across which the relative phase turns by
  2 pi, s = (cos phi, sin phi, 0), phi = pi + 4 atan exp(x/ell), ell = sqrt(hbar/(2 m Omega_R)),
  for any kappa (Son and Stephanov 2002); stable for Omega_R < kappa n/3;
- kind="lattice": without Rabi coupling, (s_x, s_z) = (cn, sn)(x/(ell sqrt(modulus)) | modulus) for
  an easy axis, kappa < 0, and (sn, cn) for an easy plane, kappa > 0, with
  ell = sqrt(hbar/(2 m |kappa| n)). Lattices are saddle points: after a few ms rounding errors
  move them out of the plane.

Walls of a magnet, driven by a field, are in problems/domain_wall.py.

    spinhydro run problems/gas_domain_walls.py
    spinhydro run problems/gas_domain_walls.py kind=lattice modulus=0.999
    spinhydro plot runs/gas_domain_walls/0001

Expected: the exact solution to 1e-8.
"""

import dedalus.public as d3
import numpy as np
from scipy.special import ellipk

import spinhydro
from spinhydro.physics import exact
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
kind = "son_stephanov"  # or "lattice"
Omega_R = 2 * pi * 90 * Hz  # Rabi frequency; without effect on a lattice
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction kappa n, of either sign
velocity = 0.5 * um / ms  # of the gas
modulus = 0.9  # of the elliptic functions
turns = 2  # periods of the lattice in the box
atom = "Na23"
L_wall = 80 * um  # box of the wall; its tails must fit in
Nx = 320 if kind == "son_stephanov" else 64 * turns  # spacing below ell/3
timestepper = "RK4"
stop_time = 4 * ms if kind == "son_stephanov" else 0.5 * ms
output_interval = 0.1 * ms

conditions = {
    "L_wall > 0": "the box length must be positive",
    "kind in ('son_stephanov', 'lattice')": "kind must be son_stephanov or lattice",
    "kind == 'lattice' or Omega_R > 0": "the wall of Son and Stephanov needs Omega_R > 0",
    "kind != 'lattice' or kappa_n0 != 0": "a lattice needs an anisotropy: kappa_n0 is not 0",
    "0 < modulus < 1": "the modulus is between 0 and 1",
    "turns >= 1": "the box holds at least one period of the lattice",
}
advice = {
    "kind == 'lattice' or 3*Omega_R < kappa_n0": (
        "this wall is unstable and breaks out of its plane: stable for Omega_R below kappa_n0/3"
    ),
}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
if kind == "lattice":
    Omega_R = 0 * Omega_R
    ell = np.sqrt(hbar_over_m / (2 * abs(kappa_n0)))
    L_x = 4 * ellipk(modulus) * ell * np.sqrt(modulus) * turns
else:
    ell = np.sqrt(hbar_over_m / (2 * Omega_R))
    L_x = L_wall
fastest = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
# Near the stability limit a strong texture amplifies rounding errors of the shortest waves.
timestep = np.minimum(0.01 * ms, 0.2 * spinhydro.stable_timestep(timestepper, fastest))

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


def texture(x, t):
    x = (x - velocity * t + L_x / 2) % L_x - L_x / 2
    if kind == "son_stephanov":
        return exact.phase_wall(x, ell)
    return exact.wall_lattice(x, ell, modulus, easy_axis=kappa_n0 < 0)


s_exact = spinhydro.pointwise(texture, X, t, like=s)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation(
    "dt(s) + velocity*dx(s)"
    " = hbar_over_m/2*cross(s, lap(s)) + cross(Omega_R*ex + kappa_n0*(s@ez)*ez, s)"
)

# Initial conditions
s["g"] = texture(dist.local_grid(xbasis), 0)

# Output
outputs = {"Z": "s@ez", "s": "s", "s_exact": "s_exact"}
watch = ["abs(sqrt(s@s) - 1) <= 0.1"]
expect = {"spin against the exact solution": "abs(s - s_exact) <= 1e-8"}
quick = {"stop_time": "0.5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
