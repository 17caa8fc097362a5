"""
A skyrmion in a film with interfacial Dzyaloshinskii-Moriya interaction, and its topological charge.

Exchange, anisotropy and the Dzyaloshinskii-Moriya interaction of an interface,

    E = t int { A |grad m|^2 + K (1 - m_z^2) + D [m_z div m - (m.grad) m_z] } d^2 r,
    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m - W_D m,

make a small disc of reversed magnetisation stable. W is the kernel 2 gamma A k^2/M_s, and W_D a
tensor kernel that is typed into this file: i k is odd, as a real field demands. K is the effective
anisotropy K_u - mu_0 M_s^2/2, in which the demagnetising field of a thin film is contained.

| symbol in this file | meaning | good values |
|---|---|---|
| material | M_s, A, K_u, D, damping; Sampaio et al., Nature Nanotech. 8, 839 (2013) | PtCo |
| D | Dzyaloshinskii-Moriya constant; below 4 sqrt(AK)/pi the film stays uniform | 3 mJ/m^2 |
| radius | of the disc at the start | 8 nm |
| charge | Q = (1/4 pi) int m.(dm/dx x dm/dy) d^2 r: -1 of a disc with m_z = -1 in its centre | |

Runs in a minute on one core, on several ranks with mpiexec. To run, and to plot:

    spinhydro run problems/skyrmion.py
    mpiexec -n 2 spinhydro run problems/skyrmion.py D=2.8e-3
    spinhydro plot runs/skyrmion/0001

Expected: Q = -1, and in equilibrium the virial theorem of two dimensions, E_D = -2 E_K (to one per
cent after 100 ps): under a change of scale exchange does not change, D grows with the size, K with
its square.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, J, mu_0, nm, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
material = "PtCo"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
A_ex = spinhydro.material(material).A * J / metre
K_u = spinhydro.material(material).Ku * J / metre**3
D = spinhydro.material(material).D * J / metre**2
alpha = spinhydro.material(material).alpha
gamma = 1.76e11 * rad / (tesla * second)
radius = 8 * nm
L = 64 * nm
N = 48
stop_time = 100 * ps
output_interval = 2 * ps

conditions = {
    "Ms > 0 and A_ex > 0": "Ms and A_ex must be positive",
    "K_u > mu_0*Ms**2/2": "the film must stay perpendicular: K_u > mu_0 Ms^2/2",
    "alpha >= 0": "the damping alpha cannot be negative",
    "abs(D) < 4/3.14159*(A_ex*(K_u - mu_0*Ms**2/2))**0.5": (
        "D is beyond 4 sqrt(A K)/pi: the film would break up into stripes"
    ),
    "0 < radius < L/4": "the disc must be smaller than half the box: 0 < radius < L/4",
    "N >= 16": "N must be at least 16",
}

# Derived parameters
p = 1 / (1 + alpha**2)
K = K_u - mu_0 * Ms**2 / 2
stiffness = 2 * gamma * A_ex / Ms
omega_K = 2 * gamma * K / Ms
omega_D = 2 * gamma * D / Ms
Delta = np.sqrt(A_ex / K)
timestepper = "RK4"
timestep = 1.2 / (omega_K + 2 * stiffness * (pi * N / L) ** 2)

# Bases
coords = d3.CartesianCoordinates("x", "y")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=N, bounds=(-L / 2, L / 2))
ybasis = d3.RealFourier(coords["y"], size=N, bounds=(-L / 2, L / 2))

# Fields
m = dist.VectorField(spin, name="m", bases=(xbasis, ybasis))

# Substitutions
ex, ey, ez = spin.unit_vector_fields(dist)
W = spinhydro.kernel(lambda k: stiffness * k**2)
W_D = spinhydro.kernel(
    lambda kx, ky: [
        [0, 0, -1j * omega_D * kx],
        [0, 0, -1j * omega_D * ky],
        [1j * omega_D * kx, 1j * omega_D * ky, 0],
    ],
    name="W_D",
)
H = omega_K * (m @ ez) * ez - W(m) - W_D(m)
density = m @ d3.cross(d3.Differentiate(m, coords["x"]), d3.Differentiate(m, coords["y"]))

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
x, y = dist.local_grids(xbasis, ybasis)
r = np.sqrt(x**2 + y**2)
theta = 2 * np.arctan2(np.sinh(radius / Delta), np.sinh(r / Delta))  # pi in the centre, 0 outside
outward = np.sign(D) * np.sin(theta) / np.maximum(r, 1e-12)
m["g"] = np.array([outward * x, outward * y, np.cos(theta)])

# Output
outputs = {
    "m": "m",
    "charge": "integ(density)/(4*pi)",
    "mz_mean": "ave(m@ez)",
    "E_exchange": "A_ex*integ(m@W(m))/stiffness/J",
    "E_dmi": "D*integ(m@W_D(m))/omega_D/J",
    "E_anisotropy": "K*integ(1 - (m@ez)**2)/J",
}
output_units = {name: "J/m" for name in ("E_exchange", "E_dmi", "E_anisotropy")}
watch = ["abs(sqrt(m@m) - 1) <= 0.1"]
expect = {"topological charge": "integ(density)/(4*pi) = -1 +- 2e-3"}
if alpha > 0 and stop_time >= 100 * ps:
    expect["virial theorem"] = (
        "integ(D*(m@W_D(m))/omega_D + 2*K*(1 - (m@ez)**2))/integ(2*K*(1 - (m@ez)**2)) = 0 +- 0.01"
    )
quick = {"stop_time": "1*ps", "N": 32}

if __name__ == "__main__":
    spinhydro.main(__file__)
