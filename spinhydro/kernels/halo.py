"""The neighbours of all points of a rank, round the periodic box."""

import numpy as np


class Halo:
    """Arrays on the grid, shifted by whole numbers of points along the axes of space.

    Parameters
    ----------
    dist, domain : Dedalus Distributor and Domain
    axes : list of int
        The axes of space.
    reach : sequence of int
        Of each, the largest shift.
    """

    def __init__(self, dist, domain, axes, reach):
        layout = dist.grid_layout
        self.axes = axes
        shape = layout.global_shape(domain, 1)
        #: (axis, how far it is reached, its Edges), where neighbours live on other ranks.
        self._split = [
            (axis, int(far), Edges(dist, domain, axis, int(far)))
            for axis, far in zip(axes, reach, strict=True)
            if not layout.local[axis] and shape[axis] > 1 and far
        ]

    def shifted(self, data, rank):
        """A function of an offset d that gives the array of data(r + d).

        Parameters
        ----------
        data : array (components…, members and space…)
        rank : int
            How many axes of components there are.
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
    """The exchange of planes between ranks that share an axis.

    Parameters
    ----------
    dist, domain : Dedalus Distributor and Domain
    axis : int
        One that is split over ranks.
    far : int
        How many planes are needed on either side.
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
        #: For every rank, the planes of mine that it needs.
        self._give = [
            [n - held[me][0] for side in needed.get(rank, ()) for n in side if owner[n] == me]
            for rank in range(self.comm.size)
        ]
        self._take = [[owner[n] for n in side] for side in needed[me]]

    def around(self, data, axis):
        """The data of this rank with those of its neighbours before and after."""
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
