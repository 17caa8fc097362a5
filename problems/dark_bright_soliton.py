"""
A dark-bright soliton rotated by the Rabi coupling, against the exact solution.

With equal interactions the coupled Gross-Pitaevskii equations

    d psi_a/dt = i [hbar/2m d2/dx2 - g (|psi_a|^2 + |psi_b|^2 - n_0)] psi_a - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m d2/dx2 - g (|psi_a|^2 + |psi_b|^2 - n_0)] psi_b - i Omega_R/2 psi_a

are Manakov's integrable equations in a spin frame that rotates about x at Omega_R. They carry
a notch in one component, filled by the other, that moves at U = c D tan f; in the spin frame of the
laboratory dark and bright change place once per Rabi period. It is an exact solution of the full
spinor hydrodynamics too: density, velocity and spin all take part. Across the soliton the phase
steps by 2 f - pi. So that psi is periodic, the whole gas flows at V = (hbar/m)(pi - 2 f)/L_x, which
is a change of frame and equally exact.

    spinhydro run problems/dark_bright_soliton.py
    spinhydro plot runs/dark_bright_soliton/0001 --figure spacetime

Expected: the exact solution to 1e-7; spectral accuracy in Nx, order 4 in timestep.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
g_n0 = 2 * pi * 5.1 * 1e3 * Hz  # interaction g n_0/hbar
angle = 0.5  # f, |f| < pi/2
inverse_width = 0.6  # D in units of 1/ell, 0 < D < cos f
atom = "Na23"
L_x = 40 * um
Nx = 384  # spacing below ell/3
stop_time = 4 * ms
output_interval = 0.25 * ms

conditions = {
    "Nx >= 16 and Nx % 2 == 0": "Nx must be an even number, at least 16",
    "L_x > 0": "the box length must be positive",
    "g_n0 > 0": "dark-bright solitons need repulsion: g_n0 > 0",
    "-pi/2 < angle < pi/2": "the angle f must be between -pi/2 and pi/2",
    "0 < inverse_width < np.cos(angle)": "D must be positive and smaller than cos f",
}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
ell = np.sqrt(hbar_over_m / g_n0)
c = np.sqrt(hbar_over_m * g_n0)
U = c * inverse_width * np.tan(angle)
V = hbar_over_m * (pi - 2 * angle) / L_x
timestepper = "IFRK4"
fastest = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
timestep = spinhydro.stable_timestep(timestepper, fastest, 2 * g_n0, longest=0.0006 * ms)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
psi_a = dist.Field(name="psi_a", bases=xbasis)
psi_b = dist.Field(name="psi_b", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
X["g"] = dist.local_grid(xbasis)
n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)


def exact(x, t):
    """(psi_a, psi_b) in the gas that flows at V, with x shifted by periods to hold the soliton."""
    centre = (U + V) * t
    x = centre + (x - centre + L_x / 2) % L_x - L_x / 2
    psi = spinhydro.dark_bright_soliton((x - V * t) / ell, g_n0 * t, angle, inverse_width)
    flow = np.exp(1j * (V * x - V**2 * t / 2) / hbar_over_m + 1j * g_n0 * t)
    return spinhydro.rabi_rotation(psi * flow, Omega_R * t)


def exact_a(x, t):
    return exact(x.real, t.real)[0]


def exact_b(x, t):
    return exact(x.real, t.real)[1]


psi_a_exact = spinhydro.pointwise(exact_a, X, t, like=psi_a)
psi_b_exact = spinhydro.pointwise(exact_b, X, t, like=psi_b)

# Problem
problem = d3.IVP([psi_a, psi_b], time=t, namespace=locals())
problem.add_equation(
    "dt(psi_a) - 1j*hbar_over_m/2*lap(psi_a) + 1j*Omega_R/2*psi_b"
    " = -1j*g_n0*(abs2(psi_a) + abs2(psi_b) - 1)*psi_a"
)
problem.add_equation(
    "dt(psi_b) - 1j*hbar_over_m/2*lap(psi_b) + 1j*Omega_R/2*psi_a"
    " = -1j*g_n0*(abs2(psi_a) + abs2(psi_b) - 1)*psi_b"
)

# Initial conditions
psi_a["g"], psi_b["g"] = exact(dist.local_grid(xbasis), 0)

# Output
outputs = {
    "Z": "(abs2(psi_a) - abs2(psi_b))/n",
    "n": "n",
    "v": "hbar_over_m*im(conj(psi_a)*dx(psi_a) + conj(psi_b)*dx(psi_b))/n",
    "s": (
        "2*re(conj(psi_a)*psi_b)*ex + 2*im(conj(psi_a)*psi_b)*ey + (abs2(psi_a) - abs2(psi_b))*ez"
    ),
    "Z_exact": "(abs2(psi_a_exact) - abs2(psi_b_exact))/n",
}
output_units = {"n": "n0", "v": "um/ms", "s": "n0"}
watch = ["drift(n) <= 1e-4"]
expect = {
    "psi_a against the exact solution": "abs(psi_a - psi_a_exact) <= 1e-7",
    "psi_b against the exact solution": "abs(psi_b - psi_b_exact) <= 1e-7",
    "number of atoms": "drift(n) <= 1e-10",
}
quick = {"stop_time": "0.5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
