"""The lowest modes of a large background, without its matrix: shift-invert Arnoldi."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, gmres

from spinhydro.derivatives.background import find_background
from spinhydro.derivatives.linear import blocks
from spinhydro.derivatives.spectrum import linear_form
from spinhydro.errors import InputError


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
    solves : int
        Evaluations of the linearised equations.
    """

    eigenvalues: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray
    background: object
    solves: int
    time_unit: str = ""

    def table(self):
        """Lines for a terminal."""
        unit = f" rad/{self.time_unit}" if self.time_unit else ""
        lines = [
            f"background: {self.background.kind}, rate {self.background.rest:.0e} of the fastest"
            + (f", in the frame of {self.background.turning}" if self.background.turning else ""),
            f"{'omega' + unit:>22} {'growth':>14} {'residual':>10}",
        ]
        for value, rest in zip(self.eigenvalues, self.residuals, strict=True):
            lines.append(f"{-value.imag:22.10g} {value.real:14.4g} {rest:10.1e}")
        return lines


def lowest_modes(problem, number=6, about=None, tolerance=1e-8):
    """The modes of least |lambda| about a background of any size.

    (J - sigma)^-1 is applied by GMRES, preconditioned with the same operator about the average of
    the background, which is a small matrix for every wavevector.

    Parameters
    ----------
    problem : Problem
    number : int
    about : str, optional
        As for `spectrum`.
    tolerance : float
        Of the eigenvalues, relative.

    Returns
    -------
    LowestModes
    """
    form = linear_form(problem)
    jax, np_ = form.model.jax, form.np
    background = find_background(form, about)
    values, generator = background.values, background.generator
    size, shape = values.size, values.shape
    if not 0 < number < size - 1:
        raise InputError(f"--lowest {number}: a positive number, below {size - 1}")

    def push(vector):
        tangent = vector.reshape(shape)
        tangent = jax.jvp(form.project, (values,), (tangent,))[1]
        moved = jax.jvp(form.rate, (values,), (tangent,))[1]
        moved = moved - np_.tensordot(generator, tangent, 1)
        return jax.jvp(form.project, (values,), (moved,))[1].ravel()

    def onto(vector):
        return jax.jvp(form.project, (values,), (vector.reshape(shape),))[1].ravel()

    push, onto, counted = jax.jit(push), jax.jit(onto), [0]
    mean = np.broadcast_to(
        values.mean(axis=tuple(range(1, values.ndim)), keepdims=True), shape
    ).copy()
    uniform = blocks(jax, form.rate, mean, (1,) * (values.ndim - 1)).matrices
    uniform = np.stack(uniform) - generator
    moduli = np.abs(np.linalg.eigvals(uniform))
    # Below the lowest waves of the average, so that zero modes are not poles of the inverse.
    sigma = 0.05 * float(np.sort(moduli[moduli > 1e-6 * moduli.max()])[0])
    inverse = np.linalg.inv(uniform - sigma * np.eye(uniform.shape[-1]))
    inverse = np.moveaxis(inverse, 0, -1).reshape(*inverse.shape[1:], *shape[1:])
    axes = tuple(range(1, values.ndim))
    away = 1 / (moduli.max() + sigma)

    def precondition(vector):
        spectra = np.fft.fftn(vector.reshape(shape), axes=axes)
        found = np.einsum("ij...,j...->i...", inverse, spectra)
        found = np.asarray(onto(np.fft.ifftn(found, axes=axes).real.ravel()))
        # Modes that are not perturbations are moved to the far end of the spectrum.
        return found - away * (vector - np.asarray(onto(vector)))

    def shifted(vector):
        counted[0] += 1
        inside = np.asarray(onto(vector))
        return np.asarray(push(vector)) - sigma * inside - (vector - inside) / away

    operator = LinearOperator((size, size), matvec=shifted, dtype=float)
    preconditioner = LinearOperator((size, size), matvec=precondition, dtype=float)

    def solve(vector):
        found, info = gmres(
            operator, vector, M=preconditioner, rtol=0.1 * tolerance, restart=80, maxiter=20
        )
        if info:
            raise InputError(
                "the lowest modes were not found: GMRES does not converge on this background; a "
                "smaller grid has a dense matrix"
            )
        return found

    start = np.asarray(onto(np.random.default_rng(0).standard_normal(size)))
    try:
        found, vectors = eigs(
            LinearOperator((size, size), matvec=push, dtype=float), k=number, sigma=sigma,
            OPinv=LinearOperator((size, size), matvec=solve, dtype=float), v0=start,
            tol=tolerance, ncv=min(size - 1, max(2 * number + 4, 20)),
        )  # fmt: skip
    except ArpackNoConvergence as error:
        found, vectors = error.eigenvalues, error.eigenvectors
    order = np.argsort(np.abs(found), kind="stable")
    found, vectors = found[order], vectors[:, order]
    residuals = [
        float(np.linalg.norm(np.asarray(push(v.real)) + 1j * np.asarray(push(v.imag)) - e * v))
        for e, v in zip(found, vectors.T, strict=True)
    ]
    return LowestModes(
        found, np.array(residuals), vectors.T.reshape(-1, *shape), background, counted[0],
        problem.units.get("time", ""),
    )  # fmt: skip
