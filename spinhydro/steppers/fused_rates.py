"""The linearised right-hand side of a fused stepper, acting on vectors of reals."""

from functools import reduce

import numpy as np

from spinhydro.dedalus_support.blocks import NoSmallBlocks
from spinhydro.errors import Unsupported
from spinhydro.steppers.state_vectors import (
    COMPLETION,
    LARGE,
    as_reals,
    difference_step,
    kept_modes,
    norm,
    real_rows,
    total,
    units,
    wave_on_grid,
    widest_domain,
)

#: Values of a state up to which the linear terms of every mode are diagonalised, if need be.
MOST_EXACT = 50_000


class FusedRates:
    """Rates of the fused engine, which treats L as its stepper does.

    Where M is not the identity it is completed by a small part of L, as by `StockRates`.
    """

    evaluations = 1

    def __init__(self, solver, explicit_linear):
        self.stepper, self._inverse = solver.timestepper, None
        if self.stepper.coupled:
            self._inverse, self._advanced = self.stepper.completed_inverse(COMPLETION)
        self.linearised = self.stepper.linearised()

    @property
    def nbytes(self):
        return self.linearised.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        self.linearised.differentiate(vector, lambda state: difference_step(norm(state, comm)))
        self._constrain(vector)
        self._truncate(vector)

    def evaluate(self):
        """Compute the rates, after `matrices_at_points`."""
        self.linearised.evaluate()

    def matrices_at_points(self, comm):
        """Return the number of points, and an iterator over J at blocks of these.

        J is an array (rows, columns, points) of real numbers. None if the rates at a point depend
        on the state elsewhere.
        """
        if self._inverse is not None:
            return None

        def root_mean_square(arrays):
            sizes = [(np.vdot(values, values).real, values.size) for values in arrays]
            square, number = total(np.sum(sizes, axis=0), comm)
            return np.sqrt(square / number)

        try:
            return self.linearised.matrices_at_points(root_mean_square)
        except Unsupported:
            return None

    def state(self):
        """Return the present state."""
        return self.linearised.state()

    @property
    def domain(self):
        """Return the domain of the variables that are waves in space."""
        return widest_domain(self.stepper.solver.state)

    @property
    def components(self):
        """Return the number of components of the variables on `domain`."""
        return len(self.linearised.rows_on(self.domain))

    def waves(self, mode, is_sine):
        """Yield waves, as `StockRates.waves`."""
        domain = self.domain
        field = domain.dist.Field(bases=domain.bases, dtype=self.stepper.solver.dtype)
        field["g"] = wave_on_grid(domain, mode, is_sine)
        for wave in self.linearised.states_of(field, self.linearised.rows_on(domain)):
            for unit in units(field.data):
                yield self._truncate(as_reals(unit * wave))

    def on_grid(self, vector):
        """Return a state on the grid, an array (components on `domain`, points)."""
        rows = self.linearised.rows_on(self.domain)
        return real_rows(self.linearised.on_grid(vector, rows))

    def apply_linear(self, vector):
        """vector = A vector, A = -M^-1 L."""
        stepper = self.stepper
        values = vector.view(stepper.state.dtype).reshape(stepper.state.shape)
        rates = np.zeros_like(values)
        for row in range(len(values)):
            for column, symbol in stepper.linear_row(row):
                rates[row] -= symbol * values[column]
        values[...] = rates
        self._constrain(vector)
        self._truncate(vector)

    def noise(self, random):
        """Return a random state of modes that are advanced, which keeps the constraints."""
        return self._truncate(self._constrain(self.linearised.noise(random), from_state=True))

    def _constrain(self, vector, from_state=False):
        """Turn forces, or M times a state, into rates that keep the constraints, in place."""
        if self._inverse is not None:
            spectra = vector.view(complex).reshape(self.stepper.state.shape)
            forces = spectra.copy()
            if from_state:
                self.stepper.times_mass(spectra, forces)
            self._inverse.apply(forces, spectra)
            spectra[~self._advanced] = 0
        return vector

    def _truncate(self, vector):
        kept, state = kept_modes(self.stepper), self.stepper.state
        if kept is not None:
            spectra = vector.view(state.dtype).reshape(state.shape)
            spectra *= kept
        return vector

    def linear_part(self):
        """Return the linear part; NoSmallBlocks with constraints, where modes are not its own."""
        if self._inverse is not None:
            raise NoSmallBlocks("M is not the identity")
        if self.nbytes > LARGE:
            # The rates of a large state are no longer differentiated.
            self.linearised.free_scratch()
        return _FusedLinear(self.stepper)

    def put_back(self):
        self.linearised.release()


