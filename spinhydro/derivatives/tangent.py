"""Linearised equations about a large background, and an approximate inverse of them."""

from functools import cached_property

import numpy as np

from spinhydro.derivatives.linear import blocks, compiled_tangents

#: Smallest wave number, as a fraction of the grid, at which the symbol is its leading part.
SHORT_WAVE = 0.25


class TangentMap:
    """The linearisation J of a rate about any values, on perturbations that projections allow.

    With P the derivative of the projections of a file, `derivative` is P J P; in `push` everything
    that P removes, such as a change of spin length, decays at the fastest rate.

    Parameters
    ----------
    form : RealForm
    fastest : float
        The fastest rate of perturbations.
    frame : Frame
        In which the state is at rest; `coefficients` may be changed afterwards.
    """

    def __init__(self, form, fastest, frame):
        self.form, self.fastest, self.frame = form, fastest, frame
        self.coefficients = np.asarray(frame.coefficients)
        jax = form.model.jax

        def onto(values, tangent):
            return jax.jvp(form.project, (values,), (tangent,))[1]

        def derivative(values, tangent, coefficients):
            inside = onto(values, tangent)
            moved = jax.jvp(lambda v: frame.rate(v, coefficients), (values,), (inside,))[1]
            return onto(values, moved)

        def push(values, tangent, coefficients):
            removed = tangent - onto(values, tangent)
            return derivative(values, tangent, coefficients) - fastest * removed

        def residual(values, coefficients):
            return onto(values, frame.rate(values, coefficients))

        self.onto, self.directions = jax.jit(onto), jax.jit(frame.directions)
        self._derivative, self._push = jax.jit(derivative), jax.jit(push)
        self._residual = jax.jit(residual)
        self._tangents = compiled_tangents(jax, frame.rate)
        self.solve_locally = jax.jit(self._solve_locally)

    def derivative(self, values, tangent):
        """P J P of a tangent."""
        return self._derivative(values, tangent, self.coefficients)

    def push(self, values, tangent):
        """P J P of a tangent, without what P removes, which decays."""
        return self._push(values, tangent, self.coefficients)

    def residual(self, values):
        """The rate in the frame."""
        return self._residual(values, self.coefficients)

    def uniform_matrices(self, values):
        """The matrix of each wave about a uniform state."""

        def tangents_of(values, tangents):
            return self._tangents(values, tangents, self.coefficients)

        return np.stack(blocks(tangents_of, values, (1,) * (values.ndim - 1)).matrices)

    @cached_property
    def freedom(self):
        """The number of components that the projections leave free at one point."""
        form, axes = self.form, (1,) * len(self.form.shape)
        start = np.asarray(form.split(form.model.leaves["state"]))
        ones = np.ones((1, *form.shape))

        def project(point):
            return form.project(point.reshape(-1, *axes) * ones)[(slice(None), *(0,) * len(axes))]

        point = likeliest_point(start)
        return round(float(np.trace(np.asarray(form.model.jax.jacfwd(project)(point)))))

    def free_points(self, values):
        """Return booleans (shape): where the projections leave a perturbation.

        There is none in the empty space around a body.
        """
        parts = 0.0
        for j in range(len(values)):
            unit = np.zeros(values.shape)
            unit[j] = 1
            parts = parts + np.asarray(self.onto(values, unit))[j]
        return parts > 0.5

    def _solve_locally(self, values, vector, inverse, factor):
        np_, axes = self.form.np, tuple(range(1, values.ndim))
        moved = np_.einsum("ij...,j...->i...", inverse, vector)
        moved = np_.real(np_.fft.ifftn(np_.fft.fftn(moved, axes=axes) * factor, axes=axes))
        outside = vector - self.onto(values, vector)
        return self.onto(values, moved) - outside / self.fastest


def likeliest_point(values):
    """The values at a point that resemble the average most."""
    flat = values.reshape(len(values), -1)
    return flat[:, np.argmax(flat.mean(axis=1) @ flat)]


