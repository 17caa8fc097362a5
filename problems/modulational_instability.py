"""
Modulational instability of a magnet tilted from its easy axis (Rockwell et al. 2023, Fig. 2).

A chain with perpendicular anisotropy precesses uniformly with m_z = n_bar. Small noise on m_z grows
at long waves: the uniform state breaks up into a train of solitons. In

    dm/dt = -m x H,   H = omega_K m_z z - W m,   omega(k) = 2 omega_M (lambda_ex/a)^2 (1 - cos ka)

a wave of small noise on m_z, with none on the azimuth, follows n(k, t) = n(k, 0) cos(Omega t),

    Omega^2 = omega(k) [omega(k) - (1 - n_bar^2) omega_K],

so that it grows with Gamma = |Omega| below the cut-off omega(k) = (1 - n_bar^2) omega_K, fastest
with (1 - n_bar^2) omega_K/2. (The paper writes M_eff for H_k; its cut-off of 0.19 rad/nm is that of
H_k.) Every member of the ensemble has its own noise; together they give <|n(k, t)|^2>.

A few minutes on one core, half of that on two ranks. The growing waves are a hundred sites long:
cells of four sites (N=288) have the same rates and need a minute at most, as does members=4.

    spinhydro run problems/modulational_instability.py n_bar=0.25
    mpiexec -n 2 spinhydro run problems/modulational_instability.py n_bar=0.5
    spinhydro run problems/modulational_instability.py N=288 cell=4*a members=400 \\
        n_bar='np.repeat([0, 0.25, 0.5, 0.75], 100)'
    spinhydro plot runs/modulational_instability/0001

Expected: Gamma up to 171.405, 160.692, 128.554, 74.990 /ns and cut-offs 0.194394, 0.188219,
0.168342, 0.128565 rad/nm for n_bar = 0, 0.25, 0.5, 0.75; the rates of single waves to 1e-6 and the
cut-offs to 1e-7, relative.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import pi, ps

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, gamma = magnet.a, magnet.gamma
kernel = "lattice"  # or "micromagnetic", "atomistic": the same at long waves
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
n_bar = 0.25  # m_z of the uniform state
members = 100
noise = 1e-6  # size of the noise on m_z
seed = 0
N = 1152  # cells
cell = a
stop_time = 50 * ps
output_interval = 1 * ps

conditions = {
    "Hk > 0": "Hk must be positive: with an easy plane nothing grows",
    "-1 < n_bar < 1": "n_bar must lie between -1 and 1: at the axis nothing grows",
    "0 < noise <= 1e-3": "noise must be small: above 0, at most 1e-3",
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=0.0, gamma=gamma)
omega_K, stiffness = magnet.omega_K, magnet.stiffness
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
W = spinhydro.exchange(magnet, kernel, cell, beyond)
k = 2 * pi * np.fft.fftfreq(N, cell)
timestepper = "RK4"
timestep = 1.4 / (omega_K + W.fastest(k))  # growing waves are a thousand times slower

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64, members=members)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
m_z = dist.Field(name="m_z", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)


def linear(m_z, t):
    """m_z of linear theory: every wave n(k, 0) cos(Omega t)."""
    Omega = np.sqrt((W(k) * (W(k) - (1 - n_bar**2) * omega_K)).astype(complex))
    return n_bar + np.fft.ifft(np.cos(Omega * t.ravel()[0]) * np.fft.fft(m_z - n_bar)).real


m_z_linear = spinhydro.pointwise(linear, m_z, t, like=m_z)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -cross(m, omega_K*(m@ez)*ez - W(m))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m_z["g"] = n_bar + noise * spinhydro.initial_noise(m_z, seed)
m["g"][2] = m_z["g"]
m["g"][0] = np.sqrt(1 - m_z["g"] ** 2)

# Output
outputs = {"m": "m", "mz_mean": "ave(m@ez)"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
# The largest wave of the noise has grown to a few noise*cosh(Gamma t) by the end, and its square is
# neglected by linear theory; RK4 damps the shortest waves of the noise.
grown = noise * np.cosh(omega_K / 2 * stop_time)
if grown < 0.01:
    expect["waves of linear theory"] = (
        f"abs(m@ez - m_z_linear) <= {10 * noise + 0.01 * grown + 100 * grown**2:g}"
    )
quick = {"members": 2, "N": 96, "stop_time": "2*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
