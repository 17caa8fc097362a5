"""
Domain walls of a magnet at rest, driven by a field, and in steady Walker motion.

Two walls in a periodic wire, m_z = -1 outside and +1 between them. A field B along z drives them
apart. The wall of the easy axis is theta = 2 atan exp((x - X)/Delta), Delta = lambda_ex/sqrt(h_k),
h_k = H_k/M_s; in

    dm/dt = -p [m x H + alpha m x (m x H)],   H = (gamma B + omega_K m_z) z - omega_p m_y y - W m

it moves exactly, if omega_p = 0, with v = p alpha gamma B Delta while it rotates about z with
p gamma B. A hard axis y (omega_p > 0) stops the rotation for gamma B < alpha omega_p/2: the wall
tilts to the angle phi with sin 2 phi = 2 gamma B/(alpha omega_p) and moves with v = gamma B Delta'/
alpha, Delta' = Delta/sqrt(1 + omega_p/omega_K sin^2 phi) (Walker). Beyond that field it rotates.

On the lattice the exchange energy of a wall at rest is larger by (a/Delta)^2/24 than
stiffness/Delta, that of the anisotropy smaller by (a/Delta)^2/8 (kernel=lattice field=0 alpha=1).

    spinhydro run problems/domain_wall.py
    spinhydro run problems/domain_wall.py omega_p=0.2 field=0.02*tesla
    spinhydro plot runs/domain_wall/0001

Expected: Delta = 5.145 nm; at 50 mT 4.483 m/s for alpha = 0.1, and m as the exact solution.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics import exact_magnets
from spinhydro.units.nm_ps import nm, pi, ps, rad, tesla

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material, alpha=0.1)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, alpha, gamma = magnet.a, magnet.alpha, magnet.gamma
kernel = "micromagnetic"  # for which the solutions are exact; or "lattice", "atomistic"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
field = 0.05 * tesla  # B along z
omega_p = 0.0 * rad / ps  # gamma mu_0 times the anisotropy field of the hard axis y
N = 384  # cells
cell = 1 * nm
stop_time = 50 * ps
output_interval = 1 * ps

conditions = {
    "Hk > 0": "a wall needs an easy axis: Hk must be positive",
    "alpha > 0": "walls move steadily with damping only: alpha > 0",
    "omega_p >= 0": "omega_p is a hard axis: not negative",
    "N*cell > 40*lambda_ex": "the wire must be longer than 40 lambda_ex",
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
omega_K, omega_B, stiffness, p = magnet.omega_K, gamma * field, magnet.stiffness, magnet.p
Delta = magnet.Delta
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
motion = exact_magnets.wall_motion(omega_B, omega_K, omega_p, alpha, Delta)
velocity, turning = motion.velocity, motion.turning
W = spinhydro.exchange(magnet, kernel, cell, beyond)
fastest = omega_K + omega_p + W.fastest(2 * pi * np.fft.fftfreq(N, cell))
timestepper = "RK4"
timestep = np.minimum(0.02 * ps, 1.0 / fastest)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)
H = (omega_B + omega_K * (m @ ez)) * ez - omega_p * (m @ ey) * ey - W(m)


def walls(x, t):
    return exact_magnets.domain_walls(x, t, L_x / 4, motion)


m_exact = spinhydro.pointwise(walls, X, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = walls(dist.local_grid(xbasis), 0)

# Output
outputs = {
    "m": "m",
    "mz_mean": "ave(m@ez)",
    "E_exchange": "L_x*ave(m@W(m))/2",
    "E_anisotropy": "L_x*omega_K*ave(1 - (m@ez)**2)/2",
}
output_units = {"E_exchange": "nm rad/ps", "E_anisotropy": "nm rad/ps"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if W.name in ("chain", "micromagnetic") and (omega_p == 0 or motion.is_walker):
    # On the lattice the wall is wider by about (a/Delta)^2/24.
    limit = 1e-6 if kernel == "micromagnetic" else 2e-3
    expect["spin against the exact solution"] = f"abs(m - m_exact) <= {limit}"
quick = {"stop_time": "2*ps", "N": 384}

if __name__ == "__main__":
    spinhydro.main(__file__)
