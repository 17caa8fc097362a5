"""Distributor and bases for the present ranks: objects of Dedalus, or subclasses."""

import logging
import math
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support import backend, parallel
from spinhydro.dedalus_support.ensemble.values import PerMember, closed, is_script
from spinhydro.errors import InputError

import dedalus.public as d3  # isort: skip  (after backend)
from spinhydro.dedalus_support.ensemble.basis import EnsembleDistributor  # isort: skip
from dedalus.core import transforms  # isort: skip
from dedalus.tools.array import axslice  # isort: skip

logger = logging.getLogger("spinhydro")

__all__ = ["RealFourierNyquist", "backend", "distributor", "local_part", "spin"]

#: Fewest points along an axis.
SMALLEST = 2

#: Components of spin vectors: ``dist.VectorField(spinhydro.spin, name="s", bases=xbasis)``.
spin = d3.CartesianCoordinates("sx", "sy", "sz")


def distributor(coords, dtype=np.float64, members=None):
    """``d3.Distributor(coords, dtype=dtype)`` for any number of ranks and of members.

    Dedalus splits all but one of the space axes over the ranks of mpiexec, so one dimension
    cannot be split: the first rank takes the whole problem, the others wait, as the log reports.

    With members, every field with bases has a first axis of the members. They are distributed over
    the ranks in blocks that do not communicate. A variable without an axis of space, such as a
    single spin, takes ``bases=dist.members``, which is None for an ordinary problem.

    Parameters
    ----------
    coords : d3.CartesianCoordinates
        All space coordinates in one object. (Spin components have separate coordinates, which are
        not passed here.)
    dtype : np.float64 or np.complex128
    members : int, optional
        Number of realisations that are advanced together, ``members=members`` in a problem file.
        By default as many as ``per_member`` lists have values; 1 is an ordinary problem.

    Raises
    ------
    InputError
        If `coords` is not one CartesianCoordinates.
    ParameterError
        If `members` is not a whole number, or differs from the length of a list.
    """
    if not isinstance(coords, d3.CartesianCoordinates):
        raise InputError(
            "distributor() takes one d3.CartesianCoordinates('x') or ('x', 'y') …, "
            f"not {type(coords).__name__}: with several objects constant spin vectors on the left "
            "side of an equation fail"
        )
    size, ensemble = parallel.world().size, closed(members)
    if size > 1 and (coords.dim == 1 or ensemble.size) and _runs_again():
        return _on_this_rank(coords, dtype, ensemble)
    if ensemble.size is not None:
        comm = parallel.first_ranks_work(_working_ranks(ensemble.size, size))
        ensemble.dist = EnsembleDistributor(coords, ensemble.size, comm, dtype)
        return ensemble.dist
    if coords.dim > 1 or size == 1:
        return _without_members(coords, dtype)
    if parallel.is_root():
        logger.warning(
            f"one space dimension cannot be split over {size} ranks: rank 0 computes, the others "
            "wait. To use them, run many realisations at once: members=100, or a list of values "
            "for a parameter, Omega_R='[0.5, 0.6]'; or take a problem in two or three dimensions"
        )
    return _without_members(coords, dtype, comm=parallel.first_ranks_work(1))


def _without_members(coords, dtype, **options):
    dist = d3.Distributor(coords, dtype=dtype, **options)
    dist.members = None
    return dist


def _runs_again():
    """True while Python executes a script that will call ``spinhydro.main(__file__)``.

    ``main`` executes the file again, with the new values of the command line. Only then is it
    known which ranks have work.
    """
    if not is_script():
        return False
    script = getattr(sys.modules["__main__"], "__file__", None)
    try:
        return "spinhydro.main(" in Path(script or "").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _on_this_rank(coords, dtype, ensemble):
    comm = MPI.COMM_SELF
    if ensemble.size is None:
        return _without_members(coords, dtype, comm=comm)
    ensemble.dist = EnsembleDistributor(coords, ensemble.size, comm, dtype)
    return ensemble.dist


def _working_ranks(members, ranks):
    """The number of ranks that hold members, if each takes equally many."""
    each = math.ceil(members / ranks)
    working = math.ceil(members / each)
    if working < ranks and parallel.is_root():
        logger.warning(
            f"{members} members on {ranks} ranks: {working} ranks compute {each} each"
            f"{' or fewer' if members % each else ''}, {ranks - working} "
            + ("wait" if ranks - working > 1 else "waits")
        )
    return working


