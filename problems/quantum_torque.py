"""
The breaking of a magnetic interface by the quantum torque (paper A, Fig. 2).

A trapped, elongated gas of sodium in two coherently coupled spin states starts fully polarised.
In the dense centre the interaction holds the spin (self-trapping), in the dilute wings it follows
the Rabi coupling. Between the two, at x_c with kappa n(x_c) = 2 Omega_R, an interface steepens
until the quantum torque breaks it into short spin waves.

The spin s (a unit vector at every x) obeys the one-dimensional Landau-Lifshitz equation

    ds/dt = (hbar/2m) s x (d2s/dx2 + (d ln n/dx) ds/dx) - v ds/dx + (Omega_R, 0, kappa n s_z) x s

which is paper A's Eqs. (1) and (2) divided by the density n. n and the velocity v are frozen.

| symbol in this file | meaning | paper A |
|---|---|---|
| Omega_R | Rabi frequency, 2 pi x 118 Hz | Fig. 3 |
| kappa_n0 | spin interaction at the peak density, Omega_R / 0.33 | Fig. 3 |
| g12_over_g | interspecies over intraspecies interaction | Methods |
| g_n0 | interaction g n_0 / hbar | Methods |
| R_x | Thomas-Fermi radius (printed as R_r) | Methods |
| velocity | v, the same everywhere; fill the field v for a profile | Eq. 2 |

Runs in about ten seconds on one core. To run, and to plot Fig. 2:

    spinhydro run problems/quantum_torque.py
    spinhydro plot runs/quantum_torque/0001

Expected: interface at 122.4 um, breaking at 1.11 Rabi periods; with torque=0 no breaking.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, hbar, kg, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction at the peak density
g12_over_g = 0.93
R_x = 210 * um
atom = "Na23"
velocity = 0 * um / ms  # of the gas, carries the spins along
torque = 1.0  # 1: with the quantum torque, 0: without (every point on its own)
density = "ground_state"  # or "pedestal", "thomas_fermi", "thomas_fermi_floor"
edge = 1e-4  # d ln n/dx = n'/(n + edge): silences the torque where there is no gas
L_x = 480 * um
Nx = 2048
stop_time = 40 * ms
output_interval = 0.25 * ms

conditions = {
    "Nx >= 64 and Nx % 2 == 0": "Nx must be an even number, at least 64",
    "0 < 2.05*R_x < L_x": "the box must be larger than the cloud, 2.05 R_x < L_x, and R_x positive",
    "Omega_R >= 0": "the Rabi frequency cannot be negative",
    "kappa_n0 > 0": "kappa_n0 must be positive, or there is no self-trapping",
    "g12_over_g < 1": "the components are immiscible: take g12_over_g < 1",
    "g12_over_g > -1": "the attraction makes the gas collapse: take g12_over_g > -1",
    "edge > 0": "edge must be positive: the density vanishes outside the cloud",
    "density in ('ground_state', 'pedestal', 'thomas_fermi', 'thomas_fermi_floor')": (
        "density must be ground_state, pedestal, thomas_fermi or thomas_fermi_floor"
    ),
}

advice = {
    "2*Omega_R <= kappa_n0": (
        "there is no interface, all of the gas follows the Rabi coupling; self-trapping at the "
        "centre needs Omega_R below kappa_n0/2"
    ),
}

# Derived parameters
g_n0 = kappa_n0 / (1 - g12_over_g)
hbar_over_m = hbar / (spinhydro.atomic_mass(atom) * kg)
omega_x = np.sqrt(2 * hbar_over_m * g_n0) / R_x  # the trap that gives this radius
k_max = pi * Nx / L_x
timestepper = "RK4"
timestep = np.minimum(0.02 * ms, spinhydro.stable_timestep(timestepper, hbar_over_m / 2 * k_max**2))

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spin, name="s", bases=xbasis)
n = dist.Field(name="n", bases=xbasis)
q = dist.Field(name="q", bases=xbasis)
v = dist.Field(name="v", bases=xbasis)

# Substitutions
x = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
v["g"] = velocity
if density in ("ground_state", "pedestal"):
    trap = omega_x**2 * x**2 / (2 * hbar_over_m)
    if density == "pedestal":  # as in problems/spinor_hydrodynamics.py
        trap = spinhydro.pedestal(trap, 0.95 * g_n0, 0.02 * g_n0)
    n["g"] = spinhydro.ground_state(x, trap, g_n0, hbar_over_m / 2, chemical_potential=g_n0)
    slope = d3.Differentiate(n, coords["x"]).evaluate()["g"]
else:
    n["g"] = spinhydro.thomas_fermi(x, R_x, floor=2e-3 if density == "thomas_fermi_floor" else 0)
    slope = np.gradient(n["g"], x.ravel(), axis=-1)  # a spectral derivative rings at the kink
q["g"] = slope / (n["g"] + edge)

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
