"""Integrating-factor Runge-Kutta on the fused right-hand side."""

import numpy as np

from spinhydro.fused import compiled_step
from spinhydro.fused.exponential import Exponential
from spinhydro.fused.stepper import FusedRK4, relative_difference


class FusedIFRK4(FusedRK4):
    r"""The scheme of ``spinhydro.IFRK4`` with the right-hand side compiled from its strings.

    The exponential :math:`E = e^{-L h/2}` is a small matrix for every wavenumber.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    linear_apart = True

    def _allocate(self, compiled):
        super()._allocate(compiled)
        self._moved = None if self.native else np.zeros(self.state.shape, self.state.dtype)

    def _make_native(self):
        return compiled_step.make(self.right_side, self.exponential)

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
        """Also that of a small step of L X, and of exponentials at some modes with SciPy's."""
        start = [variable["c"].copy() for variable in self.solver.state]
        worst = super()._difference()
        for variable, coefficients in zip(self.solver.state, start, strict=True):
            variable["c"] = coefficients
        exponential, space = self.exponential, self.right_side.space
        # Each rank knows the linear terms of its own modes.
        timestep = 1 / (1 + space.largest(exponential.largest()))
        rates = []
        for variable, rows in self._rows():
            linear = self.right_side.equations[variable]["L"]
            if hasattr(linear, "tensorsig"):
                rates.append(self._held(linear.evaluate()))
            else:
                rates.append(np.zeros((rows.stop - rows.start, *space.shape)))
        theirs = np.concatenate([self._values(variable) for variable in self.solver.state])
        theirs += timestep * np.concatenate(rates)
        moved = self.state.copy()
        for row in range(len(moved)):
            moved[row] += timestep * exponential.linear(self.state, row)
        difference = relative_difference(self._on_grid(moved), theirs, self.solver.dist.comm)
        return max(worst, difference, exponential.error_at_some_modes())
