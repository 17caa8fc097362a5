"""A smooth texture of 64 x 64 spins with exchange, uniaxial anisotropy and damping (unit W4)."""

import dedalus.public as d3
import numpy as np

import spinhydro

# Parameters
N, L = 64, 64.0  # grid points, and nm, along each axis
stiffness = 10.0  # of exchange, nm^2/ps
omega_K, alpha = 0.1, 0.05  # anisotropy in rad/ps, and damping
p = 1 / (1 + alpha**2)
stop_time = 20.0  # ps
output_interval = 20.0
timestepper = "RK4"
timestep = 0.0125

# Bases
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = tuple(spinhydro.RealFourierNyquist(coord, size=N, bounds=(0, L)) for coord in coords.coords)

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = stiffness * d3.lap(m) + omega_K * (m @ ez) * ez

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
x, y = dist.local_grids(*bases)
polar = 1 + 0.5 * np.sin(2 * np.pi * x / L) * np.cos(2 * np.pi * y / L)
azimuth = 0.7 * np.cos(2 * np.pi * x / L) + 0 * y
m["g"] = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]

# Output
outputs = {"m": "m"}

if __name__ == "__main__":
    spinhydro.main(__file__)
