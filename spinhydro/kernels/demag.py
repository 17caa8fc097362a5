"""Demagnetising field of a finite body in empty space: a tensor kernel on a padded grid."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from mpi4py import MPI

from spinhydro.errors import InputError, ParameterError, shown
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.newell import PAIRS, newell_tensor
from spinhydro.kernels.operator import rounded, space_axes


def demag_kernel(omega_M, body, thickness=None):
    r"""Demagnetising field of a magnet in empty space, exact for uniformly magnetised cells.

    .. math:: W m(\mathbf{r}) = \omega_M \sum_{\mathbf{r}'} N(\mathbf{r} - \mathbf{r}')\,
              m(\mathbf{r}')

    with Newell's cell-averaged tensor N. The box is periodic, and N is cut off where offsets are
    larger than those within the body: in a box of twice the body along every axis (zero padding)
    no periodic image contributes.

    Parameters
    ----------
    omega_M : float
        gamma mu_0 M_s.
    body : field
        1 in the magnet and 0 in the empty space around it, of any shape; m vanishes where it does.
    thickness : float or two of them
        Lengths of the one cell along the axes that the grid does not have: z in two dimensions, y
        and z in one. Spin axes x, y, z are those of space.

    Raises
    ------
    ParameterError
        For a body that is larger than half of the box or has other values than 0 and 1, a missing
        thickness, numbers that are not finite, a grid that drops modes.
    """
    if not _is_number(omega_M):
        raise ParameterError(
            f"the kernel demag takes omega_M = gamma mu_0 M_s, one finite number, not "
            f"{shown(omega_M)}"
        )
    bases, cells = _grid(body)
    counts = [basis.size for basis in bases]
    missing = 3 - len(bases)
    given = () if thickness is None else tuple(np.ravel(thickness).tolist())
    if len(given) != missing or not all(_is_number(d) and d > 0 for d in given):
        raise ParameterError(
            f"the kernel demag in {len(bases)} dimensions takes "
            + ("no thickness" if not missing else
               "thickness > 0" if missing == 1 else "thickness=(d_y, d_z), both > 0")
            + f", not {shown(thickness)}"
        )  # fmt: skip
    extents = _extents(body)
    for basis, extent in zip(bases, extents, strict=True):
        if 2 * extent - 1 > basis.size:
            raise ParameterError(
                f"the body takes {extent} of {basis.size} cells along {basis.coord.name}: the "
                f"kernel demag needs a box of at least {2 * extent - 1} cells there, so that no "
                "periodic image acts on the body"
            )
    shape = (*extents, *(1,) * missing)
    tensor = omega_M * newell_tensor(shape, (*cells, *given))
    sums = [_Sums(n, h) for n, h in zip(extents, cells, strict=True)]

    def omega(*k):
        rows = [[None] * 3 for _ in range(3)]
        for (i, j), values in zip(PAIRS, tensor, strict=True):
            rows[i][j] = rows[j][i] = _transformed(values, sums, k, odd=(i, j) if i != j else ())
        return rows

    def check(operator):
        found = [operator.domain.full_bases[axis] for axis in space_axes(operator.dist)]
        if [None if b is None else (b.size, b.bounds) for b in found] != [
            (size, basis.bounds) for size, basis in zip(counts, bases, strict=True)
        ]:
            raise InputError("the kernel demag acts on fields with the bases of its body")

    return Kernel(omega, "demag", check, arguments=len(bases))


def _is_number(value):
    is_real = np.ndim(value) == 0 and isinstance(np.asarray(value).item(), (int, float))
    return is_real and bool(np.isfinite(float(value)))


class _Sums:
    """Sums over the offsets -n+1 … n-1 of one axis, as matrices (wavenumbers, offsets >= 0)."""

    def __init__(self, count, cell):
        self.offsets = np.arange(count) * cell

    def matrix(self, k, odd):
        """2 cos(k d), 1 for d = 0, or -2i sin(k d) as its imaginary part."""
        phase = np.outer(k, self.offsets)
        if odd:
            return -2 * np.sin(phase)
        found = 2 * np.cos(phase)
        found[:, 0] = 1
        return found


def _transformed(values, sums, k, odd):
    """The Fourier sum of values at offsets >= 0, even along all axes but the two `odd` ones."""
    if any(axis >= len(k) for axis in odd):
        # Odd along an axis that has one cell.
        return 0.0
    places = []
    values = values.reshape([s.offsets.size for s in sums])
    for axis, (wavenumbers, along) in enumerate(zip(k, sums, strict=True)):
        distinct, place = np.unique(wavenumbers, return_inverse=True)
        places.append(place.reshape(np.shape(wavenumbers)))
        values = np.tensordot(values, along.matrix(distinct, axis in odd), axes=(0, 1))
    # Two odd axes: i squared.
    return (-1 if odd else 1) * values[tuple(places)]


def _grid(body):
    """Bases of a field over space and the distances of their points."""
    if not hasattr(body, "domain") or body.tensorsig:
        raise ParameterError("the kernel demag takes body=field, 1 in the magnet and 0 elsewhere")
    bases = [body.domain.full_bases[axis] for axis in space_axes(body.dist)]
    if not all(isinstance(basis, (RealFourier, ComplexFourier)) for basis in bases):
        raise ParameterError("the kernel demag takes a body over Fourier bases along every axis")
    for basis in bases:
        if basis.dealias[0] != 1:
            raise ParameterError(
                f"the kernel demag needs grid points that are cells: dealias = 1 along "
                f"{basis.coord.name}, not {rounded(basis.dealias[0])}"
            )
    return bases, [(b.bounds[1] - b.bounds[0]) / b.size for b in bases]


def _extents(body):
    """Numbers of cells between the first and the last that is not empty, along every axis."""
    body.change_scales(1)
    filled = np.abs(body["g"]) > 0.5
    # Transforms leave rounding errors; NaN compares as false.
    is_wrong = not np.all(np.abs(body["g"] - filled) < 1e-9)
    if body.dist.comm.allreduce(is_wrong, op=MPI.LOR):
        raise ParameterError(
            "the body of the kernel demag has other values than 1 in the magnet and 0 elsewhere"
        )
    extents = []
    for axis in space_axes(body.dist):
        others = tuple(a for a in range(filled.ndim) if a != axis)
        elements = body.dist.grid_layout.local_elements(body.domain, scales=1)[axis]
        found = elements[filled.any(axis=others)] if filled.size else elements[:0]
        found = np.concatenate(body.dist.comm.allgather(found))
        if not found.size:
            raise ParameterError("the body of the kernel demag is empty: it is 0 everywhere")
        extents.append(int(found.max() - found.min()) + 1)
    return extents
