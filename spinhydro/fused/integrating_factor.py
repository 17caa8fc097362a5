"""Integrating-factor Runge-Kutta on the fused right-hand side."""

import numpy as np

from spinhydro.fused import native
from spinhydro.fused.exponential import Exponential
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
    stock = IFRK4

    def _build(self):
        super()._build()
        self._moved = np.zeros_like(self.state)

    def _make_native(self):
        return native.NativeStep(self.right_side, self.exponential)

    def _make_right_side(self):
        super()._make_right_side()
        self.exponential = Exponential(self.right_side)

    def _move(self, values, timestep):
        """values = E values, in place."""
        self.exponential.set(timestep)
        self.exponential.apply(values, self._moved)
        np.copyto(values, self._moved)

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
        solver, stock = self.solver, self._reference
        # Each rank knows the linear terms of its own modes.
        timestep = 1 / (1 + self.right_side.space.largest(self.exponential.largest()))
        solver.evaluator.require_coeff_space(solver.state)
        for sp in stock.subproblems:
            sp.gather_inputs(solver.state, out=stock.stage.get_subdata(sp))
        self._shown = None
        self._read_fields()
        self._move(self.state, timestep)
        stock._move(stock.stage, timestep)
        stock._scatter(stock.stage)
        difference = relative_difference(
            self._on_grid(self.state), self._field_values(), solver.dist.comm
        )
        return max(worst, difference)
