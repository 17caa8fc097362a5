"""A domain of two or three dimensions over ranks: slabs on the grid, columns in k-space.

On the grid a rank holds some planes of the first axis, in k-space all of the first axis and a part
of the second. One MPI exchange between the two, of all components at once, is the only
communication; ranks of one machine use shared memory instead. Dedalus splits the second axis of
its grids; `from_fields` and `to_fields` of a Space convert, before a run and at outputs.
"""

import shutil

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.memory import ALIGNMENT, aligned
from spinhydro.engines.fused.read.graph import Unsupported

#: File system of shared memory.
SHARED_MEMORY = "/dev/shm"


def _free_shared_memory():
    """Free bytes of shared memory; None if there is none."""
    try:
        return shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return None


class Slabs:
    """Partition of the first two axes over the ranks, and the exchange between both splittings.

    Parameters
    ----------
    comm : MPI communicator
    """

    def __init__(self, comm):
        self.comm = comm
        near = comm.Split_type(MPI.COMM_TYPE_SHARED, key=comm.rank)
        sizes = comm.allgather(near.size)
        near.Free()
        #: Whether all ranks are on one machine.
        self.share_memory = min(sizes) == comm.size

    def shared(self, shape, dtype):
        """Array shared by all ranks of one machine, and its MPI window.

        Raises Unsupported on all ranks if the machine has no such memory left.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize + ALIGNMENT
        self._check_room(size)
        try:
            mine = size if self.comm.rank == 0 else 0
            window = MPI.Win.Allocate_shared(mine, 1, comm=self.comm)
        except MPI.Exception as error:
            raise Unsupported("space over ranks without memory that they share") from error
        memory = np.frombuffer(window.Shared_query(0)[0], np.uint8)
        # The offset is the same on all ranks: they map whole pages.
        array = aligned(memory, shape, dtype)
        # Pages are placed near the rank that writes to them first.
        planes = self.span(shape[1])
        array[:, planes] = 0
        self.comm.Barrier()
        return array, window

    def _check_room(self, size):
        """Raise Unsupported on all ranks if the file system of shared memory is too full.

        MPI finds out when it writes there, and is then ended by the system.
        """
        free = _free_shared_memory() if self.comm.rank == 0 else None
        free = self.comm.bcast(free)
        if free is not None and free < size:
            raise Unsupported(
                f"space over ranks: {SHARED_MEMORY} has {free / 1e6:.0f} MB free and "
                f"{size / 1e6:.0f} MB are needed for spectra that all ranks see; make it larger, "
                "or take a smaller grid or one rank"
            )

    def barrier(self):
        """Wait for all ranks; afterwards their writes are visible to each other."""
        self.comm.Barrier()

    def leaves_ranks_empty(self, *sizes):
        """Return whether a rank would hold nothing of an axis of one of these sizes."""
        return any(span.start == span.stop for n in sizes for span in self._spans(n))

    def size_of(self, size):
        """Return the length of the part of an axis of `size` on this rank."""
        mine = self.span(size)
        return mine.stop - mine.start

    def span(self, size):
        """Slice of an axis of `size` that is split over the ranks in blocks, as in Dedalus."""
        return self.span_of(size, self.comm.rank)

    def span_of(self, size, rank):
        """The slice of a rank."""
        return self._spans(size)[rank]

    def _spans(self, size):
        block = -(-size // self.comm.size)
        edges = [min(size, block * rank) for rank in range(self.comm.size + 1)]
        return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]

    def first_whole(self, values, size, out):
        """Redistribute (n, planes of this rank, N1, …) to (n, `size` planes, part of N1, …)."""
        mine, theirs = self._spans(size), self._spans(values.shape[2])
        pieces = [np.ascontiguousarray(values[:, :, span]) for span in theirs]
        for span, piece in zip(mine, self._exchange(pieces, out, 1, mine), strict=True):
            out[:, span] = piece

    def second_whole(self, values, size, out):
        """Redistribute (n, N0, part of this rank, …) to (n, planes of this rank, `size`, …)."""
        mine, theirs = self._spans(size), self._spans(values.shape[1])
        pieces = [np.ascontiguousarray(values[:, span]) for span in theirs]
        for span, piece in zip(mine, self._exchange(pieces, out, 2, mine), strict=True):
            out[:, :, span] = piece

    def _exchange(self, pieces, out, axis, spans):
        """Exchange pieces between all ranks; each becomes a part of `out` along an axis."""
        shapes = [
            (*out.shape[:axis], span.stop - span.start, *out.shape[axis + 1 :]) for span in spans
        ]
        received = [np.empty(shape, out.dtype) for shape in shapes]
        rank = self.comm.rank
        received[rank] = pieces[rank]
        requests = []
        for other in range(self.comm.size):
            if other != rank:
                requests.append(self.comm.Irecv(received[other], other))
                requests.append(self.comm.Isend(pieces[other], other))
        MPI.Request.Waitall(requests)
        return received
