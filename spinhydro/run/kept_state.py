"""Copies of a solver's state, to which it returns after a trial."""

import numpy as np


class KeptState:
    """A copy of the fields of a state, each on the grid or in coefficient space, and of the time.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    others : list of fields
        Copied too.
    """

    def __init__(self, solver, others=()):
        self._solver, self._time = solver, solver.sim_time
        fields = [*solver.state, *others]
        self._fields = [(f, f.layout, f.scales, f.data.copy()) for f in fields]

    def restore(self):
        """Give the solver the copied values."""
        for field, layout, scales, data in self._fields:
            field.preset_scales(scales)
            field.preset_layout(layout)
            np.copyto(field.data, data)
        self._solver.sim_time = self._time
