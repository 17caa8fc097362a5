"""
The flat band of a kagome ferromagnet: a wave that stays on one hexagon.

Three spins A, B, C in each cell of a triangular lattice, at 0, a_1/2 and a_2/2, each with two
neighbours of both other kinds; W_AB m_B = m_B(r) + m_B(r - a_1), and so on:

    dm_A/dt = -m_A x H_A,   H_A = omega_B z + omega_J (W_AB m_B + W_AC m_C)

Small waves have omega_B + [3 -+ sqrt(4 sum_i cos^2(k.a_i/2) - 3)] omega_J, a_3 = a_2 - a_1, and a
flat band at omega_B + 6 omega_J. Six spins around a hexagon, on cones of angle theta with
alternating azimuth, are a solution at any angle: their fields on the spins around them cancel.

    Omega = omega_B + omega_J (2 + 4 cos theta)

    spinhydro run problems/kagome.py theta=1.0

Expected: the hexagon turns with Omega and all other spins stay along z, both to 1e-6.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, ps, rad

# Parameters
omega_J, omega_B, theta = 10 * rad / ps, 1 * rad / ps, 0.3  # gamma J/mu, gamma B, cone's angle
a, N, stop_time, output_interval = 0.5 * nm, 6, 2 * ps, 0.02 * ps
Omega, timestepper, timestep = omega_B + omega_J * (2 + 4 * np.cos(theta)), "RK4", 0.005 / omega_J

# Bases and fields: axes along the primitive vectors, one grid point per cell
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [spinhydro.RealFourierNyquist(c, size=N, bounds=(0, N * a)) for c in coords.coords]
m_A, m_B, m_C = (dist.VectorField(spinhydro.spin, name=f"m_{s}", bases=bases) for s in "ABC")
signs = S_A, S_B, S_C = [dist.Field(name=f"S_{s}", bases=bases) for s in "ABC"]  # of the azimuth
t, (ex, ey, ez) = dist.Field(name="t"), spinhydro.spin.unit_vector_fields(dist)
W_AB, W_BA = (spinhydro.stencil({(0, 0): 1.0, (d, 0): 1.0}) for d in (-1, 1))
W_AC, W_CA = (spinhydro.stencil({(0, 0): 1.0, (0, d): 1.0}) for d in (-1, 1))
W_BC, W_CB = (spinhydro.stencil({(0, 0): 1.0, (d, -d): 1.0}) for d in (1, -1))
turning = np.sin(theta) * (np.cos(Omega * t) * ex + np.sin(Omega * t) * ey)
exact_A, exact_B, exact_C = [S * turning + (1 + (np.cos(theta) - 1) * S * S) * ez for S in signs]
problem = d3.IVP([m_A, m_B, m_C], time=t, namespace=locals())
problem.add_equation("dt(m_A) = -cross(m_A, omega_B*ez + omega_J*(W_AB(m_B) + W_AC(m_C)))")
problem.add_equation("dt(m_B) = -cross(m_B, omega_B*ez + omega_J*(W_BA(m_A) + W_BC(m_C)))")
problem.add_equation("dt(m_C) = -cross(m_C, omega_B*ez + omega_J*(W_CA(m_A) + W_CB(m_B)))")

# Initial conditions: the cells with a positive and a negative sign around the hexagon
i, j = (np.rint(grid / a) - N // 2 for grid in dist.local_grids(*bases))
ends = ((0, 1), (1, 0)), ((0, 0), (0, 1)), ((1, 0), (0, 0))
for S, (up, down) in zip(signs, ends, strict=True):
    S["g"] = 1.0 * ((i == up[0]) & (j == up[1])) - ((i == down[0]) & (j == down[1]))
m_A["g"], m_B["g"], m_C["g"] = (f.evaluate()["g"] for f in (exact_A, exact_B, exact_C))
outputs = {"m_A": "m_A", "m_B": "m_B", "m_C": "m_C"}
expect = {f"spins {s}": f"abs(m_{s} - exact_{s}) <= 1e-6" for s in "ABC"}
quick = {"stop_time": "0.1*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
