"""Halo planes: planes of the grid beyond the edges of a rank, in a periodic box."""

import numpy as np
from mpi4py import MPI


class PlaneExchange:
    """Exchange of halo planes where the first axis of space is split over ranks.

    Parameters
    ----------
    space : Space
        With slabs.
    margin : int
        How many planes are needed before and after those of this rank.
    """

    def __init__(self, space, margin):
        slabs, size = space.slabs, space.whole[0]
        self.comm, self.margin = slabs.comm, margin
        spans = [slabs.span_of(size, rank) for rank in range(self.comm.size)]
        owner = np.concatenate(
            [np.full(span.stop - span.start, rank) for rank, span in enumerate(spans)]
        )
        self._first = spans[self.comm.rank].start
        #: Global numbers of the planes that each rank needs, in the order of its edges.
        needed = [
            [n % size for n in (*range(s.start - margin, s.start), *range(s.stop, s.stop + margin))]
            for s in spans
        ]
        me = self.comm.rank
        self._give = [[n - self._first for n in wanted if owner[n] == me] for wanted in needed]
        self._take = [
            [i for i, n in enumerate(needed[me]) if owner[n] == rank]
            for rank in range(self.comm.size)
        ]

    def __call__(self, values, edges):
        """Fill edges (n, 2 margin, …) from what all ranks hold as values (n, planes, …)."""
        requests, received = [], []
        for rank, (give, take) in enumerate(zip(self._give, self._take, strict=True)):
            if rank == self.comm.rank:
                edges[:, take] = values[:, give]
                continue
            if take:
                buffer = np.empty((len(edges), len(take), *edges.shape[2:]), edges.dtype)
                received.append((take, buffer))
                requests.append(self.comm.Irecv(buffer, rank))
            if give:
                requests.append(self.comm.Isend(np.ascontiguousarray(values[:, give]), rank))
        MPI.Request.Waitall(requests)
        for take, buffer in received:
            edges[:, take] = buffer
