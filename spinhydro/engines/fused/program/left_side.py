"""M and L of ``M.dt(X) + L.X = F`` for every wavenumber, and inverses of a M + b L."""

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.engines.fused.read.graph import Unsupported


class LeftSide:
    """M and L of a right-hand side with separate linear terms.

    Equations and unknowns that do not exist at some wavenumbers, such as a gauge condition and its
    tau variable, which have k = 0 only, are left out of the matrices there.

    Parameters
    ----------
    right_side : RightSide

    Attributes
    ----------
    mass, linear : dict
        ``{(row, column): number or array of modes}`` of the entries that are not zero.

    Raises
    ------
    Unsupported
        For terms that are products with fields, or if there are more equations than unknowns at
        some wavenumber, or fewer.
    """

    def __init__(self, right_side):
        self.space, self.components = right_side.space, right_side.lowering.components
        self.linear = self._entries(right_side.linear)
        self.is_coupled = right_side.mass is not None
        if not self.is_coupled:
            self.mass = {(i, i): 1 for i in range(self.components)}
            self._rows = self._columns = [right_side.space.mask] * self.components
        else:
            self.mass = self._entries(right_side.mass)
            self._find_modes(right_side)
        self._groups = self._couplings()

    def _entries(self, spectra):
        """Return the entries of rows that are linear combinations of the state."""
        found = {}
        for i, spectrum in enumerate(spectra):
            for base, symbol in spectrum.terms.items():
                if base[0] != "state":
                    raise Unsupported(
                        "linear terms that are products with fields: move them to the right side"
                    )
                values = self.space.symbol(symbol)
                if np.any(values):
                    found[i, base[1]] = values
        return found

    def _find_modes(self, right_side):
        """Find the modes at which each equation and each unknown exists."""
        space, problem = self.space, right_side.solver.problem
        self._rows, self._columns = ([None] * self.components for _ in range(2))
        for stated in right_side.stated:
            held = space.modes_of(problem.equations[stated.place]["domain"])
            self._rows[stated.rows] = [held] * (stated.rows.stop - stated.rows.start)
        for variable, first in right_side.lowering.first_component.items():
            held = space.modes_of(variable.domain)
            for i in range(first, first + count(variable)):
                self._columns[i] = held
        self.mass, self.linear = (
            {
                (i, j): self._where(values, self._rows[i] & self._columns[j])
                for (i, j), values in entries.items()
            }
            for entries in (self.mass, self.linear)
        )

    @staticmethod
    def _where(values, held):
        return values if held.all() and np.ndim(values) == 0 else np.where(held, values, 0)

    def _couplings(self):
        """Return (rows, columns) of the blocks into which the matrices fall at every mode."""
        label = list(range(2 * self.components))
        for i, j in (*self.mass, *self.linear):
            one, other = label[i], label[self.components + j]
            label = [one if value == other else value for value in label]
        found = []
        for value in dict.fromkeys(label):
            members = [n for n, other in enumerate(label) if other == value]
            rows = [n for n in members if n < self.components]
            found.append((rows, [n - self.components for n in members if n >= self.components]))
        return found

    def keep_rows(self, values):
        """Set the modes of right sides (components, *spectral shape) to zero that do not exist."""
        for row, held in zip(values, self._rows, strict=True):
            row *= held

    def inverse(self, mass, linear):
        """Return the entries of (mass M + linear L)^-1, ``{(column, row): array of modes}``.

        Raises Unsupported if it is singular at some wavenumber.
        """
        found, solvable = {}, True
        for rows, columns in self._groups:
            entries = {
                (i, j): mass * self.mass.get((i, j), 0) + linear * self.linear.get((i, j), 0)
                for i in rows
                for j in columns
                if (i, j) in self.mass or (i, j) in self.linear
            }
            invert = self._invert_blocks
            if len(rows) == len(columns) == 1:
                invert = self._invert_numbers
            solvable &= invert(entries, rows, columns, found)
        # Ranks hold different wavenumbers.
        if self.space.anywhere(not solvable):
            raise Unsupported("equations that do not determine their unknowns at some wavenumber")
        return found

    def _invert_numbers(self, entries, rows, columns, found):
        """Add the inverse of a single entry to `found`; return whether it exists."""
        (i,), (j,) = rows, columns
        values, held = np.asarray(entries.get((i, j), 0)), self._rows[i]
        shape = self.space.spectral_shape
        held = np.ones(shape, bool) if held is None else held
        values = np.broadcast_to(values, shape)
        is_same = held is self._columns[j] or np.array_equal(held, self._columns[j])
        if self._rows[i] is not None and not is_same or not np.all(values[held]):
            return False
        kind = np.result_type(values.dtype, float)
        found[j, i] = np.divide(1, values, out=np.zeros(shape, kind), where=held)
        return True

    def _invert_blocks(self, entries, rows, columns, found):
        """Add the inverse of the blocks of a group to `found`; return whether it exists."""
        shape = self.space.spectral_shape
        held = [self._rows[i] for i in rows], [self._columns[j] for j in columns]
        inverse = np.zeros((len(columns), len(rows), *shape), complex)
        patterns = sum(
            (np.zeros(shape, np.int64) + (mask if mask is not None else 1)) << n
            for n, mask in enumerate((*held[0], *held[1]))
        )
        for pattern in np.unique(patterns):
            bits = [bool(pattern >> n & 1) for n in range(len(rows) + len(columns))]
            here = np.flatnonzero(bits[: len(rows)])
            there = np.flatnonzero(bits[len(rows) :])
            if len(here) != len(there):
                return False
            if not len(here):
                continue
            modes = np.nonzero(patterns == pattern)
            blocks = np.zeros((modes[0].size, len(here), len(here)), complex)
            for (i, j), values in entries.items():
                row, column = rows.index(i), columns.index(j)
                if bits[row] and bits[len(rows) + column]:
                    row, column = sum(bits[:row]), sum(bits[len(rows) : len(rows) + column])
                    blocks[:, row, column] = values[modes] if np.ndim(values) else values
            try:
                blocks = np.linalg.inv(blocks)
            except np.linalg.LinAlgError:
                return False
            for a, j in enumerate(there):
                for b, i in enumerate(here):
                    inverse[(j, i, *modes)] = blocks[:, a, b]
        for a, j in enumerate(columns):
            for b, i in enumerate(rows):
                values = inverse[a, b]
                if values.any():
                    found[j, i] = values if values.imag.any() else values.real.copy()
        return True
