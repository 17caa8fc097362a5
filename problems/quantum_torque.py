"""
The breaking of a magnetic interface by the quantum torque (Farolfi et al. 2021, Fig. 2).

A trapped, elongated gas of sodium in two coherently coupled spin states starts fully polarised.
In the dense centre the interaction holds the spin (self-trapping), in the dilute wings it follows
the Rabi coupling. Between the two, at x_c with kappa n(x_c) = 2 Omega_R, an interface steepens
until the quantum torque breaks it into short spin waves. The unit vector s obeys the
one-dimensional Landau-Lifshitz equation (Eqs. 1 and 2 of the paper, divided by the density n)

    ds/dt = (hbar/2m) s x (d2s/dx2 + (d ln n/dx) ds/dx) - v ds/dx + (Omega_R, 0, kappa n s_z) x s

with the density n frozen at its initial value, and a uniform velocity v (fill the field v for a
profile). Runs in about ten seconds on one core; to plot Fig. 2:

    spinhydro run problems/quantum_torque.py
    spinhydro plot runs/quantum_torque/0001

Expected: interface at 122.4 um, breaking at 1.11 Rabi periods; with torque=0 no breaking.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency (Fig. 3)
g12_over_g = 0.93  # interspecies over intraspecies interaction (Methods)
kappa_n0 = 2 * pi * (118 / 0.33) * Hz * (g12_over_g < 1)  # zero if g12 = g, at the peak
R_x = 210 * um  # Thomas-Fermi radius (Methods, printed as R_r)
atom = "Na23"
velocity = 0 * um / ms  # of the gas, advects the spins
torque = 1.0  # 0 removes the quantum torque: independent points
density = "ground_state"  # or "pedestal", "thomas_fermi", "thomas_fermi_floor"
edge = 1e-4  # d ln n/dx = n'/(n + edge): suppresses the torque where there is no gas
L_x = 480 * um
Nx = 2048
stop_time = 40 * ms
output_interval = 0.25 * ms

conditions = {
    "L_x > 0": "the box length must be positive",
    "Nx >= 64 and Nx % 2 == 0": "Nx must be an even number, at least 64",
    "Omega_R >= 0": "the Rabi frequency cannot be negative",
}
advice = {
    "2*Omega_R <= kappa_n0": (
        "there is no interface, all of the gas follows the Rabi coupling; self-trapping at the "
        "centre needs Omega_R below kappa_n0/2"
    ),
}

# Derived parameters
g_n0 = spinhydro.interaction(kappa_n0, g12_over_g)
hbar_over_m = spinhydro.hbar_over_m(atom)
timestepper = "WaveRK4"
fastest = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
timestep = spinhydro.stable_timestep(timestepper, fastest, longest=0.02 * ms)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
v = dist.Field(name="v", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
gas = spinhydro.frozen_gas(dist, xbasis, hbar_over_m, g_n0, R_x, density, edge)
n, q, x = gas.n, gas.log_slope, dist.local_grid(xbasis)  # n(0) = 1, q = (ln n)'
v["g"] = velocity

# Problem
problem = d3.IVP([s], namespace=locals())
problem.add_equation(
    "dt(s) = torque*hbar_over_m/2*cross(s, lap(s) + q*dx(s)) - v*dx(s)"
    " + cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"
)
projections = {"s": "s/sqrt(s@s)"}

# Initial conditions
s["g"][2] = -1

# Output
outputs = {"Z": "s@ez", "n": "n", "s": "s"}
output_units = {"n": "n0"}
watch = ["abs(sqrt(s@s) - 1) <= 1e-6"]
expect = {
    "spin length": "abs(sqrt(s@s) - 1) <= 1e-6",
    "energy": (
        "drift(n*(torque*hbar_over_m/8*(dx(s)@dx(s)) + kappa_n0/4*n*(s@ez)**2 + Omega_R/2*(s@ex)))"
        " <= 1e-3"
    ),
}
quick = {"Nx": 256, "stop_time": "5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
