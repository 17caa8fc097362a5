"""
muMAG standard problem 5: a current moves the vortex of a permalloy square of 100 x 100 x 10 nm.

N is Newell's tensor between the cells of a body with open boundaries (problems/mumag4.py). The
electrons of the current, 10^12 A/m^2 along x, drift along -x with P j mu_B/(e M_s (1 + beta^2)):

    dm/dt = -p [m x H + alpha m x (m x H)],
    H = -W m - omega_M N m - m x (u.grad) m - beta (u.grad) m

    spinhydro run problems/mumag5.py layers=4 stop_time=1*ns        # the cells of mumax3

Expected: the core rests at (-1.2, -14.7) nm from the middle (Najafi et al., J. Appl. Phys. 105,
113914 (2009)); after 1 ns <m> = (-0.2348, -0.0945, 0.0230) as in mumax3's own test.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, metre, mu_0, nm, ns, ps, second

# Parameters
magnet = spinhydro.magnet("permalloy", gamma=2.211e5 * metre / (A * second) / mu_0, alpha=0.1)
alpha, omega_M, stiffness = magnet.alpha, magnet.omega_M, magnet.stiffness
beta, edge, thickness, N, layers = 0.05, 100 * nm, 10 * nm, 32, 1  # a list of beta makes members
u = -72.35 * metre / second / (1 + beta**2)
stop_time, output_interval = 14 * ns, 50 * ps

# Bases and fields
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.float64)
film = spinhydro.cuboid(dist, (edge, edge, thickness), (N, N, layers))
m = dist.VectorField(spinhydro.spin, name="m", bases=film.bases)
body, X, Y = film.body, *(dist.Field(name=name, bases=film.bases) for name in "XY")
X["g"], Y["g"] = film.grids[:2]
drift = dist.Field(name="drift", bases=dist.members)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel("exchange", stiffness=stiffness, cells=film.cells)
D = spinhydro.kernel("demag", omega_M=omega_M, body=body)
H = -W(m) - D(m) + spinhydro.zhang_li(m, (drift, 0, 0), beta, cells=film.cells)
p, timestepper = 1 / (1 + alpha**2), "RK4"
timestep = 2.4 / (4 * stiffness * sum(a**-2 for a in film.cells) + omega_M)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m + 1 - body)"}

# The vortex at rest, and then the current
m["g"] = spinhydro.vortex(*film.grids[:2], 10 * nm) * body["g"]
spinhydro.relax(problem, tolerance=1e-5)
drift["g"] = u
core = spinhydro.maximum(m @ ez - 0.5, 0)
outputs = {"m": "m", "m_mean": "ave(m)/ave(body)"}
outputs |= {"x_c": "ave(X*core)/ave(core)", "y_c": "ave(Y*core)/ave(core)"}
expect = {"spins within the square": "abs(m@m - body) <= 1e-10"}
if stop_time > 10 * ns and spinhydro.every(beta == 0.05):
    expect["y of the core"] = "ave(Y*core)/ave(core) = -14.7 +- 0.5"
quick = {"N": 20, "stop_time": "100*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
