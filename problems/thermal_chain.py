"""
Spins in a heat bath: a chain of atoms at a temperature, or independent spins in a field.

Every spin feels a fluctuating field b whose strength is tied to the damping, so that the chain
comes to equilibrium at the temperature T:

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],   H = omega_0 z + omega_K m_z z - W m
    b = sqrt(2 alpha gamma k_B T/mu_s) xi,   <xi_i(t) xi_j(t')> = delta_ij delta(t - t')

with p = 1/(1 + alpha^2), read in the sense of Stratonovich; W m is the exchange omega(k) =
2 (gamma J/mu_s)(1 - cos ka). Equilibrium does not depend on alpha:

- coupling = 1: without field and anisotropy the energy of a long ring is E = N J (1 - L(J/k_B T)),
  L(x) = coth x - 1/x (Fisher, Am. J. Phys. 32, 343 (1964)); the sum over all l is used here, which
  holds for short rings too.
- coupling = 0: single spins in the field B have <m_z> = L(mu_s B/k_B T).

On a grid with one cell per atom this is the lattice. With larger cells or kernel=micromagnetic mu_s
is M_s times the volume of a cell: every mode has k_B T/2 for each of its two directions, so long
waves are the same on every grid, and sums over all modes, as the energy, are not.

The error of the timestep goes with diffusion*timestep, diffusion = p alpha gamma k_B T/mu_s
(spinhydro.thermal_timestep): the file chooses 0.5 % of the temperature (0.26 fs at 300 K and
alpha = 0.5), and for single spins a stop_time beyond their relaxation. A minute on one core:

    spinhydro run problems/thermal_chain.py
    spinhydro run problems/thermal_chain.py coupling=0 B=100*tesla temperature=100
    spinhydro plot runs/thermal_chain/0001

Expected: E_exchange is 0.2916 at 300 K and 0.04898 at 50 K (long rings), m_z is 0.6129 in 100 T at
100 K, for any alpha.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, K, k_B, metre, pi, ps, tesla

# Parameters
temperature = 300 * K
alpha = 0.5  # damping
coupling = 1  # 1: exchange J of the material, 0: no exchange
B = 0 * tesla  # field along z
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, lambda_ex, a, gamma = magnet.Ms, magnet.lambda_ex, magnet.a, magnet.gamma
Hk = 0 * A / metre
cell = a
kernel = "lattice"  # or "micromagnetic", "atomistic": the lattice as a sum over neighbours
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 31  # spins of a ring
members = 128  # rings
seed = 0
timestepper = "RK4"
output_interval = 0.05 * ps

conditions = {
    "temperature >= 0": "the temperature cannot be negative",
    "alpha > 0 or temperature == 0": "a heat bath acts through damping: alpha > 0",
    "coupling in (0, 1)": "coupling must be 0 or 1",
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
omega_0, omega_K, p = gamma * B, magnet.omega_K, magnet.p
mu_s = Ms * a**2 * cell
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
stiffness, J_ex = coupling * magnet.stiffness, coupling * magnet.J
W = spinhydro.exchange(magnet, kernel, cell, beyond, strength=coupling)
fastest = omega_0 + omega_K + W.fastest(2 * pi * np.fft.fftfreq(N, cell))
diffusion = p * alpha * gamma * k_B * temperature / mu_s
timestep = np.minimum(
    1 * ps, spinhydro.thermal_timestep(timestepper, 2 * diffusion, fastest, error=0.005)
)
# Independent spins relax slowly: 1/(3.2*diffusion) in 100 T at 100 K.
stop_time = 2 * ps if coupling else 45 / (diffusion + 0.1 / ps)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64, members=members)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
b = spinhydro.thermal_field(m, temperature, alpha, mu_s, gamma, k_B, seed=seed)
H = (omega_0 + omega_K * (m @ ez)) * ez - W(m) + b
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
if spinhydro.every((temperature > 0) & (cell == a) & (Hk == 0)) and W.name == "chain":
    if coupling and spinhydro.every(B == 0):
        mean, spread = spinhydro.heisenberg_ring_energy(N, J_ex / (k_B * temperature))
        expect["exchange energy, in deviations"] = "(ave(m@bonds(m)) - mean)/spread <= 5"
    elif spinhydro.every(B != 0) and not coupling:
        mean, spread = spinhydro.free_spins(N, mu_s * B / (k_B * temperature))
        expect["magnetization, in deviations"] = "(ave(m@ez) - mean)/spread <= 5"
quick = {"stop_time": "1*ps", "N": 63, "members": 4, "timestep": "2e-3*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
