"""
Ferromagnetic resonance of a permalloy film of 120 x 120 x 10 nm: the FMR standard problem.

A body with open boundaries in a box of twice its size (problems/mumag4.py) lies in a field of
80 kA/m, relaxes with the field along (1, 0.715, 0), and rings when it turns to (1, 0.7, 0):

    dm/dt = -p [m x H + alpha m x (m x H)],   H = gamma B - W m - omega_M N m.

    spinhydro run problems/fmr.py
    spinhydro plot runs/fmr/0001 --figure fmr

Expected: peaks of the mean m_y at 8.25 and 11.25 GHz, the uniform mode and that of the edges (Baker
et al., J. Magn. Magn. Mater. 421, 428 (2017); two layers of cells there, one here).
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, metre, mu_0, nm, ns, ps, second

# Parameters
magnet = spinhydro.magnet("permalloy", alpha=0.008, gamma=2.210173e5 * metre / (A * second) / mu_0)
alpha, gamma, omega_M, stiffness = magnet.alpha, magnet.gamma, magnet.omega_M, magnet.stiffness
edge, thickness, N, field = 120 * nm, 10 * nm, 24, 80e3 * A / metre
turn = [0.715, 0.7]  # the field is along (1, turn, 0), first while m relaxes, then in the run
stop_time, output_interval = 10 * ns, 5 * ps

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
film = spinhydro.cuboid(dist, (edge, edge), (N, N))
m = dist.VectorField(spinhydro.spin, name="m", bases=film.bases)
B = dist.VectorField(spinhydro.spin, name="B", bases=dist.members)
body, p = film.body, 1 / (1 + alpha**2)
W = spinhydro.kernel("exchange", stiffness=stiffness, cells=film.cells)
D = spinhydro.kernel("demag", omega_M=omega_M, body=body, thickness=thickness)
H = gamma * B - W(m) - D(m)
timestepper, timestep = "RK4", 1 / (8 * stiffness * (N / edge) ** 2 + omega_M)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m + 1 - body)"}
size = mu_0 * field
m["g"][0], m["g"][1] = body["g"], turn[0] * body["g"]
B["g"][0], B["g"][1] = size / np.sqrt(1 + turn[0] ** 2), turn[0] * size / np.sqrt(1 + turn[0] ** 2)
spinhydro.relax(problem)
B["g"][0], B["g"][1] = size / np.sqrt(1 + turn[1] ** 2), turn[1] * size / np.sqrt(1 + turn[1] ** 2)

outputs = {"m_mean": "ave(m)/ave(body)"}
expect = {"spins within the film": "abs(m@m - body) <= 1e-10"}
quick = {"N": 8, "stop_time": "20*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
