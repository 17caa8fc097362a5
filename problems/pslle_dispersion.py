"""
The dispersion relation of magnons from a single turned spin (paper B, Figs. 1 and SI 2).

One spin of a perpendicularly magnetised chain is turned away from the axis. The defect sends out
every spin wave that the grid holds, and the space-time spectrum of m_x - i m_y shows omega(k). The
pseudo-spectral Landau-Lifshitz equation reproduces the relation of the chain of atoms on any cell,
also one that has nothing to do with the lattice constant:

    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m,   p = 1/(1 + alpha^2)

where W multiplies every wave with omega(k). Small waves about m_z = 1 turn with omega(k) + omega_K.

| symbol in this file | meaning | paper B |
|---|---|---|
| Ms, Hk, lambda_ex, a | 770 kA/m, 1550 kA/m, 7.3 nm, 0.355 nm | CoFe/Ni |
| kernel = "lattice" | omega(k) = 2 omega_M (lambda_ex/a)^2 (1 - cos ka) | Fig. 1 |
| kernel = "micromagnetic" | omega(k) = omega_M lambda_ex^2 k^2 | Fig. SI 2 |
| kernel = "atomistic" | the lattice as a sum over neighbours on the grid: faster | |
| N, cell | 1127 cells of 0.355 nm, or 800 of 0.5 nm: 400 nm | Fig. 1a, b |
| defect | angle of the turned spin, rad; pi/2 in the paper | |
| alpha | damping; 0.01 in the paper | |

Good values: defect = 0.1 and alpha = 0, for which the ridges of the spectrum stand within
0.003 THz of the formula; with the paper's defect of pi/2 and alpha = 0.01 within 0.05 THz (cell a)
and 0.3 THz (0.5 nm). The time between outputs sets the largest frequency, 50 THz for 0.01 ps.

Runs in some twenty seconds on one core. To run, and to plot:

    spinhydro run problems/pslle_dispersion.py
    spinhydro run problems/pslle_dispersion.py cell=0.5*nm N=800
    spinhydro plot runs/pslle_dispersion/0001

Expected: up to 45.9 THz at k = pi/a, where the k^2 law would give 113 THz; the waves of the linear
theory to a part in a hundred of the defect.
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
alpha = 0.0
gamma = 1.76e11 * rad / (tesla * second)
kernel = "lattice"  # or "micromagnetic", "atomistic"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
N = 1127  # cells
cell = a
L_x = N * cell
defect = 0.1 * rad
stop_time = 10 * ps
output_interval = 0.01 * ps

conditions = {
    "Ms > 0 and lambda_ex > 0 and a > 0 and cell > 0": (
        "Ms, lambda_ex, a and cell must be positive"
    ),
    "alpha >= 0": "the damping alpha cannot be negative",
    "N >= 8": "N must be at least 8",
    "0 < defect <= 3.1415926": "the defect is an angle above 0, up to pi",
    "kernel in ('lattice', 'micromagnetic', 'atomistic')": (
        "kernel must be lattice, micromagnetic or atomistic"
    ),
    "kernel != 'atomistic' or cell == a": "atomistic spins stand one to a cell: cell=a",
}

# Derived parameters
spinhydro.check_cells(L_x, N, cell, "nm")
p = 1 / (1 + alpha**2)
omega_M, omega_K = gamma * mu_0 * Ms, gamma * mu_0 * Hk
stiffness = omega_M * lambda_ex**2
timestepper = "RK4"

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spin, name="m", bases=xbasis)
t = dist.Field(name="t")

# Substitutions
ex, ey, ez = spin.unit_vector_fields(dist)
W = (
    spinhydro.kernel("chain", a=a, stiffness=stiffness, beyond=beyond)
    if kernel == "lattice"
    else spinhydro.kernel("micromagnetic", stiffness=stiffness)
    if kernel == "micromagnetic"
    else spinhydro.stencil("chain", a=a, stiffness=stiffness)
)
H = omega_K * (m @ ez) * ez - W(m)
k = 2 * pi * np.fft.fftfreq(N, cell)
omega = W(k) + omega_K
timestep = 0.28 / (omega_K + W.fastest(k))  # for the phase of the fastest wave; 2.8 would be stable


def waves(m, t):
    """m_x - i m_y of linear theory, as two components of three: a wave turns with omega(k)."""
    decay = np.exp((-1j - alpha) * p * omega * t.ravel()[0])
    plus = np.fft.ifft(decay * np.fft.fft(start))
    return np.array([plus.real, -plus.imag, 0 * plus.real])


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
    # RK4 damps the fastest waves a little: 0.2 per cent of the energy in a picosecond.
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
