"""Every mode of an ideal gas in a bath holds T/(e_k - mu), but for a known part of the timestep.

A linear scheme takes a mode from a to R a + W h xi per step, xi white noise: it holds
W^2 h/(1 - R^2) times the strength of the noise. R and W are read from single steps.
"""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)

GAMMA, MU, K_MAX, N = 0.2, -1.0, 4.0, 15
EXPLICIT = "dt(psi) = (1j + gamma)*(0.5*lap(psi) + mu*psi) + strength*P(xi)"
LEFT = "dt(psi) - (1j + gamma)*(0.5*lap(psi) + mu*psi) = strength*P(xi)"
NOISE = "dt(psi) = strength*P(xi)"


def heun(z):
    return 1 - z + z**2 / 2, 1 - z / 2


def runge_kutta(z):
    return 1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24, 1 - z / 2 + z**2 / 6 - z**3 / 24


def integrating_factor(z):
    return np.exp(-z), (1 + 4 * np.exp(-z / 2) + np.exp(-z)) / 6


def one_step(equation, stepper, timestep, start, strength):
    """Return the amplitudes of all modes after one step."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=N, bounds=(0, 2 * np.pi))
    psi = dist.Field(name="psi", bases=basis)
    words = {"psi": psi, "lap": d3.lap, "gamma": GAMMA, "mu": MU, "strength": strength,
             "xi": spinhydro.white_noise(psi, seed=3), "P": spinhydro.projector(K_MAX)}  # fmt: skip
    problem = d3.IVP([psi], namespace=words)
    problem.add_equation(equation)
    psi["g"] = start
    spinhydro.accelerate(problem.build_solver(stepper), engine="fused").step(timestep)
    return np.fft.fft(psi["g"])


@pytest.mark.parametrize(
    "stepper, equation, expected, allowed",
    [
        (spinhydro.StochasticHeun, EXPLICIT, heun, 2e-3),
        (spinhydro.RK4, EXPLICIT, runge_kutta, 1e-3),
        (spinhydro.IFRK4, LEFT, integrating_factor, 1e-3),
    ],
)
def test_stationary_occupation_of_all_modes(stepper, equation, expected, allowed):
    k = np.fft.fftfreq(N, 1 / N)
    inside, energy = np.abs(k) <= K_MAX, k**2 / 2 - MU
    h = 0.1 / energy[inside].max()
    comb = np.zeros(N)
    comb[0] = N
    R = one_step(equation, stepper, h, comb, 0.0) / N
    noise = one_step(NOISE, stepper, h, 0, 1.0)
    W = one_step(equation, stepper, h, 0, 1.0)[inside] / noise[inside]
    assert np.abs(noise[~inside]).max() < 1e-13 * np.abs(noise).max()

    z = (1j + GAMMA) * energy * h
    assert np.abs(R - expected(z)[0]).max() < 1e-12
    assert np.abs(W - expected(z[inside])[1]).max() < 1e-12
    # 2 gamma T times this is the occupation.
    occupation = 2 * GAMMA * np.abs(W) ** 2 * h / (1 - np.abs(R[inside]) ** 2)
    assert occupation * energy[inside] == pytest.approx(1, abs=allowed)
