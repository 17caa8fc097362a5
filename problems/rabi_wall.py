"""
A wall of the relative phase between two half-vortices, in two dimensions.

In a coherently coupled gas the relative phase of the components is pinned. A vortex in component a
alone (a half-vortex) winds it by 2 pi, and Rabi coupling confines this winding to a wall, which
ends on another half-vortex (Son and Stephanov, Phys. Rev. A 65, 063621 (2002)). Here a vortex and
an antivortex in component a are joined by a wall along y. Its tension

    sigma = 2 n hbar^2/(m ell),      ell = sqrt(hbar/(2 m Omega_R))

pulls on both, and as vortices move at right angles to a force, the wall travels sideways. From
sigma sqrt(1 - w^2/c_s^2) = h (n/2) V, the Magnus force of the atoms in component a, follows

    V = (2 hbar/pi m ell) sqrt(1 - w^2/c_s^2) + v_0,      v_0 = pi hbar/(2 m L_x),  w = V - 2 v_0,

where the wall moves at w through the gas, which shortens its tension as it does the mass of a
relativistic string with the spin sound c_s for light. The separation is half of the box, so that
the periodic images only give the mean flow v_0. The gas obeys

    d psi_a/dt = i [hbar/2m lap - g |psi_a|^2 - g12 |psi_b|^2 + mu] psi_a - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m lap - g |psi_b|^2 - g12 |psi_a|^2 + mu] psi_b - i Omega_R/2 psi_a,

mu = (g + g12) n/2 - hbar Omega_R/2, and starts from the phases of the vortices, made smooth in
imaginary time. About a minute on one core:

    spinhydro run problems/rabi_wall.py
    mpiexec -n 2 spinhydro run problems/rabi_wall.py
    spinhydro plot runs/rabi_wall/0001 --figure maps

Expected: the vorticity of the velocity is that of the spins everywhere (Mermin and Ho). The wall
starts from rest and oscillates as it moves; its mean speed is wall_speed to 5 per cent.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.two_components import relaxed_pair, vortex_phase
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 18 * Hz  # well below kappa_n0/3, where the wall is stable
kappa_n0 = 2 * pi * 357 * Hz  # spin interaction
g12_over_g = 0.8
atom = "Na23"
L_x = L_y = 64 * um
separation = 0.56 * L_y  # of the vortices at the start
Nx = Ny = 160  # error of the vorticity in the cores: 5e-4/ms of 2/ms; 2e-6/ms with 256
relaxation_time = 6 * ms  # wall and cores have formed, vortices have not met
stop_time = 20 * ms
output_interval = 1 * ms

conditions = {
    "min(Nx, Ny) >= 32 and Nx % 2 == Ny % 2 == 0": "Nx and Ny must be even numbers, at least 32",
    "Omega_R > 0": "the wall needs Omega_R > 0",
    "kappa_n0 > 0": "kappa_n0 must be positive, or the wall is not stable",
    "L_x > 0 and 0 < separation < L_y": "the separation must be positive and below L_y",
    "relaxation_time > 0": "relaxation_time must be positive",
}
advice = {"3*Omega_R < kappa_n0": "this wall is unstable: stable for Omega_R below kappa_n0/3"}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
g_n0 = spinhydro.interaction(kappa_n0, g12_over_g)
g12_n0 = g_n0 - kappa_n0
mu = (g_n0 + g12_n0) / 2 - Omega_R / 2
ell = np.sqrt(hbar_over_m / (2 * Omega_R))
spin_sound = np.sqrt(hbar_over_m * kappa_n0 / 2)
mean_flow = pi * hbar_over_m / (2 * L_x)
slow, A = 2 * hbar_over_m / (pi * ell), 2 * hbar_over_m / (pi * ell) / spin_sound
# (V - v_0)^2 = slow^2 - A^2 (V - 2 v_0)^2
root = np.sqrt((1 + A**2) * slow**2 - A**2 * mean_flow**2)
wall_speed = mean_flow + (A**2 * mean_flow + root) / (1 + A**2)
timestepper = "IFRK4"
fastest = hbar_over_m / 2 * pi**2 * ((Nx / L_x) ** 2 + (Ny / L_y) ** 2)
timestep = spinhydro.stable_timestep(timestepper, fastest, 2 * g_n0, longest=0.01 * ms)

# Bases
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = tuple(
    d3.ComplexFourier(coord, size=size, bounds=(-length / 2, length / 2))
    for coord, size, length in zip(coords.coords, (Nx, Ny), (L_x, L_y), strict=True)
)

# Fields
psi_a = dist.Field(name="psi_a", bases=bases)
psi_b = dist.Field(name="psi_b", bases=bases)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
e_x, e_y = coords.unit_vector_fields(dist)
n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)
Z = (spinhydro.abs2(psi_a) - spinhydro.abs2(psi_b)) / n
coherence = 2 * np.conj(psi_a) * psi_b
s = spinhydro.re(coherence) * ex + spinhydro.im(coherence) * ey + n * Z * ez
flow = spinhydro.im(np.conj(psi_a) * d3.grad(psi_a) + np.conj(psi_b) * d3.grad(psi_b))
v = hbar_over_m / n * flow

# Problem
problem = d3.IVP([psi_a, psi_b], namespace=locals())
problem.add_equation(
    "dt(psi_a) - 1j*hbar_over_m/2*lap(psi_a) + 1j*Omega_R/2*psi_b"
    " = -1j*(g_n0*abs2(psi_a) + g12_n0*abs2(psi_b) - mu)*psi_a"
)
problem.add_equation(
    "dt(psi_b) - 1j*hbar_over_m/2*lap(psi_b) + 1j*Omega_R/2*psi_a"
    " = -1j*(g_n0*abs2(psi_b) + g12_n0*abs2(psi_a) - mu)*psi_b"
)

# Initial conditions
x, y = (basis.global_grid(dist, scale=1) for basis in bases)
pair = vortex_phase(x, y - separation / 2, L_x, L_y)
pair = pair * np.conj(vortex_phase(x, y + separation / 2, L_x, L_y))
found = relaxed_pair(
    np.sqrt(1 / 2) * pair, -np.sqrt(1 / 2) + 0 * pair, (L_x, L_y), relaxation_time,
    hbar_over_m, g_n0, g12_n0, mu, Omega_R,
)  # fmt: skip
psi_a["g"], psi_b["g"] = (spinhydro.local_part(values, psi_a) for values in found)

# Output
outputs = {"n": "n", "Z": "Z", "s": "s", "v": "v", "vorticity": "dx(v@e_y) - dy(v@e_x)"}
output_units = {"n": "n0", "s": "n0", "v": "um/ms", "vorticity": "1/ms"}
watch = ["1/n <= 20"]
expect = {
    "number of atoms": "drift(n) <= 1e-8",
    "energy": (
        "drift(-hbar_over_m/2*re(conj(psi_a)*lap(psi_a) + conj(psi_b)*lap(psi_b))"
        " + g_n0/2*(abs2(psi_a)**2 + abs2(psi_b)**2) + g12_n0*abs2(psi_a)*abs2(psi_b)"
        " + Omega_R*re(conj(psi_a)*psi_b)) <= 1e-7"
    ),
    "vorticity": "dx(v@e_y) - dy(v@e_x) - hbar_over_m/2/n**3*(s@cross(dx(s), dy(s))) <= 2e-3",
}
quick = {"stop_time": "0.1*ms", "output_interval": "0.05*ms", "relaxation_time": "1*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
