"""Values of what has no basis: constant fields, the time, and tables in it."""

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.engines.fused.read.lower import constant_values
from spinhydro.language.drives import TimeTable


class Constants:
    """Values of the constant fields of a lowering, component by component.

    Parameters
    ----------
    lowering : Lowering
    dtype : np.float64 or np.complex128

    Attributes
    ----------
    values : array
        At least one number, so that compiled code has something to point at.
    """

    def __init__(self, lowering, dtype):
        self.lowering = lowering
        self.values = np.zeros(max(sum(map(count, lowering.constants)), 1), dtype)

    @property
    def are_frozen_as_before(self):
        """Return whether the constants that were frozen as numbers still have these values."""
        frozen = self.lowering.frozen.items()
        return all(constant_values(field)[i] == value for (field, i), value in frozen)

    def read(self):
        """Read the constant fields except those that vary with the time."""
        i = 0
        for field in self.lowering.constants:
            size = count(field)
            if not self.lowering.varies(field):
                self.values[i : i + size] = constant_values(field)
            i += size

    def at(self, time):
        """Return the values at a time."""
        i = 0
        for field in self.lowering.constants:
            if self.lowering.varies(field):
                self.values[i] = field.at(time) if isinstance(field, TimeTable) else time
            i += count(field)
        return self.values
