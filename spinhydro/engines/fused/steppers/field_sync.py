"""Synchronisation of a fused stepper's state with the fields of its solver."""

from functools import partial

import numpy as np

from spinhydro.dedalus_support.components import by_component, count
from spinhydro.dedalus_support.memory import free_temporaries
from spinhydro.engines.fused.program.coefficients import Coefficients


class FieldSynchroniser:
    """Copy the state between a stepper's own array and the fields of a solver.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    right_side : RightSide
        Determines the form of the state: spectra, or values on the grid.
    on_request : bool
        Whether the fields are updated on request only, and not after every step. Changes that a
        script makes to them between steps are then not noticed.

    Attributes
    ----------
    snapshot : list or None
        Contents of the fields when they were last read or written; empty with `on_request`; None
        if the state is to be read from the fields.
    in_sync : bool
        Whether the fields hold the present state.
    exchange : plan of transforms of one component
    reads_coefficients : bool
        Whether `read` may take the coefficients of the fields as they are. Otherwise it transforms
        values on the grid, which differ from them by rounding.
    """

    reads_coefficients = False

    def __init__(self, solver, right_side, on_request=False):
        self.solver, self.right_side, self.on_request = solver, right_side, on_request
        self.exchange = right_side.space.plan(1)
        self._coefficients = None
        space, variables = right_side.space, right_side.variables
        if not right_side.on_grid and Coefficients.is_possible(space, variables):
            self._coefficients = Coefficients(space)
        self.forget()

    def forget(self):
        """Read the state from the fields at the next step."""
        self.snapshot, self.in_sync = None, False

    def write(self, state):
        """Bring the fields up to date.

        After every step in coefficient space, as Dedalus leaves them, if that needs no transform.
        """
        if self._coefficients and not self.on_request:
            self._write_coefficients(state)
        else:
            self._write_grid(state)
        self.right_side.update_noise_fields()
        self.in_sync = True
        self._take_snapshot()
        if self.on_request:
            self.exchange.free_scratch()

    def _write_coefficients(self, state):
        for variable, rows in self.rows():
            variable.preset_layout(self.solver.dist.coeff_layout)
            target = by_component(variable, variable.data)
            for row, component in zip(range(rows.start, rows.stop), target, strict=True):
                self._coefficients.write(state[row], variable, component)

    def _write_grid(self, state):
        space = self.right_side.space
        for variable, rows in self.rows():
            variable.preset_scales(space.scales)
            # Every value is overwritten: no transform of the present ones.
            variable.preset_layout(self.solver.dist.grid_layout)
            target = by_component(variable, variable.data)
            for row, component in zip(range(rows.start, rows.stop), target, strict=True):
                found = space.to_fields(self.row_on_grid(state, row))[0]
                np.copyto(component, space.part_of(variable.domain, found))

    def read(self, state):
        """Copy the fields into a state, if a script has changed them since the last step.

        Return whether they have been copied.
        """
        if self.snapshot is not None and not self._has_changed():
            return False
        if not self.reads_coefficients:
            for variable in self.solver.state:
                variable.change_scales(self.right_side.space.scales)
                variable.require_grid_space()
        if self.on_request:
            free_temporaries()
        for row, values in self._rows_of_fields():
            np.copyto(state[row], values)
        if self.on_request:
            self.exchange.free_scratch()
        self.in_sync = True
        self._take_snapshot()
        return True

    def components(self, state):
        """Yield every variable, and an iterator over the grid values of its components.

        Values are valid until the next.
        """
        known = not self.in_sync and self.snapshot is not None
        for variable, rows in self.rows():
            if known:
                yield variable, map(partial(self.row_on_grid, state), range(rows.start, rows.stop))
                continue
            is_there = variable.layout is variable.dist.grid_layout
            values = (variable if is_there else variable.copy())["g"]
            yield variable, by_component(variable, values)
        if known and self.on_request:
            self.exchange.free_scratch()

    def rows(self):
        """Every variable, and its rows among the components of the state."""
        row = 0
        for variable in self.solver.state:
            yield variable, slice(row, row + count(variable))
            row += count(variable)

    def values(self, field):
        """Return the grid values of a field, component by component."""
        return self.right_side.space.profile(field)

    def row_on_grid(self, values, row):
        """Return grid values (1, …) of a component of a state or rate, valid until the next."""
        if self.right_side.on_grid:
            return values[row : row + 1]
        np.copyto(self.exchange.spectra[0], values[row])
        self.exchange.backward()
        return self.exchange.grid

    def _rows_of_fields(self):
        """(row, values) of every component of the fields, in the form of the state."""
        for variable, rows in self.rows():
            if self.right_side.on_grid:
                components = self.values(variable)
            elif self.reads_coefficients:
                components = self.spectra(variable)
            else:
                components = self._transformed(variable)
            yield from zip(range(rows.start, rows.stop), components, strict=True)

    def has_coefficients(self, field):
        """Return whether the coefficients of a field can be exchanged with spectra."""
        return bool(self._coefficients) and self._coefficients.holds(field)

    def spectra(self, field):
        """Yield the spectrum of each component of a field, valid until the next."""
        if not self.has_coefficients(field):
            yield from self._transformed(field)
            return
        field.require_coeff_space()
        for component in by_component(field, field.data):
            self._coefficients.read(component, field, self.exchange.spectra[0])
            yield self.exchange.spectra[0]

    def add_spectrum(self, spectrum, variable, component):
        """Add a spectrum to one component of the coefficients of a variable."""
        target = by_component(variable, variable.data)[component]
        added = np.empty_like(target)
        self._coefficients.write(spectrum, variable, added)
        target += added

    def _transformed(self, field):
        """Yield spectra of values on the grid, which Dedalus computes from coefficients."""
        for values in self.values(field):
            np.copyto(self.exchange.grid[0], values)
            self.exchange.forward()
            yield self.exchange.spectra[0]

    def _take_snapshot(self):
        if self.on_request:
            self.snapshot = []
        else:
            self.snapshot = [(v.layout, v.data.copy()) for v in self.solver.state]

    def _has_changed(self):
        same = all(
            variable.layout is layout
            and variable.data.shape == kept.shape
            and np.array_equal(variable.data, kept)
            for variable, (layout, kept) in zip(self.solver.state, self.snapshot, strict=True)
        )
        # All ranks must agree: what follows is collective.
        return self.right_side.space.anywhere(not same)
