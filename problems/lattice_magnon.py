"""
A precessing spiral on a lattice in one, two or three dimensions: an exact solution.

Spins on a cone of angle theta about z, with the azimuth k.r - Omega t, turn for ever with one
frequency if nothing damps them, at any angle and not only for small waves:

    dm/dt = -m x H,   H = omega_K m_z z - W m,   Omega = -(omega(k) + omega_K) cos(theta)

The kernel omega(k) is the exchange sum over nearest neighbours of the lattice. The axes of space
run along its primitive vectors, one grid point to a site, so that the grid is the lattice: in
Cartesian axes bcc and fcc would have waves that cost nothing and are not there.

| symbol in this file | meaning | source |
|---|---|---|
| lattice | chain, square, triangular, sc, bcc or fcc | |
| kernel | "lattice", or "atomistic": the same as a sum over neighbours on the grid, faster | |
| a, omega_J | lattice constant; gamma J/mu_s | |
| omega_K | gamma mu_0 H_k | |
| n | m_z = cos(theta) | |
| turns | full turns of the spiral along each primitive vector | |

Good values: angles up to which the spiral is stable, |n| near 1; round-off lets others decay late.

Runs in a minute on one core, in a second in one dimension; in three also on several ranks. To run:

    spinhydro run problems/lattice_magnon.py lattice=bcc
    mpiexec -n 2 spinhydro run problems/lattice_magnon.py lattice=fcc

Expected: m as the exact spiral to 1e-6 after two picoseconds.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, pi, ps, rad

# Parameters
lattice = "fcc"
kernel = "lattice"  # or "atomistic"
a = 0.355 * nm
omega_J = 20 * rad / ps
omega_K = 0.342811 * rad / ps
n = 0.9
turns = [2, 1, 1]
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
    "N >= 8": "at least 8 sites are needed along each direction",
}

# Derived parameters
found = spinhydro.kernels.LATTICES[lattice]
dimensions = found.dimensions
conditions = {
    **conditions,
    "len(turns) >= dimensions": "turns needs a number for each direction of the lattice",
}
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
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [
    spinhydro.RealFourierNyquist(coord, size=N, bounds=(0, N * step))
    for coord, step in zip(coords.coords, site, strict=True)
]

# Fields
m = dist.VectorField(spin, name="m", bases=bases)
phase = dist.Field(name="phase", bases=bases)
t = dist.Field(name="t")

# Substitutions
ex, ey, ez = spin.unit_vector_fields(dist)
phase["g"] = sum(q * x for q, x in zip(k, dist.local_grids(*bases), strict=True))


def spiral(phase, t):
    """The exact solution."""
    angle = phase - Omega * t
    radius = np.sqrt(1 - n**2)
    return np.array([radius * np.cos(angle), radius * np.sin(angle), n + 0 * angle])


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
