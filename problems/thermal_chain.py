"""
Spins in a heat bath: a chain of atoms at a temperature, or spins on their own in a field.

Every spin feels a fluctuating field b whose strength is tied to the damping, so that the chain
comes to equilibrium at the temperature T (atomistic spin dynamics; with another kernel PS-LLE at
a temperature, which paper B names as not yet implemented):

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],   H = omega_0 z + omega_K m_z z - W m
    b = sqrt(2 alpha gamma k_B T/mu_s) xi,   <xi_i(t) xi_j(t')> = delta_ij delta(t - t')

with p = 1/(1 + alpha^2), read in the sense of Stratonovich; W m is the exchange omega(k) =
2 (gamma J/mu_s)(1 - cos ka). In equilibrium nothing depends on alpha any more:

- coupling = 1: without field and anisotropy the energy of a long ring is E = N J (1 - L(J/k_B T)),
  L(x) = coth x - 1/x (Fisher, Am. J. Phys. 32, 343 (1964)); the sum over all l is used here, which
  holds for short rings too.
- coupling = 0: single spins in the field B have <m_z> = L(mu_s B/k_B T).

On a grid with one cell per atom this is the lattice. With larger cells (PS-LLE, or kernel =
"micromagnetic") mu_s is M_s times the volume of a cell. Every mode on the grid has k_B T/2 for each
of its two directions, whatever the cell; modes beyond pi/cell have nothing. So long waves are the
same on every grid, and sums over all modes, as the energy, are those of the lattice with cell = a
only.

| symbol in this file | meaning |
|---|---|
| temperature | T, in K |
| alpha | damping, 0.5 to be quick |
| kernel = "atomistic" | the lattice as a sum over neighbours on the grid: some times faster |
| coupling | 1: exchange J of CoFe/Ni (paper B), 0: no exchange |
| B | applied field along z, in tesla |
| N, members, cell | spins of a ring, how many rings, and the size of a spin's cell |
| E_exchange | mean of 1 - m_i.m_{i+1}: the energy over N J |

Good values: the error of the timestep goes with diffusion*timestep, diffusion = p alpha gamma
k_B T/mu_s. Averages from 0.7 ps on of the chain at 300 K and alpha = 0.5 have 1.1 % too little
energy at 0.5 fs with Heun's scheme and 0.5 % at 0.25 fs, 0.6 % at 0.5 fs with timestepper=RK4; some
0.3 % of it are the two longest waves, which are still colder than the rest. Single spins in 100 T
at 100 K with alpha = 0.1 have m_z too large by 0.0042 at 8 fs, 0.0020 at 4 fs and 0.001 at 2 fs,
with RK4 by half of that. The file chooses its timestep accordingly (0.25 fs for the chain, 1.3 fs
for these spins), and for single spins a stop_time at which the average from 5/diffusion on has a
standard error of 0.0007. They forget the start at the rate 3.2*diffusion: with alpha = 0.1 an
average from 0.7 ps to 2 ps would be too large by 0.017.

Runs in a minute on one core. To run and plot:

    spinhydro run problems/thermal_chain.py
    spinhydro run problems/thermal_chain.py coupling=0 B=100*tesla temperature=100
    spinhydro plot runs/thermal_chain/0001

Expected: E_exchange is 0.2916 at 300 K and 0.04898 at 50 K (long rings), m_z is 0.6129 in 100 T at
100 K, whatever alpha.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, K, k_B, mu_0, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
temperature = 300 * K
alpha = 0.5
coupling = 1
B = 0 * tesla
material = "CoFeNi"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
Hk = 0 * A / metre
lambda_ex = spinhydro.material(material).lambda_ex * metre
a = spinhydro.material(material).a * metre
cell = a
gamma = 1.76e11 * rad / (tesla * second)
kernel = "lattice"  # or "micromagnetic", "atomistic"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 31
members = 128
seed = 0
timestepper = "StochasticHeun"
output_interval = 0.05 * ps

conditions = {
    "temperature >= 0": "the temperature cannot be negative",
    "alpha >= 0": "the damping cannot be negative",
    "alpha > 0 or temperature == 0": "a heat bath acts through damping: alpha > 0",
    "coupling in (0, 1)": "coupling must be 0 or 1",
    "Ms > 0 and lambda_ex > 0 and a > 0 and cell > 0": (
        "Ms, lambda_ex, a and cell must be positive"
    ),
    "N >= 8": "a ring has at least 8 spins",
    "kernel in ('lattice', 'micromagnetic', 'atomistic')": (
        "kernel must be lattice, micromagnetic or atomistic"
    ),
    "kernel != 'atomistic' or cell == a": "atomistic spins stand one to a cell: cell=a",
}

# Derived parameters
p = 1 / (1 + alpha**2)
omega_0, omega_K = gamma * B, gamma * mu_0 * Hk
mu_s = Ms * a**2 * cell
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
stiffness = coupling * gamma * mu_0 * Ms * lambda_ex**2
J_ex = coupling * mu_0 * Ms**2 * lambda_ex**2 * a
diffusion = p * alpha * gamma * k_B * temperature / mu_s
# Spins on their own take long to forget where they were: 1/(3.2*diffusion) in 100 T at 100 K.
stop_time = 2 * ps if coupling else 45 / (diffusion + 0.1 / ps)

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64, members=members)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m = dist.VectorField(spin, name="m", bases=xbasis)

# Substitutions
ex, ey, ez = spin.unit_vector_fields(dist)
W = (
    spinhydro.kernel("chain", a=a, stiffness=stiffness, beyond=beyond)
    if kernel == "lattice"
    else spinhydro.kernel("micromagnetic", stiffness=stiffness)
    if kernel == "micromagnetic"
    else spinhydro.stencil("chain", a=a, stiffness=stiffness)
)
b = spinhydro.thermal_field(m, temperature, alpha, mu_s, gamma, k_B, seed=seed)
H = (omega_0 + omega_K * (m @ ez)) * ez - W(m) + b
fastest = omega_0 + omega_K + W.fastest(2 * pi * np.fft.fftfreq(N, cell))
timestep = 1 / (fastest / 0.1 + diffusion / (0.008 if coupling else 0.0012) + 1 / ps)
bonds = spinhydro.kernel("chain", a=a, omega_J=0.5)  # m.bonds(m), averaged, is 1 - m_i.m_{i+1}

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"][2] = 1

# Output
outputs = {"m": "m", "E_exchange": "ave(m@bonds(m))", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
# At one time, of one ring: five standard deviations of what the heat bath does to it.
if temperature > 0 and cell == a and W.name == "chain":
    if coupling and not B and not Hk:
        J_over_kT = J_ex / (k_B * temperature)
        mean = 1 - spinhydro.heisenberg_ring(N, J_over_kT)
        bond = spinhydro.langevin(J_over_kT)  # of a long ring: shorter ones fluctuate less
        spread = np.sqrt(1 - 2 * bond / J_over_kT - bond**2) / np.sqrt(N)
        expect["exchange energy"] = f"ave(m@bonds(m)) = {mean:.6f} +- {5 * spread:.6f}"
    elif B and not coupling and not Hk:
        x = mu_s * B / (k_B * temperature)
        mean = spinhydro.langevin(x)
        spread = np.sqrt(1 - 2 * mean / x - mean**2) / np.sqrt(N)
        expect["magnetization"] = f"ave(m@ez) = {mean:.6f} +- {5 * spread:.6f}"
quick = {"stop_time": "1*ps", "N": 63, "members": 4, "timestep": "2e-3*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
