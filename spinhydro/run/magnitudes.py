"""Magnitudes that the rates of a problem depend on: of its variables, and of its drives."""

from collections import defaultdict
from contextlib import contextmanager

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.components import by_component
from spinhydro.dedalus_support.solver import evaluated
from spinhydro.run.filled_modes import squares
from spinhydro.steppers.noise import noises_of

#: Times at which drives are evaluated before a run, and those of drives that are profiles in space.
TIMES, TIMES_OF_PROFILES = 200, 20
#: The golden ratio less 1: its multiples, modulo 1, fill a run evenly, in step with no period.
GOLDEN = 0.6180339887498949


class Magnitudes:
    """Largest absolute values of variables and drives, over all space, ranks and members.

    Complex variables count together, by the root of their density: components of a gas begin empty.
    Real scalars that keep their sign, such as a density, count by 1/(smallest value) too: there may
    be a division by them. A pressure, on which no right side depends, does not count. Drives are
    the largest parts of the right sides that depend on time and on no variable. Values that are not
    finite, such as those of members that have failed, are left out.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    """

    def __init__(self, solver):
        self.solver, self._comm = solver, solver.dist.comm
        self.drives = _drives_of(solver.problem)
        self._names = {}
        for variable in filter(self._counts, solver.state):
            gas = [variable]
            if np.issubdtype(variable.dtype, np.complexfloating):
                gas = [other for other in solver.state if other.domain is variable.domain]
            self._names[variable] = "|" + ", ".join(str(other.name) for other in gas) + "|"

    def _counts(self, variable):
        """Return whether a variable is advanced in time, or a right side depends on it."""
        sides = [equation[side] for equation in self.solver.problem.equations for side in "MF"]
        return any(hasattr(side, "has") and side.has(variable) for side in sides)

    def measure(self, with_drives=True):
        """Return ``{description: magnitude}`` at the present state and time; a collective call."""
        largest, smallest = {}, {}
        densities = defaultdict(float)
        for variable, components in self._components():
            name = self._names.get(variable)
            if name is None:
                continue
            for values in components:
                densities[name] = densities[name] + squares(values)
            if not variable.tensorsig and not np.iscomplexobj(values):
                smallest[f"1/{name}"] = max(-_largest(-values), -_largest(values))
        for name, square in densities.items():
            largest[name] = np.sqrt(_largest(square))
        for i, drive in enumerate(self.drives if with_drives else ()):
            number = f" ({i + 1} of {len(self.drives)})" if len(self.drives) > 1 else ""
            largest[f"a term that depends on time{number}"] = _size(drive)
        names = [*largest, *smallest]
        found = np.array([*largest.values(), *(-value for value in smallest.values())])
        self._comm.Allreduce(MPI.IN_PLACE, found, op=MPI.MAX)
        found = dict(zip(names, found.tolist(), strict=True))
        for name in smallest:
            lowest = -found.pop(name)
            if lowest > 0:
                found[name] = 1 / lowest
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def strongest(self, duration):
        """Return ``{time: ratio}`` of drives that grow: when, and over the present magnitude.

        A collective call.
        """
        found, start = {}, self.solver.sim_time
        for drive in self.drives:
            number = TIMES if _is_uniform(drive) else TIMES_OF_PROFILES
            times = np.append(0, np.append(np.arange(1, number) * GOLDEN % 1, 1) * duration) + start
            sizes = np.zeros(len(times))
            for i, time in enumerate(times):
                with at_time(self.solver, time):
                    sizes[i] = _size(drive)
            self._comm.Allreduce(MPI.IN_PLACE, sizes, op=MPI.MAX)
            sizes = np.nan_to_num(sizes, posinf=0)
            best = int(np.argmax(sizes))
            if sizes[best] > sizes[0]:
                found[float(times[best])] = sizes[best] / sizes[0] if sizes[0] else np.inf
        return found

    def _components(self):
        """Yield every variable, and an iterator over the grid values of its components."""
        stepper = self.solver.timestepper
        if hasattr(stepper, "components"):
            yield from stepper.components()
            return
        for variable in self.solver.state:
            is_there = variable.layout is variable.dist.grid_layout
            values = (variable if is_there else variable.copy())["g"]
            yield variable, by_component(variable, values)


@contextmanager
def at_time(solver, time):
    """Context in which a solver is at another time."""
    present = solver.sim_time
    solver.sim_time = time
    try:
        yield
    finally:
        solver.sim_time = present


def _drives_of(problem):
    """Return the drives of a problem."""
    found = {}
    fields = [*problem.variables, *noises_of(problem)]
    for equation in problem.equations:
        for operand in _parts_in_time(equation["F"], problem.time, fields):
            found[str(operand)] = operand
    return list(found.values())


def _parts_in_time(operand, time, fields):
    if time is None or not hasattr(operand, "has") or not operand.has(time):
        return
    if not operand.has(*fields):
        yield operand
        return
    for argument in operand.args:
        yield from _parts_in_time(argument, time, fields)


def _is_uniform(operand):
    return all(basis is None for basis in operand.domain.full_bases)


def _size(operand):
    """Return the largest absolute value of an operand on this rank."""
    return _largest(np.abs(evaluated(operand)["g"]))


def _largest(values):
    """Return the largest of some values that is not NaN."""
    return float(np.fmax.reduce(values, axis=None, initial=-np.inf))
