"""
Spin waves of a thin film: exchange, anisotropy and the dipolar field as kernels.

A film of thickness d in the x-y plane is in a field B along y. The dipolar field, averaged
over the thickness, is a tensor kernel, W_d = omega_M diag((1 - P) kk/k^2, P) with
P = (1 - exp(-kd))/(kd). In

    dm/dt = -p [m x H + alpha m x (m x H)],   H = gamma B - W m - W_d m

small waves with the angle phi between k and m precess with

    Omega^2 = [w + omega_M (1 - P) sin^2 phi] [w + omega_M P],
    w = gamma B + omega_M lambda_ex^2 k^2,

the lowest mode of Kalinikos and Slavin's theory: Damon-Eshbach waves for phi = 90 degrees, backward
volume waves for phi = 0.

    spinhydro run problems/film_spin_waves.py
    spinhydro run problems/film_spin_waves.py waves=[0,3]
    spinhydro plot runs/film_spin_waves/0001

Expected: the wave as in the formula, to a part in 1e6 of its size.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.exact_magnets import elliptic_wave, film_frequencies
from spinhydro.units.nm_ps import nm, pi, ps, tesla

# Parameters
material = "permalloy"  # `spinhydro materials` lists the others, YIG among them
magnet = spinhydro.magnet(material, alpha=0.0)
Ms, lambda_ex, alpha, gamma = magnet.Ms, magnet.lambda_ex, magnet.alpha, magnet.gamma
thickness = 20 * nm
field = 0.05 * tesla  # along y
L_x, L_y = 400 * nm, 400 * nm
Nx, Ny = 32, 32
waves = [2, 1]  # whole waves along x and y
amplitude = 1e-7
stop_time = 200 * ps
output_interval = 2 * ps

conditions = {
    "thickness > 0": "the thickness must be positive",
    "abs(waves[0]) < Nx/2 and abs(waves[1]) < Ny/2": "waves must be resolved: below Nx/2 and Ny/2",
    "0 < amplitude <= 0.1": "amplitude must be small: above 0, at most 0.1",
}

# Derived parameters
magnet = magnet._replace(Ms=Ms, lambda_ex=lambda_ex, alpha=alpha, gamma=gamma).checked()
omega_M, omega_B, stiffness, p = magnet.omega_M, gamma * field, magnet.stiffness, magnet.p
kx, ky = 2 * pi * waves[0] / L_x, 2 * pi * waves[1] / L_y
in_plane, normal = film_frequencies(kx, ky, omega_B, omega_M, stiffness, thickness)
Omega = np.sqrt(in_plane * normal)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_d = spinhydro.kernel("film", omega_M=omega_M, thickness=thickness)
timestepper = "RK4"
k_max2 = (pi * Nx / L_x) ** 2 + (pi * Ny / L_y) ** 2
timestep = 0.1 / (omega_B + omega_M + stiffness * k_max2)

# Bases
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(0, L_x))
ybasis = spinhydro.RealFourierNyquist(coords["y"], size=Ny, bounds=(0, L_y))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=(xbasis, ybasis))
phase = dist.Field(name="phase", bases=(xbasis, ybasis))
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
x, y = dist.local_grids(xbasis, ybasis)
phase["g"] = kx * x + ky * y
H = omega_B * ey - W(m) - W_d(m)


def wave(phase, t):
    return elliptic_wave(phase - Omega * t, amplitude, in_plane, normal)


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
