"""Integrating-factor Runge-Kutta on the fused right-hand side."""

import numpy as np
from scipy.linalg import expm

from spinhydro.fused.graph import Unsupported
from spinhydro.fused.stepper import FusedRK4, relative_difference
from spinhydro.steppers.ifrk4 import IFRK4


class FusedIFRK4(FusedRK4):
    r"""The scheme of ``spinhydro.IFRK4`` with the right-hand side compiled from its strings.

    The exponential :math:`E = e^{-L h/2}` is a small matrix for every wavenumber.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    linear_apart = True

    def _build(self):
        super()._build()
        self._half_steps = {}
        self._moved, self._matrix = np.zeros_like(self.state), self._linear_matrix()

    def _linear_matrix(self):
        """L as (components, components, *spectral shape)."""
        right_side = self.right_side
        number, shape = right_side.lowering.components, right_side.space.spectral_shape
        matrix = np.zeros((number, number, *shape), complex)
        for i, spectrum in enumerate(right_side.linear):
            for base, symbol in spectrum.terms.items():
                if base[0] != "state":
                    raise Unsupported("linear terms that are products with fields")
                matrix[i, base[1]] = right_side.space.symbol(symbol)
        return matrix

    def _move(self, values, timestep):
        """values = E values, in place."""
        if timestep not in self._half_steps:
            # A run needs two: the timestep, and a shorter one that ends at the stop time.
            while len(self._half_steps) > 1:
                self._half_steps.pop(next(iter(self._half_steps)))
            last = np.moveaxis(self._matrix, (0, 1), (-2, -1))
            exponential = expm(-timestep / 2 * last)
            self._half_steps[timestep] = np.ascontiguousarray(
                np.moveaxis(exponential, (-2, -1), (0, 1))
            )
        exponential, moved = self._half_steps[timestep], self._moved
        number = values.shape[0]
        for i in range(number):
            np.multiply(exponential[i, 0], values[0], out=moved[i])
            for j in range(1, number):
                moved[i] += exponential[i, j] * values[j]
        np.copyto(values, moved)

    def _advance(self, time, timestep):
        right_side, half = self.right_side, timestep / 2
        start, stage, rate, total = self.state, self._stage, self._rate, self._total
        right_side(start, time, rate)
        self._move(start, timestep)
        self._move(rate, timestep)
        np.multiply(rate, timestep / 6, out=total)
        total += start
        for _ in range(2):
            np.multiply(rate, half, out=stage)
            stage += start
            right_side(stage, time + half, rate)
            total += (timestep / 3) * rate
        self._move(total, timestep)
        np.multiply(rate, timestep, out=stage)
        stage += start
        self._move(stage, timestep)
        right_side(stage, time + timestep, rate)
        rate *= timestep / 6
        total += rate

    def _difference(self):
        """Also compares a half step of the linear terms with that of IFRK4."""
        worst = super()._difference()
        solver, timestep = self.solver, 1 / (1 + np.abs(self._matrix).max())
        stock = IFRK4(solver)
        solver.evaluator.require_coeff_space(solver.state)
        for sp in stock.subproblems:
            sp.gather_inputs(solver.state, out=stock.stage.get_subdata(sp))
        self._shown = None
        self._read_fields()
        self._move(self.state, timestep)
        stock._move(stock.stage, timestep)
        stock._scatter(stock.stage)
        return max(worst, relative_difference(self._on_grid(self.state), self._field_values()))