class LocalInverse:
    r"""An approximate inverse for backgrounds with structure, such as spins in a texture.

    Applied to a short wave, the linearised equations multiply it by a matrix that depends on the
    place, the leading part of their symbol: :math:`J e^{ikx} \approx B(x) (w(k) + c) e^{ikx}`. The
    inverse of this product takes a product with B(x)^-1 on the grid and one with 1/(w + c) in
    Fourier space. What it neglects is smooth, so that the number of iterations does not depend on
    the grid.

    Parameters
    ----------
    tangent : TangentMap
    values : array (components, *shape)

    Attributes
    ----------
    gap : float
        A typical slow rate, that of c.
    """

    def __init__(self, tangent, values):
        self.form, self.tangent, self.values = tangent.form, tangent, values
        self._axes = tuple(range(1, values.ndim))
        uniform = self._uniform_symbol()
        waves, change = self._waves(), 0.0
        constant = self._symbol((0,) * len(self._axes))
        for wave in waves:
            change = change + (self._symbol(wave) - constant) / len(waves)
        at_rest = uniform[(..., *(0,) * len(self._axes))]
        leading = sum(uniform[(..., *wave)] - at_rest for wave in waves) / len(waves)
        left, sizes, right = np.linalg.svd(np.moveaxis(change, (0, 1), (-2, -1)))
        self._rank = int(np.sum(np.linalg.svd(leading)[1] > 1e-3 * np.abs(leading).max()))
        kept, free = sizes[..., : self._rank], tangent.free_points(values)
        self.is_regular = self._rank == tangent.freedom and bool(
            np.all((kept[..., -1] > 1e-3 * kept[..., 0])[free])
        )
        if not self.is_regular:
            return
        # Nothing moves in the empty space around a body.
        kept = np.where(free[..., None], kept, np.inf)
        inverse = np.einsum(
            "...ji,...j,...kj->...ik",
            right[..., : self._rank, :], 1 / kept, left[..., :, : self._rank],
        )  # fmt: skip
        self._inverse = np.moveaxis(inverse, (-2, -1), (0, 1))
        pseudo = np.linalg.pinv(leading, rcond=1e-3)
        growth = uniform - at_rest.reshape(*at_rest.shape, *(1,) * len(self._axes))
        growth = np.maximum(np.einsum("ij,ji...->...", pseudo, growth) / self._rank, 0)
        slow = np.einsum("...ij,ji...->...", inverse, constant) / self._rank
        longest = growth[growth > 1e-6 * growth.max()].min(initial=1.0)
        offset = max(abs(float(np.median(slow[free]))), float(longest))
        self._filter = 1 / (growth + offset)
        self.gap = offset * float(np.linalg.norm(leading, 2))

    def __call__(self, vector):
        """Return an approximation of J^-1 of real values on the grid."""
        return np.array(
            self.tangent.solve_locally(self.values, vector, self._inverse, self._filter)
        )

    def _uniform_symbol(self):
        """The symbol about a uniform state, (components, components, *shape), even in k."""
        point = likeliest_point(self.values).reshape(-1, *(1,) * len(self._axes))
        uniform = np.broadcast_to(point, self.values.shape).copy()
        matrices = self.tangent.uniform_matrices(uniform).real
        return np.moveaxis(
            matrices.reshape(*self.values.shape[1:], *matrices.shape[1:]), (-2, -1), (0, 1)
        )

    def _waves(self):
        """One short wave along each axis."""
        shape = self.values.shape[1:]
        return [
            tuple(int(size * SHORT_WAVE) if j == i else 0 for j in range(len(shape)))
            for i, size in enumerate(shape)
        ]

    def _symbol(self, wave):
        """The symbol about the background at one wave, (components, components, *shape)."""
        shape, components = self.values.shape[1:], len(self.values)
        grids = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
        phase = 2 * np.pi * sum(m * grid for m, grid in zip(wave, grids, strict=True))
        found = np.empty((components, components, *shape))
        for j in range(components):
            parts = np.zeros((2, *self.values.shape))
            parts[:, j] = np.cos(phase), np.sin(phase)
            real, imaginary = (
                np.asarray(self.tangent.derivative(self.values, part)) for part in parts
            )
            found[:, j] = np.real((real + 1j * imaginary) * np.exp(-1j * phase))
        return found


class UniformInverse:
    """The inverse of the linearised equations about the average of a background.

    Parameters
    ----------
    tangent : TangentMap
    values : array (components, *shape)

    Attributes
    ----------
    gap : float
        The slowest rate about the average.
    """

    def __init__(self, tangent, values):
        self.tangent, self.values = tangent, values
        self._axes, shape = tuple(range(1, values.ndim)), values.shape
        mean = values.mean(axis=self._axes, keepdims=True)
        mean = np.broadcast_to(mean, shape).copy()
        uniform = tangent.uniform_matrices(mean)
        moduli = np.abs(np.linalg.eigvals(uniform))
        self.gap = float(np.min(moduli[moduli > 1e-6 * moduli.max()]))
        # Below the lowest waves of the average, so that zero modes are not poles of the inverse.
        inverse = np.linalg.inv(uniform - 0.05 * self.gap * np.eye(uniform.shape[-1]))
        self._inverse = np.moveaxis(inverse, 0, -1).reshape(*inverse.shape[1:], *shape[1:])

    def __call__(self, vector):
        """Return an approximation of J^-1 of real values on the grid."""
        spectra = np.fft.fftn(vector, axes=self._axes)
        found = np.einsum("ij...,j...->i...", self._inverse, spectra)
        found = np.fft.ifftn(found, axes=self._axes).real
        outside = vector - np.asarray(self.tangent.onto(self.values, vector))
        return np.asarray(self.tangent.onto(self.values, found)) - outside / self.tangent.fastest


def approximate_inverse(tangent, values):
    """The inverse of the leading part of the symbol, or that about the average without one."""
    found = LocalInverse(tangent, values)
    return found if found.is_regular else UniformInverse(tangent, values)
