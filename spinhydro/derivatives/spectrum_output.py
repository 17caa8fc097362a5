"""Spectra as tables and figures, and beside the space-time spectrum of a run."""

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from spinhydro.analysis.formula import CONSTANTS, FUNCTIONS
from spinhydro.derivatives.overlay import LONGEST, draw_overlay
from spinhydro.errors import InputError, check_save, shorten
from spinhydro.kernels.kernel import Kernel
from spinhydro.language.expressions import ExpressionBuilder

#: Endings of the names of tables and figures.
ENDINGS = (".csv", ".npz", ".png", ".pdf", ".svg")


def formula_values(problem, text, k):
    """Values of a formula of the wavenumber, such as ``W(k) + omega_K``.

    Parameters
    ----------
    problem : Problem
        Its names may occur; of a wavevector the names are kx, ky, kz, and k is its modulus. Kernels
        are functions of them; the components of a tensor kernel N are N_xx, N_xy, ….
    text : str
        Functions are sqrt, cos, …, and pi is known; the root of a negative number is imaginary.
    k : array (waves, axes)

    Raises
    ------
    InputError
        If a value is not a number.
    """
    # In strings, kernels act on fields; here they are functions of k.
    kernels = _kernel_functions(problem.namespace)
    functions = {**CONSTANTS, **FUNCTIONS, "sqrt": np.emath.sqrt}
    values = []
    for vector in k:
        names = {f"k{axis}": float(part) for axis, part in zip("xyz", vector, strict=False)}
        names["k"] = float(vector[0]) if len(vector) == 1 else float(np.linalg.norm(vector))
        with np.errstate(all="ignore"):
            value = ExpressionBuilder({**functions, **problem.namespace, **kernels, **names})(text)
        if np.ndim(value) or not np.isscalar(value):
            raise InputError(f"--formula {text}: this is not a number for each k")
        values.append(complex(value))
    values = np.array(values)
    return values.real if not values.imag.any() else values


def _kernel_functions(namespace):
    """Functions of k for every kernel of a namespace, and for the components of tensors."""
    found = {}
    for name, kernel in namespace.items():
        if not isinstance(kernel, Kernel):
            continue
        found[name] = kernel.at
        for (row, first), (column, second) in product(enumerate("xyz"), repeat=2):
            if max(row, column) < kernel.components:
                found[f"{name}_{first}{second}"] = partial(kernel.component_at, row, column)
    return found


def compare_with_formula(found, text, values):
    """Return a line with the largest distance of a formula from the nearest branch."""
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError(f"--formula {text}: no value is finite")
    branches = 1j * found.eigenvalues[finite]
    distances = np.nanmin(np.abs(branches - values[finite, None]), axis=1)
    worst = int(np.argmax(distances))
    unit = f" rad/{found.time_unit}" if found.time_unit else ""
    line = (
        f"{text}: within {distances[worst]:.2g}{unit} of a branch at {finite.sum()} wavevectors "
        f"(largest value {np.abs(values[finite]).max():.4g})"
    )
    # A formula without the damping is far from the complex branches only because of that.
    waves = np.nanmin(np.abs(branches.real - values[finite, None].real), axis=1).max()
    if waves < 0.1 * distances[worst] and not np.imag(values[finite]).any():
        line += f"; the frequencies alone, without damping or growth, within {waves:.2g}{unit}"
    return line


def save(found, path, overlay=None, formulas=None):
    """Write a spectrum as a table or a figure, by the ending of the name; never over a file.

    Figures also show the formulas, ``{text: values at each wavevector}``, and an `Overlay`.

    Raises
    ------
    InputError
        For another ending, or a file that exists.
    """
    path = Path(path)
    check_save(path, ENDINGS)
    if path.suffix == ".npz":
        np.savez(path, k=found.k, eigenvalues=found.eigenvalues)
    elif path.suffix == ".csv":
        _save_rows(found, path)
    else:
        _draw(found, path, overlay, formulas or {})


def _save_rows(found, path):
    axes = [f"k{axis}" for axis in "xyz"[: found.k.shape[1]]]
    rows = [
        [*k, -value.imag, value.real]
        for k, values in zip(found.k, found.eigenvalues, strict=True)
        for value in values[np.isfinite(values)]
    ]
    header = ",".join([*axes, "omega", "growth"])
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.17g")


def _draw(found, path, overlay, formulas):
    from matplotlib.figure import Figure

    from spinhydro.analysis.style import house_style

    with house_style():
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        k = found.k[:, 0] if found.k.shape[1] == 1 else np.linalg.norm(found.k, axis=1)
        if overlay is not None:
            draw_overlay(overlay, left, formulas, found.k)
        else:
            _draw_branches(found, left, k, formulas)
        for branch in found.growth.T:
            right.plot(k, branch, ".", markersize=2, color="C3")
        right.set_xlabel(f"k (rad/{found.length_unit or 'length'})")
        right.set_ylabel(f"growth rate (1/{found.time_unit or 'time'})")
        # Rounding is not drawn as large as a growth.
        lowest, highest = right.get_ylim()
        margin = 10 * found.double_resolution
        right.set_ylim(min(lowest, -margin), max(highest, margin))
        figure.savefig(path)


def _draw_branches(found, ax, k, formulas):
    ax.set_ylabel(rf"$\omega$ (rad/{found.time_unit or 'time'})")
    ax.set_xlabel(f"k (rad/{found.length_unit or 'length'})")
    for branch in found.frequencies.T:
        ax.plot(k, branch, ".", markersize=2, color="C1")
    order = np.argsort(k, kind="stable")
    for number, (text, values) in enumerate(formulas.items()):
        shown = np.real(values)[order]
        label = shorten(text, LONGEST)
        ax.plot(k[order], shown, "-", linewidth=0.7, color=f"C{2 + number}", label=label)
    if formulas:
        ax.legend(fontsize="small")
