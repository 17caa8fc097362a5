"""Halo: the neighbours of all points of a rank in the periodic box."""

import numpy as np


class Halo:
    """Arrays on the grid, shifted by whole numbers of points along the axes of space.

    Parameters
    ----------
    dist, domain : Dedalus Distributor and Domain
    axes : list of int
        The axes of space.
    reach : sequence of int
        The largest shift along each axis.
    """

    def __init__(self, dist, domain, axes, reach):
        layout = dist.grid_layout
        self.axes = axes
        shape = layout.global_shape(domain, 1)
        #: (axis, reach, Edges) of axes along which neighbours are on other ranks.
        self._split = [
            (axis, int(far), Edges(dist, domain, axis, int(far)))
            for axis, far in zip(axes, reach, strict=True)
            if not layout.local[axis] and shape[axis] > 1 and far
        ]

    def shifted(self, data, rank):
        """Return a function of an offset d whose values are data(r + d).

        Parameters
        ----------
        data : array (components…, members and space…)
        rank : int
            Number of axes of components.
        """
        padded, before = data, {}
        for axis, far, edges in self._split:
            padded = edges.around(padded, rank + axis)
            before[axis] = far

        def values(offset):
            found = padded
            for axis, n in zip(self.axes, offset, strict=True):
                if axis in before:
                    first = before[axis] + n
                    size = data.shape[rank + axis]
                    found = np.take(found, range(first, first + size), axis=rank + axis)
                elif n:
                    found = np.roll(found, -n, axis=rank + axis)
            return found

        return values


class Edges:
    """Halo exchange of planes between ranks that share an axis.

    Parameters
    ----------
    dist, domain : Dedalus Distributor and Domain
    axis : int
        An axis that is split over ranks.
    far : int
        Number of planes needed on either side.
    """

    def __init__(self, dist, domain, axis, far):
        layout, self.comm = dist.grid_layout, dist.comm_cart
        size = layout.global_shape(domain, 1)[axis]
        place = int(np.flatnonzero(np.flatnonzero(~layout.local) == axis)[0])
        coords = [list(self.comm.Get_coords(rank)) for rank in range(self.comm.size)]
        others = [c[:place] + c[place + 1 :] for c in coords]
        me = self.comm.rank
        #: Planes of every rank that holds a part of the same line of points.
        held = {
            rank: layout.local_elements(domain, 1, rank=rank)[axis]
            for rank in range(self.comm.size)
            if others[rank] == others[me]
        }
        owner = {int(n): rank for rank, planes in held.items() for n in planes}
        needed = {rank: _sides(planes, far, size) for rank, planes in held.items()}
        #: For every rank, the planes of this rank that it needs.
        self._give = [
            [n - held[me][0] for side in needed.get(rank, ()) for n in side if owner[n] == me]
            for rank in range(self.comm.size)
        ]
        self._take = [[owner[n] for n in side] for side in needed[me]]

    def around(self, data, axis):
        """Return the data of this rank between those of its neighbours."""
        parts = [np.ascontiguousarray(np.take(data, rows, axis=axis)) for rows in self._give]
        found = [iter(np.moveaxis(part, axis, 0)) for part in self.comm.alltoall(parts)]
        sides = [[next(found[rank]) for rank in span] for span in self._take]
        before, after = ([np.stack(side, axis=axis)] if side else [] for side in sides)
        return np.concatenate([*before, data, *after], axis=axis)


def _sides(planes, far, size):
    """Numbers of the planes before and after those of a rank, round the box."""
    if not planes.size:
        return [], []
    first, stop = int(planes[0]), int(planes[-1]) + 1
    return ([n % size for n in range(first - far, first)],
            [n % size for n in range(stop, stop + far)])  # fmt: skip
