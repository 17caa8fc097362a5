"""
Spin waves and resonance of a two-sublattice antiferromagnet or ferrimagnet.

Spins A up and B down alternate on a chain with spacing a; each sublattice is a unit vector field,
and the exchange between them is a kernel, omega_E cos(ka), the mean over both neighbours:

  dm_A/dt = -p [m_A x H_A + alpha m_A x (m_A x H_A)], H_A = (omega_H + omega_AA m_Az) z - W_AB m_B,
  dm_B/dt = -p [m_B x H_B + alpha m_B x (m_B x H_B)], H_B = (omega_H + omega_AB m_Bz) z - W_BA m_A.

Small waves precess with Omega = [(A - B) +- sqrt((A + B)^2 - 4 omega_EA omega_EB cos^2 ka)]/2,
A = omega_EA + omega_AA + omega_H, B = omega_EB + omega_AB - omega_H; for equal sublattices with
sqrt((omega_E + omega_A)^2 - (omega_E cos ka)^2) +- omega_H.

    spinhydro run problems/afm_resonance.py wave=3 moment_ratio=0.6

Expected: the resonance of MnF2 at 0.261 THz; waves as in the formula, to a part in 1e8.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import nm, pi, ps, rad, second, tesla

# Parameters: exchange and anisotropy field of A in MnF2; field along z, below the spin flop
gamma, alpha, a = 1.76e11 * rad / (tesla * second), 0.0, 0.33 * nm
B_E, B_A, H0 = 52.6 * tesla, 0.82 * tesla, 0.0 * tesla
moment_ratio, anisotropy_ratio = 1.0, 1.0  # of B over A: other moments make a ferrimagnet
N, wave, branch, amplitude = 32, 1, 1, 1e-5  # pairs of spins, waves in the chain, 1 or -1
stop_time, output_interval = 5 * ps, 0.02 * ps
conditions = {
    "B_E > 0 and a > 0 and moment_ratio > 0": "B_E, a and moment_ratio must be positive",
    "anisotropy_ratio >= 0 and alpha >= 0": "anisotropy_ratio and the damping cannot be negative",
    "abs(wave) <= N//2 and branch in (1, -1)": "wave is at most N/2, and branch 1 or -1",
    "0 < amplitude <= 0.1": "amplitude must be small: above 0, at most 0.1",
}
p, cell = 1 / (1 + alpha**2), 2 * a  # a cell: two spins
L_x = N * cell
omega_H, omega_EA, omega_AA = gamma * H0, gamma * B_E, gamma * B_A
omega_EB, omega_AB = omega_EA / moment_ratio, anisotropy_ratio * omega_AA
up, down = omega_EA + omega_AA + omega_H, omega_EB + omega_AB - omega_H
conditions = {"up*down > omega_EA*omega_EB": "spin flop: it needs less field, more anisotropy"}
spinhydro.check_cells(L_x, N, cell, "nm")
k = 2 * pi * wave / L_x
W_AB = spinhydro.kernel("neighbours", lattice="chain", a=a, omega_E=omega_EA)
W_BA = spinhydro.kernel("neighbours", lattice="chain", a=a, omega_E=omega_EB)
Omega = ((up - down) + branch * np.sqrt((up + down) ** 2 - 4 * W_AB(k) * W_BA(k))) / 2
ratio = (Omega - up) / W_AB(k) if abs(W_AB(k)) > 1e-9 * omega_EA else 0.0  # m_B+/m_A+
size = amplitude / np.maximum(1, abs(ratio))
timestepper, timestep = "RK4", 0.02 / (up + down)

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))
m_A, m_B = (dist.VectorField(spinhydro.spin, name=f"m_{s}", bases=xbasis) for s in "AB")
X, t = dist.Field(name="X", bases=xbasis), dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)
H_A = (omega_H + omega_AA * (m_A @ ez)) * ez - W_AB(m_B)
H_B = (omega_H + omega_AB * (m_B @ ez)) * ez - W_BA(m_A)
problem = d3.IVP([m_A, m_B], time=t, namespace=locals())
problem.add_equation("dt(m_A) = -p*(cross(m_A, H_A) + alpha*cross(m_A, cross(m_A, H_A)))")
problem.add_equation("dt(m_B) = -p*(cross(m_B, H_B) + alpha*cross(m_B, cross(m_B, H_B)))")
projections = {"m_A": "m_A/sqrt(m_A@m_A)", "m_B": "m_B/sqrt(m_B@m_B)"}

# One wave
turning = np.cos(k * X + Omega * t) * ex + np.sin(k * X + Omega * t) * ey
A_exact = size * turning + np.sqrt(1 - size**2) * ez
B_exact = ratio * size * turning - np.sqrt(1 - (ratio * size) ** 2) * ez
m_A["g"], m_B["g"] = A_exact.evaluate()["g"], B_exact.evaluate()["g"]
outputs = {"m": "m_A", "m_B": "m_B", "mz_mean": "ave(m_A@ez)", "neel": "(m_A - m_B)/2"}
watch = ["abs(sqrt(m_A@m_A) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m_B@m_B) - 1) <= 1e-12"}
if alpha == 0:
    # Larger waves precess more slowly, by the square of the amplitude.
    limit = amplitude * (1e-8 + 10 * amplitude**2 * (1 + Omega**2 * stop_time))
    expect["wave on A, over its limit"] = "abs(m_A - A_exact)/limit <= 1"
    expect["wave on B, over its limit"] = "abs(m_B - B_exact)/limit <= 1"
quick = {"stop_time": "0.5*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
