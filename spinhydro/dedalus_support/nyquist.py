"""Real Fourier basis with the Nyquist mode, and the derivatives of that mode."""

import math

import numpy as np
from scipy import sparse

from spinhydro.dedalus_support import backend  # noqa: F401  (sets Dedalus up)
from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.field_sizes import check_dealias
from spinhydro.errors import InputError

import dedalus.public as d3  # isort: skip
from dedalus.core import arithmetic, operators, transforms  # isort: skip
from dedalus.core.basis import DifferentiateRealFourier  # isort: skip
from dedalus.tools.array import axslice  # isort: skip
from dedalus.tools.exceptions import SkipDispatchException  # isort: skip

__all__ = ["RealFourierNyquist", "SecondDerivative", "differentiates_nyquist", "nyquist"]

#: Fewest points along an axis.
SMALLEST = 2


class RealFourierNyquist(d3.RealFourier):
    """Real Fourier basis of any size whose transforms are lossless.

    ``d3.RealFourier`` with N even keeps N-1 of the N numbers on the grid: every transform drops the
    Nyquist mode cos(k_N (x - left)), k_N = pi N / L (and with N odd it builds no solver). For local
    equations, or spins that differ arbitrarily between neighbouring points, that spreads an error
    over the whole grid. Here the Nyquist amplitude is stored in place of the sine of k = 0, which
    is otherwise unused: with ``dealias=1`` grid -> coefficients -> grid is exact for every
    even N.

    Operators on the Nyquist mode, along each axis separately:

    - Odd derivatives (``dx``, ``grad``, ``div`` and ``curl`` of a vector) give 0: the derivative
      of the cosine is a sine that vanishes at all grid points.
    - Even derivatives multiply it by :math:`(-k_N^2)^{order/2}`. ``lap(f)``, ``dx(dx(f))`` and
      ``div(grad(f))`` are such operators, also if the inner derivative is multiplied by a number
      or is a term of a sum: ``dx(2*dx(f) + g)``.
    - Where something else lies between two derivatives, ``dx(g*dx(f))`` or ``dx(dy(dx(f)))``, each
      of them is an odd derivative by itself, and the result is 0.
    - Integrals and averages along the axis are 0.
    - A kernel (``spinhydro.kernel``) acts on it with the even part of omega(k).

    The largest wavenumber of a timestep rule is therefore k_N. An odd N has no Nyquist mode. With
    ``dealias`` other than 1 the basis is the same as ``d3.RealFourier``.

    Parameters
    ----------
    coord : d3.Coordinate
        ``coords['x']``.
    size : int
        Number of grid points, at least 2 (a bilayer). Products of 2, 3, 5, 7 are fast.
    bounds : (float, float)
        Ends of the period, increasing and finite.
    dealias : float, optional
        1 (default), or 3/2 to remove aliasing of quadratic terms.

    Raises
    ------
    InputError
        For a size or bounds outside the valid range.
    """

    transforms = {}

    @classmethod
    def _preprocess_cache_args(cls, coord, size, bounds, dealias, library):
        _check_size(size)
        _check_bounds(bounds)
        check_dealias(dealias)
        return super()._preprocess_cache_args(coord, size, bounds, dealias, library)

    def global_shape(self, grid_space, scales):
        if grid_space[0]:
            return super().global_shape(grid_space, scales)
        return (self.size + self.size % 2,)  # whole pairs of cosine and sine

    def valid_elements(self, tensorsig, grid_space, elements):
        if self.size % 2:
            return super().valid_elements(tensorsig, grid_space, elements)
        shape = tuple(cs.dim for cs in tensorsig) + elements[0].shape
        return np.ones(shape, dtype=bool)


