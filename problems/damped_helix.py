"""
A helix that winds itself up and lies down in the field of its axis: an exact solution with damping.

Spins on a cone about the easy axis, with the azimuth Q x, relax towards it whatever the kernel:
the field of exchange and anisotropy acts as one anisotropy omega(Q) + omega_K, and

    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m,   p = 1/(1 + alpha^2)

is solved by n = m_z and the azimuth phi with

    n/sqrt(1 - n^2) = n_0/sqrt(1 - n_0^2) exp[p alpha (omega_K + omega(Q)) t],
    phi = Q x + (atanh n - atanh n_0)/alpha.

With turns = 0 it is a macrospin in its anisotropy field.

| symbol in this file | meaning | source |
|---|---|---|
| Ms, Hk, lambda_ex, a | 770 kA/m, 1550 kA/m, 7.3 nm, 0.355 nm | paper B |
| kernel | "lattice", "micromagnetic" | |
| W | the kernel omega(k); W='lambda k: …' replaces it | |
| alpha | damping, above 0 | |
| turns | full turns of the helix in the box | |
| n_0 | m_z at the start | |

Runs in some seconds on one core. To run, and to plot:

    spinhydro run problems/damped_helix.py
    spinhydro run problems/damped_helix.py W='lambda k: 2*stiffness/a*abs(np.sin(k*a/2))*abs(k)'
    spinhydro plot runs/damped_helix/0001

Expected: m as the exact solution to 1e-8; a helix is unstable to bending late in long runs.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, mu_0, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
Hk = spinhydro.material(material).Hk * A / metre
lambda_ex = spinhydro.material(material).lambda_ex * metre
a = spinhydro.material(material).a * metre
alpha = 0.1
gamma = 1.76e11 * rad / (tesla * second)
kernel = "lattice"  # or "micromagnetic"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 64  # cells
cell = a
turns = 3
n_0 = 0.2
stop_time = 1 * ps
output_interval = 0.05 * ps

conditions = {
    "Ms > 0 and lambda_ex > 0 and a > 0 and cell > 0": (
        "Ms, lambda_ex, a and cell must be positive"
    ),
    "alpha > 0": "this solution needs damping: alpha > 0",
    "-1 < n_0 < 1": "n_0 = m_z must lie between -1 and 1",
    "N >= 8 and abs(turns) < N/2": "N must be at least 8, with more than two cells to a turn",
    "kernel in ('lattice', 'micromagnetic')": "kernel must be lattice or micromagnetic",
}

# Derived parameters
p = 1 / (1 + alpha**2)
omega_M, omega_K = gamma * mu_0 * Ms, gamma * mu_0 * Hk
stiffness = omega_M * lambda_ex**2
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
Q = 2 * pi * turns / L_x
W = (
    spinhydro.kernel("chain", a=a, stiffness=stiffness, beyond=beyond)
    if kernel == "lattice"
    else spinhydro.kernel("micromagnetic", stiffness=stiffness)
)
timestepper = "RK4"
timestep = 0.1 / (omega_K + W.fastest(2 * pi * np.fft.fftfreq(N, cell)))

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m = dist.VectorField(spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")

# Substitutions
X["g"] = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
H = omega_K * (m @ ez) * ez - W(m)


def helix(x, t):
    """The exact solution."""
    ratio = n_0 / np.sqrt(1 - n_0**2) * np.exp(p * alpha * (omega_K + W(Q)) * t)
    n = ratio / np.sqrt(1 + ratio**2)
    phi = Q * x + (np.arcsinh(ratio) - np.arctanh(n_0)) / alpha  # arcsinh(ratio) = arctanh(n)
    return np.array([np.cos(phi) / np.sqrt(1 + ratio**2), np.sin(phi) / np.sqrt(1 + ratio**2),
                     n + 0 * x])  # fmt: skip


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
