"""The periodic shear flow of Dedalus's examples: an incompressible flow with a tracer."""

import dedalus.public as d3
import numpy as np

from benchmarks.measure import Competitor, Unit
from spinhydro import accelerate

TIMESTEP = 2e-3


def _flow():
    coords = d3.CartesianCoordinates("x", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = (
        d3.RealFourier(coords["x"], size=128, bounds=(0, 1), dealias=3 / 2),
        d3.RealFourier(coords["z"], size=256, bounds=(-1, 1), dealias=3 / 2),
    )
    p, s = (dist.Field(name=name, bases=bases) for name in "ps")
    u, tau_p = dist.VectorField(coords, name="u", bases=bases), dist.Field(name="tau_p")
    nu = D = 1 / 5e4
    problem = d3.IVP([u, s, p, tau_p], namespace=locals())
    problem.add_equation("dt(u) + grad(p) - nu*lap(u) = - u@grad(u)")
    problem.add_equation("dt(s) - D*lap(s) = - u@grad(s)")
    problem.add_equation("div(u) + tau_p = 0")
    problem.add_equation("integ(p) = 0")
    x, z = dist.local_grids(*bases)
    u["g"][0] = 1 / 2 + 1 / 2 * (np.tanh((z - 0.5) / 0.1) - np.tanh((z + 0.5) / 0.1))
    s["g"] = u["g"][0]
    for centre in (0.5, -0.5):
        u["g"][1] += 0.1 * np.sin(2 * np.pi * x) * np.exp(-((z - centre) ** 2) / 0.1**2)
    return problem


def _loop(name, change, **options):
    """A script's loop over ``solver.step``; the fields hold the state after every step."""
    problem = _flow()
    solver = change(problem.build_solver(d3.RK222, **options))
    initial = [variable["c"].copy() for variable in problem.variables]

    def advance(steps):
        for _ in range(steps):
            solver.step(TIMESTEP)

    def state():
        u, s = problem.variables[:2]
        return np.concatenate([u["c"], s["c"][None]])

    def reset():
        for variable, coefficients in zip(problem.variables, initial, strict=True):
            variable["c"] = coefficients

    return Competitor(name, advance, state, reset=reset)


def two_dimensions():
    tuned = {"matrix_coupling": (True, True), "ncc_cutoff": 0, "entry_cutoff": 0}
    return Unit(
        "Incompressible shear flow 128 × 256 with a tracer, dealias 3/2, RK222", "Dedalus",
        [
            _loop("spinhydro, accelerate()", accelerate),
            _loop("spinhydro, lean engine", lambda solver: accelerate(solver, "lean")),
            _loop("Dedalus", lambda solver: solver),
            _loop("Dedalus, tuned", lambda solver: solver, **tuned),
        ],
        longest=500,
    )  # fmt: skip
