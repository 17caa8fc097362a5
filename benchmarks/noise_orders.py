"""Orders of steppers with noise: of single paths (strong), and of averages (weak).

All timesteps of a stepper follow the same Brownian paths: a timestep of half the length has the
noise of the whole one, with a Brownian bridge at its middle. Errors are differences between a
timestep and its half, which fall with the order of the scheme as those to the exact paths do.
"""

import math

import dedalus.public as d3
import numpy as np

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import SpinhydroError
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import all_steppers

#: Columns of the table.
HEAD = ["with noise", "spins, strong", "spins, weak", "gas, strong", "gas, weak"]
#: Number of timesteps of each measurement, by factors of two; one more is the half of the last.
NUMBER = 4
#: The longest timestep, and the number of paths, for strong orders. Points of gases are odd numbers
#: with small factors.
STRONG = 1 / 32, 2025
#: Averages differ by at least as many standard errors as this, or show no order.
SIGNIFICANT = 5


class Spins:
    """Independent damped spins in a field and thermal fields: multiplicative noise.

    With Gilbert damping 1 and thermal fields of strength 0.5; the damped noise does not commute.
    """

    #: The longest timestep, and the number of paths, for weak orders.
    weak = 1 / 8, 59_049

    def __init__(self, stepper, points, refinements, damping=1.0):
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords, dtype=np.float64)
        basis = spinhydro.RealFourierNyquist(coords["x"], size=points, bounds=(0, points))
        m = self.variable = dist.VectorField(spinhydro.spin, name="m", bases=basis)
        m["g"][0] = 1
        xi = spinhydro.white_noise(m, seed=1)
        xi.refinements = refinements
        ez = spinhydro.spin.unit_vector_fields(dist)[2]
        problem = d3.IVP([m], namespace={"m": m, "H": ez + 0.5 * xi, "damping": damping})
        problem.add_equation("dt(m) = cross(H, m) - damping*cross(m, cross(m, H))")
        self.solver = build_solver(problem, stepper)
        turns = hasattr(stepper, "find_spins")
        projections = () if turns else read_projections(problem, {"m": "m/sqrt(m@m)"})
        choose_engine(self.solver, "fused", projections, steps=math.inf)

    @staticmethod
    def observables(m):
        """Return values whose averages are compared: (observables, paths)."""
        return m


class Gas:
    """A damped nonlinear gas with random forces: additive noise."""

    #: More paths: some schemes have order 2 here, and small errors.
    weak = 1 / 5, 177_147

    def __init__(self, stepper, points, refinements):
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords, dtype=np.complex128)
        basis = d3.ComplexFourier(coords["x"], size=points, bounds=(0, 4 * points))
        a = self.variable = dist.Field(name="a", bases=basis)
        a["g"] = 1.5
        xi = spinhydro.white_noise(a, seed=1)
        xi.refinements = refinements
        problem = d3.IVP([a], namespace={"a": a, "xi": xi, "abs2": spinhydro.abs2})
        problem.add_equation("dt(a) - (0.5j + 0.4)*lap(a) = -(1j + 0.4)*(abs2(a) - 1)*a + 0.7*xi")
        self.solver = build_solver(problem, stepper)
        choose_engine(self.solver, "fused", steps=math.inf)

    @staticmethod
    def observables(a):
        """Return values whose averages are compared: (observables, paths)."""
        return np.array([np.abs(a) ** 2, a.real, a.imag])


def at_time_1(case, steps):
    """Return the values on the grid after some steps to t = 1."""
    for _ in range(steps):
        case.solver.step(1 / steps)
    case.solver.timestepper.synchronise()
    case.variable.change_scales(1)
    return case.variable["g"].copy()


def errors(kind, stepper, longest, points):
    """Return strong errors, weak ones and their standard errors, for timesteps and their halves.

    Raises SpinhydroError if the stepper does not take the problem.
    """
    strong, weak, uncertain, before = [], [], [], None
    for halvings in range(NUMBER + 1):
        steps = round(2**halvings / longest)
        values = at_time_1(kind(stepper, points, halvings), steps)
        seen = kind.observables(values)
        if before is not None:
            strong.append(np.sqrt(np.mean(np.abs(values - before[0]) ** 2)))
            change = seen - before[1]
            weak.append(np.linalg.norm(change.mean(axis=1)))
            uncertain.append(np.linalg.norm(change.std(axis=1)) / np.sqrt(points))
        before = values, seen
    return np.array(strong), np.array(weak), np.array(uncertain)


def order(found):
    """Return the order of errors whose timesteps fall by factors of two."""
    return -float(np.polyfit(np.arange(len(found)), np.log2(found), 1)[0])


def strong_order(kind, stepper):
    """Return the order of single paths."""
    return order(errors(kind, stepper, *STRONG)[0])


def weak_order(kind, stepper, points=None):
    """Return the order of averages, or None if the paths are too few to show one."""
    longest, usual = kind.weak
    _, found, uncertain = errors(kind, stepper, longest, points or usual)
    return order(found) if np.all(found > SIGNIFICANT * uncertain) else None


def row(name):
    """Return the cells of a stepper: those of HEAD."""
    cells = [name]
    for kind in (Spins, Gas):
        for measured in (strong_order, weak_order):
            try:
                found = measured(kind, all_steppers()[name])
            except SpinhydroError:
                cells.append("refused")
            else:
                cells.append("" if found is None else f"{found:.2f}")
    return cells
