"""
A thin tube of gas in three dimensions, against its reduction to one.

The protocol of problems/coupled_gpe.py: a gas in b, on which the Rabi coupling is switched on. With
every term divided by hbar, and the chemical potential taken off V,

    d psi_a/dt = i [hbar/2m lap - V - g |psi_a|^2 - g12 |psi_b|^2] psi_a - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m lap - V - g |psi_b|^2 - g12 |psi_a|^2] psi_b - i Omega_R/2 psi_a.

The trap is tight across the axis: hbar omega_r is well above the interaction energy, and the gas
stays in the Gaussian ground state of the transverse motion,

    psi_j(x, y, z, t) = f_j(x, t) exp(-(y^2 + z^2)/2 a_r^2),      a_r^2 = hbar/(m omega_r).

Averaged over it the couplings are half of those on the axis: the integral of the Gaussian to the
fourth power is half of that of its square. f obeys the equations of problems/coupled_gpe.py in one
dimension, with g_n0 = (g/2) n_3D(0)/hbar. s_z_line is the spin density of all atoms at x, s_z_1d
that of the reduction, by an independent NumPy code. They differ by the first order in g_n0/omega_r:
the interaction widens the gas where it is dense. About two minutes on two cores:

    spinhydro run problems/tight_tube.py
    mpiexec -n 2 spinhydro run problems/tight_tube.py
    spinhydro run problems/tight_tube.py omega_r='2*pi*6*kHz'
    spinhydro plot runs/tight_tube/0001 --figure tube

Expected: the spin density of the reduction, to a few hundredths.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.physics.two_components import coupled_line
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 60 * Hz  # Rabi frequency
g12_over_g = 0.5
kappa_n0 = 2 * pi * (60 / 0.33) * Hz * (g12_over_g < 1)  # averaged, on the axis; zero if g12 = g
omega_r = 2 * pi * 4000 * Hz  # trap across the axis
R_x = 60 * um  # Thomas-Fermi radius
atom = "Na23"
L_x = 140 * um
width = 7.5  # of the box across the axis, in a_r
Nx, Ny, Nz = 160, 13, 13  # spacing across the axis at most 0.7 a_r
n_floor = 1e-6  # Z fades out where the density on the axis is below this
stop_time = 9 * ms
output_interval = 0.5 * ms

conditions = {
    "Nx >= 64 and Nx % 2 == 0": "Nx must be an even number, at least 64",
    "min(Ny, Nz) >= 9 and Ny % 2 and Nz % 2": (
        "Ny and Nz must be odd, at least 9: an even number leaves out a wave that the trap needs"
    ),
    "0 < 2.05*R_x < L_x": "the box must be larger than the cloud, 2.05 R_x < L_x",
    "width >= 5": "the box must hold the gas across the axis: width of 5 a_r at least",
    "n_floor > 0": "n_floor must be positive: the density vanishes outside the cloud",
}
advice = {"2*Omega_R <= kappa_n0": "there is no interface: it needs Omega_R below kappa_n0/2"}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
g_n0 = spinhydro.interaction(kappa_n0, g12_over_g, equal=2 * pi * (60 / 0.33) * Hz / 0.5)
g12_n0 = g_n0 - kappa_n0
conditions = {"omega_r > g_n0": "the trap across the axis must be tight: omega_r above g_n0"}
g, g12 = 2 * g_n0, 2 * g12_n0  # on the axis, where the Gaussian is 1
mu = g_n0 + omega_r
a_r = np.sqrt(hbar_over_m / omega_r)
omega_x = np.sqrt(2 * hbar_over_m * g_n0) / R_x
lengths, sizes = (L_x, width * a_r, width * a_r), (Nx, Ny, Nz)
# The kinetic energy and the tight trap nearly cancel: a stepper that splits off one of them, as
# IFRK4 does, needs shorter steps than one that sees their sum.
timestepper = "RK4"
free = hbar_over_m / 2 * sum((pi * N / L) ** 2 for N, L in zip(sizes, lengths, strict=True))
timestep = spinhydro.stable_timestep(timestepper, free + width**2 / 4 * omega_r)

# Bases
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = tuple(
    d3.ComplexFourier(coord, size=size, bounds=(-length / 2, length / 2))
    for coord, size, length in zip(coords.coords, sizes, lengths, strict=True)
)

# Fields
psi_a = dist.Field(name="psi_a", bases=bases)
psi_b = dist.Field(name="psi_b", bases=bases)
V = dist.Field(name="V", bases=bases)
X = dist.Field(name="X", bases=bases[0])
t = dist.Field(name="t")
n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)
s_z = spinhydro.abs2(psi_a) - spinhydro.abs2(psi_b)
x, y, z = (basis.global_grid(dist, scale=1).ravel() for basis in bases)
trap = omega_x**2 * x**2 / (2 * hbar_over_m)
potential = trap[:, None, None] + omega_r**2 * (y[:, None] ** 2 + z**2) / (2 * hbar_over_m)
V["g"] = spinhydro.local_part(potential - mu, V)
X["g"] = dist.local_grid(bases[0])


def line(f):
    """Integral across the axis over that of the Gaussian squared."""
    return width**2 / pi * d3.Average(d3.Average(f, coords["z"]), coords["y"])


# Problem
problem = d3.IVP([psi_a, psi_b], time=t, namespace=locals())
problem.add_equation(
    "dt(psi_a) - 1j*hbar_over_m/2*lap(psi_a) + 1j*Omega_R/2*psi_b"
    " = -1j*(V + g*abs2(psi_a) + g12*abs2(psi_b))*psi_a"
)
problem.add_equation(
    "dt(psi_b) - 1j*hbar_over_m/2*lap(psi_b) + 1j*Omega_R/2*psi_a"
    " = -1j*(V + g*abs2(psi_b) + g12*abs2(psi_a))*psi_b"
)

# Initial conditions
density = spinhydro.ground_state((x, y, z), potential, g, hbar_over_m / 2, chemical_potential=mu)
psi_b["g"] = spinhydro.local_part(np.sqrt(density), psi_b)
start = np.sqrt(spinhydro.ground_state(x, trap, g_n0, hbar_over_m / 2, chemical_potential=g_n0))
reduced = coupled_line(x, trap - g_n0, start, stop_time, hbar_over_m, g_n0, g12_n0, Omega_R)


def spin_density_1d(x, t):
    if not x.size:  # the axis belongs to another rank
        return x
    n_a, n_b = reduced(t.real.flat[0])
    return (n_a - n_b)[np.rint((x.real + L_x / 2) * Nx / L_x).astype(int)]


n_line, s_z_line = line(n), line(s_z)
s_z_1d = spinhydro.pointwise(spin_density_1d, X, t, like=X)

# Output
outputs = {name: name for name in ("n_line", "s_z_line", "s_z_1d", "n")}
outputs["Z_line"] = "s_z_line*n_line/(n_line**2 + n_floor**2)"
output_units = {"n": "n0", "n_line": "n0", "s_z_line": "n0", "s_z_1d": "n0"}
watch = ["drift(n) <= 1e-6"]
expect = {
    "number of atoms": "drift(n) <= 1e-8",
    "energy": (
        "drift(-hbar_over_m/2*re(conj(psi_a)*lap(psi_a) + conj(psi_b)*lap(psi_b)) + re(V)*n"
        " + g/2*(abs2(psi_a)**2 + abs2(psi_b)**2) + g12*abs2(psi_a)*abs2(psi_b)"
        " + Omega_R*re(conj(psi_a)*psi_b)) <= 1e-6"
    ),
    "reduction to one dimension": "s_z_line - s_z_1d <= 0.06",
}
quick = {"Nx": 64, "stop_time": "0.05*ms", "output_interval": "0.025*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
