"""
A skyrmion in a film with interfacial Dzyaloshinskii-Moriya interaction, and its topological charge.

Exchange, anisotropy and the Dzyaloshinskii-Moriya interaction of an interface,

    E = t int { A |grad m|^2 + K (1 - m_z^2) + D [m_z div m - (m.grad) m_z] } d^2 r,
    dm/dt = -p [m x H + alpha m x (m x H)],   H = omega_K m_z z - W m - W_D m,

make a small disc of reversed magnetisation stable. W is the kernel 2 gamma A k^2/M_s, and W_D m is
(2 gamma D/M_s) (-dx m_z, -dy m_z, dx m_x + dy m_y). K is the effective anisotropy K_u - mu_0
M_s^2/2, which contains the demagnetising field of a thin film. The film (Sampaio et al., Nature
Nanotech. 8, 839 (2013)) stays uniform for D < 4 sqrt(AK)/pi.

    spinhydro run problems/skyrmion.py
    mpiexec -n 2 spinhydro run problems/skyrmion.py D='2.8e-3*J/metre**2'
    spinhydro plot runs/skyrmion/0001

Expected: Q = (1/4 pi) int m.(dm/dx x dm/dy) d^2 r = -1, and in equilibrium the virial theorem of
two dimensions, E_D = -2 E_K (to one per cent after 100 ps): under a change of scale exchange does
not change, D grows with the size, K with its square. With D=0 the disc shrinks.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import J, mu_0, nm, pi, ps

# Parameters
material = "PtCo"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, A_ex, K_u, D = magnet.Ms, magnet.A_ex, magnet.K_u, magnet.D
alpha, gamma = magnet.alpha, magnet.gamma
radius = 8 * nm  # of the disc at the start
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
K, joule = K_u - mu_0 * Ms**2 / 2, J
stiffness, omega_K, omega_D = 2 * gamma * A_ex / Ms, 2 * gamma * K / Ms, 2 * gamma * D / Ms
Delta = np.sqrt(A_ex / K)
W = spinhydro.kernel("micromagnetic", stiffness=stiffness)
W_D = spinhydro.kernel("interfacial_dmi", omega_D=omega_D)
timestepper = "RK4"
timestep = 1.2 / (omega_K + 2 * stiffness * (pi * N / L) ** 2)

# Bases
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=N, bounds=(-L / 2, L / 2))
ybasis = d3.RealFourier(coords["y"], size=N, bounds=(-L / 2, L / 2))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=(xbasis, ybasis))
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = omega_K * (m @ ez) * ez - W(m) - W_D(m)
density = m @ d3.cross(d3.Differentiate(m, coords["x"]), d3.Differentiate(m, coords["y"]))

# Problem
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
x, y = dist.local_grids(xbasis, ybasis)
m["g"] = spinhydro.skyrmion(x, y, radius, Delta, helicity=0 if D >= 0 else pi)

# Output
outputs = {
    "m": "m",
    "charge": "integ(density)/(4*pi)",
    "mz_mean": "ave(m@ez)",
    "E_exchange": "A_ex*integ(m@W(m))/stiffness/joule",
    "E_dmi": "Ms/(2*gamma)*integ(m@W_D(m))/joule",
    "E_anisotropy": "K*integ(1 - (m@ez)**2)/joule",
}
output_units = {name: "J/m" for name in ("E_exchange", "E_dmi", "E_anisotropy")}
watch = ["abs(sqrt(m@m) - 1) <= 0.1"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 0.1"}
if spinhydro.every(D != 0):
    expect["topological charge"] = "integ(density)/(4*pi) = -1 +- 2e-3"
if spinhydro.every((D != 0) & (alpha > 0)) and stop_time >= 100 * ps:
    expect["virial theorem"] = (
        "integ(Ms/(2*gamma)*(m@W_D(m)) + 2*K*(1 - (m@ez)**2))"
        "/integ(2*K*(1 - (m@ez)**2)) = 0 +- 0.01"
    )
quick = {"stop_time": "1*ps", "N": 32}

if __name__ == "__main__":
    spinhydro.main(__file__)
