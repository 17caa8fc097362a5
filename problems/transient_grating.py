"""
The relaxation of a transient grating in a chain of spins (Rockwell et al. 2023, Figs. 3, 4).

Laser pulses have written N_p Gaussian spots of disorder into a perpendicularly magnetised wire.
Short spin waves leave the spots and decay, as fast as their dispersion relation omega(k) lets them.
The unit vector m obeys the pseudo-spectral Landau-Lifshitz equation

    dm/dt = -p [m x H + alpha m x (m x H)],   H = (omega_0 + omega_K m_z) z - W m,

p = 1/(1 + alpha^2), omega_0 = gamma mu_0 H_0, omega_K = gamma mu_0 H_k, where the kernel W
multiplies every Fourier mode of m by omega(k). With that of the lattice this is atomistic spin
dynamics; with the k^2 law of micromagnetics the exchange energy is wrong by up to 43 per cent.

One cell per site, an odd N and dealias = 1 make the lattice kernel atomistic to rounding: aliasing
is then the umklapp of the lattice. An even N has a Nyquist mode, which keep_nyquist=1 keeps;
without it 2 per cent of the exchange energy are lost. dealias = 3/2 makes spins between the sites
unit vectors too, which costs 40 per cent at once: for smooth states only. With plane=1 the
modulational instability turns the wire into domains within some ten picoseconds.

    spinhydro run problems/transient_grating.py
    spinhydro run problems/transient_grating.py kernel=micromagnetic
    spinhydro run problems/transient_grating.py temperature=50
    spinhydro run problems/transient_grating.py plane=1 stop_time=100*ps output_interval=1*ps
    spinhydro plot runs/transient_grating/0001

Expected: E_exchange/(N J) falls from 0.33974 to 0.18492 at 0.2 ps and 0.00160 at 5 ps, with the k^2
law to 0.12311 and 0.00157.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, J, K, k_B, metre, mu_0, pi, ps

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, alpha, gamma = magnet.a, magnet.alpha, magnet.gamma
H0 = 0.0 * A / metre
kernel = "lattice"  # or "micromagnetic", "atomistic": the lattice as a sum over neighbours
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 1127  # cells: 400 nm
cell = a
L_x = N * cell
pulses, r_max, seed = 8, 0.5, 0  # spots, depth of the disorder, and its random numbers
temperature = 0 * K  # of a heat bath, see problems/thermal_chain.py
plane = 0  # 0: the wire starts along z, 1: along x, which is unstable
dealias = 1.0
keep_nyquist = 0
stop_time = 5 * ps
output_interval = 0.1 * ps

conditions = {
    "temperature >= 0": "the temperature cannot be negative",
    "alpha > 0 or temperature == 0": "a heat bath acts through damping: alpha > 0",
    "plane in (0, 1)": "plane must be 0 or 1",
    "kernel != 'atomistic' or dealias == 1": "atomistic spins need one point per site: dealias=1",
    "kernel != 'atomistic' or N % 2 == 1 or keep_nyquist": (
        f"with an even number of spins the wave cos(pi x/a) is lost: take N={N + 1}, or "
        "keep_nyquist=1"
    ),
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
spinhydro.check_cells(L_x, N, cell, "nm")
omega_0, omega_K, stiffness, p = gamma * mu_0 * H0, magnet.omega_K, magnet.stiffness, magnet.p
E_chain = N * magnet.J / J  # in joules
W = spinhydro.exchange(magnet, kernel, cell, beyond)
timestepper = "RK4" if spinhydro.some(temperature > 0) else "RK8"  # RK8 draws no noise
fastest = W.fastest(2 * pi * np.fft.fftfreq(N, cell))
# 4 fs for 1e-6 in m after 5 ps (stable up to 5.9); 0.5 fs with RK4, for 1e-5.
timestep = (0.144 if timestepper == "RK4" else 1.15) / (omega_K + fastest)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
Basis = spinhydro.RealFourierNyquist if N % 2 or keep_nyquist else d3.RealFourier
xbasis = Basis(coords["x"], size=N, bounds=(cell / 2, L_x + cell / 2), dealias=dealias)

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = (omega_0 + omega_K * (m @ ez)) * ez - W(m)
if spinhydro.some(temperature > 0):
    H = H + spinhydro.thermal_field(m, temperature, alpha, Ms * a**2 * cell, gamma, k_B, seed=seed)
bonds = spinhydro.kernel("chain", a=cell, omega_J=1)  # m.bonds(m), summed, is |m_{i+1} - m_i|^2

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = spinhydro.grating(dist.local_grid(xbasis), L_x, pulses, r_max, seed, plane)

# Output: E_exchange is (J/2) sum over i of |m_{i+1} - m_i|^2
outputs = {"m": "m", "E_exchange": "E_chain/2*ave(m@bonds(m))", "mz_mean": "ave(m@ez)"}
output_units = {"E_exchange": "J"}
# If the grid has more modes than the basis, spins cannot have length 1 on every site.
lossless = dealias == 1 and (N % 2 == 1 or keep_nyquist)
watch = [f"abs(sqrt(m@m) - 1) <= {1e-6 if lossless else 0.5}"]
expect = {"spin length": f"abs(sqrt(m@m) - 1) <= {1e-12 if lossless else 0.5}"}
quick = {"stop_time": "0.1*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
