"""Bodies with open boundaries: bases, grid and outline of a cuboid in empty space."""

from typing import NamedTuple

import numpy as np

from spinhydro.dedalus_support.nyquist import RealFourierNyquist
from spinhydro.errors import InputError
from spinhydro.physics.checks import check


class Cuboid(NamedTuple):
    """A cuboid in empty space, made by `cuboid`.

    Attributes
    ----------
    bases : list
        Along each axis, of twice the length and twice the cells of the cuboid.
    body : field
        1 in the cuboid and 0 in the empty space around it.
    grids : list of arrays
        Positions of the cells on this rank, from the middle of the cuboid; they broadcast.
    cells : tuple of float
        Lengths of a cell along each axis.
    """

    bases: list
    body: object
    grids: list
    cells: tuple


def cuboid(dist, lengths, counts):
    """A cuboid with open boundaries, in a periodic box of twice its size (zero padding).

    A field m over the bases with m = 0 outside has neighbours within the cuboid only, and no
    periodic image acts on it through the kernel ``"demag"``.

    Parameters
    ----------
    dist : Distributor
        In one, two or three dimensions.
    lengths : sequence of float
        Of the cuboid along each axis of `dist`, > 0.
    counts : sequence of int
        Numbers of cells along each axis, >= 1.

    Returns
    -------
    Cuboid

    Raises
    ------
    InputError (ParameterError)

    Examples
    --------
    >>> film = spinhydro.cuboid(dist, (500 * nm, 125 * nm), (128, 32))
    >>> m = dist.VectorField(spinhydro.spin, name="m", bases=film.bases)
    >>> W = spinhydro.kernel("exchange", stiffness=stiffness, cells=film.cells)
    >>> N = spinhydro.kernel("demag", omega_M=omega_M, body=film.body, thickness=thickness)
    """
    members = getattr(dist, "member_axis", None)
    coords = [c for axis, c in enumerate(dist.coords) if axis != members]
    lengths, counts = tuple(np.ravel(lengths).tolist()), tuple(np.ravel(counts).tolist())
    if not len(lengths) == len(counts) == len(coords):
        raise InputError(
            f"cuboid takes {len(coords)} lengths and {len(coords)} numbers of cells, one for each "
            f"axis, not {len(lengths)} and {len(counts)}"
        )
    for length, count in zip(lengths, counts, strict=True):
        check(0 < length < np.inf, "the lengths of a cuboid are positive", length=length)
        check(
            count >= 1 and count == int(count),
            "the numbers of cells of a cuboid are whole and at least 1", count=count,
        )  # fmt: skip
    bases = [
        RealFourierNyquist(coord, size=2 * int(count), bounds=(0, 2 * length))
        for coord, length, count in zip(coords, lengths, counts, strict=True)
    ]
    cells = tuple(length / count for length, count in zip(lengths, counts, strict=True))
    grids = [
        dist.local_grid(basis) - (length - cell) / 2
        for basis, length, cell in zip(bases, lengths, cells, strict=True)
    ]
    body = dist.Field(name="body", bases=bases)
    inside = [np.abs(grid) < length / 2 for grid, length in zip(grids, lengths, strict=True)]
    body["g"] = np.prod(np.broadcast_arrays(*inside), axis=0)
    return Cuboid(bases, body, grids, cells)
