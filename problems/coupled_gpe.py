"""
The breaking of a magnetic interface in coupled Gross-Pitaevskii equations (Farolfi et al. 2021).

The protocol of problems/quantum_torque.py with nothing frozen: a trapped gas of sodium starts in
the ground state of spin component b alone, and the Rabi coupling to component a is switched on at
t = 0. With every term divided by hbar, the wave functions obey

    d psi_a/dt = i [hbar/2m lap - V - g_aa |psi_a|^2 - g_ab |psi_b|^2 - delta/2] psi_a
                 - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m lap - V - g_bb |psi_b|^2 - g_ab |psi_a|^2 + delta/2] psi_b
                 - i Omega_R/2 psi_a,

V = (omega_x^2 x^2 + …)/(2 hbar/m) - mu. From psi = (psi_a, psi_b) follow the density n = |psi|^2,
the spin s = psi^dagger sigma psi with |s| = n, the magnetization Z = s_z/n and the velocity
v = (hbar/m) Im(psi^dagger grad psi)/n. Outside the cloud Z and v are undefined: 1/n is replaced by
n/(n^2 + n_floor^2), which makes both vanish there.

The number of atoms is kept to 2e-10 over 40 ms, and Z (rms, |x| < 150 um) is right to 1e-7 up to 24
ms and 2e-6 at 32 ms; later, rounding errors have grown to the size of the fluctuations. Bases of an
even number of points have no Nyquist mode: what the trap, which has a kink at the edges of the box,
puts there is lost in every step. Nx=2025 keeps the atoms to 1e-12, with errors 8 times smaller.
trap=pedestal leaves 5 % of the peak density throughout the box, as in
problems/spinor_hydrodynamics.py. Runs in some ten seconds on one core; to plot Fig. 2:

    spinhydro run problems/coupled_gpe.py
    spinhydro plot runs/coupled_gpe/0001 --figure fig2

Expected: interface at 122.4 um, breaking at 1.11 Rabi periods, and in the velocity and density
the sound waves that the frozen gas of problems/quantum_torque.py lacks.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency (Fig. 3)
g12_over_g = 0.93  # interspecies over intraspecies interaction (Methods)
kappa_n0 = 2 * pi * (118 / 0.33) * Hz * (g12_over_g < 1)  # zero if g12 = g, at the peak
g_aa_over_g = 1.0  # unequal interactions within the components
g_bb_over_g = 1.0
detuning = 0 * Hz  # delta, of the coupling from resonance
atom = "Na23"
trap = "harmonic"  # or "pedestal"
wall, wall_width = 0.95, 0.02  # pedestal: level over mu, and width of the transition
dimensions = 1  # 1, 2 or 3
R_x, R_y, R_z = 210 * um, 2.2 * um, 2.2 * um  # Thomas-Fermi radii (interchanged in the paper)
L_x, L_y, L_z = 480 * um, 6.4 * um, 6.4 * um
Nx, Ny, Nz = 2048, 32, 32
n_floor = 1e-6  # Z and v fade out where n is below this
stop_time = 40 * ms
output_interval = 0.25 * ms

conditions = {
    "min(L_x, L_y, L_z) > 0": "lengths of the box must be positive",
    "dimensions in (1, 2, 3)": "dimensions must be 1, 2 or 3",
    "Nx >= 64": "Nx must be at least 64",
    "min(Ny, Nz) >= 8": "Ny and Nz must be at least 8",
    "min(g_aa_over_g, g_bb_over_g) > 0": "the interactions within a component must be repulsive",
    "g12_over_g <= (g_aa_over_g*g_bb_over_g)**0.5": (
        "the components are immiscible: g12_over_g must not exceed sqrt(g_aa_over_g g_bb_over_g)"
    ),
    "g12_over_g > -((g_aa_over_g*g_bb_over_g)**0.5)": (
        "the attraction makes the gas collapse: g12_over_g must be above "
        "-sqrt(g_aa_over_g g_bb_over_g)"
    ),
    "trap in ('harmonic', 'pedestal')": "trap must be harmonic or pedestal",
    "n_floor > 0": "n_floor must be positive: the density vanishes outside the cloud",
}
advice = {
    "2*Omega_R <= kappa_n0": (
        "there is no interface, all of the gas follows the Rabi coupling; self-trapping at the "
        "centre needs Omega_R below kappa_n0/2"
    ),
}

# Derived parameters
g_n0 = spinhydro.interaction(kappa_n0, g12_over_g)
g_aa, g_bb, g_ab = g_aa_over_g * g_n0, g_bb_over_g * g_n0, g_n0 - kappa_n0
mu = g_bb  # so that the peak density is 1
hbar_over_m = spinhydro.hbar_over_m(atom)
lengths, sizes = (L_x, L_y, L_z)[:dimensions], (Nx, Ny, Nz)[:dimensions]
timestepper = "BlanesMoan4" if dimensions == 1 else "IFRK4"
truncate = None  # keep a fraction of the modes; None: those that cannot resonate with the timestep
fastest = hbar_over_m / 2 * sum((pi * N / L) ** 2 for N, L in zip(sizes, lengths, strict=True))
longest = 0.0185 * ms if timestepper == "BlanesMoan4" else 0.0025 * ms
longest = longest if dimensions == 1 else 0.001 * ms  # a tight trap is fast
coupling = 2 * np.maximum(g_aa, g_bb)
timestep = spinhydro.stable_timestep(timestepper, fastest, coupling, longest)

# Bases
coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = tuple(
    d3.ComplexFourier(coord, size=N, bounds=(-L / 2, L / 2))
    for coord, N, L in zip(coords.coords, sizes, lengths, strict=True)
)

# Fields
psi_a = dist.Field(name="psi_a", bases=bases)  # in units of the root of the peak density
psi_b = dist.Field(name="psi_b", bases=bases)
V = dist.Field(name="V", bases=bases)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)
over_n = n / (n**2 + n_floor**2)
gradient = spinhydro.dx if dimensions == 1 else d3.grad

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
level = (wall, wall_width) if trap == "pedestal" else None
density = spinhydro.trapped_gas(V, bases, (R_x, R_y, R_z), mu, g_bb, hbar_over_m, level)
psi_b["g"] = np.sqrt(density)

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
