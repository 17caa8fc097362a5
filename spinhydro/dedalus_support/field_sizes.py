"""Checks of the size of fields, before they are allocated."""

import math
import os
import resource
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import numpy as np
from dedalus.core.distributor import Distributor
from mpi4py import MPI

from spinhydro.errors import InputError, ParameterError

#: Arrays of the size of its fields that the leanest run holds: fields with their spectra on the
#: dealiased grid, the state of the engine, and its scratch arrays.
LEAST_ARRAYS = 5
#: Number of points below which fields are not examined.
WORTH_CHECKING = 1 << 24
#: Largest ratio of the numbers of grid points and of modes: for products of 31 fields.
MOST_DEALIASED = 16
_CGROUPS, _OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_is_ignored = False


@contextmanager
def any_capacity(is_wanted=True):
    """Allocate fields of any size for a while, as ``--force`` asks."""
    global _is_ignored
    before, _is_ignored = _is_ignored, is_wanted or _is_ignored
    try:
        yield
    finally:
        _is_ignored = before


def check_capacity(what, points, components, dtype, comm):
    """Raise ParameterError for a field, or a state, that needs more memory than there is.

    Parameters
    ----------
    what : str
        Name, for the message.
    points : sequence of int
        Along each axis, on all ranks.
    components : int
    dtype : type
    comm : MPI communicator
    """
    number = math.prod(points)
    if _is_ignored or number < WORTH_CHECKING:
        return
    local = comm.Split_type(MPI.COMM_TYPE_SHARED)
    share, here = local.size / comm.size, local.size
    local.Free()
    needed = LEAST_ARRAYS * number * components * np.dtype(dtype).itemsize * share
    there = memory_of_machine(here)
    if needed <= there:
        return
    fewer = int(number * there / needed)
    shape = " x ".join(map(str, points))
    raise ParameterError(
        f"{what} on {shape} points needs at least {_bytes(needed)} of memory in a run, and this "
        f"machine has {_bytes(there)}: take at most {fewer:.2g} points in all, or ranks on "
        f"{math.ceil(needed / there / share)} such machines; --force tries all the same"
    )


def check_dealias(dealias):
    """Raise InputError for an impossible ratio of the numbers of grid points and of modes."""
    for factor in dealias if isinstance(dealias, (tuple, list)) else (dealias,):
        is_number = isinstance(factor, (int, float, np.number))
        if not (is_number and 0 < factor <= MOST_DEALIASED):
            raise InputError(
                f"dealias = {factor}: it must be a number above 0, at most {MOST_DEALIASED}: 1, or "
                "3/2 for products of two fields, 2 for products of three"
            )


def check_sizes_of_fields():
    """Make Dedalus check fields before it allocates them: their memory, and the dealiased grid.

    Those of a script or problem file, which distributors make; not those of its expressions.
    """
    for kind, before_bases in (("Field", 0), ("ScalarField", 0), ("VectorField", 1)):
        setattr(Distributor, kind, _checked(getattr(Distributor, kind), before_bases))


def _checked(usual, before_bases):
    @wraps(usual)
    def make(self, *arguments, **options):
        given = (*arguments[before_bases:], None)[0] or options.get("bases") or ()
        bases = [b for b in (given if isinstance(given, (tuple, list)) else (given,)) if b]
        for basis in bases:
            check_dealias(basis.dealias)
        points = [number for basis in bases for number in basis.shape]
        components = arguments[0].dim if before_bases and arguments else 1
        check_capacity(
            options.get("name") or "a field",
            points,
            components,
            options.get("dtype") or self.dtype or float,
            self.comm,
        )
        return usual(self, *arguments, **options)

    return make


def memory_of_machine(processes=1):
    """Return the bytes that some processes on this machine may use; infinite if unknown."""
    limits = [_physical_memory(), *_limits_of_cgroups()]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(soft * processes)
    return min(limits)


def _physical_memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return math.inf


def _limits_of_cgroups():
    """Yield the limits of the group of this process, as a batch system sets them, and above."""
    try:
        own = _OWN_CGROUP.read_text(encoding="ascii").rpartition("0::/")[2].strip()
    except (OSError, ValueError):
        return
    for group in (_CGROUPS / own, *(_CGROUPS / own).parents):
        if not group.is_relative_to(_CGROUPS):
            return
        try:
            yield int((group / "memory.max").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue


def _bytes(number):
    """Return a number of bytes as text."""
    power = min(int(math.log10(max(number, 1)) // 3), 6)
    return f"{number / 1000**power:.3g} {['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'][power]}"
