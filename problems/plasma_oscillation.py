"""
Plasma oscillations of a trapped, coupled gas: frequency against position (Farolfi et al. 2021).

In its ground state the coupled gas points along -x everywhere. A small tilt out of the plane
oscillates with the plasma frequency of the local density,

    ds/dt = (hbar/2m) s x (d2s/dx2 + (d ln n/dx) ds/dx) + (Omega_R, 0, kappa n s_z) x s,
    Z = Z_0 cos(omega_p t),      omega_p = sqrt(Omega_R (Omega_R + kappa n)),

which is how the paper measures kappa n_0. (It names s = (+n, 0, 0) as the ground state. With this
equation that is the state of highest Rabi energy: about it omega^2 = Omega_R (Omega_R - kappa n),
which ground=1 shows; the tilt grows where kappa n > Omega_R.) Where points of different density
go out of phase, the quantum torque couples them; torque=0 makes all points independent, for which
the formula is exact at small Z_0.

    spinhydro run problems/plasma_oscillation.py
    spinhydro run problems/plasma_oscillation.py torque=0 tilt=0.05
    spinhydro plot runs/plasma_oscillation/0001 --figure spacetime

Expected: 237 Hz at the centre and 118 Hz at the edge for the parameters of Fig. 3; Z to 1 % of the
tilt as in the formula where |x| < R_x/2, and to 1e-5 of it everywhere with torque=0.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction at the peak density
tilt = 1e-3  # Z at the start, up to 0.05
ground = -1  # s_x at the start: -1 the ground state, +1 the state that the paper names
R_x = 210 * um  # Thomas-Fermi radius
atom = "Na23"
torque = 1.0
edge = 1e-4  # d ln n/dx = n'/(n + edge): suppresses the torque where there is no gas
L_x = 480 * um
Nx = 1024
stop_time = 10 * ms
output_interval = 0.1 * ms

conditions = {
    "L_x > 0": "the box length must be positive",
    "Omega_R >= 0 and kappa_n0 >= 0": "Omega_R and kappa_n0 cannot be negative",
    "ground in (-1, 1)": "ground, the sign of s_x, must be -1 or 1",
    "0 < abs(tilt) < 1": "the tilt is between 0 and 1",
}
advice = {
    "Omega_R > 0": "nothing swings: plasma oscillations need a Rabi coupling, Omega_R > 0",
    "ground == -1 or Omega_R > kappa_n0": (
        "about s_x = +1 the oscillation is unstable in the middle, where kappa n > Omega_R"
    ),
    "abs(tilt) <= 0.1": "the formula is for small oscillations",
}

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
timestepper = "RK4"
fastest = hbar_over_m / 2 * (pi * Nx / L_x) ** 2
timestep = spinhydro.stable_timestep(timestepper, fastest, longest=0.02 * ms)

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spinhydro.spin, name="s", bases=xbasis)
centre = dist.Field(name="centre", bases=xbasis)  # 1 for |x| < R_x/2
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
gas = spinhydro.frozen_gas(
    dist, xbasis, hbar_over_m, R_x=R_x, density="thomas_fermi_floor", edge=edge
)
n, q = gas.n, gas.log_slope
centre["g"] = np.abs(dist.local_grid(xbasis)) < R_x / 2


def formula(n, t):
    """Z of the small oscillation, where it is stable, with the density n."""
    squared = Omega_R * (Omega_R - ground * kappa_n0 * n) + 0j
    return tilt * np.cos(np.sqrt(squared) * t).real


Z_formula = spinhydro.pointwise(formula, n, t, like=n)

# Problem
problem = d3.IVP([s], time=t, namespace=locals())
problem.add_equation(
    "dt(s) = torque*hbar_over_m/2*cross(s, lap(s) + q*dx(s))"
    " + cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"
)
projections = {"s": "s/sqrt(s@s)"}

# Initial conditions
s["g"][0] = ground * np.sqrt(1 - tilt**2)
s["g"][2] = tilt

# Output
outputs = {"Z": "s@ez", "Z_formula": "Z_formula", "n": "n", "s": "s"}
output_units = {"n": "n0"}
watch = ["abs(sqrt(s@s) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(s@s) - 1) <= 1e-6"}
if ground == -1 or Omega_R > kappa_n0:
    # Remaining: the torque between neighbours, and the longer period at finite amplitude.
    where, limit = ("centre*", 0.01) if torque else ("", 1e-5 + 5 * tilt**2)
    expect["plasma oscillation"] = f"{where}(s@ez - Z_formula)/tilt <= {limit}"
quick = {"Nx": 512, "stop_time": "3*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
