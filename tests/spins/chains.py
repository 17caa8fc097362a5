"""A ferromagnetic chain of paper B for tests: neighbours by shifting arrays, no kernel involved."""

import dedalus.public as d3
import numpy as np

import spinhydro
import spinhydro.language.words  # noqa: F401
from spinhydro.engines.choose import build_solver
from spinhydro.steppers import find_stepper

#: gamma mu_0 M_s (lambda_ex/a)^2 and gamma mu_0 H_k of paper B, in rad/ps.
EXCHANGE = 0.170299 * (7.3 / 0.355) ** 2
ANISOTROPY = 0.342811


def seeded_grating(size, pulses, depth=0.5, seed=0):
    """Spins (3, size) tilted by random amounts below periodic Gaussians."""
    x, centres = np.arange(size) + 0.5, (np.arange(pulses) + 0.5) * size / pulses
    distance = np.abs(x[:, None] - centres)
    distance = np.minimum(distance, size - distance).min(axis=1)
    profile = np.exp(-((3 * pulses * distance / size) ** 2) / 2)
    random = np.random.default_rng(seed)
    m_z = 1 - depth * random.random(size) * profile
    angle = 2 * np.pi * random.random(size)
    return np.array([np.sqrt(1 - m_z**2) * f for f in (np.cos(angle), np.sin(angle))] + [m_z])


class Chain:
    """Landau-Lifshitz equation of the chain, in a plain Dedalus script."""

    def __init__(self, stepper, start, alpha=0.0, **fields):
        size = start.shape[1]
        coords = d3.CartesianCoordinates("x")
        spin = d3.CartesianCoordinates("sx", "sy", "sz")
        dist = d3.Distributor(coords, dtype=np.float64)
        basis = spinhydro.RealFourierNyquist(coords["x"], size=size, bounds=(0, size))
        m = self.m = dist.VectorField(spin, name="m", bases=basis)
        _, _, ez = spin.unit_vector_fields(dist)

        def neighbours(values):
            shifted = np.roll(values, 1, -1) + np.roll(values, -1, -1)
            return EXCHANGE * (2 * values - shifted)

        H = ANISOTROPY * (m @ ez) * ez - spinhydro.pointwise(neighbours, m, like=m)
        problem = d3.IVP([m], namespace={"m": m, "H": H, "alpha": alpha, "p": 1 / (1 + alpha**2)})
        equation = "dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))"
        problem.add_equation(equation if alpha else "dt(m) = -cross(m, H)")
        m["g"] = start
        self.solver = build_solver(problem, find_stepper(stepper))

    def advance(self, timestep, time, renormalise=False):
        for _ in range(round(time / timestep)):
            self.solver.step(timestep)
            if renormalise:
                self.m.change_scales(1)
                self.m["g"] /= np.sqrt((self.m["g"] ** 2).sum(axis=0))
        return self

    @property
    def spins(self):
        self.m.change_scales(1)
        return self.m["g"].copy()

    @property
    def energy(self):
        """Above the ground state."""
        m = self.spins
        exchange = EXCHANGE / 2 * ((m - np.roll(m, 1, -1)) ** 2).sum()
        return exchange + ANISOTROPY / 2 * (1 - m[2] ** 2).sum()

    @property
    def length_error(self):
        return np.abs(np.sqrt((self.spins**2).sum(axis=0)) - 1).max()
