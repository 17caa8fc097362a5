"""
Spin waves and resonance of a two-sublattice antiferromagnet or ferrimagnet.

Spins A up and B down alternate on a chain with the distance a; each sublattice is a unit vector
field, and the exchange between them is a kernel, omega_E cos(ka), the mean over both neighbours:

    dm_A/dt = -p [m_A x H_A + alpha m_A x (m_A x H_A)],
    dm_B/dt = -p [m_B x H_B + alpha m_B x (m_B x H_B)],

    H_A = (omega_H + omega_AA m_Az) z - W_AB m_B,   H_B = (omega_H + omega_AB m_Bz) z - W_BA m_A.

Small waves turn with

    Omega = [(A - B) +- sqrt((A + B)^2 - 4 omega_EA omega_EB cos^2 ka)]/2,
    A = omega_EA + omega_AA + omega_H,   B = omega_EB + omega_AB - omega_H,

for equal sublattices sqrt((omega_E + omega_A)^2 - (omega_E cos ka)^2) +- omega_H.

| symbol in this file | meaning | good values |
|---|---|---|
| B_E, B_A | exchange and anisotropy field of sublattice A | 52.6 and 0.82 T: MnF2 |
| moment_ratio | mu_B/mu_A, omega_EB = omega_EA/ratio; other than 1: a ferrimagnet | 1 |
| anisotropy_ratio | anisotropy field of B over that of A | 1 |
| H0 | field along z, tesla | below the spin flop at 9.3 T |
| wave, branch | which wave is excited (0: resonance), and which of both frequencies | |
| amplitude | of the wave: small, the formula is that of small waves | 1e-5 |

Runs in some seconds on one core. To run, and to plot:

    spinhydro run problems/afm_resonance.py
    spinhydro run problems/afm_resonance.py wave=3 moment_ratio=0.6
    spinhydro plot runs/afm_resonance/0001

Expected: the resonance of MnF2 at 0.261 THz; waves as the formula says, to a part in 1e8.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, pi, ps, rad, tesla
from spinhydro.units.nm_ps import s as second

# Parameters
gamma = 1.76e11 * rad / (tesla * second)
B_E = 52.6 * tesla
B_A = 0.82 * tesla
moment_ratio = 1.0
anisotropy_ratio = 1.0
H0 = 0.0 * tesla
alpha = 0.0
a = 0.33 * nm
N = 32  # pairs of spins
wave = 1  # waves in the chain
branch = 1  # 1 or -1
amplitude = 1e-5
stop_time = 5 * ps
output_interval = 0.02 * ps

conditions = {
    "B_E > 0 and a > 0": "B_E and a must be positive",
    "moment_ratio > 0 and anisotropy_ratio >= 0": (
        "moment_ratio must be positive, anisotropy_ratio not negative"
    ),
    "alpha >= 0": "the damping alpha cannot be negative",
    "N >= 8 and abs(wave) <= N//2": "N must be at least 8, and wave at most N/2",
    "branch in (1, -1)": "branch must be 1 or -1",
    "0 < amplitude <= 0.1": "amplitude must be small: above 0, at most 0.1",
}

# Derived parameters
p = 1 / (1 + alpha**2)
omega_H = gamma * H0
omega_EA, omega_AA = gamma * B_E, gamma * B_A
omega_EB, omega_AB = omega_EA / moment_ratio, anisotropy_ratio * omega_AA
cell = 2 * a  # two spins
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
k = 2 * pi * wave / L_x
W_AB = spinhydro.kernel("neighbours", lattice="chain", a=a, omega_E=omega_EA)
W_BA = spinhydro.kernel("neighbours", lattice="chain", a=a, omega_E=omega_EB)
up, down = omega_EA + omega_AA + omega_H, omega_EB + omega_AB - omega_H
root = (up + down) ** 2 - 4 * W_AB(k) * W_BA(k)
conditions = {
    "up*down > omega_EA*omega_EB": (
        "this state is unstable (spin flop): it needs less field or more anisotropy"
    ),
}
Omega = ((up - down) + branch * np.sqrt(root)) / 2
ratio = (Omega - up) / W_AB(k) if abs(W_AB(k)) > 1e-9 * omega_EA else 0.0  # m_B+/m_A+
timestepper = "RK4"
timestep = 0.02 / (up + down)

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m_A = dist.VectorField(spin, name="m_A", bases=xbasis)
m_B = dist.VectorField(spin, name="m_B", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")

# Substitutions
X["g"] = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
H_A = (omega_H + omega_AA * (m_A @ ez)) * ez - W_AB(m_B)
H_B = (omega_H + omega_AB * (m_B @ ez)) * ez - W_BA(m_A)
scale_A = amplitude / np.maximum(1, abs(ratio))


def turned(x, t, size, sign):
    """A wave of the transverse components on a sublattice that points along sign z."""
    angle = k * x + Omega * t
    return np.array([size * np.cos(angle), size * np.sin(angle),
                     sign * np.sqrt(1 - size**2) + 0 * x])  # fmt: skip


A_exact = spinhydro.pointwise(lambda x, t: turned(x, t, scale_A, 1), X, t, like=m_A)
B_exact = spinhydro.pointwise(lambda x, t: turned(x, t, ratio * scale_A, -1), X, t, like=m_B)

# Problem
problem = d3.IVP([m_A, m_B], time=t, namespace=locals())
problem.add_equation("dt(m_A) = -p*(cross(m_A, H_A) + alpha*cross(m_A, cross(m_A, H_A)))")
problem.add_equation("dt(m_B) = -p*(cross(m_B, H_B) + alpha*cross(m_B, cross(m_B, H_B)))")
projections = {"m_A": "m_A/sqrt(m_A@m_A)", "m_B": "m_B/sqrt(m_B@m_B)"}

# Initial conditions
m_A["g"] = turned(X["g"], 0, scale_A, 1)
m_B["g"] = turned(X["g"], 0, ratio * scale_A, -1)

# Output
outputs = {"m": "m_A", "m_B": "m_B", "mz_mean": "ave(m_A@ez)", "neel": "(m_A - m_B)/2"}
watch = ["abs(sqrt(m_A@m_A) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m_B@m_B) - 1) <= 1e-12"}
if alpha == 0:
    # Larger waves turn a little slower: by the square of the amplitude.
    limit = amplitude * (1e-8 + 10 * amplitude**2 * (1 + Omega**2 * stop_time))
    expect["wave on A, over its limit"] = "abs(m_A - A_exact)/limit <= 1"
    expect["wave on B, over its limit"] = "abs(m_B - B_exact)/limit <= 1"
quick = {"stop_time": "0.5*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