class _FusedLinear:
    """A = -L as symbols of the fused engine: {(row, column): array of modes}."""

    def __init__(self, stepper):
        self.stepper, self.shape = stepper, stepper.state.shape
        self._exact = self._exact_frequencies()
        # Upper bounds of the frequencies of each mode.
        self._bounds = reduce(np.maximum, map(self._frequencies, range(self.shape[0]))).ravel()
        self.largest = float(self._bounds.max(initial=0))

    def _exact_frequencies(self):
        """Return the frequency of every mode if its block is far from normal, and small; else None.

        The circles of dt(a) - b = 0, dt(b) - c^2 lap(a) = 0 reach c^2 k^2, its frequencies c k.
        """
        rows, points = self.shape[0], int(np.prod(self.shape[1:]))
        if rows == 1 or rows * points > MOST_EXACT:
            return None
        blocks = self._blocks(np.arange(points))
        sizes = np.abs(blocks)
        if np.abs(sizes - sizes.swapaxes(-1, -2)).max(initial=0) <= 1e-9 * sizes.max(initial=0):
            return None
        values = np.linalg.eigvals(blocks)
        return np.abs(values.imag).max(axis=-1).reshape(self.shape[1:])

    def _blocks(self, places):
        """Return A = -L of some modes, as an array (modes, rows, rows)."""
        rows = self.shape[0]
        blocks = np.zeros((places.size, rows, rows), complex)
        for row in range(rows):
            for column, symbol in self.stepper.linear_row(row):
                every = np.broadcast_to(symbol, self.shape[1:])
                blocks[:, row, column] = -every.ravel()[places]
        return blocks

    def _frequencies(self, row):
        """An upper bound of the frequency of every mode of a component (Gershgorin's circles)."""
        found = np.zeros(self.shape[1:])
        if self._exact is not None:
            found += self._exact
        else:
            for column, symbol in self.stepper.linear_row(row):
                found += np.abs(np.imag(symbol) if column == row else symbol)
        for mask in (self.stepper.right_side.space.mask, kept_modes(self.stepper)):
            if mask is not None:
                found = found * (mask != 0)
        return found

    def modes(self, number):
        """Return some of the eigenvalues, those of the blocks of some wavenumbers."""
        return np.linalg.eigvals(self.some_blocks(number)).ravel()

    def some_blocks(self, number):
        """Return A of some wavenumbers, from the slowest to the fastest: (modes, rows, rows)."""
        places = self._some_places()
        bounds = self._bounds[places]
        order = np.argsort(bounds)
        wanted = np.geomspace(1e-4, 1, number) * self.largest
        chosen = np.minimum(np.searchsorted(bounds[order], wanted), bounds.size - 1)
        return self._blocks(places[order[np.unique(chosen)]] if bounds.size else places)

    def at_a_point(self, comm):
        """Return A of a wave at a single point, the mean over all modes, as a matrix of reals.

        As for `spectrum_of_points`: of the real and the imaginary part of each complex component.
        """
        space, number = self.stepper.right_side.space, self.shape[0]
        sums = np.zeros((number, number), complex)
        for row in range(number):
            for column, symbol in self.stepper.linear_row(row):
                sums[row, column] -= np.sum(np.broadcast_to(symbol, self.shape[1:]))
        mean = total(sums, comm) / total(int(np.prod(self.shape[1:])), comm)
        if space.is_real:
            return mean.real
        return np.kron(mean.real, np.eye(2)) + np.kron(mean.imag, [[0, -1], [1, 0]])

    def _some_places(self):
        """Return the places of some modes: of many, the slowest, the fastest and a part of all."""
        size = self._bounds.size
        if size <= MOST_EXACT:
            return np.arange(size)
        part = MOST_EXACT // 2
        # Modes that the bases lack have none.
        slowest = np.argpartition(np.where(self._bounds, self._bounds, np.inf), part)[:part]
        others = np.arange(0, size, size // part)
        return np.unique(np.concatenate([slowest, others, [np.argmax(self._bounds)]]))

    def keep_fastest(self, vector, threshold):
        """Set the modes of a vector that are slower than a frequency to zero."""
        for row, values in enumerate(self._spectra(vector)):
            values[self._frequencies(row) < threshold] = 0

    def add_rates(self, vector, change):
        """change += A vector."""
        values, out = self._spectra(vector), self._spectra(change)
        for row in range(self.shape[0]):
            for column, symbol in self.stepper.linear_row(row):
                out[row] -= symbol * values[column]

    def _spectra(self, vector):
        return vector.view(complex).reshape(self.shape)
