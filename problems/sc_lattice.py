"""
A classical Heisenberg magnet on the simple cubic lattice in a heat bath: m(T) and its Curie point.

Spins on a cube of N^3 sites feel their six neighbours and a fluctuating field b:

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],   H = (gamma J/mu_s) sum of neighbours,

p = 1/(1 + alpha^2). Equilibrium depends on tau = k_B T/J alone; the infinite lattice orders below
tau = 1.4429. A list of temperatures is one run with a member for each. The stepper keeps |m| = 1;
its energies are 0 to 0.5 % low at the timestep of the file, and 0.5 to 1.5 % at 0.5 fs.

    spinhydro run problems/sc_lattice.py
    spinhydro run problems/sc_lattice.py tau='[0.2, 0.5, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0]'

Expected: E = 0.2035 0.5255 0.8792 1.1480 1.4660 1.8750 2.2147 2.4363 at these eight temperatures (a
heat-bath Monte Carlo on 12^3 sites), within 1.4 per cent for averages from 1 to 3 ps.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, ps, rad

# Parameters
tau = 1.0  # k_B T/J; a list makes members
omega_J = 30 * rad / ps  # gamma J/mu_s
alpha = 0.5
a, N = 0.3 * nm, 12
seed = 0
stop_time, output_interval = 6 * ps, 0.05 * ps
timestepper, timestep = "SemiImplicit", 2e-4 * ps

conditions = {"tau >= 0 and alpha > 0 and omega_J > 0": "tau >= 0, alpha > 0 and omega_J > 0"}

# Bases and fields
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [spinhydro.RealFourierNyquist(c, size=N, bounds=(0, N * a)) for c in coords.coords]
m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
W = spinhydro.stencil("sc", a=a, omega_J=omega_J)
# In units of J and mu_s the heat bath of `thermal_field` has k_B T gamma/mu_s = tau omega_J.
b = spinhydro.thermal_field(m, tau * omega_J, alpha, moment=1, gamma=1, k_B=1, seed=seed)
p, H = 1 / (1 + alpha**2), b - W(m)

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")

# Initial conditions
m["g"][2] = 1

# Output: the mean spin, and the energy per site over J
outputs = {"M": "ave(m)", "E": "ave(m@W(m))/2/omega_J"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-9", "energy": "ave(m@W(m))/2/omega_J <= 3.1"}
quick = {"N": 6, "stop_time": "0.1*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
