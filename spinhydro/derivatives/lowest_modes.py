"""The lowest modes of a large background, without its matrix: a block Davidson method."""

from dataclasses import dataclass

import numpy as np

from spinhydro.derivatives.background import check_constant, fastest_rate, find_background
from spinhydro.derivatives.spectrum import LARGEST_DENSE, linear_form
from spinhydro.derivatives.tangent import TangentMap, approximate_inverse
from spinhydro.errors import InputError

#: Largest dimension of the space of trial modes, for each mode that is wanted, and at least.
DIMENSION, LEAST_DIMENSION = 30, 200
#: Largest number of extensions of the space.
EXTENSIONS = 300
#: Eigenvalues next to this are found, relative to a typical slow rate.
TARGET = 0.1


@dataclass
class LowestModes:
    """Eigenvalues of least modulus.

    Attributes
    ----------
    eigenvalues : array (modes,)
    residuals : array (modes,)
        |J x - lambda x| of the eigenvectors of length one.
    vectors : array (modes, components, *shape)
    background : Background
    products : int
        Evaluations of the linearised equations.
    tolerance : float
        The residual up to which a mode has converged.
    """

    eigenvalues: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray
    background: object
    products: int
    tolerance: float
    time_unit: str = ""
    length_unit: str = ""

    def table(self):
        """Lines for a terminal."""
        unit = f" rad/{self.time_unit}" if self.time_unit else ""
        lines = [
            self.background.text(self.time_unit, self.length_unit),
            *self.background.warnings(),
            f"{'omega' + unit:>22} {'growth':>14} {'residual':>10}",
        ]
        for value, rest in zip(self.eigenvalues, self.residuals, strict=True):
            lines.append(f"{-value.imag:22.10g} {value.real:14.4g} {rest:10.1e}")
        missed = int(np.sum(self.residuals > self.tolerance))
        if missed:
            lines.append(
                f"{missed} of {len(self.residuals)} modes did not converge (residual above "
                f"{self.tolerance:.0e}): their frequencies are no better than that. "
                f"{self._advice()}"
            )
        return lines

    def _advice(self):
        """Return what to type where modes did not converge."""
        unknowns = int(np.prod(self.vectors.shape[1:]))
        if unknowns <= LARGEST_DENSE:
            return f"The matrix has {unknowns} rows: leave out --lowest for all modes of it"
        return (
            f"Type a grid with at most {LARGEST_DENSE} unknowns (this one has {unknowns}) and "
            "leave out --lowest"
        )


def lowest_modes(problem, number=6, about=None, tolerance=1e-7):
    r"""The modes of least :math:`|\lambda|` about a background of any size.

    A block Davidson method: the space of trial modes grows by residuals, multiplied by an
    approximate inverse of the linearised equations J, and harmonic Ritz values are taken from it
    (Morgan, Linear Algebra Appl. 154, 289 (1991)).

    Parameters
    ----------
    problem : Problem
    number : int
    about : str, optional
        As for `spectrum`.
    tolerance : float
        Of the residuals, relative to a typical slow rate of the background.

    Returns
    -------
    LowestModes

    Raises
    ------
    InputError
        If the number is not positive or too large, or no background is at rest.
    """
    if number < 1:
        raise InputError(f"--lowest {number}: a positive number")
    form = linear_form(problem)
    check_constant(form)
    size = form.components * int(np.prod(form.shape))
    if 4 * number + 8 > size:
        raise InputError(
            f"--lowest {number}: at most {max((size - 8) // 4, 0)} of {size} unknowns; without "
            "--lowest all modes are computed"
        )
    background = find_background(form, about)
    values, shape = background.values, background.values.shape
    tangent = TangentMap(form, fastest_rate(form, values), background.frame)
    inverse = approximate_inverse(tangent, values)

    def push(vector):
        return np.asarray(tangent.push(values, vector.reshape(shape))).ravel()

    def precondition(vector):
        return inverse(vector.reshape(shape)).ravel()

    goal = tolerance * inverse.gap
    # Zero modes are not poles of the harmonic Ritz values.
    shift = TARGET * inverse.gap
    found, vectors, residuals, products = _davidson(push, precondition, size, number, shift, goal)
    return LowestModes(
        found, residuals, vectors.reshape(-1, *shape), background, products, goal,
        problem.units.get("time", ""), problem.units.get("length", ""),
    )  # fmt: skip


def _davidson(push, precondition, size, number, shift, goal):
    """Return eigenvalues of least modulus, eigenvectors, residuals, the number of products."""
    block, random = min(number + 4, size // 4), np.random.default_rng(0)
    largest = min(max(DIMENSION * number, LEAST_DIMENSION), size // 2)
    # Applied twice, the inverse leaves smooth vectors.
    added = np.stack(
        [precondition(precondition(random.standard_normal(size))) for _ in range(block)]
    )
    space, images, products = np.zeros((0, size)), np.zeros((0, size)), 0
    least, stalled = np.inf, 0
    for _ in range(EXTENSIONS):
        added = _orthonormal(space, added)
        products += len(added)
        space = np.concatenate([space, added])
        images = np.concatenate([images, [push(vector) for vector in added]])
        ritz, weights = _harmonic(space, images, shift)
        ritz, weights = ritz[:block], weights[:, :block]
        vectors = weights.T @ space
        rests = weights.T @ images - ritz[:, None] * vectors
        sizes = np.linalg.norm(rests, axis=1)
        worst = sizes[:number].max()
        stalled = 0 if worst < 0.5 * least else stalled + 1
        least = min(least, worst)
        if len(ritz) >= number and worst <= goal:
            break
        added = [
            part / rest
            for residual, rest, value in zip(rests, sizes, ritz, strict=True)
            if rest > goal and value.imag >= 0
            for part in (residual.real, residual.imag)
            if np.linalg.norm(part) > 1e-6 * rest
        ]
        if not len(added) or len(space) >= size - block or (stalled > 40 and least < 1e3 * goal):
            break
        if len(space) + len(added) > largest:
            space, images = _restarted(space, images, shift, 2 * block)
        added = np.stack([precondition(vector) for vector in added])
    return ritz[:number], vectors[:number], sizes[:number], products


def _orthonormal(space, added):
    """The part of new vectors that is orthogonal to a space, as an orthonormal basis."""
    for _ in range(2):
        added = added - (added @ space.T) @ space
        added = added / np.linalg.norm(added, axis=1, keepdims=True)
    basis, triangle = np.linalg.qr(added.T)
    return basis.T[np.abs(np.diag(triangle)) > 1e-8]


def _harmonic(space, images, shift):
    """Harmonic Ritz values next to a shift and the weights of their vectors, nearest first."""
    shifted = images - shift * space
    values, weights = np.linalg.eig(np.linalg.solve(shifted @ shifted.T, shifted @ space.T))
    order = np.argsort(-np.abs(values), kind="stable")
    weights = weights[:, order] / np.linalg.norm(weights[:, order], axis=0)
    # Rayleigh quotients are closer to eigenvalues than harmonic values.
    ritz = np.einsum("ij,ik,kj->j", weights.conj(), space @ images.T, weights)
    return ritz, weights


def _restarted(space, images, shift, number):
    """The space of the lowest trial modes and its images."""
    _, weights = _harmonic(space, images, shift)
    kept = weights[:, :number]
    left, sizes, _ = np.linalg.svd(np.hstack([kept.real, kept.imag]), full_matrices=False)
    kept = left[:, sizes > 1e-10].T
    return kept @ space, kept @ images
