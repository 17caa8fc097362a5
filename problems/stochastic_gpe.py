"""
A Bose gas at a temperature: the stochastic Gross-Pitaevskii equation in one dimension.

The modes of a gas are coupled to a reservoir of the temperature T and the chemical potential mu.
With every term divided by hbar, T a frequency and complex white noise eta,

    i dpsi/dt = (1 - i gamma) [-hbar/2m d2/dx2 + g |psi|^2 - mu] psi + eta,
    <eta*(x, t) eta(x', t')> = 2 gamma T delta(x - x') delta(t - t'),

relaxes at the rate gamma to the classical field at T, whatever gamma is. A projector P keeps the
modes |k| <= k_max of the classical field and of its noise. Without interaction each of them has
<|psi_k|^2> = T/(e_k - mu), e_k = hbar k^2/2m. Members are independent realisations.

    spinhydro run problems/stochastic_gpe.py g=0.02 mu=1 T=20 stop_time=40 k_max=2

Expected: at g = 0 the mean density of the ideal classical gas, within five standard deviations.
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import ms, pi, um

# Parameters
T, mu, g, gamma = 5 / ms, -1 / ms, 0 * um / ms, 0.1  # k_B T/hbar; g of the linear density
atom, L_x, Nx = "Na23", 100 * um, 105  # odd: an even basis drops the Nyquist mode
k_max, members, seed = pi * Nx / L_x, 16, 1
stop_time, output_interval = 30 * ms, 1 * ms
conditions = {"T >= 0 and gamma > 0": "T cannot be negative, and gamma must be positive",
              "g > 0 or mu < 0": "an ideal gas condenses without end: mu < 0"}  # fmt: skip
K, cell, timestepper = spinhydro.hbar_over_m(atom) / 2, L_x / Nx, "StochasticHeun"
# Heun's scheme then has T/(e_k - mu) to 0.2 % in every mode
timestep = min(0.1 / (1 + gamma), gamma ** (1 / 3) / 4) / (K * k_max**2 + abs(mu))

# Bases and fields
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128, members=members)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, L_x))
psi = dist.Field(name="psi", bases=xbasis)
eta, strength = spinhydro.white_noise(psi, seed=seed), np.sqrt(2 * gamma * T / cell)
P = spinhydro.projector(k_max)
problem = d3.IVP([psi], namespace=locals())
problem.add_equation(
    "dt(psi) = -(1j + gamma)*(-K*lap(psi) + P(g*abs2(psi)*psi) - mu*psi) + strength*P(eta)"
)

# The ideal gas, and its mean density over all modes
psi["g"] = spinhydro.thermal_noise(psi, T, lambda k: K * k**2 + abs(mu), seed)
psi["g"] = P(psi).evaluate()["g"]
outputs = {"psi": "psi", "n": "abs2(psi)", "density": "ave(abs2(psi))"}
expect = {"density is finite": "ave(abs2(psi)) <= 1e6"}
if g == 0:
    k = 2 * pi * np.fft.fftfreq(Nx, cell)
    occupation = T / (K * k[np.abs(k) <= k_max] ** 2 - mu)
    mean, deviation = occupation.sum() / L_x, np.sqrt((occupation**2).sum()) / L_x
    expect["density, in deviations"] = "(ave(abs2(psi)) - mean)/deviation <= 5"
quick = {"members": 4, "stop_time": "1*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
