"""The kernels of a problem as a table of omega(k), for a look before a run."""

import numpy as np

from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.operator import space_axes

ROWS = 9


def kernels_of(problem):
    """Lines of text: omega(k) of every kernel that a loaded problem file defines.

    Along the first axis of space, from k = 0 to the largest wavenumber of the grid; of a tensor the
    largest of its components.

    Parameters
    ----------
    problem : Problem
    """
    found = {n: v for n, v in problem.namespace.items() if isinstance(v, Kernel)}
    if not found:
        return [f"{problem.path} defines no kernel: W = lambda k: …, or spinhydro.kernel(NAME, …)"]
    variable = problem.ivp.variables[0]
    axes = space_axes(variable.dist)
    basis = variable.domain.full_bases[axes[0]]
    left, right = basis.bounds
    k = np.linspace(0, np.pi * basis.size / (right - left), ROWS)
    rates = [_along_first_axis(kernel, k, len(axes)) for kernel in found.values()]
    length, time = problem.units.get("length"), problem.units.get("time")
    units = f", k in rad/{length} and omega in rad/{time}" if length else ""
    lines = [f"omega(k) of the kernels of {problem.path}{units}:", ""]
    lines.append("  " + "".join(f"{name:>14}" for name in ("k", *found)))
    for i, value in enumerate(k):
        row = "".join(f"{rate[i]:>14.6g}" for rate in rates)
        lines.append(f"  {value:>14.6g}{row}")
    return lines


def _along_first_axis(kernel, k, dimensions):
    """|omega| with its sign where it is a real number, for waves along the first axis."""
    values = kernel.matrix(k, *[np.zeros_like(k)] * (dimensions - 1))
    flat = np.broadcast_to(values, (*values.shape[:2], *k.shape)).reshape(-1, k.size)
    if len(flat) == 1 and np.all(np.imag(flat) == 0):
        return np.real(flat[0])
    return np.abs(flat).max(axis=0)
