"""
Spin waves of a thin film: exchange, anisotropy and the dipolar field as kernels.

A film of the thickness d in the x-y plane lies in a field B along y. The dipolar field, averaged
over the thickness, is a tensor kernel, W_d = omega_M diag((1 - P) kk/k^2, P) with
P = (1 - exp(-kd))/(kd). In

    dm/dt = -p [m x H + alpha m x (m x H)],   H = gamma B - W m - W_d m

small waves with the angle phi between k and m turn with

    Omega^2 = [w + omega_M (1 - P) sin^2 phi] [w + omega_M P],
    w = gamma B + omega_M lambda_ex^2 k^2,

the lowest mode of Kalinikos and Slavin's theory: Damon-Eshbach waves for phi = 90 degrees, backward
volume waves for phi = 0.

| symbol in this file | meaning | good values |
|---|---|---|
| material | its M_s, A and damping | YIG, permalloy |
| thickness | d | 5 to 50 nm |
| field | B along y | 50 mT |
| waves | whole waves of the excitation along x and y | [1, 0], [0, 1], [2, 1] |
| amplitude | of the wave: small, the formula is that of small waves | 1e-7 |

Runs in some ten seconds on one core, on several ranks with mpiexec. To run, and to plot:

    spinhydro run problems/film_spin_waves.py
    spinhydro run problems/film_spin_waves.py waves=[0,3]
    spinhydro plot runs/film_spin_waves/0001

Expected: the wave as the formula says, to a part in 1e6 of its size.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, mu_0, nm, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
material = "permalloy"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
lambda_ex = spinhydro.material(material).lambda_ex * metre
alpha = 0.0
gamma = 1.76e11 * rad / (tesla * second)
thickness = 20 * nm
field = 0.05 * tesla
L_x = 400 * nm
L_y = 400 * nm
Nx = 32
Ny = 32
waves = [2, 1]
amplitude = 1e-7
stop_time = 200 * ps
output_interval = 2 * ps

conditions = {
    "Ms > 0 and lambda_ex > 0 and thickness > 0": "Ms, lambda_ex and thickness must be positive",
    "alpha >= 0": "the damping alpha cannot be negative",
    "L_x > 0 and L_y > 0": "the box lengths must be positive",
    "Nx >= 8 and Ny >= 8": "Nx and Ny must be at least 8",
    "abs(waves[0]) < Nx/2 and abs(waves[1]) < Ny/2": "waves must be resolved: below Nx/2 and Ny/2",
    "0 < amplitude <= 0.1": "amplitude must be small: above 0, at most 0.1",
}

# Derived parameters
p = 1 / (1 + alpha**2)
omega_M, omega_B = gamma * mu_0 * Ms, gamma * field
stiffness = omega_M * lambda_ex**2
kx, ky = 2 * pi * waves[0] / L_x, 2 * pi * waves[1] / L_y
k_wave = np.hypot(kx, ky)
kd = k_wave * thickness
P = (1 - np.exp(-kd)) / kd if kd > 0 else 1.0
across = (kx / k_wave) ** 2 if kd > 0 else 0.0  # sin^2 of the angle between k and m
in_plane = omega_B + stiffness * k_wave**2 + omega_M * (1 - P) * across
normal = omega_B + stiffness * k_wave**2 + omega_M * P
Omega = np.sqrt(in_plane * normal)
timestepper = "RK4"
k_max2 = (pi * Nx / L_x) ** 2 + (pi * Ny / L_y) ** 2
timestep = 0.1 / (omega_B + omega_M + stiffness * k_max2)

# Bases
coords = d3.CartesianCoordinates("x", "y")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(0, L_x))
ybasis = spinhydro.RealFourierNyquist(coords["y"], size=Ny, bounds=(0, L_y))

# Fields
m = dist.VectorField(spin, name="m", bases=(xbasis, ybasis))
phase = dist.Field(name="phase", bases=(xbasis, ybasis))
t = dist.Field(name="t")

# Substitutions
x, y = dist.local_grids(xbasis, ybasis)
phase["g"] = kx * x + ky * y
ex, ey, ez = spin.unit_vector_fields(dist)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_d = spinhydro.kernel("film", omega_M=omega_M, thickness=thickness)
H = omega_B * ey - W(m) - W_d(m)


def wave(phase, t):
    """m = y + (u_x, 0, u_z): the ellipse of a running wave."""
    angle = phase - Omega * t
    u_x = amplitude * np.cos(angle)
    u_z = amplitude * np.sqrt(in_plane / normal) * np.sin(angle)
    return np.array([u_x, np.sqrt(1 - u_x**2 - u_z**2), u_z])


m_exact = spinhydro.pointwise(wave, phase, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = wave(phase["g"], 0)

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if alpha == 0:
    # The rest is of second order.
    limit = amplitude * (1e-6 + amplitude * (1 + omega_M * stop_time))
    expect["wave of the thin-film formula, over its limit"] = "abs(m - m_exact)/limit <= 1"
quick = {"stop_time": "10*ps", "Nx": 16, "Ny": 16}

if __name__ == "__main__":
    spinhydro.main(__file__)