class _NyquistPacking:
    """Keep the Nyquist amplitude in the slot of the k = 0 sine."""

    @property
    def keeps_nyquist(self):
        return self.N == self.M and self.N % 2 == 0

    def unpack_rescale(self, temp, cdata, axis, rescale):
        super().unpack_rescale(temp, cdata, axis, rescale)
        if self.keeps_nyquist:
            nyquist = temp[axslice(axis, self.N // 2, None)]
            np.multiply(nyquist.real, rescale, cdata[axslice(axis, 1, 2)])

    def repack_rescale(self, cdata, temp, axis, rescale):
        super().repack_rescale(cdata, temp, axis, rescale)
        if self.keeps_nyquist:
            nyquist = temp[axslice(axis, self.N // 2, None)]
            np.multiply(cdata[axslice(axis, 1, 2)], 1 if rescale is None else rescale, nyquist)


@transforms.register_transform(RealFourierNyquist, "fftw")
class NyquistFFTW(_NyquistPacking, transforms.FFTWRealFFT):
    """FFTW transform of RealFourierNyquist."""


@transforms.register_transform(RealFourierNyquist, "scipy")
class NyquistScipy(_NyquistPacking, transforms.ScipyRealFFT):
    """scipy.fft transform of RealFourierNyquist."""


def nyquist(basis):
    """Return the largest wavenumber of an even grid, pi over its spacing."""
    return np.pi * basis.size / (basis.bounds[1] - basis.bounds[0])


def differentiates_nyquist(basis):
    """Return whether even derivatives along the axis of a basis act on a Nyquist mode."""
    return isinstance(basis, RealFourierNyquist) and basis.size % 2 == 0 and basis.dealias[0] == 1


class FirstDerivative(DifferentiateRealFourier):
    """First derivative in a real Fourier basis; of another one, the second derivative.

    Dedalus dispatches ``d3.Differentiate`` to this class for every real Fourier basis. Only
    derivatives with a Nyquist mode differ from those of ``DifferentiateRealFourier``.
    """

    @classmethod
    def _preprocess_args(cls, operand, coord, out=None):
        if differentiates_nyquist(operand.domain.get_basis(coord)):
            combined = _combined(operand, coord)
            if combined is not None:
                raise SkipDispatchException(output=combined)
        return [operand, coord], {"out": out}


class SecondDerivative(operators.Differentiate):
    r"""Second derivative along an axis with a Nyquist mode.

    .. math:: f_k \to -k^2 f_k, \qquad |k| \le k_N = \pi N/L.
    """

    # Not a candidate for the dispatch of d3.Differentiate.
    stop_dispatch = True
    name = "Diff2"
    input_basis_type = RealFourierNyquist
    subaxis_dependence = [True]
    subaxis_coupling = [False]

    def __str__(self):
        return f"d{self.coord.name}(d{self.coord.name}({self.operand}))"

    def new_operand(self, operand, **options):
        first = operators.Differentiate(operand, self.coord)
        return operators.Differentiate(first, self.coord, **options)

    def _expand_multiply(self, operand, vars):
        first = operators.Differentiate(operand, self.coord).expand(*vars)
        return operators.Differentiate(first, self.coord).expand(*vars)

    @staticmethod
    def _output_basis(input_basis):
        return input_basis

    @staticmethod
    def _group_matrix(group, input_basis, output_basis):
        k = group / input_basis.COV.stretch
        # The pair of k = 0 is the mean and the Nyquist mode.
        other = k if group else nyquist(input_basis)
        return np.array([[-(k**2), 0], [0, -(other**2)]])


def _combined(operand, coord):
    """Return the derivative of an operand that contains a derivative along the same axis.

    The rules for numbers and sums are those by which Dedalus expands left sides, so that both
    sides of an equation agree. None if there is nothing to combine.
    """
    if isinstance(operand, FirstDerivative) and operand.coord == coord:
        return SecondDerivative(operand.operand, coord)
    if isinstance(operand, operators.CartesianComponent) and operand.index == 0:
        parts = _component_of_gradient(operand.operand, operand.comp, coord)
        return None if parts is None else operators.Differentiate(parts, coord)
    if isinstance(operand, arithmetic.MultiplyNumberField):
        number, field = operand.original_args
        found = _combined(field, coord)
        return None if found is None else number * found
    if isinstance(operand, arithmetic.Add):
        found = [_combined(part, coord) for part in operand.original_args]
        if all(part is None for part in found):
            return None
        return sum(
            operators.Differentiate(part, coord) if new is None else new
            for part, new in zip(operand.original_args, found, strict=True)
        )
    return None


def _component_of_gradient(operand, component, coord):
    """Return a component of a gradient, or of a sum of such, as a derivative; or None."""
    if isinstance(operand, operators.CartesianGradient):
        return operators.Differentiate(operand.operand, coord) if component == coord else None
    if isinstance(operand, arithmetic.MultiplyNumberField):
        number, field = operand.original_args
        found = _component_of_gradient(field, component, coord)
        return None if found is None else number * found
    if isinstance(operand, arithmetic.Add):
        found = [_component_of_gradient(part, component, coord) for part in operand.original_args]
        if all(part is None for part in found):
            return None
        return sum(
            operators.CartesianComponent(part, index=0, comp=component) if new is None else new
            for part, new in zip(operand.original_args, found, strict=True)
        )
    return None


class _MatricesOfParts:
    """Build matrices of a left side from the derivatives that are evaluated on a right side.

    Dedalus builds them with respect to the operand, which a combined derivative does not contain.
    """

    def expression_matrices(self, subproblem, vars, **options):
        if self in vars or subproblem.field_size(self) == 0:
            return super().expression_matrices(subproblem, vars, **options)
        parts = [part.expression_matrices(subproblem, vars, **options) for part in self.args]
        found = {var for part in parts for var in part}
        return {var: sparse.vstack([part[var] for part in parts], format="csr") for var in found}


class Gradient(_MatricesOfParts, operators.CartesianGradient):
    """Gradient in Cartesian coordinates."""


class Divergence(_MatricesOfParts, operators.CartesianDivergence):
    """Divergence in Cartesian coordinates."""


class Laplacian(_MatricesOfParts, operators.CartesianLaplacian):
    """Laplacian in Cartesian coordinates."""


def _check_size(size):
    if isinstance(size, PerMember):
        # Raises: the grid is the same for all members.
        int(size)
    whole = isinstance(size, (int, np.integer)) or (isinstance(size, float) and size.is_integer())
    if not whole or not SMALLEST <= size <= 2**27:
        raise InputError(
            f"number of grid points = {size}: it must be a whole number, {SMALLEST} to {2**27}"
            + (f"; nearest: {_nearest_size(size)}" if _is_number(size) else "")
        )


def _is_number(size):
    return isinstance(size, (int, float, np.number)) and math.isfinite(size)


def _nearest_size(size):
    return min(max(SMALLEST, round(size)), 2**27)


def _check_bounds(bounds):
    try:
        left, right = (float(b) for b in bounds)
    except (TypeError, ValueError):
        raise InputError(f"bounds = {bounds}: two numbers (left, right) are needed") from None
    if not (math.isfinite(left) and math.isfinite(right)) or left >= right:
        raise InputError(
            f"bounds = ({left:g}, {right:g}): both ends must be finite, the left below the right "
            "(is the box length positive?)"
        )
