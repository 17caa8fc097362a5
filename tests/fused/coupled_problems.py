"""Problems with constraints, gauge variables or coupled time derivatives, on periodic boxes."""

import dedalus.public as d3
import numpy as np


def domain(names, dtype, dealias=3 / 2, size=8):
    """Coordinates, distributor and bases of a box."""
    coords = d3.CartesianCoordinates(*names)
    dist = d3.Distributor(coords, dtype=dtype)
    bases = tuple(
        d3.Fourier(coords[name], size=size + 4 * i, bounds=(0, 2 + i), dealias=dealias, dtype=dtype)
        for i, name in enumerate(names)
    )
    return coords, dist, bases


def fill(*fields):
    """Smooth values that are different in each component."""
    for i, field in enumerate(fields):
        field.fill_random("g", seed=i)
        field.low_pass_filter(scales=0.5)
        field["g"] *= 0.3


def navier_stokes(names="xyz", dtype=np.float64):
    """Incompressible flow driven by a force; the first state has a divergence."""
    coords, dist, bases = domain(names, dtype)
    u, p = dist.VectorField(coords, name="u", bases=bases), dist.Field(name="p", bases=bases)
    tau, t = dist.Field(name="tau"), dist.Field(name="t")
    force = coords.unit_vector_fields(dist)[0]
    nu = 0.02
    problem = d3.IVP([u, p, tau], time=t, namespace=locals() | {"cos": np.cos})
    problem.add_equation("dt(u) - nu*lap(u) + grad(p) = - u@grad(u) + cos(20*t)*force")
    problem.add_equation("div(u) + tau = 0")
    problem.add_equation("integ(p) = 0")
    fill(u)
    return problem


def complex_flow():
    """A complex velocity on a complex basis."""
    return navier_stokes("xz", np.complex128)


def streamfunction():
    """Vorticity equation for the streamfunction: M is a Laplacian, and k = 0 has a gauge."""
    coords, dist, bases = domain("xy", np.float64)
    psi, tau = dist.Field(name="psi", bases=bases), dist.Field(name="tau")
    nu = 0.02
    dx, dy = (lambda f, c=coords[name]: d3.Differentiate(f, c) for name in "xy")
    problem = d3.IVP([psi, tau], namespace=locals())
    problem.add_equation(
        "dt(lap(psi)) - nu*lap(lap(psi)) + tau = dx(psi)*dy(lap(psi)) - dy(psi)*dx(lap(psi))"
    )
    problem.add_equation("integ(psi) = 0")
    fill(psi)
    return problem


def poisson():
    """A diffusing density that moves in its own potential."""
    coords, dist, bases = domain("x", np.float64, size=16)
    n, phi = (dist.Field(name=name, bases=bases) for name in ("n", "phi"))
    tau = dist.Field(name="tau")
    problem = d3.IVP([phi, n, tau], namespace=locals())
    problem.add_equation("lap(phi) + n + tau = 0")
    problem.add_equation("integ(phi) = 0")
    problem.add_equation("dt(n) - 0.1*lap(n) = div(n*grad(phi))")
    fill(n)
    n.change_scales(1)
    n["g"] += 1
    return problem


def mean_flow():
    """A variable that depends on one axis only, beside one that depends on both."""
    coords, dist, bases = domain("xy", np.float64)
    w, mean = dist.Field(name="w", bases=bases), dist.Field(name="mean", bases=bases[1])
    x, y = coords["x"], coords["y"]
    dx, dy = (lambda f, c=coord: d3.Differentiate(f, c) for coord in (x, y))
    problem = d3.IVP([w, mean], namespace=locals())
    problem.add_equation("dt(w) - 0.05*lap(w) + dx(w) = -mean*dx(w) - w*dy(mean)")
    problem.add_equation("dt(mean) - 0.05*dy(dy(mean)) = -ave(w*w, x)")
    fill(w, mean)
    return problem


def coupled_rates():
    """Two equations with both time derivatives each."""
    coords, dist, bases = domain("x", np.float64, size=16)
    a, b = (dist.Field(name=name, bases=bases) for name in "ab")
    problem = d3.IVP([a, b], namespace=locals())
    problem.add_equation("dt(a) + 0.5*dt(b) - lap(a) = -a**3")
    problem.add_equation("dt(b) - dt(lap(b)) - 0.3*dt(a) + b = a*b")
    fill(a, b)
    return problem


PROBLEMS = {
    "flow 3-D": navier_stokes,
    "flow 2-D complex": complex_flow,
    "streamfunction": streamfunction,
    "Poisson 1-D": poisson,
    "mean flow": mean_flow,
    "coupled rates": coupled_rates,
}
