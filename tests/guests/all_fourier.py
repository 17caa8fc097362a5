"""Plain Dedalus scripts on periodic boxes, as users of Dedalus write them; no word of ours."""

import dedalus.public as d3
import numpy as np


def kdv_burgers(size=64):
    """Korteweg-de Vries and Burgers equation in one dimension."""
    coord = d3.Coordinate("x")
    dist = d3.Distributor(coord, dtype=np.float64)
    basis = d3.RealFourier(coord, size=size, bounds=(0, 10), dealias=3 / 2)
    u = dist.Field(name="u", bases=basis)
    a, b = 1e-3, 2e-3

    def dx(field):
        return d3.Differentiate(field, coord)

    problem = d3.IVP([u], namespace={"u": u, "a": a, "b": b, "dx": dx})
    problem.add_equation("dt(u) - a*dx(dx(u)) - b*dx(dx(dx(u))) = - u*dx(u)")
    x = dist.local_grid(basis)
    u["g"] = np.log(1 + np.cosh(20) ** 2 / np.cosh(4 * (x - 3)) ** 2) / 40
    return problem


def shear_flow(size=16):
    """Incompressible shear flow with a tracer: constraint equations, and a gauge for p."""
    coords = d3.CartesianCoordinates("x", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = (
        d3.RealFourier(coords["x"], size=size, bounds=(0, 1), dealias=3 / 2),
        d3.RealFourier(coords["z"], size=2 * size, bounds=(-1, 1), dealias=3 / 2),
    )
    p, s = (dist.Field(name=name, bases=bases) for name in "ps")
    u = dist.VectorField(coords, name="u", bases=bases)
    tau_p = dist.Field(name="tau_p")
    nu, D = 2e-3, 1e-3
    problem = d3.IVP([u, s, p, tau_p], namespace=locals())
    problem.add_equation("dt(u) + grad(p) - nu*lap(u) = - u@grad(u)")
    problem.add_equation("dt(s) - D*lap(s) = - u@grad(s)")
    problem.add_equation("div(u) + tau_p = 0")
    problem.add_equation("integ(p) = 0")
    x, z = dist.local_grids(*bases)
    steps = np.tanh((z - 0.5) / 0.2) - np.tanh((z + 0.5) / 0.2)
    u["g"][0] = 1 / 2 + 1 / 2 * steps + 0 * x
    u["g"][1] = 0.1 * np.sin(2 * np.pi * x) * np.exp(-((z - 0.5) ** 2) / 0.02)
    s["g"] = u["g"][0]
    return problem


def schroedinger(size=32):
    """Nonlinear Schroedinger equation in two dimensions, complex."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.complex128)
    bases = tuple(
        d3.ComplexFourier(coords[name], size=size, bounds=(0, 2 * np.pi), dealias=2)
        for name in "xy"
    )
    psi = dist.Field(name="psi", bases=bases)
    problem = d3.IVP([psi], namespace={"psi": psi, "conj": np.conj})
    problem.add_equation("dt(psi) - 1j/2*lap(psi) = -1j*psi*conj(psi)*psi")
    x, y = dist.local_grids(*bases)
    psi["g"] = 1 + 0.1 * np.exp(1j * (x + 2 * y)) + 0.05j * np.cos(x)
    return problem


def reaction_diffusion(size=8):
    """Two reacting species in three dimensions, one of them held back by an average."""
    coords = d3.CartesianCoordinates("x", "y", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = tuple(
        d3.RealFourier(coords[name], size=size, bounds=(0, 2 * np.pi), dealias=1) for name in "xyz"
    )
    u, v = (dist.Field(name=name, bases=bases) for name in "uv")
    problem = d3.IVP([u, v], namespace=locals())
    problem.add_equation("dt(v) - 0.5*lap(v) - 0.2*u = u**2*v - ave(u*v)*v")
    problem.add_equation("dt(u) - 0.1*lap(u) + u = 0.1 - u*v/(1 + u**2)")
    x, y, z = dist.local_grids(*bases)
    u["g"] = 1 + 0.2 * np.cos(x) * np.sin(y + z)
    v["g"] = 0.5 + 0.1 * np.sin(2 * x) + 0.1 * np.cos(y - z)
    return problem


EXAMPLES = {
    "KdV-Burgers": kdv_burgers,
    "shear flow": shear_flow,
    "Schroedinger": schroedinger,
    "reaction-diffusion": reaction_diffusion,
}
