"""Tables of the entries of matrices for every wavenumber, as compiled loops read them."""

import numpy as np


class ModeTables:
    """Real tables of matrix entries over blocks of modes (row x, mode c0 + j).

    A part (real or imaginary) that is zero at all modes of this rank has no table. Members with
    equal entries share their tables.

    Parameters
    ----------
    space : Space
    layout : Layout

    Attributes
    ----------
    tables : dict
        ``{name: array (rows, modes)}``.
    """

    #: Largest value of a part without a table, relative to the entry, that counts as rounding.
    ROUNDING = 1e-13

    def __init__(self, space, layout):
        self.space, self.layout, self.tables, self._entries = space, layout, {}, {}

    def add(self, matrix, entries, *others):
        """Declare a matrix ``{(row, column): number or array}``.

        Parts that are zero in it and in `others`, the same matrix for other timesteps, have no
        table.
        """
        for i, j in dict.fromkeys(key for each in (entries, *others) for key in each):
            values = [self._shaped(each.get((i, j), 0)) for each in (entries, *others)]
            parts = [
                part
                for part in "ri"
                if any(self._is_large(_part(v, part), np.abs(v).max(initial=0)) for v in values)
            ]
            varies = self.layout.has_members and any(np.any(v != v[:1]) for v in values)
            rows = 1 if self.layout.has_members and not varies else self.layout.all_rows
            for part in parts:
                self.tables[self._name(matrix, i, j, part)] = np.zeros((rows, self.layout.modes))
            self._entries.setdefault(matrix, {})[i, j] = parts
        self.fill(matrix, entries)

    def fill(self, matrix, entries):
        """Set the values of a matrix."""
        for (i, j), parts in self._entries.get(matrix, {}).items():
            values = self._shaped(entries.get((i, j), 0))
            for part in parts:
                table = self.tables[self._name(matrix, i, j, part)]
                table[...] = _part(values, part)[: len(table)]

    def has_rows(self, name):
        """Return whether a table has a row for every plane or member."""
        return len(self.tables[name]) == self.layout.all_rows

    def product(self, writer, matrix, vector, row):
        """Return the pair of a component of matrix times vector, a dictionary of pairs.

        (None, None) if it is zero.
        """
        total = (None, None)
        for (i, j), parts in self._entries.get(matrix, {}).items():
            if i == row and j in vector:
                entry = tuple(
                    writer.name(f"{self._name(matrix, i, j, part)}_[x, c0 + j]")
                    if part in parts
                    else None
                    for part in "ri"
                )
                total = writer.add(total, writer.multiply(entry, vector[j]))
        return total

    def columns(self, matrix, rows):
        """Return the columns of the entries of a matrix in some rows."""
        return {j for i, j in self._entries.get(matrix, {}) if i in rows}

    def _shaped(self, values):
        values = np.broadcast_to(values, self.space.spectral_shape)
        return values.reshape(self.layout.all_rows, self.layout.modes)

    def _is_large(self, part, largest):
        """Return whether a part needs a table."""
        return np.abs(part).max(initial=0) > self.ROUNDING * largest

    @staticmethod
    def _name(matrix, i, j, part):
        return f"{matrix}{i}q{j}{part}"


def _part(values, part):
    return values.real if part == "r" else values.imag
