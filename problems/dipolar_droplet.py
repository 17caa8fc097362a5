"""
A self-bound droplet of a dipolar gas: quantum fluctuations hold what the mean field would crush.

N atoms with dipoles along z in free space, |psi|^2 the density over N, every term over hbar:

    i dpsi/dt = [-hbar/2m lap + g |psi|^2 + W(|psi|^2) + gamma |psi|^3 - mu] psi.

W is the dipolar interaction with a spherical cut-off (Ronen et al., Phys. Rev. A 74, 013623, 2006),
gamma = 32/(3 sqrt(pi)) g a_s^(3/2) N^(1/2) Q the correction of Lee, Huang and Yang, epsilon =
a_dd/a_s, Q = Re int_0^1 (1 - epsilon + 3 epsilon u^2)^(5/2) du (Lima and Pelster, ibid. 84, 041604,
2011). The virial theorem is 2 E_kin + 3 (E_contact + E_dipolar) + 9/2 E_fluctuations = 0.

    spinhydro run problems/dipolar_droplet.py

Expected: the virial theorem to 1e-3; 500 atoms are bound by 2.32 hbar/ms each.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import ms, pi, um

# Parameters
N, a_s, a_dd = 500, 50, 130.8  # atoms; lengths in Bohr radii
atom, L_x, L_z, N_x, N_z = "Dy164", 4.4 * um, 7 * um, 80, 40
cutoff, limit = 3.4 * um, 1e-3  # length of the droplet < cutoff < L_x - its width
timestepper, timestep, stop_time, output_interval = "IFRK4", 0.001 * ms, 0.02 * ms, 0.005 * ms
K, a_0 = spinhydro.hbar_over_m(atom) / 2, 5.29177210903e-5 * um
g, epsilon = 8 * pi * K * a_s * a_0 * N, a_dd / a_s
Q = np.mean((1 - epsilon + 3 * epsilon * np.linspace(0, 1, 4001) ** 2 + 0j) ** 2.5).real
gamma = 32 / 3 / np.sqrt(pi) * g * (a_s * a_0) ** 1.5 * np.sqrt(N) * Q
W = spinhydro.kernel("dipolar", g_dd=g * epsilon, cutoff=cutoff)

# Bases and fields
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = [d3.ComplexFourier(c, size=n, bounds=(-L / 2, L / 2)) for c, n, L in
         zip(coords.coords, (N_x, N_x, N_z), (L_x, L_x, L_z), strict=True)]  # fmt: skip
psi, mu = dist.Field(name="psi", bases=bases), dist.Field(name="mu", bases=dist.members)
n, (x, y, z) = spinhydro.abs2(psi), dist.local_grids(*bases)

# Problem
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) - 1j*K*lap(psi) = -1j*(g*n + W(n) + gamma*n*sqrt(n) - mu)*psi")

# Initial conditions
psi["g"] = np.exp(-(x**2 + y**2) / (0.14 * um) ** 2 - z**2 / (0.95 * um) ** 2)
mu["g"] = spinhydro.ground_state(problem, N=1).mu

# Output: parts of the energy per atom
energies = {"E_kin": "-K*re(conj(psi)*lap(psi))", "E_contact": "g/2*n**2",
            "E_dipolar": "re(n*W(n))/2", "E_fluctuations": "0.4*gamma*n**2*sqrt(n)"}  # fmt: skip
outputs = {"n": "n", "mu": "re(mu)", **{name: f"integ({e})" for name, e in energies.items()}}
virial = "2*({E_kin}) + 3*({E_contact} + {E_dipolar}) + 4.5*{E_fluctuations}".format(**energies)
expect = {"virial": f"abs(integ({virial})/integ(2*({energies['E_kin']}))) <= {limit}"}
quick = {"N_x": 32, "N_z": 20, "L_x": 2.2, "L_z": 4, "cutoff": 2, "limit": 0.02, "stop_time": 2e-3}

if __name__ == "__main__":
    spinhydro.main(__file__)
