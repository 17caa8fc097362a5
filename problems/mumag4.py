"""
muMAG standard problem 4: a permalloy film of 500 x 125 x 3 nm is reversed by a field.

A body with open boundaries in a box of twice its size, with m = 0 in the empty space around it, so
that spins at its edge have fewer neighbours. N is Newell's tensor between cells:

    dm/dt = -p [m x H + alpha m x (m x H)],   H = gamma B - W m - omega_M N m.

The S-state at B = 0 is relaxed from m along (1, 0.1, 0); then B is switched on, field 1 by default.

    spinhydro run problems/mumag4.py B_x=-35.5*mT B_y=-6.3*mT        # field 2

Expected, with mumax3's values for these cells: <m> = (0.96697, 0.12527, 0) at the start, (-0.98461,
0.12604, 0.04327) after 1 ns of field 1; <m_x> is first 0 at 0.1379 ns, in field 2 at 0.1360 ns.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, metre, mT, mu_0, nm, ps, second

# Parameters
magnet = spinhydro.magnet("permalloy", gamma=2.211e5 * metre / (A * second) / mu_0)
alpha, gamma, omega_M, stiffness = magnet.alpha, magnet.gamma, magnet.omega_M, magnet.stiffness
B_x, B_y = -24.6 * mT, 4.3 * mT
length, width, thickness, Nx, Ny = 500 * nm, 125 * nm, 3 * nm, 128, 32
stop_time, output_interval = 1000 * ps, 2 * ps

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
film = spinhydro.cuboid(dist, (length, width), (Nx, Ny))
m = dist.VectorField(spinhydro.spin, name="m", bases=film.bases)
B = dist.VectorField(spinhydro.spin, name="B", bases=dist.members)
body, p = film.body, 1 / (1 + alpha**2)
W = spinhydro.kernel("exchange", stiffness=stiffness, cells=film.cells)
N = spinhydro.kernel("demag", omega_M=omega_M, body=body, thickness=thickness)
H = gamma * B - W(m) - N(m)
timestepper, timestep = "RK4", 1 / (4 * stiffness * sum(a**-2 for a in film.cells) + omega_M)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m + 1 - body)"}

# The S-state, and then the field
m["g"][0], m["g"][1] = body["g"], 0.1 * body["g"]
spinhydro.relax(problem)
B["g"][0], B["g"][1] = B_x, B_y
outputs = {"m": "m", "m_mean": "ave(m)/ave(body)"}
watch = ["abs(m@m - body) <= 1e-6"]
expect = {"spins within the film": "abs(m@m - body) <= 1e-10"}
quick = {"Nx": 32, "Ny": 8, "stop_time": "20*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
