"""
Domain walls of a two-component gas, and lattices of them, at rest or carried by the gas.

At uniform density, in a gas that flows at the velocity v, the Landau-Lifshitz equation

    ds/dt = -v ds/dx + (hbar/2m) s x d2s/dx2 + (Omega_R, 0, kappa n s_z) x s

has static textures in a plane, here carried along at v: the wall of Son and Stephanov, across which
the relative phase phi = pi + 4 atan exp(x/ell) turns by 2 pi, ell = sqrt(hbar/(2 m Omega_R)); and,
with kind="lattice" and without Rabi coupling, (s_x, s_z) = (cn, sn)(x/(ell sqrt(modulus)) |
modulus) for an easy axis, kappa < 0, and (sn, cn) for an easy plane, ell = sqrt(hbar/(2 m |kappa|
n)). Lattices are saddle points: after a few ms rounding errors move them out of the plane.

    spinhydro run problems/gas_domain_walls.py

Expected: the exact solution to 1e-8.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.exact import lattice_period, static_texture
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
kind, velocity, modulus, turns = "son_stephanov", 0.5 * um / ms, 0.9, 2  # turns: periods of lattice
Omega_R, kappa_n0, atom, L_wall = 2 * pi * 90 * Hz, 2 * pi * (118 / 0.33) * Hz, "Na23", 80 * um
Nx, output_interval, timestepper = 64 * turns if kind == "lattice" else 320, 0.1 * ms, "RK4"
stop_time = 0.5 * ms if kind == "lattice" else 4 * ms
conditions = {
    "kind in ('son_stephanov', 'lattice')": "kind must be son_stephanov or lattice",
    "kind == 'lattice' or (Omega_R > 0 and L_wall > 0)": "the wall needs Omega_R and L_wall > 0",
    "kind != 'lattice' or (kappa_n0 != 0 and 0 < modulus < 1 and turns >= 1)": (
        "a lattice needs kappa_n0 other than 0, a modulus between 0 and 1, and turns"
    ),
}
advice = {"kind == 'lattice' or 3*Omega_R < kappa_n0": "stable for Omega_R below kappa_n0/3 only"}
Omega, stiffness = (0 * Omega_R, abs(kappa_n0)) if kind == "lattice" else (Omega_R, Omega_R)
K = spinhydro.hbar_over_m(atom) / 2
ell = np.sqrt(K / stiffness)
L_x = lattice_period(ell, modulus) * turns if kind == "lattice" else L_wall
fastest = K * (pi * Nx / L_x) ** 2  # a fifth of its limit: strong textures amplify rounding errors
timestep = np.minimum(0.01 * ms, 0.2 * spinhydro.stable_timestep(timestepper, fastest))

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
X, t = dist.Field(name="X", bases=xbasis), dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)
texture, half = static_texture(kind, ell, modulus, easy_axis=kappa_n0 < 0), L_x / 2
s_exact = spinhydro.pointwise(
    lambda X, t: texture((X - velocity * t + half) % L_x - half), X, t, like=s
)
H, s["g"] = Omega * ex + kappa_n0 * (s @ ez) * ez, texture(X["g"])
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation("dt(s) + velocity*dx(s) = K*cross(s, lap(s)) + cross(H, s)")
outputs = {"Z": "s@ez", "s": "s", "s_exact": "s_exact"}
expect = {"spin against the exact solution": "abs(s - s_exact) <= 1e-8"}
quick = {"stop_time": "0.5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
