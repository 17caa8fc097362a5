"""
Waves on a uniform hydrodynamic state of a ferromagnet (Rockwell et al. 2023, SI 2).

A chain of spins that all have m_z = n and turn by -u a from site to site carries a spin current.
The unit vector m is written as a density n = m_z and a phase phi = atan2(m_y, m_x), u = -d phi/dx.
With psi = sqrt(1 - n^2) exp(i phi) and any exchange kernel W the Landau-Lifshitz equation without
damping is, exactly,

    dn/dt = Im(psi* W psi)
    dphi/dt = omega_0 + omega_K n - W n + n Re(psi* W psi)/(1 - n^2)

(the paper says that there is no exact transformation; there is no local one). form=local is its
SI 7, the equation of the k^2 law, D = gamma mu_0 M_s lambda_ex^2:

    dn/dt = D d/dx [(1 - n^2) u]
    du/dt = -d/dx [(omega_K + D u^2) n] - D d/dx [n''/(1 - n^2) + n n'^2/(1 - n^2)^2]

A small wave on the uniform state is compared with its exact frequency, for any even kernel

    Omega = n D_k + sqrt((S - omega(u)) [(1 - n^2) (omega(k) - omega(u) - omega_K)
                                         + n^2 (S - omega(u))]),
    S = [omega(k - u) + omega(k + u)]/2,   D_k = [omega(u + k) - omega(u - k)]/2

For the k^2 law this is D [2 n u k + k sqrt(k^2 - (1 - n^2)(h_k + u^2))] with h_k = omega_K/D: with
a minus sign where SI 9 and SI 22 print a plus (printed_sign=1 misses the wave). phi is not
periodic: the file advances phi + u x, which is. Long waves may grow; the file refuses those.

    spinhydro run problems/spin_hydrodynamics.py
    spinhydro run problems/spin_hydrodynamics.py form=local kernel=micromagnetic
    spinhydro plot runs/spin_hydrodynamics/0001

Expected: the exact wave to 2e-6 of its amplitude, its frequency to 1e-6.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, metre, mu_0, pi, ps

# Parameters
n_bar = 0.3  # n of the uniform state
turns = 2  # u = 2 pi turns/L_x
waves = 5  # wavelengths in the box, k = 2 pi waves/L_x
amplitude = 1e-7
form = "nonlocal"  # or "local"
kernel = "lattice"  # or "micromagnetic", "atomistic"
printed_sign = 0
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, gamma = magnet.a, magnet.gamma
H0 = 0 * A / metre
N = 96
timestepper = "RK4"
timestep = 2e-3 * ps
stop_time = 2 * ps
output_interval = 0.05 * ps

conditions = {
    "-1 < n_bar < 1": "n_bar is a component of a unit vector: -1 < n_bar < 1",
    "waves >= 1 and int(waves) == waves and int(turns) == turns": (
        "waves and turns are whole numbers, waves at least 1"
    ),
    "2*(waves + abs(turns)) < N": "the grid resolves waves + turns below N/2",
    "form in ('nonlocal', 'local')": "form must be nonlocal or local",
    "form != 'local' or kernel == 'micromagnetic'": (
        "the local form is that of the k^2 law: kernel=micromagnetic"
    ),
    "not printed_sign or kernel == 'micromagnetic'": (
        "the printed formula is that of the k^2 law: kernel=micromagnetic"
    ),
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=0.0, gamma=gamma)
D, omega_K, omega_0 = magnet.stiffness, magnet.omega_K, gamma * mu_0 * H0
L_x = N * a
spinhydro.check_cells(L_x, N, a, "nm")
k, u_bar = 2 * pi * waves / L_x, 2 * pi * turns / L_x
W = spinhydro.exchange(magnet, kernel)
S = (W(k - u_bar) + W(k + u_bar)) / 2 - W(u_bar)
D_k = (W(u_bar + k) - W(u_bar - k)) / 2
radicand = S * ((1 - n_bar**2) * (W(k) - W(u_bar) - omega_K) + n_bar**2 * S)
conditions = {
    "radicand > 0": (
        "this wave grows on the uniform state instead of running: take more waves, or fewer turns"
    ),
}
Omega = n_bar * D_k + np.sqrt(radicand)
if printed_sign:
    Omega = n_bar * D_k + D * k * np.sqrt(k**2 + (1 - n_bar**2) * (omega_K / D + u_bar**2))
ratio = np.sqrt(radicand) / ((1 - n_bar**2) * S)  # of the amplitudes of phi and n

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, L_x))

# Fields
n, phi, u, X, C, Q = (
    dist.Field(name=name, bases=xbasis) for name in ("n", "phi", "u", "X", "C", "Q")
)  # phi + u_bar x of the docstring
t = dist.Field(name="t")
x = dist.local_grid(xbasis)
X["g"], C["g"], Q["g"] = x, np.cos(u_bar * x), np.sin(u_bar * x)
size = np.sqrt(1 - n * n)
psi_x = size * (np.cos(phi) * C + np.sin(phi) * Q)  # real and imaginary part of psi
psi_y = size * (np.sin(phi) * C - np.cos(phi) * Q)


def exact(x, t):
    return n_bar + amplitude * np.cos(k * x - Omega * t)


n_exact = spinhydro.pointwise(exact, X, t, like=n)

# Problem
if form == "nonlocal":
    problem = d3.IVP([n, phi], time=t, namespace=locals())
    problem.add_equation("dt(n) = psi_x*W(psi_y) - psi_y*W(psi_x)")
    problem.add_equation(
        "dt(phi) = omega_0 + omega_K*n - W(n)"
        " + n*(psi_x*W(psi_x) + psi_y*W(psi_y))/(1 - n*n)"
    )  # fmt: skip
else:
    problem = d3.IVP([n, u], time=t, namespace=locals())
    problem.add_equation("dt(n) = D*dx((1 - n*n)*u)")
    problem.add_equation(
        "dt(u) = -dx((omega_K + D*u*u)*n) - D*dx(dx(dx(n))/(1 - n*n) + n*dx(n)*dx(n)/(1 - n*n)**2)"
    )

# Initial conditions
n["g"] = exact(x, 0)
phi["g"] = ratio * amplitude * np.sin(k * x)
u["g"] = u_bar - ratio * amplitude * k * np.cos(k * x)

# Output
outputs = {"n": "n", "u": "u_bar - dx(phi)" if form == "nonlocal" else "u", "n_exact": "n_exact"}
output_units = {"u": "rad/nm"}
watch = ["abs(n) <= 0.999999"]
expect = {"n against the exact wave": f"abs(n - n_exact)/{amplitude} <= 2e-6"}
quick = {"stop_time": "0.5*ps", "N": 48, "waves": 3, "timestep": "1e-3*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
