"""
A laser grating heats a chain of spins; three models of the relaxation (Rockwell et al.).

A pulse of light, stronger in stripes, heats the electrons of a wire. They share their heat with the
lattice (two-temperature model) and agitate the spins (atomistic spin dynamics in a heat bath):

    dm/dt = -p [m x (H + b) + alpha m x (m x (H + b))],   H = omega_K m_z z - W m
    b = sqrt(2 alpha gamma k_B T_e/mu_s) xi
    d(gamma_e T_e^2/2)/dt = -G (T_e - T_p) + P_0 g(x) f(t),   C_p dT_p/dt = G (T_e - T_p)

with p = 1/(1 + alpha^2). The equations advance theta_e = (T_e/1000 K)^2 and theta_p = T_p/1000 K:
the heat capacity gamma_e T_e vanishes at T_e = 0, where dT_e/dt is singular and dT_e^2/dt is not.
Below T_floor the heat capacity is kept finite, which changes the maximum of T_e by less than 1e-10.

The paper (SI 8) stops at the strongest quench and continues in three ways: atomistic spins with the
heat bath, PS-LLE and the k^2 law without. `start` is the run folder whose outputs are the initial
state (nothing else is taken from it), and start_time selects the output. The noise depends on the
seed and the step number: take another seed after `start`. A few minutes on one core:

    spinhydro run problems/laser_grating.py
    spinhydro run problems/laser_grating.py start=runs/laser_grating/0001 stop_time=5 seed=1
    spinhydro run problems/laser_grating.py start=runs/laser_grating/0001 stop_time=5 heat_bath=0
    spinhydro plot runs/laser_grating/0001

Expected: T_e has its maximum 6229 K at 10.37 ps ("wide": 6933 K at 10.48 ps), E_exchange/(N J) its
maximum 0.49 to 0.50 ("wide": 0.52) between 10.2 and 10.8 ps. After 5 ps more it is about 0.19 with
the heat bath and 0.020 without ("wide": 0.25 and 0.022); with the k^2 law it falls faster in the
first picosecond.
"""

import dedalus.public as d3
import numpy as np
from scipy.special import erf

import spinhydro
from spinhydro.units.nm_ps import J, K, k_B, metre, pi, ps, second

# Parameters
material = "CoFeNi"  # `spinhydro materials` lists the others
magnet = spinhydro.magnet(material)
Ms, Hk, lambda_ex = magnet.Ms, magnet.Hk, magnet.lambda_ex
a, alpha, gamma = magnet.a, magnet.alpha, magnet.gamma
gamma_e = 175 * J / (metre**3 * K**2)  # heat capacity of the electrons over T_e (table of SI 8)
C_p = 1e7 * J / (metre**3 * K)  # of the lattice
G_ep = 1e18 * J / (metre**3 * K * second)  # coupling (printed per second)
P_0 = 1e22 * J / (metre**3 * second)  # power of the pulse
t_0, tau, sigma = 10 * ps, 0.5 * ps, 1.775e-9 * metre
pulse_shape = "narrow"  # exp(-((t - t_0)/tau)^2); or "wide": exp(-(t - t_0)^2/(2 tau^2))
T_0 = 0 * K  # temperature at the start
T_floor = 10 * K
pulses = 20  # stripes in the wire
N = 1127
kernel = "lattice"  # or "micromagnetic", "atomistic": the lattice as a sum over neighbours
heat_bath = 1  # 0: spins at zero temperature
seed = 0
start = ""  # a run folder
start_time = -1 * ps  # < 0: its last output
timestepper = "RK4"
timestep = 1e-3 * ps
stop_time = 10.53 * ps  # from the start
output_interval = 0.05 * ps

conditions = {
    "T_0 >= 0": "the temperature cannot be negative",
    "T_floor > 0": "T_floor must be positive",
    "gamma_e > 0 and C_p > 0 and G_ep >= 0": "heat capacities must be positive, G_ep not negative",
    "P_0 >= 0": "the laser cannot cool: P_0 >= 0",
    "tau > 0 and sigma > 0": "tau and sigma must be positive",
    "pulses >= 1 and int(pulses) == pulses": "pulses must be a whole number, at least 1",
    "pulse_shape in ('narrow', 'wide')": "pulse_shape must be narrow or wide",
    "heat_bath in (0, 1)": "heat_bath must be 0 or 1",
}

