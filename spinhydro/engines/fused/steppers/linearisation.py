"""Directional derivatives of a fused right-hand side, for estimates of stability."""

import numpy as np

from spinhydro.dedalus_support.memory import advise_free, parts
from spinhydro.engines.fused.steppers.local_linearisation import LocalLinearisation


class Linearisation:
    """Linearised right-hand side at the state of the fields, acting on real vectors.

    Parameters
    ----------
    stepper : FusedRK4
        Its state is scratch until `release`.
    """

    def __init__(self, stepper):
        self.stepper = stepper
        self._rate_before = None
        stepper.free_scratch()

    @property
    def nbytes(self):
        """Return the size of a state in bytes."""
        return self.stepper.state.nbytes

    def differentiate(self, vector, choose_step):
        """vector = derivative of the rates along it.

        By one-sided differences: the rates at the fields' state are computed once.

        Parameters
        ----------
        vector : array
        choose_step : callable(vector)
            Return the step along it, from the state.
        """
        stepper = self.stepper
        time = stepper.solver.sim_time
        if self._rate_before is None:
            self._read()
            self.evaluate()
            self._rate_before = as_reals(stepper.rate).copy()
        state, rate = as_reals(stepper.state), as_reals(stepper.rate)
        # One-sided differences are of first order and need a shorter step than central ones.
        step = choose_step(state) / 100
        for a, b in parts(state, vector):
            a += step * b
        stepper.evaluate_rate(time)
        for a, b, c, d in parts(state, vector, rate, self._rate_before):
            a -= step * b
            np.subtract(c, d, out=b)
            b *= 1 / step

    def _read(self):
        self.stepper.read_again()
        self.stepper.read_fields()

    def evaluate(self):
        """Compute the rates at the state that was read last."""
        self.stepper.evaluate_rate(self.stepper.solver.sim_time)

    def matrices_at_points(self, root_mean_square):
        """Return the number of points, and an iterator over J at blocks of these.

        See `LocalLinearisation.matrices`.

        Parameters
        ----------
        root_mean_square : callable(list of arrays)
            Of values over all ranks.

        Raises
        ------
        Unsupported
            If the right-hand side at a point does not depend on the state at that point only.
        """
        self._read()
        stepper = self.stepper
        local = LocalLinearisation(stepper.right_side)
        rows = [
            component.reshape(-1)
            for variable, _ in stepper.fields.rows()
            for component in stepper.fields.values(variable)
        ]
        time = stepper.solver.sim_time
        return local.points, local.matrices(rows, time, root_mean_square(rows))

    def state(self):
        """Return the state of the fields."""
        self._read()
        return as_reals(self.stepper.state).copy()

    def rows_on(self, domain):
        """Return the rows of the state that belong to variables on a domain."""
        rows = self.stepper.fields.rows()
        return [
            row for v, mine in rows if v.domain is domain for row in range(mine.start, mine.stop)
        ]

    def states_of(self, field, rows):
        """Yield states, as vectors, that hold a scalar field in one row each, and else zero."""
        stepper, exchange = self.stepper, self.stepper.fields.exchange
        (values,) = stepper.fields.values(field)
        if not stepper.right_side.on_grid:
            np.copyto(exchange.grid[0], values)
            exchange.forward()
            values = exchange.spectra[0].copy()
        for row in rows:
            found = np.zeros_like(stepper.state)
            found[row] = values
            yield found.reshape(-1)

    def on_grid(self, vector, rows):
        """Return some rows of a state on the grid, an array (rows, points)."""
        stepper = self.stepper
        values = vector.view(stepper.state.dtype).reshape(stepper.state.shape)
        return np.stack([stepper.fields.row_on_grid(values, row).flatten() for row in rows])

    def noise(self, random):
        """Return a random state: noise on the grid, truncated to the modes of the bases."""
        stepper, exchange = self.stepper, self.stepper.fields.exchange
        found, grid = np.empty_like(stepper.state), exchange.grid
        for row in range(len(found)):
            _fill_with_noise(grid, random)
            if stepper.right_side.on_grid:
                found[row] = grid[0]
                continue
            exchange.forward()
            found[row] = exchange.spectra[0]
        stepper.free_scratch()
        return as_reals(found)

    def free_scratch(self):
        """Free the rates at the fields' state, and the scratch arrays of a step."""
        self._rate_before = None
        self.stepper.free_scratch()

    def release(self):
        """Make the stepper read its state from the fields again."""
        self.stepper.read_again()
        self.free_scratch()
        advise_free(self.stepper.state)


def as_reals(values):
    """Return a view of an array as a vector of real numbers."""
    return values.reshape(-1).view(values.real.dtype)


def _fill_with_noise(grid, random):
    for (part,) in parts(grid):
        part[...] = random.standard_normal(part.shape)
        if np.iscomplexobj(part):
            part += 1j * random.standard_normal(part.shape)