def local_part(values, field):
    """Return this rank's part of an array on the whole grid of a field.

    Parameters
    ----------
    values : array (Nx,), (Nx, Ny), …, with axes (components…, members) in front or without
        Along space the whole grid, or 1 point where nothing changes; members are those of this
        rank, as in whatever is computed with ``per_member`` values.
    field : Dedalus field

    Returns
    -------
    array
        To be assigned to ``field["g"]``.

    Raises
    ------
    InputError
        For any other shape: nothing is cropped or interpolated.
    """
    values, layout = np.asarray(values), field.dist.grid_layout
    first = getattr(field.dist, "member_axis", -1) + 1
    grid = tuple(int(n) for n in layout.global_shape(field.domain, scales=1)[first:])
    front = tuple(system.dim for system in field.tensorsig)
    if first:
        front += (int(layout.local_shape(field.domain, scales=1)[0]),)
    outer = values.shape[: max(0, values.ndim - len(grid))]
    space = values.shape[len(outer) :]
    fits = len(space) == len(grid) and all(n in (1, m) for n, m in zip(space, grid, strict=True))
    if not fits or not _broadcasts(outer, front):
        raise InputError(
            f"an array of shape {values.shape} does not fit the field {field.name or ''}: its grid "
            f"has {' x '.join(map(str, grid))} points"
            + (f", with {' x '.join(map(str, front))} components or members" if front else "")
        )
    slices = layout.slices(field.domain, scales=1)[first:]
    mine = (part if n > 1 else slice(None) for part, n in zip(slices, space, strict=True))
    return values[(..., *mine)]


def _broadcasts(shape, target):
    """True if an array of that shape can be broadcast to the target."""
    if len(shape) > len(target):
        return False
    last = target[len(target) - len(shape) :]
    return all(n in (1, m) for n, m in zip(shape, last, strict=True))


class RealFourierNyquist(d3.RealFourier):
    """Real Fourier basis of any size whose transforms are lossless.

    ``d3.RealFourier`` with N even keeps N-1 of the N numbers on the grid: the Nyquist mode
    cos(pi N x / L) is dropped by every transform (and with N odd it builds no solver). For local
    equations, or spins that differ arbitrarily between neighbouring points, that spreads an error
    over the whole grid. Here the Nyquist amplitude is stored in place of the sine of k = 0, which
    is otherwise unused:
    with ``dealias=1`` grid -> coefficients -> grid is exact for every even N. Its derivative is
    zero, as always for a spectral derivative on an even grid; a kernel (``spinhydro.kernel``) acts
    on it with the even part of omega(k). An odd N has no such mode. With ``dealias`` other than 1
    the basis is the same as ``d3.RealFourier``.

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
        factors = dealias if isinstance(dealias, (tuple, list)) else (dealias,)
        if not all(_is_number(factor) and factor > 0 for factor in factors):
            raise InputError(f"dealias = {dealias}: it must be positive, 1 or 3/2")
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


def slow_sizes(bases):
    """Return a sentence for every long axis that FFTW transforms slowly, with a fast size nearby.

    Sizes with a prime factor above 13 take several times as long per point: 1128 = 8 * 3 * 47 costs
    four times as much as 1152.
    """
    return [
        f"{basis.size} points along {basis.coord.name} have the prime factor {prime}: "
        f"{fast_size(basis.size, basis.size % 2)} would be faster"
        for basis in bases
        if isinstance(basis, (d3.RealFourier, d3.ComplexFourier))
        and basis.size >= 128
        and (prime := _largest_prime(basis.size)) > 13
    ]


def _largest_prime(size):
    largest, prime = 1, 2
    while prime * prime <= size:
        while size % prime == 0:
            largest, size = prime, size // prime
        prime += 1
    return max(largest, size)


def fast_size(minimum, odd=False):
    """Return the smallest even (or odd) number >= `minimum` with no prime factor above 5."""
    size = minimum + (minimum + bool(odd)) % 2
    while _largest_prime(size) > 5:
        size += 2
    return size
