"""
The breaking of a magnetic interface in two coupled Gross-Pitaevskii equations (paper A).

The protocol of problems/quantum_torque.py with nothing frozen: a trapped gas of sodium starts in
the ground state of spin component b alone, and the Rabi coupling to component a is switched on at
t = 0. The wave functions of the two components, with every term divided by hbar, obey

    d psi_a/dt = i [hbar/2m lap - V - g_aa |psi_a|^2 - g_ab |psi_b|^2 - delta/2] psi_a
                 - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m lap - V - g_bb |psi_b|^2 - g_ab |psi_a|^2 + delta/2] psi_b
                 - i Omega_R/2 psi_a,

V = (omega_x^2 x^2 + …)/(2 hbar/m) - mu, with the chemical potential mu of the initial state. From
psi = (psi_a, psi_b) come the density n = |psi|^2, the spin s = psi^dagger sigma psi with |s| = n,
the magnetization Z = s_z/n and the velocity v = (hbar/m) Im(psi^dagger grad psi)/n. Outside the
cloud n vanishes and Z and v mean nothing: 1/n stands for n/(n^2 + n_floor^2), which takes both to
zero there and changes them by a part in 1e10 where n > 0.1.

| symbol in this file | meaning | paper A |
|---|---|---|
| Omega_R | Rabi frequency, 2 pi x 118 Hz | Fig. 3 |
| kappa_n0 | spin interaction (g - g12) n_0/hbar, Omega_R / 0.33 | Fig. 3 |
| g12_over_g | interspecies over intraspecies interaction | Methods |
| g_n0 | interaction g n_0/hbar, and mu of the initial state | Methods |
| R_x, R_y, R_z | Thomas-Fermi radii (R_x and R_r are interchanged in the paper) | Methods |
| psi_a, psi_b | components +1 and -1, in units of sqrt(n_0) | |
| detuning | delta, of the coupling from resonance; raises a and lowers b by half of it | |
| g_aa_over_g, g_bb_over_g | unequal interactions within the components | |

trap="pedestal" levels the trap off, which leaves 5 % of the peak density all over the box: the trap
in which problems/spinor_hydrodynamics.py runs, for comparison.
dimensions = 2 or 3 adds the axes y and z with their own radii, boxes and grids.
The stepper is exact in the linear terms and of order 4 in the rest. As it stands, the file keeps
the number of atoms to 1e-10 over 20 ms and Z (rms, |x| < 150 um) to 1e-7 up to 24 ms and 2e-6 at
32 ms; Nx=1024 does for a first look. Later, rounding errors have grown into the fluctuations.
Runs in some ten seconds on one core. To run, and to plot Fig. 2:

    spinhydro run problems/coupled_gpe.py
    spinhydro plot runs/coupled_gpe/0001 --figure fig2

Expected: interface at 122.4 um, breaking at 1.11 Rabi periods, and in the velocity and density
the sound that the frozen gas of problems/quantum_torque.py cannot make.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, hbar, kg, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction at the peak density
g12_over_g = 0.93
g_aa_over_g = 1.0
g_bb_over_g = 1.0
detuning = 0 * Hz
atom = "Na23"
trap = "harmonic"  # or "pedestal", as in problems/spinor_hydrodynamics.py
wall, wall_width = 0.95, 0.02  # pedestal: where it levels off, over g_n0, and how gently
dimensions = 1  # 1, 2 or 3
R_x = 210 * um
R_y = 2.2 * um
R_z = 2.2 * um
L_x = 480 * um
L_y = 6.4 * um
L_z = 6.4 * um
Nx = 2048
Ny = 32
Nz = 32
n_floor = 1e-6  # Z and v fade out where n is below this
stop_time = 40 * ms
output_interval = 0.25 * ms

conditions = {
    "dimensions in (1, 2, 3)": "dimensions must be 1, 2 or 3",
    "Nx >= 64 and Nx % 2 == 0": "Nx must be an even number, at least 64",
    "Ny >= 8 and Ny % 2 == 0 and Nz >= 8 and Nz % 2 == 0": (
        "Ny and Nz must be even numbers, at least 8"
    ),
    "0 < 2.05*R_x < L_x": "the box must be larger than the cloud, 2.05 R_x < L_x, and R_x positive",
    "dimensions < 2 or 0 < 2.05*R_y < L_y": "the box must be larger than the cloud: 2.05 R_y < L_y",
    "dimensions < 3 or 0 < 2.05*R_z < L_z": "the box must be larger than the cloud: 2.05 R_z < L_z",
    "kappa_n0 > 0": "kappa_n0 must be positive, or there is no self-trapping",
    "g_aa_over_g > 0 and g_bb_over_g > 0": "the interactions within a component must be repulsive",
    "g12_over_g < 1 and g12_over_g < (g_aa_over_g*g_bb_over_g)**0.5": (
        "the components are immiscible: g12_over_g must be below 1 and below "
        "sqrt(g_aa_over_g g_bb_over_g)"
    ),
    "g12_over_g > -((g_aa_over_g*g_bb_over_g)**0.5)": (
        "the attraction makes the gas collapse: g12_over_g must be above "
        "-sqrt(g_aa_over_g g_bb_over_g)"
    ),
    "trap in ('harmonic', 'pedestal')": "trap must be harmonic or pedestal",
    "0 < wall < 1 and 0 < wall_width < 1": "wall and wall_width are between 0 and 1",
    "n_floor > 0": "n_floor must be positive: the density vanishes outside the cloud",
}

advice = {
    "2*Omega_R <= kappa_n0": (
        "there is no interface, all of the gas follows the Rabi coupling; self-trapping at the "
        "centre needs Omega_R below kappa_n0/2"
    ),
}

# Derived parameters
g_n0 = kappa_n0 / (1 - g12_over_g)
g_aa, g_bb, g_ab = g_aa_over_g * g_n0, g_bb_over_g * g_n0, g12_over_g * g_n0
mu = g_bb  # so that the peak density is 1
hbar_over_m = hbar / (spinhydro.atomic_mass(atom) * kg)
radii, lengths, sizes = (R_x, R_y, R_z), (L_x, L_y, L_z), (Nx, Ny, Nz)
omega_x, omega_y, omega_z = (np.sqrt(2 * hbar_over_m * mu) / radius for radius in radii)
timestepper = "IFRK4"
fastest = hbar_over_m / 2 * sum((pi * sizes[i] / lengths[i]) ** 2 for i in range(dimensions))
longest = 0.0025 * ms if dimensions == 1 else 0.001 * ms  # a tight trap is fast
coupling = 2 * np.maximum(g_aa, g_bb)
timestep = np.minimum(longest, spinhydro.stable_timestep(timestepper, fastest, coupling))

# Bases
coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = tuple(
    d3.ComplexFourier(coord, size=size, bounds=(-length / 2, length / 2))
    for coord, size, length in zip(coords.coords, sizes, lengths, strict=False)
)

# Fields
psi_a = dist.Field(name="psi_a", bases=bases)
psi_b = dist.Field(name="psi_b", bases=bases)
V = dist.Field(name="V", bases=bases)

# Substitutions
ex, ey, ez = spin.unit_vector_fields(dist)
n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)
over_n = n / (n**2 + n_floor**2)
if dimensions == 1:
    gradient = spinhydro.dx
else:
    gradient = d3.grad
grids = [basis.global_grid(dist, scale=1).ravel() for basis in bases]
potential = sum(
    omega**2 * grid**2 / (2 * hbar_over_m)
    for omega, grid in zip((omega_x, omega_y, omega_z), np.ix_(*grids), strict=False)
)
if trap == "pedestal":
    potential = spinhydro.pedestal(potential, wall * mu, wall_width * mu)
density = spinhydro.ground_state(
    tuple(grids), potential, g_bb, hbar_over_m / 2, chemical_potential=mu
)
V["g"] = spinhydro.local_part(potential - mu, V)

# Problem
problem = d3.IVP([psi_a, psi_b], namespace=locals())
problem.add_equation(
    "dt(psi_a) - 1j*hbar_over_m/2*lap(psi_a) + 1j*Omega_R/2*psi_b + 1j*detuning/2*psi_a"
    " = -1j*(V + g_aa*abs2(psi_a) + g_ab*abs2(psi_b))*psi_a"
)
problem.add_equation(
    "dt(psi_b) - 1j*hbar_over_m/2*lap(psi_b) + 1j*Omega_R/2*psi_a - 1j*detuning/2*psi_b"
    " = -1j*(V + g_bb*abs2(psi_b) + g_ab*abs2(psi_a))*psi_b"
)

# Initial conditions
psi_b["g"] = spinhydro.local_part(np.sqrt(density), psi_b)

# Output
outputs = {
    "Z": "(abs2(psi_a) - abs2(psi_b))*over_n",
    "n": "n",
    "v": "hbar_over_m*im(conj(psi_a)*gradient(psi_a) + conj(psi_b)*gradient(psi_b))*over_n",
    "s": (
        "2*re(conj(psi_a)*psi_b)*ex + 2*im(conj(psi_a)*psi_b)*ey + (abs2(psi_a) - abs2(psi_b))*ez"
    ),
}
output_units = {"n": "n0", "v": "um/ms", "s": "n0"}
watch = ["drift(n) <= 1e-6"]
expect = {
    "number of atoms": "drift(n) <= 1e-8",
    "energy": (
        "drift(-hbar_over_m/2*re(conj(psi_a)*lap(psi_a) + conj(psi_b)*lap(psi_b)) + re(V)*n"
        " + g_aa/2*abs2(psi_a)**2 + g_bb/2*abs2(psi_b)**2 + g_ab*abs2(psi_a)*abs2(psi_b)"
        " + Omega_R*re(conj(psi_a)*psi_b) + detuning/2*(abs2(psi_a) - abs2(psi_b))) <= 1e-6"
    ),
}
quick = {"Nx": 1024, "stop_time": "2*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
