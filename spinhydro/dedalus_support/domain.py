"""Distributor and bases for the present ranks: objects of Dedalus, or subclasses."""

import logging
import math
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support import backend, parallel
from spinhydro.dedalus_support.ensemble.values import closed, is_script
from spinhydro.errors import InputError

import dedalus.public as d3  # isort: skip  (after backend)
from spinhydro.dedalus_support.ensemble.basis import EnsembleDistributor  # isort: skip
from spinhydro.dedalus_support.nyquist import RealFourierNyquist  # isort: skip

logger = logging.getLogger("spinhydro")

__all__ = ["RealFourierNyquist", "backend", "distributor", "local_part", "spin"]

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
    """Return the smallest even (or odd) number >= `minimum` that FFTW transforms fast.

    It has no prime factor above 5; or above 13 where that would take over 20 % more points, which
    cost more than they save: 273 rather than 375 for 255.
    """
    size = minimum + (minimum + bool(odd)) % 2
    candidates = range(size, size + size // 5 + 1, 2)
    for largest in (5, 13):
        for candidate in candidates:
            if _largest_prime(candidate) <= largest:
                return candidate
    while _largest_prime(size) > 5:
        size += 2
    return size