# Derived parameters
magnet = spinhydro.magnet(Ms=Ms, Hk=Hk, lambda_ex=lambda_ex, a=a, alpha=alpha, gamma=gamma)
L_x = N * a
spinhydro.check_cells(L_x, N, a, "nm")
omega_K, mu_s, stiffness, p = magnet.omega_K, magnet.mu_s, magnet.stiffness, magnet.p
W = spinhydro.exchange(magnet, kernel)
kK = 1000 * K
width = tau if pulse_shape == "narrow" else np.sqrt(2) * tau

# Bases
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(a / 2, L_x + a / 2))

# Fields
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
theta_e, theta_p, g = (dist.Field(name=name, bases=xbasis) for name in ("theta_e", "theta_p", "g"))
t = dist.Field(name="t")
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
x = dist.local_grid(xbasis)
period = L_x / pulses
g["g"] = np.exp(-((((x / period) % 1 - 0.5) * period) ** 2) / (2 * sigma**2))
T_e = kK * theta_e / (theta_e * theta_e + (T_floor / kK) ** 4) ** 0.25
T_p = kK * theta_p
f = np.exp(-(((t - t_0) / width) ** 2))
H = omega_K * (m @ ez) * ez - W(m)
if heat_bath:
    # Rounding may give -1e-16 K in cold regions.
    H = H + spinhydro.thermal_field(m, np.abs(T_e), alpha, mu_s, gamma, k_B, seed=seed)
bonds = spinhydro.kernel("chain", a=a, omega_J=1)  # m.bonds(m), summed, is |m_{i+1} - m_i|^2

# Problem
problem = d3.IVP([m, theta_e, theta_p], time=t, namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
problem.add_equation("dt(theta_e) = 2/(gamma_e*kK**2)*(P_0*g*f - G_ep*(T_e - T_p))")
problem.add_equation("dt(theta_p) = G_ep/(C_p*kK)*(T_e - T_p)")
projections = {"m": "m/sqrt(m@m)"}

# Initial conditions
m["g"][2] = 1
tau_0, floor = T_0 / kK, T_floor / kK
theta_0 = np.sqrt((tau_0**4 + np.sqrt(tau_0**8 + 4 * (tau_0 * floor) ** 4)) / 2)
theta_e["g"], theta_p["g"] = theta_0, tau_0
heat = gamma_e / 2 * kK**2 * theta_e + C_p * kK * theta_p
if start:
    t["g"] = spinhydro.start_from(
        start, m, theta_e, theta_p, time=start_time if start_time >= 0 else None
    )

# Output
E_chain = N * magnet.J / J
outputs = {name: name for name in ("m", "theta_e", "theta_p", "T_e", "T_p")}
outputs |= {"E_exchange": "E_chain/2*ave(m@bonds(m))", "mz_mean": "ave(m@ez)"}
output_units = {"T_e": "K", "T_p": "K", "E_exchange": "J"}
watch = ["abs(sqrt(m@m) - 1) <= 1e-6"]
expect = {"spin length": "abs(sqrt(m@m) - 1) <= 1e-12"}
if not start:
    # Electrons and lattice hold the heat of the pulse.
    brought = P_0 * width * np.sqrt(pi) / 2 * (erf((stop_time - t_0) / width) + erf(t_0 / width))
    heat_0 = gamma_e / 2 * kK**2 * theta_0 + C_p * kK * tau_0
    expect = {"heat": "ave(heat)/(brought*ave(g) + heat_0) = 1 +- 1e-6"}
quick = {"N": 57, "pulses": 1, "t_0": "0.15*ps", "tau": "0.05*ps", "stop_time": "0.25*ps"}

if __name__ == "__main__":
    spinhydro.main(__file__)
