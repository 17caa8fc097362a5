"""Equations on random states with all Nyquist modes, advanced by each engine."""

import dedalus.public as d3
import numpy as np

from spinhydro import RealFourierNyquist, accelerate, distributor, local_part

#: Even derivatives on either side, composed, and beside odd ones.
EQUATIONS = [
    "dt(s) = 0.01*lap(s)",
    "dt(s) - 0.01*lap(s) = 0",
    "dt(s) - 0.01*dx(dx(s)) = 0.01*cross(s, dx(dx(s)))",
    "dt(s) = 0.01*div(grad(s)) - 1e-5*lap(lap(s))",
    "dt(s) - 0.01*div(2*grad(s)) = 0.02*dx(2*dx(s) + s)",
    "dt(s) - 0.01*dx(2*dx(s) + s) + 1e-5*lap(lap(s)) = cross(s, 0.01*lap(s) + 0.1*ez)",
    "dt(s) - 1e-4*lap(dx(s)) = 1e-4*dx(dx(dx(s)))",
    "dt(s) = 0.01*dx((s@s)*dx(s)) + 0.01*dx(dx((s@s)*s))",
    "dt(s) - 0.01*(ex_space@grad(dx(s))) = 0",
]
PLANE = [
    "dt(s) - 0.01*dy(dy(s)) = 0.01*cross(s, lap(s))",
    "dt(s) - 1e-4*dx(dy(dx(dy(s)))) = 1e-4*dy(dx(dx(dy(s))))",
    "dt(s) = 1e-4*lap(dx(dy(s))) + 0.01*div(grad(s))",
]


def final_state(equation, engine, stepper=d3.RK443, dimensions=1, steps=3, comm=None):
    """The spins on the grid after some steps, on every rank; `comm` holds the ranks."""
    names, sizes = "xyz"[:dimensions], (8, 12, 4)
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = (
        distributor(coords) if comm is None else d3.Distributor(coords, comm=comm, dtype=np.float64)
    )
    bases = [
        RealFourierNyquist(coords[name], size=size, bounds=(0.5, 3.5))
        for name, size in zip(names, sizes, strict=False)
    ]
    s = dist.VectorField(spin, name="s", bases=bases)
    shape = (3, *sizes[:dimensions])
    s["g"] = local_part(np.random.default_rng(1).standard_normal(shape), s)
    ez = spin.unit_vector_fields(dist)[2]
    ex_space = coords.unit_vector_fields(dist)[0]
    problem = d3.IVP([s], namespace=dict(locals()))
    problem.add_equation(equation)
    solver = problem.build_solver(stepper, ncc_cutoff=0, entry_cutoff=0)
    solver = accelerate(solver, engine)
    for _ in range(steps):
        solver.step(0.02)
    s.change_scales(1)
    return s.allgather_data("g").copy()
