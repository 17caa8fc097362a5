"""
A hopfion: a knot of spins in a frustrated magnet, in three dimensions.

Exchange of competing neighbours makes omega(k) negative at long waves. With lengths and energies in
units of the exchange constants (Sutcliffe, Phys. Rev. Lett. 118, 247203 (2017)),

    E = int { -|grad m|^2/2 + |lap m|^2/2 + h (1 - m_z) } d^3 r,
    dm/dt = -p [m x H + alpha m x (m x H)],   H = h z - W m,   omega(k) = k^4 - k^2,

uniform spins are stable for h > 1/4, and so is a hopfion, a ring whose spins wind along it and
about it: it relaxes from the rational map. At rest E does not change with the scale,

    E_2 - E_4 + 3 E_h = 0        (Derrick's theorem; E_2 < 0).

    spinhydro run problems/hopfion.py residue=1e-4
    spinhydro measure runs/hopfion/0001

Expected: Hopf index -1, and Derrick's sum 0 to 3 % of E_4 (1.2 % if fully relaxed, by this box).
"""

import dedalus.public as d3
import numpy as np

import spinhydro

# Parameters
h, alpha, radius, residue = 0.3, 0.5, 4.0, 1e-2  # residue of the torque
N, L_x = 20, 20.0
stop_time, output_interval = 0.5, 0.1

# Bases and fields
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [spinhydro.RealFourierNyquist(c, size=N, bounds=(-L_x / 2, L_x / 2)) for c in coords.coords]
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel(lambda k: k**4 - k**2)
W_2 = spinhydro.kernel(lambda k: -(k**2), name="W_2")
W_4 = spinhydro.kernel(lambda k: k**4, name="W_4")
H, p = h * ez - W(m), 1 / (1 + alpha**2)
k_max = np.pi * N / L_x
timestepper, timestep = "RK4", 2.0 / (9 * k_max**4)

problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}
m["g"] = spinhydro.hopfion(*dist.local_grids(*bases), radius)
spinhydro.relax(problem, residue)

outputs = {"m": "m", "E_2": "integ(m@W_2(m))/2", "E_4": "integ(m@W_4(m))/2",
           "E_h": "h*integ(1 - m@ez)"}  # fmt: skip
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-9"}
if residue < 1e-3:
    expect["Derrick's theorem"] = (
        "integ(m@W_2(m)/2 - m@W_4(m)/2 + 3*h*(1 - m@ez))/integ(m@W_4(m)/2) = 0 +- 0.03"
    )
quick = {"stop_time": 0.1}

if __name__ == "__main__":
    spinhydro.main(__file__)
