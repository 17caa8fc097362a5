"""
A skyrmion driven by a spin-polarised current, against Thiele's equation.

The film of problems/skyrmion.py carries a current along x whose spins drift with u. The torque of
Zhang and Li enters the field as h = -m x (u.grad) m - beta (u.grad) m:

    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m - W_D m + h.

A texture that keeps its form moves with the velocity v of (Thiele, Phys. Rev. Lett. 30, 230 (1973))

    4 pi Q z x (v - u) + D (alpha v - beta u) = 0,   D = int (dm/dx)^2 d^2 r:

for alpha = beta with u, otherwise also across the current (the skyrmion Hall effect).

    spinhydro run problems/skyrmion_motion.py
    spinhydro run problems/skyrmion_motion.py beta=0.3

Expected: with beta = 0 (43.75, -16.53) m/s, and for any beta Thiele's velocity with the Q and D of
the run to 1e-4 u from 60 ps on, when the jerk of the start has died out.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import metre, mu_0, nm, pi, ps, second

# Parameters
magnet = spinhydro.magnet("PtCo")
alpha, beta = magnet.alpha, 0.0
u = 50 * metre / second  # drift of the spins of the current, along x
radius, L, N = 8 * nm, 64 * nm, 48
stop_time, output_interval = 80 * ps, 1 * ps

# Derived parameters
p, q, Ms, A_ex = 1 / (1 + alpha**2), 2 * pi / L, magnet.Ms, magnet.A_ex
K = magnet.K_u - mu_0 * Ms**2 / 2
stiffness, omega_K = 2 * magnet.gamma * A_ex / Ms, 2 * magnet.gamma * K / Ms
omega_D = 2 * magnet.gamma * magnet.D / Ms
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_D = spinhydro.kernel(
    lambda kx, ky: [[0, 0, -1j * omega_D * kx], [0, 0, -1j * omega_D * ky],
                    [1j * omega_D * kx, 1j * omega_D * ky, 0]],
    name="W_D",
)  # fmt: skip
timestep = 1.2 / (omega_K + 2 * stiffness * (pi * N / L) ** 2)

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [d3.RealFourier(c, size=N, bounds=(-L / 2, L / 2)) for c in coords.coords]
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
X, Y = (dist.Field(name=name, bases=bases) for name in "XY")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"], Y["g"] = dist.local_grids(*bases)
H_0 = omega_K * (m @ ez) * ez - W(m) - W_D(m)
H = H_0 + spinhydro.zhang_li(m, (u, 0), beta)

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions: the skyrmion at rest without the current
m["g"] = spinhydro.skyrmion(X["g"], Y["g"], radius, np.sqrt(A_ex / K))
at_rest = d3.IVP([m], namespace=locals())
at_rest.add_equation("dt(m) = -p*(cross(m, H_0) + alpha*cross(m, cross(m, H_0)))")
spinhydro.relax(at_rest, tolerance=1e-5)

# Output: the centre of the reversed spins in the periodic box, the charge, and Thiele's D
outputs = {
    "m": "m",
    "x_c": "arctan(ave(sin(q*X)*(1 - m@ez))/ave(cos(q*X)*(1 - m@ez)))/q",
    "y_c": "arctan(ave(sin(q*Y)*(1 - m@ez))/ave(cos(q*Y)*(1 - m@ez)))/q",
    "charge": "integ(m@cross(dx(m), dy(m)))/(4*pi)",
    "D": "integ(dx(m)@dx(m))",
}
expect = {"charge": "integ(m@cross(dx(m), dy(m)))/(4*pi) = -1 +- 2e-3"}
quick = {"stop_time": "1*ps", "N": 32}

if __name__ == "__main__":
    spinhydro.main(__file__)
