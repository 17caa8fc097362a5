"""The linear terms of a fused right-hand side: a small matrix for every wavenumber."""

import numpy as np

from spinhydro.engines.fused.program.left_side import LeftSide
from spinhydro.engines.fused.read.graph import Unsupported
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.checker import largest_of_ranks
from spinhydro.engines.fused.steppers.rk4 import FusedRK4


class ModeMatrix:
    """Matrix (components, components) for every wavenumber; stores nonzero entries only.

    Parameters
    ----------
    entries : dict
        ``{(row, column): number or array of modes}``.
    number : int
        Of components.
    shape : tuple
        Of spectra.
    """

    def __init__(self, entries, number, shape):
        self.rows = [
            [(j, values) for (row, j), values in entries.items() if row == i] for i in range(number)
        ]
        self._product = np.empty(shape, complex)

    @classmethod
    def of(cls, matrix):
        """Return the ModeMatrix of an array (components, components, *spectral shape)."""
        number = len(matrix)
        entries = {
            (i, j): np.ascontiguousarray(matrix[i, j])
            for i, j in np.ndindex(number, number)
            if matrix[i, j].any()
        }
        return cls(entries, number, matrix.shape[2:])

    def apply(self, values, out):
        """out = matrix values, for spectra (components, *spectral shape)."""
        for i, row in enumerate(self.rows):
            if not row:
                out[i] = 0
            for number, (j, entry) in enumerate(row):
                if number:
                    out[i] += np.multiply(entry, values[j], out=self._product)
                else:
                    np.multiply(entry, values[j], out=out[i])


def linear_matrix(right_side):
    """Return L of ``dt(X) + L.X = F`` as (components, components, *spectral shape).

    Raises Unsupported for terms that are products with fields.
    """
    number, shape = right_side.lowering.components, right_side.space.spectral_shape
    matrix = np.zeros((number, number, *shape), complex)
    for i, spectrum in enumerate(right_side.linear):
        for base, symbol in spectrum.terms.items():
            if base[0] != "state":
                raise Unsupported(
                    "linear terms that are products with fields: move them to the right side"
                )
            matrix[i, base[1]] = right_side.space.symbol(symbol)
    return matrix


def of_modes(function, matrix):
    """Apply a function of matrices (…, n, n), such as np.linalg.inv, to (n, n, *spectral shape)."""
    last = np.moveaxis(matrix, (0, 1), (-2, -1))
    return np.moveaxis(function(last), (-2, -1), (0, 1))


class FusedLinear(FusedRK4):
    """Base of fused steppers that treat the linear terms separately.

    Attributes
    ----------
    left : LeftSide, or None if there are no such terms
    """

    _compiled_rates = None

    def __init__(self, solver, projections=(), compiled=True):
        has_linear = any(hasattr(eq["L"], "tensorsig") for eq in solver.problem.equations)
        self.linear_apart = self.coupled or has_linear
        super().__init__(solver, projections, compiled)

    def _make_right_side(self):
        super()._make_right_side()
        self.left = LeftSide(self.right_side) if self.linear_apart else None
        self._prepared = {}

    def _allocate(self, compiled):
        if compiled and self.linear_apart and compiled_step.is_possible(self.right_side):
            # The whole step is compiled, not only the rates.
            super()._allocate(True)
            return
        super()._allocate(False)
        self._release_rates()
        if compiled:
            self._compile()

    def _compile(self):
        """Compile the loops that compute rates, if the domain allows it."""
        self._release_rates()
        if compiled_step.is_possible(self.right_side):
            self._compiled_rates = compiled_step.make(self.right_side, has_stages=False)
            self._stage = self._compiled_rates.state
        else:
            self._check_reachable()

    def _release_rates(self):
        if self._compiled_rates:
            self._compiled_rates.release()
        self._compiled_rates = None

    @property
    def _is_compiled(self):
        return self.native is not None or self._compiled_rates is not None

    def read_fields(self):
        super().read_fields()
        if self._compiled_rates and not self._compiled_rates.is_current():
            self._compile()

    def _rate_at(self, values, time, out):
        """Write the right-hand side at a state into `out`; fastest for the array self._stage."""
        compiled = self._compiled_rates
        if not compiled:
            self.right_side(values, time, out)
            return
        if values is not compiled.state:
            np.copyto(compiled.state, values)
        compiled.evaluate(time)
        np.copyto(out, compiled.rate)

    def _project(self, time):
        compiled = self._compiled_rates
        if not compiled or not self.right_side.projection:
            super()._project(time)
            return
        np.copyto(compiled.state, self.state)
        compiled.project(time)
        np.copyto(self.state, compiled.state)

    def evaluate_rate(self, time):
        if self.native:
            super().evaluate_rate(time)
            return
        self._rate_at(self.state, time, self.rate)

    def linear_row(self, row):
        """Return (column, array of modes) of the entries of L in a row."""
        if self.left:
            yield from ((j, values) for (i, j), values in self.left.linear.items() if i == row)

    def prepared(self, timestep):
        """Return the prepared linear terms for a timestep, cached.

        A run needs two timesteps: the usual one, and a shorter last one.
        """
        if timestep not in self._prepared:
            while len(self._prepared) > 1:
                self._prepared.pop(next(iter(self._prepared)))
            self._prepared[timestep] = self._prepare(timestep)
        return self._prepared[timestep]

    def differences(self, checker, noise):
        """Also compare one step of the linear terms with Dedalus's own matrices.

        The state has noise on it, so that every mode of the bases is tested.
        """
        yield from super().differences(checker, noise)
        if noise and self.left:
            largest = max((np.abs(v).max() for v in self.left.linear.values()), default=0.0)
            # Each rank holds the linear terms of its modes.
            largest = self.right_side.space.largest(largest)
            with checker.disturbed(noise):
                yield self._linear_difference(checker, 1 / (1 + largest))

    def free_scratch(self, keep_rate=False):
        super().free_scratch(keep_rate)
        if self._compiled_rates:
            self._compiled_rates.free_scratch()

    def _put(self, values):
        """Copy a state into the fields of the solver, in coefficient space."""
        np.copyto(self.state, values)
        self.fields.in_sync = False
        self.synchronise()
        self.solver.evaluator.require_coeff_space(self.solver.state)


def largest_difference(pairs, comm):
    """Return the largest |ours - theirs| of pairs of arrays over the largest value of all ranks.

    A rank that holds short waves only has nothing but rounding errors.
    """
    sizes = np.array(
        [
            max((np.abs(theirs).max(initial=0) for _, theirs in pairs), default=0),
            max((np.abs(ours - theirs).max(initial=0) for ours, theirs in pairs), default=0),
        ]
    )
    scale, difference = largest_of_ranks(sizes, comm)
    return float(difference / (scale or 1.0)) if np.isfinite(scale) else 0.0
