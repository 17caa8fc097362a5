"""The kernels of a problem as tables of omega(k), to print before a run and to keep with it."""

import numpy as np

from spinhydro.errors import InputError
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.operator import space_axes

ROWS = 9
#: Points of a recorded omega(k) for k > 0: a spline through them is as good as the function, and
#: more than the last would not fit into an attribute of netCDF.
POINTS = (1024, 4000)
#: Names of the axes of a tensor kernel.
AXES = "xyz"


def kernels_of(problem):
    """Lines of text: omega(k) of every kernel that a loaded problem file defines.

    k runs along the first axis of space, from 0 to the largest wavenumber of the grid. Tensors are
    listed by their largest component.

    Parameters
    ----------
    problem : Problem
    """
    found = _kernels(problem)
    if not found:
        return [f"{problem.path} defines no kernel: W = spinhydro.kernel(lambda k: …)"]
    size, length_of_box, dimensions = _grid(problem)
    k = np.linspace(0, np.pi * size / length_of_box, ROWS)
    rates = [_along_first_axis(kernel, k, dimensions) for kernel in found.values()]
    length, time = problem.units.get("length"), problem.units.get("time")
    units = f", k in rad/{length} and omega in rad/{time}" if length else ""
    lines = [f"omega(k) of the kernels of {problem.path}{units}:", ""]
    lines.append("  " + "".join(f"{name:>14}" for name in ("k", *found)))
    for i, value in enumerate(k):
        row = "".join(f"{rate[i]:>14.6g}" for rate in rates)
        lines.append(f"  {value:>14.6g}{row}")
    return lines


def tables_of(problem):
    """``{name: array (2, n)}``: k and omega(k) of every kernel, to be kept with a run.

    Each nonzero component of a tensor has its own entry, WD_xy or, for the imaginary part,
    WD_xy_imag.

    From -k to k, the largest wavenumber of the grid along the first axis of space; up to 8000
    points of a grid have their wavenumbers among them. Kernels that differ between members are left
    out.
    """
    tables = {}
    for name, kernel in _kernels(problem).items():
        size, length, dimensions = _grid(problem)
        half = size // 2
        steps = min(half * -(-POINTS[0] // half), POINTS[1])
        k = 2 * np.pi * half / length * np.arange(-steps, steps + 1) / steps
        try:
            values = kernel.matrix(k, *[np.zeros_like(k)] * (dimensions - 1))
        except InputError:
            # A kernel of another space than that of the problem.
            continue
        if values.ndim == 3:
            tables |= {
                part: np.array([k, np.broadcast_to(omega, k.shape)])
                for part, omega in _parts(name, values).items()
            }
    return tables


def _parts(name, values):
    """{name of a component: values} of a matrix of kernels (n, n, k); its upper triangle."""
    size = len(values)
    if values.shape[:2] == (1, 1) and not np.iscomplexobj(values):
        return {name: values[0, 0]}
    parts = {}
    for i in range(size):
        for j in range(i, size):
            label = f"{name}_{AXES[i]}{AXES[j]}" if size <= len(AXES) else f"{name}_{i}{j}"
            for ending, part in (("", values[i, j].real), ("_imag", values[i, j].imag)):
                if np.any(part):
                    parts[label + ending] = part
    return parts


def _kernels(problem):
    return {n: value for n, value in problem.namespace.items() if isinstance(value, Kernel)}


def _grid(problem):
    """Points and length of the grid along the first axis of space, and the number of axes."""
    variable = problem.ivp.variables[0]
    axes = space_axes(variable.dist)
    basis = variable.domain.full_bases[axes[0]]
    left, right = basis.bounds
    return basis.size, right - left, len(axes)


def _along_first_axis(kernel, k, dimensions):
    """|omega| with its sign where it is a real number, for waves along the first axis."""
    values = kernel.matrix(k, *[np.zeros_like(k)] * (dimensions - 1))
    flat = np.broadcast_to(values, (*values.shape[:2], *k.shape)).reshape(-1, k.size)
    if len(flat) == 1 and np.all(np.imag(flat) == 0):
        return np.real(flat[0])
    return np.abs(flat).max(axis=0)
