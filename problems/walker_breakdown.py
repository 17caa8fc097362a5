"""
Walker breakdown: the velocity of a domain wall rises with the field, and falls beyond Walker's.

Two walls of a wire with easy axis z and hard axis y move apart in a field B = h B_W along z,

    dm/dt = -p [m x H + alpha m x (m x H)],   H = (gamma B + omega_K m_z) z - omega_p m_y y - W m,

gamma B_W = alpha omega_p/2. Up to B_W the wall tilts by phi, sin 2 phi = h, and moves with
v = gamma B Delta/(alpha sqrt(1 + omega_p/omega_K sin^2 phi)): an exact solution (Schryer and
Walker, J. Appl. Phys. 45, 5406 (1974)). Beyond it the wall turns and moves to and fro.

    spinhydro run problems/walker_breakdown.py h='np.linspace(0.1, 3, 30)'
    spinhydro plot runs/walker_breakdown/0001 --figure walker

Expected: Walker's velocity to 1e-6 up to 168 m/s at h = 1, and a mean of 48 m/s at h = 2, within
0.2 % of that of a turning wall of quasistatic width.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, pi, ps

# Parameters
magnet = spinhydro.magnet("CoFeNi")
omega_K, stiffness, Delta = magnet.omega_K, magnet.stiffness, magnet.Delta
alpha, omega_p = 0.1, 0.2 * omega_K
h = 0.5  # B/B_W; a list makes members
L_x, N = 1000 * nm, 512
stop_time, output_interval = 1000 * ps, 5 * ps
conditions = {"h >= 0 and alpha > 0 and omega_p > 0": "h >= 0, alpha > 0 and omega_p > 0"}
p, omega_B = 1 / (1 + alpha**2), h * alpha * omega_p / 2
tilt = np.arcsin(np.minimum(h, 1.0)) / 2
width = Delta / np.sqrt(1 + omega_p / omega_K * np.sin(tilt) ** 2)
v_walker, is_steady = omega_B * width / alpha, 1.0 * (h < 1)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
timestepper, timestep = "RK4", 1 / (omega_K + stiffness * (pi * N / L_x) ** 2)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = (omega_B + omega_K * (m @ ez)) * ez - omega_p * (m @ ey) * ey - W(m)
rate = -p * (d3.cross(m, H) + alpha * d3.cross(m, d3.cross(m, H)))
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}
# Walker's wall, at its largest tilt beyond B_W
y = (np.abs(dist.local_grid(xbasis)) - L_x / 4) / width
m["g"] = np.array([np.cos(tilt) / np.cosh(y), np.sin(tilt) / np.cosh(y), -np.tanh(y)])
outputs = {"q": "L_x/4*ave(m@ez)", "velocity": "L_x/4*ave(rate@ez)"}  # of the wall
expect = {"Walker's velocity, where the motion is steady":
          "is_steady*(L_x/4*ave(rate@ez) - v_walker)/(Delta*omega_p) = 0 +- 1e-6"}  # fmt: skip
quick = {"N": 256, "L_x": "500*nm", "stop_time": "20*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
