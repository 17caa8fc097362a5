"""Spectra as tables and figures, and beside the space-time spectrum of a run."""

from pathlib import Path

import numpy as np

from spinhydro.errors import InputError, check_save
from spinhydro.kernels.kernel import Kernel
from spinhydro.language.expressions import ExpressionBuilder

#: Endings of the names of tables and figures.
ENDINGS = (".csv", ".npz", ".png", ".pdf", ".svg")


def number(problem, text, what):
    """Value of an expression over the names of a problem file."""
    value = ExpressionBuilder(problem.namespace)(text)
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{what} {text}: this is not a number")
    return float(value)


def formula_values(problem, text, k):
    """Values of a formula of the wavenumber, such as ``W(k) + omega_K``.

    Parameters
    ----------
    problem : Problem
        Its names may occur; of a wavevector the names are kx, ky, kz, and k is its modulus.
    text : str
    k : array (waves, axes)

    Raises
    ------
    InputError
        If a value is not a number.
    """
    # In strings, kernels act on fields; here they are functions of k.
    kernels = {n: v.at for n, v in problem.namespace.items() if isinstance(v, Kernel)}
    values = []
    for vector in k:
        names = {f"k{axis}": float(part) for axis, part in zip("xyz", vector, strict=False)}
        names["k"] = float(vector[0]) if len(vector) == 1 else float(np.linalg.norm(vector))
        with np.errstate(all="ignore"):
            value = ExpressionBuilder({**problem.namespace, **kernels, **names})(text)
        if np.ndim(value) or not np.isscalar(value):
            raise InputError(f"--formula {text}: this is not a number for each k")
        values.append(complex(value))
    values = np.array(values)
    return values.real if not values.imag.any() else values


def compare_with_formula(found, text, values):
    """Return a line with the largest distance of a formula from the nearest branch."""
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError(f"--formula {text}: no value is finite")
    branches = 1j * found.eigenvalues[finite]
    distances = np.nanmin(np.abs(branches - values[finite, None]), axis=1)
    worst = int(np.argmax(distances))
    unit = f" rad/{found.time_unit}" if found.time_unit else ""
    return (
        f"{text}: within {distances[worst]:.2g}{unit} of a branch at {finite.sum()} wavevectors "
        f"(largest value {np.abs(values[finite]).max():.4g})"
    )


def save(found, path, run=None, output=None, formulas=None):
    """Write a spectrum as a table or a figure, by the ending of the name; never over a file.

    Figures also show the formulas, ``{text: values at each wavevector}``.

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
        _draw(found, path, run, output, formulas or {})


def _save_rows(found, path):
    axes = [f"k{axis}" for axis in "xyz"[: found.k.shape[1]]]
    rows = [
        [*k, -value.imag, value.real]
        for k, values in zip(found.k, found.eigenvalues, strict=True)
        for value in values[np.isfinite(values)]
    ]
    header = ",".join([*axes, "omega", "growth"])
    np.savetxt(path, rows, delimiter=",", header=header, comments="", fmt="%.17g")


def _draw(found, path, run, output, formulas):
    from matplotlib.figure import Figure

    from spinhydro.analysis.style import house_style

    with house_style():
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        k = found.k[:, 0] if found.k.shape[1] == 1 else np.linalg.norm(found.k, axis=1)
        if run is not None:
            from spinhydro.analysis.dispersion import analyse, plot_spectrum

            plot_spectrum(run, analyse(run, law="none", output=_output(run, output)), left)
            scale = 1 / (2 * np.pi)
        else:
            scale = 1.0
            left.set_ylabel(rf"$\omega$ (rad/{found.time_unit})")
            left.set_xlabel(f"k (rad/{found.length_unit})")
        for branch in found.frequencies.T:
            left.plot(k, scale * branch, ".", markersize=2, color="C1")
        for number, (text, values) in enumerate(formulas.items()):
            order = np.argsort(k, kind="stable")
            shown = scale * np.real(values)[order]
            left.plot(k[order], shown, "-", linewidth=0.7, color=f"C{2 + number}", label=text)
        if formulas:
            left.legend(fontsize="small")
        for branch in found.growth.T:
            right.plot(k, branch, ".", markersize=2, color="C3")
        right.set_xlabel(f"k (rad/{found.length_unit})")
        right.set_ylabel(f"growth rate (1/{found.time_unit})")
        figure.savefig(path)


def compare(found, folder, output=None):
    """Distance of the strongest wave of a run at each wavenumber from the nearest branch.

    Parameters
    ----------
    found : Spectrum
        Of one space axis and a uniform background.
    folder : str
        A run folder.
    output : str, optional
        A vector or scalar output of the run.

    Returns
    -------
    (Dataset, list of str)
        The run, and lines for a terminal.
    """
    from spinhydro.analysis import load
    from spinhydro.analysis.spectra import ridge

    run = load(folder)
    name = _output(run, output)
    if found.k.shape[1] != 1:
        raise InputError("--overlay compares one space axis")
    measured = ridge(run, output=name)
    k, frequency = measured.k.values, measured.frequency.values
    duration = float(run.t.values[-1] - run.t.values[0])
    distances, kept = [], []
    for wavenumber, value in zip(k, frequency, strict=True):
        row = int(np.argmin(np.abs(found.k[:, 0] - wavenumber)))
        spacing = np.diff(np.sort(found.k[:, 0])).min(initial=np.inf)
        if not np.isfinite(value) or abs(found.k[row, 0] - wavenumber) > 0.25 * spacing:
            continue
        branches = found.frequencies[row] / (2 * np.pi)
        branches = np.concatenate([branches, -branches])
        distances.append(np.nanmin(np.abs(branches - value)) * duration)
        kept.append(wavenumber)
    if not distances:
        raise InputError(f"--overlay {folder}: no wavenumber of the run is one of the spectrum")
    distances = np.array(distances)
    worst = int(np.argmax(distances))
    return run, [
        f"{name} of {folder}: {len(distances)} wavenumbers; peak within one bin "
        f"(1/{duration:g}) of a branch at {np.mean(distances <= 1):.0%}, "
        f"median {np.median(distances):.2g} bins, largest {distances[worst]:.2g} at k = "
        f"{kept[worst]:.5g}"
    ]


def _output(run, name):
    """The chosen output, or the first vector, or the first scalar with a space axis."""
    if name is not None:
        return name
    for wanted in ("spin", "x"):
        for output in run.data_vars:
            if wanted in run[output].dims and "t" in run[output].dims:
                return output
    raise InputError("the run has no output along x: name one with --output")
