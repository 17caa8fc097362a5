"""
The dispersion relation of magnons from a single tilted spin (Rockwell et al. 2023, Figs. 1, SI 2).

One spin of a perpendicularly magnetised chain is tilted from the axis. The defect emits every
spin wave that the grid holds, and the space-time spectrum of m_x - i m_y shows omega(k). The
pseudo-spectral Landau-Lifshitz equation reproduces the relation of the chain of atoms on any cell,
also one unrelated to the lattice constant:

    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m,   p = 1/(1 + alpha^2)

where W multiplies every Fourier mode by omega(k): 2 omega_M (lambda_ex/a)^2 (1 - cos ka), or
omega_M lambda_ex^2 k^2. Small waves about m_z = 1 precess with omega(k) + omega_K. The time between
outputs sets the largest frequency, 50 THz for 0.01 ps.

    spinhydro run problems/pslle_dispersion.py
    spinhydro run problems/pslle_dispersion.py cell=0.5*nm N=800
    spinhydro plot runs/pslle_dispersion/0001

Expected: up to 45.9 THz at k = pi/a, where the k^2 law would give 113 THz; the ridges of the
spectrum within 0.003 THz of the formula, and with the paper's defect=pi/2 alpha=0.01 within 0.05
THz (cell a) and 0.3 THz (0.5 nm).
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics import exact_magnets
from spinhydro.units.nm_ps import pi, ps, rad

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material, alpha=0.0)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, alpha, gamma = magnet.a, magnet.alpha, magnet.gamma
kernel = "lattice"  # or "micromagnetic", "atomistic": the lattice as a sum over neighbours
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 1127  # cells
cell = a
L_x = N * cell
defect = 0.1 * rad  # angle of the tilted spin
stop_time = 10 * ps
output_interval = 0.01 * ps

conditions = {"0 < defect <= 3.1415926": "the defect is an angle above 0, up to pi"}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
spinhydro.check_cells(L_x, N, cell, "nm")
omega_K, stiffness, p = magnet.omega_K, magnet.stiffness, magnet.p
W = spinhydro.exchange(magnet, kernel, cell, beyond)
k = 2 * pi * np.fft.fftfreq(N, cell)
omega = W(k) + omega_K
timestepper = "RK4"
timestep = 0.28 / (omega_K + W.fastest(k))  # for the phase of the fastest wave; 2.8 would be stable

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = omega_K * (m @ ez) * ez - W(m)


def waves(m, t):
    return exact_magnets.linear_waves(start, t.ravel()[0], omega, alpha)


m_linear = spinhydro.pointwise(waves, m, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"][2] = 1
middle = slice(N // 2, N // 2 + 1)
m["g"][0, ..., middle], m["g"][2, ..., middle] = np.sin(defect), np.cos(defect)
start = m["g"][0] - 1j * m["g"][1]

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if alpha == 0:
    # RK4 slightly damps the fastest waves: 0.2 per cent of the energy in a picosecond.
    expect["energy"] = (
        f"drift(m@W(m) - omega_K*((m@ez)**2 - 1)) <= {4e-3 * max(stop_time / ps, 0.5):g}"
    )
if defect <= 0.1:
    expect["waves of linear theory"] = (
        f"abs(m - (m@ez)*ez - m_linear) <= {0.01 * np.sin(defect) + 0.5 * defect**3:g}"
    )
quick = {"stop_time": "0.5*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
