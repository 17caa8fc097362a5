"""
Plasma oscillations of a trapped, coupled gas: their frequency against position (paper A, Methods).

In its ground state the coupled gas of paper A points along -x everywhere. A small tilt out of the
plane swings about it with the plasma frequency of the density at that place,

    ds/dt = (hbar/2m) s x (d2s/dx2 + (d ln n/dx) ds/dx) + (Omega_R, 0, kappa n s_z) x s,
    Z = Z_0 cos(omega_p t),      omega_p = sqrt(Omega_R (Omega_R + kappa n)),

which is how paper A measures kappa n_0. (The paper names s = (+n, 0, 0) as the ground state. With
this equation that is the state of highest Rabi energy: about it omega^2 = Omega_R (Omega_R -
kappa n), which ground=1 shows; the tilt grows where kappa n > Omega_R.)

Where points of different density swing apart, the quantum torque couples them; torque=0 leaves
every point on its own, for which the formula is exact at small Z_0.

| symbol in this file | meaning | paper A |
|---|---|---|
| Omega_R | Rabi frequency | Fig. 3 |
| kappa_n0 | spin interaction at the peak density | Methods |
| tilt | Z at the start, everywhere | |
| ground | s_x at the start: -1 the ground state, +1 the state that the paper names | Methods |
| R_x | Thomas-Fermi radius | Methods |

Good values: tilt = 1e-3 … 0.05.
Runs in some seconds on one core. To run, and to plot Z(x, t):

    spinhydro run problems/plasma_oscillation.py
    spinhydro run problems/plasma_oscillation.py torque=0 tilt=0.05
    spinhydro plot runs/plasma_oscillation/0001 --figure spacetime

Expected: 237 Hz at the centre and 118 Hz at the edge for the parameters of Fig. 3; Z to 1 % of the
tilt as the formula says where |x| < R_x/2, and to 1e-5 of it everywhere with torque=0.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, hbar, kg, ms, pi, um

# Parameters
Omega_R = 2 * pi * 118 * Hz  # Rabi frequency
kappa_n0 = 2 * pi * (118 / 0.33) * Hz  # spin interaction at the peak density
tilt = 1e-3  # Z at the start
ground = -1  # s_x at the start
R_x = 210 * um
atom = "Na23"
torque = 1.0
edge = 1e-4  # d ln n/dx = n'/(n + edge): silences the torque where there is no gas
L_x = 480 * um
Nx = 1024
stop_time = 10 * ms
output_interval = 0.1 * ms

conditions = {
    "Nx >= 64 and Nx % 2 == 0": "Nx must be an even number, at least 64",
    "0 < 2.05*R_x < L_x": "the box must be larger than the cloud, 2.05 R_x < L_x, and R_x positive",
    "Omega_R > 0": "plasma oscillations need a Rabi coupling, Omega_R > 0",
    "kappa_n0 > 0": "kappa_n0 must be positive",
    "ground in (-1, 1)": "ground, the sign of s_x, must be -1 or 1",
    "0 < abs(tilt) < 1": "the tilt is between 0 and 1",
    "edge > 0": "edge must be positive: the density vanishes outside the cloud",
}

advice = {
    "ground == -1 or Omega_R > kappa_n0": (
        "about s_x = +1 the oscillation is unstable in the middle, where kappa n > Omega_R"
    ),
    "abs(tilt) <= 0.1": "the formula is for small oscillations",
}

# Derived parameters
hbar_over_m = hbar / (spinhydro.atomic_mass(atom) * kg)
k_max = pi * Nx / L_x
timestepper = "RK4"
timestep = np.minimum(0.02 * ms, spinhydro.stable_timestep(timestepper, hbar_over_m / 2 * k_max**2))

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=Nx, bounds=(-L_x / 2, L_x / 2))

# Fields
s = dist.VectorField(spin, name="s", bases=xbasis)
n = dist.Field(name="n", bases=xbasis)
q = dist.Field(name="q", bases=xbasis)
centre = dist.Field(name="centre", bases=xbasis)  # 1 for |x| < R_x/2
t = dist.Field(name="t")

# Substitutions
x = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
n["g"] = spinhydro.thomas_fermi(x, R_x, floor=2e-3)
q["g"] = np.gradient(n["g"], x.ravel(), axis=-1) / (n["g"] + edge)
centre["g"] = np.abs(x) < R_x / 2


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
    # The rest is the torque between neighbours, and that a pendulum lags with its amplitude.
    where, limit = ("centre*", 0.01) if torque else ("", 1e-5 + 5 * tilt**2)
    expect["plasma oscillation"] = f"{where}(s@ez - Z_formula)/tilt <= {limit}"
quick = {"Nx": 512, "stop_time": "3*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
