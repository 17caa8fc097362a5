"""
Domain walls of a magnet at rest, driven by a field, and in steady Walker motion.

Two walls in a periodic wire, m_z = -1 outside and +1 between them. A field B along z drives them
apart. The wall of the easy axis is theta = 2 atan exp((x - X)/Delta), Delta = lambda_ex/sqrt(h_k),
h_k = H_k/M_s; in

    dm/dt = -p [m x H + alpha m x (m x H)],   H = (gamma B + omega_K m_z) z - omega_p m_y y - W m

it moves exactly, if omega_p = 0, with v = p alpha gamma B Delta while it turns about z with p gamma
B. A hard axis y (omega_p > 0) stops the turning as long as gamma B < alpha omega_p/2: the wall
tilts to the angle phi with sin 2 phi = 2 gamma B/(alpha omega_p) and moves with v = gamma B Delta'/
alpha, Delta' = Delta/sqrt(1 + omega_p/omega_K sin^2 phi) (Walker). Beyond that field it turns.

| symbol in this file | meaning | source |
|---|---|---|
| Ms, Hk, lambda_ex, a, alpha | 770 kA/m, 1550 kA/m, 7.3 nm, 0.355 nm, 0.1 | paper B |
| kernel | "micromagnetic", for which the solutions are exact, or "lattice" | |
| field | B along z | |
| omega_p | gamma mu_0 times the anisotropy field of the hard axis y | |

Good values: walls at least 15 Delta apart. On the lattice the exchange energy of a wall at rest is
larger by (a/Delta)^2/24 than stiffness/Delta, that of the anisotropy smaller by (a/Delta)^2/8: a
fifth and six tenths of a thousandth here. (kernel=lattice field=0 alpha=1 lets it find its shape.)

Runs in some ten seconds on one core. To run, and to plot:

    spinhydro run problems/domain_wall.py
    spinhydro run problems/domain_wall.py omega_p=0.2 field=0.02*tesla
    spinhydro plot runs/domain_wall/0001

Expected: Delta = 5.145 nm; at 50 mT 4.483 m/s for alpha = 0.1, and m as the exact solution.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.nm_ps import A, mu_0, nm, pi, ps, rad, tesla
from spinhydro.units.nm_ps import m as metre
from spinhydro.units.nm_ps import s as second

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
Ms = spinhydro.material(material).Ms * A / metre
Hk = spinhydro.material(material).Hk * A / metre
lambda_ex = spinhydro.material(material).lambda_ex * metre
a = spinhydro.material(material).a * metre
alpha = 0.1
gamma = 1.76e11 * rad / (tesla * second)
kernel = "micromagnetic"  # or "lattice"
beyond = "refuse"  # cells smaller than a; or "flat", "periodic": omega(k) beyond pi/a
field = 0.05 * tesla
omega_p = 0.0 * rad / ps
N = 384  # cells
cell = 1 * nm
stop_time = 50 * ps
output_interval = 1 * ps

conditions = {
    "Ms > 0 and Hk > 0 and lambda_ex > 0 and a > 0 and cell > 0": (
        "Ms, Hk, lambda_ex, a and cell must be positive"
    ),
    "alpha > 0": "walls move steadily with damping only: alpha > 0",
    "omega_p >= 0": "omega_p is a hard axis: not negative",
    "N >= 8 and N*cell > 40*lambda_ex": "the wire must be longer than 40 lambda_ex",
    "kernel in ('lattice', 'micromagnetic')": "kernel must be lattice or micromagnetic",
}

# Derived parameters
p = 1 / (1 + alpha**2)
omega_M, omega_K, omega_B = gamma * mu_0 * Ms, gamma * mu_0 * Hk, gamma * field
stiffness = omega_M * lambda_ex**2
L_x = N * cell
spinhydro.check_cells(L_x, N, cell, "nm")
Delta = np.sqrt(stiffness / omega_K)
walker = omega_p > 0 and abs(omega_B) < alpha * omega_p / 2
if walker:
    tilt = np.arcsin(2 * omega_B / (alpha * omega_p)) / 2
    width = Delta / np.sqrt(1 + omega_p / omega_K * np.sin(tilt) ** 2)
    velocity, turning = omega_B * width / alpha, 0.0
else:
    # Exact without a hard axis; with one beyond Walker's field nothing is known in closed form.
    tilt, width, velocity, turning = 0.0, Delta, p * alpha * omega_B * Delta, p * omega_B
W = (
    spinhydro.kernel("chain", a=a, stiffness=stiffness, beyond=beyond)
    if kernel == "lattice"
    else spinhydro.kernel("micromagnetic", stiffness=stiffness)
)
fastest = W.fastest(2 * pi * np.fft.fftfreq(N, cell))
timestepper = "RK4"
timestep = np.minimum(0.02 * ps, 1.0 / (omega_K + omega_p + fastest))

# Bases
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(-L_x / 2, L_x / 2))

# Fields
m = dist.VectorField(spin, name="m", bases=xbasis)
X = dist.Field(name="X", bases=xbasis)
t = dist.Field(name="t")

# Substitutions
X["g"] = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
H = (omega_B + omega_K * (m @ ez)) * ez - omega_p * (m @ ey) * ey - W(m)


def walls(x, t):
    """Two walls, mirrored at x = 0, moving apart where m_z = 1 between them grows."""
    y = (np.abs(x) - L_x / 4 - velocity * t) / width
    phi = tilt + turning * t + 0 * x
    return np.array([np.cos(phi) / np.cosh(y), np.sin(phi) / np.cosh(y), -np.tanh(y)])


m_exact = spinhydro.pointwise(walls, X, t, like=m)

# Problem
problem = d3.IVP([m], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"] = walls(dist.local_grid(xbasis), 0)

# Output
outputs = {
    "m": "m",
    "mz_mean": "ave(m@ez)",
    "E_exchange": "L_x*ave(m@W(m))/2",
    "E_anisotropy": "L_x*omega_K*ave(1 - (m@ez)**2)/2",
}
output_units = {"E_exchange": "nm rad/ps", "E_anisotropy": "nm rad/ps"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if W.name in ("chain", "micromagnetic") and (omega_p == 0 or walker):
    # On the lattice the wall is a little wider, by (a/Delta)^2/24 or so.
    limit = 1e-6 if kernel == "micromagnetic" else 2e-3
    expect["spin against the exact solution"] = f"abs(m - m_exact) <= {limit}"
quick = {"stop_time": "2*ps", "N": 384}

if __name__ == "__main__":
    spinhydro.main(__file__)
