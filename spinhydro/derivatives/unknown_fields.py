"""Profiles, initial fields and kernels as unknowns: a mean plus smooth functions of a prior."""

from functools import reduce
from math import prod

import numpy as np

from spinhydro.derivatives.gradient import array_leaf
from spinhydro.derivatives.model import is_real
from spinhydro.errors import InputError, ParameterError
from spinhydro.steppers.noise import WhiteNoise

#: Waves with k*l up to this are kept: the rest holds 1e-7 of the variance of the prior.
CUTOFF = 5.3


def smooth_waves(length, points, modes, correlation):
    r"""Functions whose sum with independent weights of variance 1 is a Gaussian process.

    Cosines and sines of a periodic box, weighted with the root of the spectrum of the covariance
    :math:`e^{-r^2/2l^2}`; the variance of the sum is 1 at every point.

    Parameters
    ----------
    length : float
        Of the box.
    points, modes : int
        Of the grid on which the functions are returned, and of the basis.
    correlation : float
        l > 0.

    Returns
    -------
    array (points, functions)
    """
    highest = min((modes - 1) // 2, int(CUTOFF * length / (2 * np.pi * correlation)))
    k = 2 * np.pi / length * np.arange(1, highest + 1)
    weights = np.exp(-((k * correlation) ** 2) / 4)
    phases = np.outer(length / points * np.arange(points), k)
    waves = np.sqrt(2) * weights * np.stack([np.cos(phases), np.sin(phases)])
    functions = np.concatenate([np.ones((points, 1)), *waves], axis=1)
    return functions / np.sqrt(1 + 2 * np.sum(weights**2))


def smooth_even_functions(k, correlation):
    """As `smooth_waves`, for even functions of the moduli k of wavevectors.

    Returns
    -------
    array (values of k, functions)
    """
    # Beyond the largest k the cosines turn back: far enough that no value notices.
    largest = np.max(k) + 3 * correlation
    orders = np.arange(int(CUTOFF * largest / (np.pi * correlation)) + 1)
    weights = np.exp(-((np.pi / largest * orders * correlation) ** 2) / 4)
    # A cosine stands for two waves, the constant for one.
    weights[0] /= np.sqrt(2)
    functions = weights * np.cos(np.outer(k, np.pi / largest * orders))
    return functions / np.linalg.norm(functions, axis=1, keepdims=True)


class UnknownField:
    r"""A profile, an initial field or a kernel, :math:`m + \sigma \sum_j a_j b_j`.

    The mean m and the standard deviation :math:`\sigma` are those of a Gaussian prior with the
    covariance :math:`\sigma^2 e^{-|r - r'|^2/2l^2}`. Its functions b_j are weighted so that the
    weights a_j have the prior of independent normal numbers of variance 1.

    Components of vectors, and real and imaginary parts of complex fields, are independent. A
    kernel is changed as an even real function of :math:`|k|`.

    Parameters
    ----------
    model : Model
    name : str
        A field or kernel of the problem file.
    correlation : float
        l > 0, in units of length; of a kernel, in those of k.
    mean : float, Dedalus operand or None
        None for the values of the file.
    width : float
        :math:`\sigma` > 0.

    Attributes
    ----------
    size : int
        Number of weights.
    axes : dict
        ``{"x": points}`` of the values, or ``{"k": moduli}`` of a kernel.
    mean : array (components, *points)

    Raises
    ------
    InputError
        If the correlation length is shorter than the grid, the mean does not go with the field,
        or the equations do not use it in a form that can be changed.
    """

    def __init__(self, model, name, correlation, mean, width):
        self.model, self.name, self.correlation, self.width = model, name, correlation, width
        value = model.problem.namespace[name]
        if isinstance(value, WhiteNoise):
            raise ParameterError(f"{name} is noise: it has no value that data could determine")
        self.leaf, choose = array_leaf(model, name)
        if self.leaf == "kernels":
            start = self._start_of_kernel(choose)
        else:
            self._axes_of_field(value)
            values = model.leaves[self.leaf]
            if self.leaf == "state":
                values = np.asarray(model.on_grid_values(values))
            start = choose(values, False)
        # A profile that is real in the file stays so.
        self.is_complex = np.iscomplexobj(start) and self.leaf != "kernels"
        self.is_complex &= self.leaf == "state" or not is_real(start)
        if not self.is_complex and self.leaf != "kernels":
            start = start.real
        self.mean = start if mean is None else self._given_mean(mean, start)
        self.components = len(start)
        self.functions = [f.shape[1] for f in self.factors]
        self.size = self.components * (1 + self.is_complex) * prod(self.functions)

    def _start_of_kernel(self, choose):
        entries = list(choose(self.model.leaves["kernels"]))
        if len(entries) != 1:
            raise ParameterError(
                f"{self.name} is a tensor: only kernels of one component can be fitted"
            )
        self.entry = entries[0]
        values = np.asarray(self.model.leaves["kernels"][self.entry])
        squares = sum(np.asarray(k) ** 2 for k in self.model.leaves["even wavenumbers"])
        self.k = np.sqrt(np.broadcast_to(squares, values.shape))
        moduli, self.places = np.unique(np.round(self.k, 12), return_inverse=True)
        self._check_correlation(np.diff(moduli).min(initial=np.inf), "1/length")
        self.axes = {"k": moduli}
        self.factors = [smooth_even_functions(moduli, self.correlation)]
        _, first = np.unique(np.round(self.k, 12), return_index=True)
        return values.ravel()[first][None]

    def _axes_of_field(self, value):
        space = self.model.space
        bases = [space.bases[axis] for axis in space.axes]
        own = [basis for basis in value.domain.full_bases if basis is not None]
        self.factors, self.axes = [], {}
        for axis, basis, letter in zip(space.axes, bases, "xyz", strict=False):
            left, right = basis.bounds
            points, length = space.shape[axis], right - left
            self.axes[letter] = left + length / points * np.arange(points)
            if basis in own:
                self._check_correlation(
                    length / basis.size, self.model.problem.units.get("length", "")
                )
                factor = smooth_waves(length, points, basis.size, self.correlation)
            else:
                factor = np.ones((points, 1))
            self.factors.append(factor)

    def _check_correlation(self, spacing, unit):
        if not (np.isfinite(self.correlation) and self.correlation >= spacing * (1 - 1e-9)):
            raise InputError(
                f"--smooth {self.name}={self.correlation:g}: the grid resolves nothing shorter "
                f"than its spacing; type at least {spacing:.4g} {unit}".rstrip()
            )

    def _given_mean(self, mean, start):
        if isinstance(mean, (int, float, complex)):
            if self.leaf != "kernels" and len(start) > 1:
                raise InputError(
                    f"--prior {self.name}={mean:g}: {self.name} is a vector; type "
                    f"--prior {self.name}={self.name}+-{self.width:g} for the values of the file"
                )
            return np.full_like(start, mean)
        if self.leaf == "kernels":
            raise InputError(f"--prior {self.name}: the mean is a number, or {self.name} itself")
        try:
            values = self.model.space.profile(mean.evaluate())
        except (ValueError, AttributeError):
            values = None
        if values is None or values.shape != start.shape:
            raise InputError(f"--prior {self.name}: its mean is another kind of field")
        return np.array(values if self.is_complex else values.real)

    def expand(self, np_, weights):
        r"""Return :math:`\sigma \sum_j a_j b_j` as (components, *points)."""
        parts = weights.reshape(-1, *self.functions)
        for axis, factor in enumerate(self.factors, start=1):
            parts = np_.moveaxis(np_.tensordot(factor, parts, (1, axis)), 0, axis)
        if self.is_complex:
            pairs = parts.reshape(self.components, 2, *parts.shape[1:])
            parts = pairs[:, 0] + 1j * pairs[:, 1]
        return self.width * parts

    def values(self, weights):
        """The field at some weights, (components, *points)."""
        return self.mean + self.expand(np, weights)

    def put(self, leaves, weights):
        """Leaves with the field at some weights, for JAX."""
        np_, model = self.model.jax.numpy, self.model
        values = self.mean + self.expand(np_, weights)
        if self.leaf == "kernels":
            array = values[0][self.places].reshape(self.k.shape)
            return {**leaves, "kernels": {**leaves["kernels"], self.entry: array}}
        if self.leaf == "profiles":
            rows = np_.asarray(leaves["profiles"])
            first = model.rate.profile_row(model.problem.namespace[self.name])
            rows = rows.at[first : first + self.components].set(values.astype(rows.dtype))
            return {**leaves, "profiles": rows}
        grid = np_.asarray(model.on_grid_values(leaves["state"]))
        first = model.lowering.first_component[model.problem.namespace[self.name]]
        grid = grid.at[first : first + self.components].set(values.astype(grid.dtype))
        state = model.from_grid_values(grid, leaves)
        # Spins of another length are not states of the problem.
        state = model.project(state, 0.0, leaves) if model.project else state
        return {**leaves, "state": state}

    def variance(self, shares, directions, about_average=False):
        r"""Variance of the values after measurements, (components, *points).

        Real and imaginary parts are added.

        Parameters
        ----------
        shares : array (n,)
            By which the variance of some orthonormal directions of the weights is reduced, 0 to 1.
        directions : array (weights, n)
        about_average : bool
            Of the differences from the average over all points instead.
        """
        points = tuple(range(1, self.mean.ndim))
        prior = self.width**2 * (1.0 + self.is_complex)
        total = np.full(self.mean.shape, prior)
        if about_average:
            means = [f.mean(axis=0) for f in self.factors]
            with_mean = [f @ m for f, m in zip(self.factors, means, strict=True)]
            of_mean = prod(float(m @ m) for m in means)
            total += prior * (of_mean - 2 * reduce(np.multiply.outer, with_mean))
        for share, direction in zip(shares, directions.T, strict=True):
            values = self.expand(np, direction)
            if about_average:
                values = values - values.mean(axis=points, keepdims=True)
            total -= share * np.abs(values) ** 2
        return np.maximum(total, 0.0)
