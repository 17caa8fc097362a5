"""
A classical Heisenberg magnet on the simple cubic lattice in a heat bath: m(T) and its Curie point.

Spins on a cube of N^3 sites feel their six neighbours and a fluctuating field b:

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],   H = (gamma J/mu_s) sum of neighbours,

p = 1/(1 + alpha^2). Equilibrium depends on tau = k_B T/J alone; the infinite lattice orders below
tau = 1.4429. A list of temperatures is one run with a member for each. RK4 with a
projection onto |m| = 1 makes spins colder by 0.08 tau % at 0.05 fs and 0.8 tau % at 0.5 fs; the
mean spin of 12^3 sites changes six times as much at tau = 1.4. The temperature of the spins
themselves is <torque2>/(2 (6 - 2 <E>)) (Ma, Dudarev et al. 2010).

    spinhydro run problems/sc_lattice.py tau='[0.2, 0.5, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0]'
    spinhydro run problems/sc_lattice.py N=6 tau='np.repeat(np.linspace(1.38, 1.52, 8), 8)' \
        alpha=1 timestepper=RK4 timestep=0.4*fs stop_time=30*ps
    spinhydro plot runs/sc_lattice/0002 --figure curie

Expected, from a heat-bath Monte Carlo on 12^3 sites, at the temperatures of the first run:
|M| = 0.9515 0.8707 0.7745 0.6939 0.5829 0.381 0.110 0.0531 and E = 0.2034 0.5256 0.8802 1.1488
1.4662 1.8742 2.2151 2.4365; averages from 1 to 6 ps agree to 0.5 % or two standard errors, which at
tau = 1.4 are 1.7 % of E and 6 % of |M|. The Curie point of the second run within 1 per cent.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import fs, nm, ps, rad

# Parameters
tau = 1.0  # k_B T/J; a list makes members
omega_J = 30 * rad / ps  # gamma J/mu_s
alpha = 0.5
a, N, seed = 0.3 * nm, 12, 0
stop_time, output_interval = 6 * ps, 0.05 * ps
timestepper, timestep = "RK4", 0.05 * fs
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
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {} if timestepper == "SemiImplicit" else {"m": "m/sqrt(m@m)"}
m["g"][2] = 1

# Output: the mean spin, the energy per site over J, the square of the torque over J^2
torque = d3.cross(m, W(m))
outputs = {"M": "ave(m)", "E": "ave(m@W(m))/2/omega_J", "torque2": "ave(torque@torque)/omega_J**2"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-9", "energy": "ave(m@W(m))/2/omega_J <= 3.1"}
quick = {"N": 6, "stop_time": "0.1*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
