"""
A precessing spiral on a lattice in one, two or three dimensions: an exact solution.

Undamped spins on a cone of angle theta about z, with the azimuth k.r - Omega t, precess at one
frequency, at any angle and not only for small waves:

    dm/dt = -m x H,   H = omega_K m_z z - W m,   Omega = -(omega(k) + omega_K) cos(theta)

The kernel omega(k) is the exchange sum over nearest neighbours of the lattice. The axes of space
run along its primitive vectors, one grid point per site, so that the grid is the lattice: in
Cartesian axes bcc and fcc would have spurious soft modes. A minute on one core in three dimensions:

    spinhydro run problems/lattice_magnon.py lattice=bcc
    mpiexec -n 2 spinhydro run problems/lattice_magnon.py lattice=fcc

Expected: m as the exact spiral to 1e-6 after two picoseconds.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.kernels.lattices import LATTICES
from spinhydro.physics import exact_magnets
from spinhydro.units.nm_ps import nm, pi, ps, rad

# Parameters
lattice = "fcc"  # or "chain", "square", "triangular", "sc", "bcc"
kernel = "lattice"  # or "atomistic": the same as a sum over neighbours on the grid, faster
a = 0.355 * nm  # lattice constant
omega_J = 20 * rad / ps  # gamma J/mu_s
omega_K = 0.342811 * rad / ps  # gamma mu_0 H_k
n = 0.9  # m_z = cos(theta); near 1, where the spiral is stable
turns = [2, 1, 1]  # full turns along each primitive vector
N = 12  # sites along each primitive vector
stop_time = 2 * ps
output_interval = 0.1 * ps

conditions = {
    "lattice in ('chain', 'square', 'triangular', 'sc', 'bcc', 'fcc')": (
        "lattice must be chain, square, triangular, sc, bcc or fcc"
    ),
    "kernel in ('lattice', 'atomistic')": "kernel must be lattice or atomistic",
    "a > 0 and omega_J > 0": "a and omega_J must be positive",
    "-1 < n < 1": "n = m_z must lie between -1 and 1",
    "len(turns) >= LATTICES[lattice].dimensions": (
        "turns needs a number for each direction of the lattice"
    ),
}

# Derived parameters
found = LATTICES[lattice]
dimensions = found.dimensions
site = a * np.linalg.norm(found.primitive, axis=1)  # distance of sites along each axis
W = (
    spinhydro.kernel(lattice, a=a, omega_J=omega_J, axes="primitive")
    if kernel == "lattice"
    else spinhydro.stencil(lattice, a=a, omega_J=omega_J)
)
k = 2 * pi * np.array(turns[:dimensions]) / (N * site)
Omega = -(W(*k) + omega_K) * n
timestepper = "RK4"
timestep = 0.04 / (omega_J * len(found.neighbours) + omega_K)

# Bases
coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [
    spinhydro.RealFourierNyquist(coord, size=N, bounds=(0, N * step))
    for coord, step in zip(coords.coords, site, strict=True)
]

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
phase = dist.Field(name="phase", bases=bases)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
phase["g"] = sum(q * x for q, x in zip(k, dist.local_grids(*bases), strict=True))


def spiral(phase, t):
    return exact_magnets.cone(phase - Omega * t, n)


m_exact = spinhydro.pointwise(spiral, phase, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -cross(m, omega_K*(m@ez)*ez - W(m))")

# Initial conditions
m["g"] = spiral(phase["g"], 0)

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {
    "spin against the exact solution": "abs(m - m_exact) <= 1e-6",
    "energy": "drift(m@W(m) - omega_K*(m@ez)**2 + 1) <= 1e-7",
}
quick = {"stop_time": "0.04*ps", "N": 8}

if __name__ == "__main__":
    spinhydro.main(__file__)
