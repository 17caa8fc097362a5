"""
A helix relaxing to its easy axis: an exact solution with damping.

Spins on a cone about the easy axis, with the azimuth Q x, relax towards it for any kernel:
the field of exchange and anisotropy acts as one anisotropy omega(Q) + omega_K, and

    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m,   p = 1/(1 + alpha^2)

is solved by n = m_z and the azimuth phi with

    n/sqrt(1 - n^2) = n_0/sqrt(1 - n_0^2) exp[p alpha (omega_K + omega(Q)) t],
    phi = Q x + (atanh n - atanh n_0)/alpha.

With turns = 0 it is a macrospin in its anisotropy field.

    spinhydro run problems/damped_helix.py
    spinhydro run problems/damped_helix.py W='lambda k: 2*stiffness/a*abs(np.sin(k*a/2))*abs(k)'
    spinhydro plot runs/damped_helix/0001

Expected: the exact solution to 1e-8; a helix becomes unstable to bending late in long runs.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics import exact_magnets
from spinhydro.units.nm_ps import pi, ps

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material, alpha=0.1)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, alpha, gamma = magnet.a, magnet.alpha, magnet.gamma
kernel = "lattice"  # or "micromagnetic", "atomistic"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 64  # cells
cell = a
turns = 3  # full turns of the helix in the box
n_0 = 0.2  # m_z at the start
stop_time = 1 * ps
output_interval = 0.05 * ps

conditions = {
    "alpha > 0": "this solution needs damping: alpha > 0",
    "-1 < n_0 < 1": "n_0 = m_z must lie between -1 and 1",
    "abs(turns) < N/2": "a turn of the helix needs more than two cells",
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
omega_K, stiffness, p = magnet.omega_K, magnet.stiffness, magnet.p
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
Q = 2 * pi * turns / L_x
W = spinhydro.exchange(magnet, kernel, cell, beyond)  # or your own omega(k): lambda k: …
timestepper = "RK4"
timestep = 0.1 / (omega_K + W.fastest(2 * pi * np.fft.fftfreq(N, cell)))

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)
H = omega_K * (m @ ez) * ez - W(m)


def helix(x, t):
    return exact_magnets.damped_helix(x, t, Q, n_0, alpha, omega_K + W(Q))


m_exact = spinhydro.pointwise(helix, X, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = helix(dist.local_grid(xbasis), 0)

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin against the exact solution": "abs(m - m_exact) <= 1e-8"}
quick = {"stop_time": "0.1*ps", "N": 32}

if __name__ == "__main__":
    spinhydro.main(__file__)
