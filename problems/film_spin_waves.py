"""
Spin waves of a thin film: exchange, anisotropy and the dipolar field as kernels.

A film of thickness d in the x-y plane is in a field B along y. Its dipolar field, averaged over the
thickness, is the kernel W_d = omega_M diag((1 - P) kk/k^2, P), P = (1 - exp(-kd))/(kd). In

    dm/dt = -p [m x H + alpha m x (m x H)],   H = gamma B - W m - W_d m

small waves with the angle phi between k and m precess with

    Omega^2 = [w + omega_M (1 - P) sin^2 phi] [w + omega_M P], w = gamma B + omega_M lambda_ex^2 k^2

(Kalinikos and Slavin's lowest mode): Damon-Eshbach waves for phi = 90 degrees, backward volume
waves for phi = 0, waves=[0,3].

    spinhydro run problems/film_spin_waves.py

Expected: the wave as in the formula, to a part in 1e6 of its size.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.exact_magnets import film_frequencies
from spinhydro.units.nm_ps import nm, pi, ps, tesla

# Parameters
material = "permalloy"  # `spinhydro materials` lists the others, YIG among them
magnet = spinhydro.magnet(material, alpha=0.0)
Ms, lambda_ex, alpha, gamma = magnet.Ms, magnet.lambda_ex, magnet.alpha, magnet.gamma
thickness, field, waves, amplitude = 20 * nm, 0.05 * tesla, [2, 1], 1e-7  # whole waves along x, y
L_x, L_y, Nx, Ny, stop_time, output_interval = 400 * nm, 400 * nm, 32, 32, 200 * ps, 2 * ps
conditions = {
    "thickness > 0 and 0 < amplitude <= 0.1": "the thickness must be positive, amplitude 0 to 0.1",
    "abs(waves[0]) < Nx/2 and abs(waves[1]) < Ny/2": "waves must be resolved: below Nx/2 and Ny/2",
}
magnet = magnet._replace(Ms=Ms, lambda_ex=lambda_ex, alpha=alpha, gamma=gamma).checked()
omega_M, omega_B, stiffness, p = magnet.omega_M, gamma * field, magnet.stiffness, magnet.p
kx, ky, timestepper = 2 * pi * waves[0] / L_x, 2 * pi * waves[1] / L_y, "RK4"
in_plane, normal = film_frequencies(kx, ky, omega_B, omega_M, stiffness, thickness)
Omega, k_max2 = np.sqrt(in_plane * normal), (pi * Nx / L_x) ** 2 + (pi * Ny / L_y) ** 2
timestep = 0.1 / (omega_B + omega_M + stiffness * k_max2)

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
sizes = zip(coords.coords, (Nx, Ny), (L_x, L_y), strict=True)
bases = [spinhydro.RealFourierNyquist(c, size=n, bounds=(0, length)) for c, n, length in sizes]
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
phase, t = dist.Field(name="phase", bases=bases), dist.Field(name="t")
x, y = dist.local_grids(*bases)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_d = spinhydro.kernel("film", omega_M=omega_M, thickness=thickness)
H = omega_B * ey - W(m) - W_d(m)
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# One wave
phase["g"] = kx * x + ky * y
u_x = amplitude * np.cos(phase - Omega * t)
u_z = amplitude * np.sqrt(in_plane / normal) * np.sin(phase - Omega * t)
m_exact = u_x * ex + np.sqrt(1 - u_x**2 - u_z**2) * ey + u_z * ez
m["g"] = m_exact.evaluate()["g"]
outputs, watch = {"m": "m", "mz_mean": "ave(m@ez)"}, ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if alpha == 0:
    limit = amplitude * (1e-6 + amplitude * (1 + omega_M * stop_time))  # of second order
    expect["wave of the thin-film formula, over its limit"] = "abs(m - m_exact)/limit <= 1"
quick = {"stop_time": "10*ps", "Nx": 16, "Ny": 16}

if __name__ == "__main__":
    spinhydro.main(__file__)
