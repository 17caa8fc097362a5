"""
Small waves on a uniform coupled gas: Bogoliubov's branches at three levels of description.

A gas at rest with all spins along s_x = -1 (the ground state) or +1 is disturbed by small standing
waves. At the level of the Gross-Pitaevskii equations

    d psi_a/dt = i [hbar/2m lap - g |psi_a|^2 - g12 |psi_b|^2] psi_a - i Omega_R/2 psi_b,
    d psi_b/dt = i [hbar/2m lap - g |psi_b|^2 - g12 |psi_a|^2] psi_b - i Omega_R/2 psi_a,

of the hydrodynamics of (n, J, s), or, without density waves, of the Landau-Lifshitz equation, every
wave with e = hbar k^2/2m oscillates (or grows, where omega^2 < 0) independently:

    n - 1 = amplitude cos(kx) cos(omega_n t),   omega_n^2 = e (e + (g + g12) n/hbar)
    Z     = amplitude cos(kx) cos(omega_s t),   omega_s^2 = f (f + kappa n), f = e - s_x Omega_R

About s_x = +1 the waves with Omega_R - kappa n < e < Omega_R grow, at most at the rate kappa n/2.

    spinhydro run problems/bogoliubov.py
    spinhydro run problems/bogoliubov.py s_x=1 level=lle
    spinhydro plot runs/bogoliubov/0001

Expected: both branches to 1e-4 of the amplitude that the waves have reached.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
level = "gpe"  # or "hydrodynamics", "lle"
s_x = -1  # or 1
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
g12_over_g = 0.93
kappa_n0 = 2 * pi * (118 / 0.33) * Hz * (g12_over_g < 1)  # spin interaction; zero if g12 = g
waves = 5  # wavelengths L_x, L_x/2, …
amplitude = 1e-7  # up to 1e-6, so that the waves do not interact
atom = "Na23"
L_x = 20 * um
Nx = 64
stop_time = 4 * ms
output_interval = 0.1 * ms

conditions = {
    "level in ('gpe', 'hydrodynamics', 'lle')": "level must be gpe, hydrodynamics or lle",
    "s_x in (-1, 1)": "s_x must be -1 or 1",
    "Nx >= 16 and Nx % 2 == 0 and L_x > 0": "Nx must be an even number, at least 16, and L_x > 0",
    "1 <= waves <= Nx/6": "the grid resolves at most Nx/6 wavelengths well",
    "0 < amplitude < 0.1": "the amplitude is small and positive",
}

# Derived parameters
g_n0 = spinhydro.interaction(kappa_n0, g12_over_g)
g12_n0 = g_n0 - kappa_n0
mu = (g_n0 + g12_n0) / 2
hbar_over_m = spinhydro.hbar_over_m(atom)
free = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
timestepper = "IFRK4" if level == "gpe" else "RK4"
fastest = free if level == "lle" else np.sqrt(free * (free + g_n0 + g12_n0))
timestep = np.minimum(0.004 * ms, 0.5 * spinhydro.stable_timestep("RK4", fastest))
k = 2 * pi / L_x * np.arange(1, waves + 1)
e = hbar_over_m / 2 * k**2
density_squared = e * (e + g_n0 + g12_n0)
spin_squared = (e - s_x * Omega_R) * (e - s_x * Omega_R + kappa_n0)
growth_rate = np.sqrt(max(0, -spin_squared.min()))
reached = amplitude * np.cosh(growth_rate * stop_time)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128 if level == "gpe" else np.float64)
basis = d3.ComplexFourier if level == "gpe" else d3.RealFourier
xbasis = basis(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2), dealias=3 / 2)

# Fields
cosines = [dist.Field(name=f"cosine_{j}", bases=xbasis) for j in range(1, waves + 1)]
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
for wavenumber, cosine in zip(k, cosines, strict=True):
    cosine["g"] = np.cos(wavenumber * dist.local_grid(xbasis))


def standing_waves(squared):
    """Sum of amplitude cos(kx) cos(omega t), with cosh where omega^2 < 0."""
    swings = [(np.cos if w2 > 0 else np.cosh)(np.sqrt(abs(w2)) * t) for w2 in squared]
    return sum(amplitude * cosine * swing for cosine, swing in zip(cosines, swings, strict=True))


n_linear = 1 + standing_waves(density_squared)
Z_linear = standing_waves(spin_squared)

# Problem and initial conditions
Z_start = amplitude * sum(cosine["g"].real for cosine in cosines)
n_start = 1 + Z_start
if level == "gpe":
    psi_a = dist.Field(name="psi_a", bases=xbasis)
    psi_b = dist.Field(name="psi_b", bases=xbasis)
    n = spinhydro.abs2(psi_a) + spinhydro.abs2(psi_b)
    Z = (spinhydro.abs2(psi_a) - spinhydro.abs2(psi_b)) / n
    problem = d3.IVP([psi_a, psi_b], time=t, namespace=locals())
    problem.add_equation(
        "dt(psi_a) - 1j*hbar_over_m/2*lap(psi_a) - 1j*s_x*Omega_R/2*psi_a + 1j*Omega_R/2*psi_b"
        " = -1j*(g_n0*abs2(psi_a) + g12_n0*abs2(psi_b) - mu)*psi_a"
    )
    problem.add_equation(
        "dt(psi_b) - 1j*hbar_over_m/2*lap(psi_b) - 1j*s_x*Omega_R/2*psi_b + 1j*Omega_R/2*psi_a"
        " = -1j*(g_n0*abs2(psi_b) + g12_n0*abs2(psi_a) - mu)*psi_b"
    )
    psi_a["g"] = np.sqrt(n_start * (1 + Z_start) / 2)
    psi_b["g"] = s_x * np.sqrt(n_start * (1 - Z_start) / 2)
elif level == "hydrodynamics":
    n = dist.Field(name="n", bases=xbasis)
    J = dist.Field(name="J", bases=xbasis)
    s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
    Z = (s @ ez) / n
    problem = d3.IVP([n, J, s], time=t, namespace=locals())
    problem.add_equation("dt(n) + dx(J) = 0")
    problem.add_equation(
        "dt(J) - hbar_over_m**2/4*dx(lap(n)) = -dx((J**2 + hbar_over_m**2/4*dx(s)@dx(s))/n)"
        " - dx(hbar_over_m/4*((g_n0 + g12_n0)*n**2 + kappa_n0*(s@ez)**2))"
    )
    problem.add_equation(
        "dt(s) - Omega_R*cross(ex, s) = -dx((J*s + hbar_over_m/2*cross(dx(s), s))/n)"
        " + kappa_n0*(s@ez)*cross(ez, s)"
    )
    projections = {"s": "n*s/sqrt(s@s)"}
    n["g"] = n_start
    s["g"][0], s["g"][2] = s_x * n_start * np.sqrt(1 - Z_start**2), n_start * Z_start
else:
    s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
    Z = s @ ez
    problem = d3.IVP([s], time=t, namespace=locals())
    problem.add_equation(
        "dt(s) = hbar_over_m/2*cross(s, lap(s)) + cross(Omega_R*ex + kappa_n0*(s@ez)*ez, s)"
    )
    projections = {"s": "s/sqrt(s@s)"}
    s["g"][0], s["g"][2] = s_x * np.sqrt(1 - Z_start**2), Z_start

# Output
outputs = {"Z": "Z", "Z_linear": "re(Z_linear)"}
expect = {"spin branch": "(Z - Z_linear)/reached <= 1e-4"}
if level != "lle":
    outputs.update(n="n", n_linear="re(n_linear)")
    expect["density branch"] = "(n - n_linear)/amplitude <= 1e-4"
output_units = {name: "n0" for name in outputs if name[0] == "n"}
watch = ["abs(Z) <= 0.1"]
quick = {"stop_time": "1*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
