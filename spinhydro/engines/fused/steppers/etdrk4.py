"""Exponential time differencing on the fused right-hand side."""

import numpy as np

from spinhydro.dedalus_support.private import CoeffSystem
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.linear import (
    FusedLinear,
    ModeMatrix,
    largest_difference,
    linear_matrix,
)
from spinhydro.steppers.etdrk4 import ETDRK4, WEIGHTS, etd_weights

#: Timesteps whose weights are kept, and the largest size of these in bytes.
MOST_KEPT, LARGEST_KEPT = 8, 1 << 25


class EtdWeights:
    """The matrices of the scheme for every wavenumber.

    Parameters
    ----------
    matrix : array (components, components, *spectral shape)
        L of ``dt(X) + L.X = F``.
    """

    names = WEIGHTS

    def __init__(self, matrix):
        self.matrix, self._last = matrix, (None, None)
        # The latest timesteps, unless they are large: adaptive runs return to a few of them.
        self._kept = {}
        self._number = min(MOST_KEPT, LARGEST_KEPT // max(1, len(WEIGHTS) * matrix.nbytes))

    def weights(self, timestep):
        """Return ``{name: array}`` of the shape of L, for a timestep."""
        found = self._kept.pop(timestep, None) or self._computed(timestep)
        if self._number:
            self._kept[timestep] = found
            while len(self._kept) > self._number:
                self._kept.pop(next(iter(self._kept)))
        self._last = timestep, found["w4"]
        return found

    def last_weight(self, timestep):
        """Return the weight of the last rate."""
        if timestep != self._last[0]:
            self.weights(timestep)
        return self._last[1]

    def _computed(self, timestep):
        rates = -np.moveaxis(self.matrix, (0, 1), (-2, -1))
        found = etd_weights(rates, timestep)
        return {name: np.moveaxis(matrix, (-2, -1), (0, 1)) for name, matrix in found.items()}


class FusedETDRK4(FusedLinear):
    """The scheme of ``spinhydro.ETDRK4`` with the right-hand side compiled from its strings.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    def _make_native(self):
        matrix = linear_matrix(self.right_side)
        return compiled_step.make(self.right_side, EtdWeights(matrix))

    def _build(self):
        super()._build()
        number = self.right_side.lowering.components
        self.linear = np.zeros((number, number, *(1 for _ in self.state.shape[1:])))
        if self.linear_apart:
            self.linear = linear_matrix(self.right_side)
        if not self.native:
            self._kept = [np.zeros_like(self.state) for _ in range(5)]
            self._product = np.zeros_like(self.state)

    def _prepare(self, timestep):
        weights = EtdWeights(self.linear).weights(timestep)
        return {name: ModeMatrix.of(matrix) for name, matrix in weights.items()}

    def _add(self, target, matrix, source):
        """Add matrix times source to `target`."""
        matrix.apply(source, self._product)
        target += self._product

    def _advance(self, time, timestep):
        weights, half = self.prepared(timestep), timestep / 2
        first, second, third, fourth, halfway = self._kept
        stage, whole = self._stage, self._total
        self._rate_at(self.state, time, first)
        weights["half"].apply(self.state, halfway)
        weights["whole"].apply(self.state, whole)
        np.copyto(stage, halfway)
        self._add(stage, weights["a1"], first)
        self._rate_at(stage, time + half, second)
        np.copyto(stage, halfway)
        self._add(stage, weights["b1"], first)
        self._add(stage, weights["b2"], second)
        self._rate_at(stage, time + half, third)
        np.copyto(stage, whole)
        self._add(stage, weights["c1"], first)
        self._add(stage, weights["c3"], third)
        self._rate_at(stage, time + timestep, fourth)
        second += third
        self._add(whole, weights["w1"], first)
        self._add(whole, weights["w2"], second)
        self._add(whole, weights["w4"], fourth)

    def _linear_difference(self, checker, timestep):
        """Return the difference to ETDRK4 of every matrix of the scheme, applied to the state."""
        solver, stock, worst = self.solver, ETDRK4(self.solver), 0.0
        solver.evaluator.require_coeff_space(solver.state)
        before = CoeffSystem(solver.subproblems, dtype=solver.dtype)
        for sp in stock.subproblems:
            sp.gather_inputs(solver.state, out=before.get_subdata(sp))
        self.read_again()
        self.read_fields()
        start, moved = self.state.copy(), np.empty_like(self.state)
        ours, theirs = self.prepared(timestep), stock._weights(timestep)
        for name in WEIGHTS:
            ours[name].apply(start, moved)
            self._put(moved)
            pairs = [
                (sp.gather_inputs(solver.state), theirs[name][sp].apply(before.get_subdata(sp)))
                for sp in stock.subproblems
            ]
            worst = max(worst, largest_difference(pairs, solver.dist.comm))
        return worst
