"""Partition of a domain's values for compiled loops: slabs, columns, blocks."""

import numpy as np

#: Grid points that are treated together in slabs, and modes of one block of columns: with a few
#: components of either, what a loop touches stays in the first two levels of the cache.
SLAB_POINTS, BLOCK_MODES = 2048, 1024
#: Least columns of a block: neighbouring modes of a row are 256 bytes. With less the time is spent
#: waiting for memory, row by row.
LEAST_COLUMNS = 16


class Layout:
    """Sizes of slabs on the grid and of columns in k-space, on this rank.

    Members are computed one at a time: all sizes are those of one member, except all_planes and
    all_rows.

    Parameters
    ----------
    space : Space

    Attributes
    ----------
    planes, rows : int
        Along the first axis, on the grid and in k-space; 1 in one dimension.
    all_planes, all_rows : int
        The same in arrays that hold all members.
    inner, inner_spectral : tuple
        Shape of a plane, and of what its transforms give.
    points, plane_modes, modes : int
        Points of a plane, what its transforms give, and the modes of a row of this rank.
    group, slab, padded : int
        Planes of a slab, its points, and these in whole cache lines.
    width : int
        Columns of a block.
    held_row, held_mode : array
        1 where the bases hold a mode, 0 elsewhere: their product is the mask of the domain.
    held_rows : int
        Number of rows at either end, of lowest wavenumbers, outside of which no mode is held; all
        rows if these overlap.
    held_last : int
        Modes along the last axis up to the last one that is held: others are not transformed.
    """

    def __init__(self, space):
        self.space = space
        flat = len(space.shape) == 1
        self.has_members = space.axes[0] > 0
        self.planes, self.rows = (1, 1) if flat else (space.shape[0], space.spectral_shape[0])
        self.all_planes, self.all_rows = self.planes, self.rows
        if self.has_members:
            self.planes = self.rows = 1
        first = 0 if flat else 1
        self.inner, self.inner_spectral = space.shape[first:], space.slab_spectral_shape[first:]
        self.points, self.plane_modes, self.modes = (
            int(np.prod(s)) for s in (self.inner, self.inner_spectral, space.spectral_shape[first:])
        )
        largest = max(1, SLAB_POINTS // self.points)
        self.group = max(g for g in range(1, largest + 1) if self.planes % g == 0)
        self.slab = self.group * self.points
        # So that rows of real numbers begin on aligned addresses.
        self.padded = -(-self.slab // 8) * 8
        self.width = min(self.modes, max(LEAST_COLUMNS, BLOCK_MODES // self.rows))
        self.held_row, self.held_mode = np.ones(self.all_rows), np.ones(self.modes)
        if space.mask is not None:
            mask = space.mask.reshape(self.all_rows, self.modes)
            self.held_row, self.held_mode = (mask.any(axis).astype(float) for axis in (1, 0))
        self.held_rows = self._ends(self.held_row[: self.rows])
        self.held_last = self.inner_spectral[-1]
        if space.is_real and not (space.slabs and len(self.inner) == 1):
            last = self.held_mode.reshape(-1, self.held_last).max(axis=0)
            held = np.flatnonzero(last)
            self.held_last = space.largest(int(held[-1]) + 1 if held.size else 0)

    @staticmethod
    def _ends(held):
        """Return the least n so that only the first n and the last n rows are held."""
        number = len(held)
        gap = np.flatnonzero(held == 0)
        if not gap.size or np.any(np.diff(gap) > 1):
            return number
        ends = max(gap[0], number - 1 - gap[-1])
        return int(ends) if 0 < 2 * ends < number else number

    def first_mode(self):
        """The first of the columns of this rank."""
        slabs = self.space.slabs
        if not slabs:
            return 0
        return slabs.span(self.inner_spectral[0]).start * int(np.prod(self.inner_spectral[1:]))

    def first_plane(self):
        """The first of the planes of this rank."""
        slabs = self.space.slabs
        return slabs.span(self.space.whole[0]).start if slabs else 0
