"""
A skyrmion driven by a spin-polarised current, against Thiele's equation.

The film of problems/skyrmion.py carries a current along x whose spins drift with u:

    dm/dt = -p [m x H + alpha m x (m x H)],
    H = omega_K m_z z - W m - W_D m - m x (u.grad) m - beta (u.grad) m

A texture that keeps its form moves with the velocity v of (Thiele, Phys. Rev. Lett. 30, 230 (1973))

    4 pi Q z x (v - u) + D (alpha v - beta u) = 0,   D = int (dm/dx)^2 d^2 r:

for alpha = beta with u, otherwise also across the current (the skyrmion Hall effect).
    spinhydro run problems/skyrmion_motion.py
Expected: (43.75, -16.53) m/s with beta = 0; for any beta Thiele's velocity with the Q and D of the
run to 1e-4 u from 60 ps on.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import metre, mu_0, nm, pi, ps, second

# Parameters
magnet, beta, u = spinhydro.magnet("PtCo"), 0.0, 50 * metre / second
radius, L, N, stop_time, output_interval = 8 * nm, 64 * nm, 48, 80 * ps, 1 * ps
alpha, q, K = magnet.alpha, 2 * pi / L, magnet.K_u - mu_0 * magnet.Ms**2 / 2
stiffness, omega_K, omega_D = 2 * magnet.gamma / magnet.Ms * np.array([magnet.A_ex, K, magnet.D])
p, timestepper, timestep = 1 / (1 + alpha**2), "RK4", 1.2 / (omega_K + stiffness * (q * N) ** 2 / 2)

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [d3.RealFourier(c, size=N, bounds=(-L / 2, L / 2)) for c in coords.coords]
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
X, Y = (dist.Field(name=name, bases=bases) for name in "XY")
drift = dist.Field(name="drift", bases=dist.members)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"], Y["g"] = dist.local_grids(*bases)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_D = spinhydro.kernel("interfacial_dmi", omega_D=omega_D)
H = omega_K * (m @ ez) * ez - W(m) - W_D(m) + spinhydro.zhang_li(m, (drift, 0), beta)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# The skyrmion at rest, and then the current
m["g"] = spinhydro.skyrmion(X["g"], Y["g"], radius, np.sqrt(magnet.A_ex / K))
spinhydro.relax(problem, tolerance=1e-5)
drift["g"] = u
centre = "arctan(ave(sin(q*{0})*(1 - m@ez))/ave(cos(q*{0})*(1 - m@ez)))/q"
charge = "integ(m@cross(dx(m), dy(m)))/(4*pi)"
outputs = {"m": "m", "charge": charge, "D": "integ(dx(m)@dx(m))"}
outputs |= {"x_c": centre.format("X"), "y_c": centre.format("Y")}
expect = {"charge": f"{charge} = -1 +- 2e-3"}
quick = {"stop_time": "1*ps", "N": 32}

if __name__ == "__main__":
    spinhydro.main(__file__)
