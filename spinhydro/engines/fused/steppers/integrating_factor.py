"""Integrating-factor Runge-Kutta on the fused right-hand side."""

import numpy as np

from spinhydro.engines.fused.program.exponential import Exponential
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.checker import relative
from spinhydro.engines.fused.steppers.rk4 import FusedRK4


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

    def linear_row(self, row):
        """Return (column, array of modes) of the entries of L in a row."""
        space = self.right_side.space
        for (i, j), symbol in self.exponential.symbols.items():
            if i == row:
                yield j, space.evaluate(symbol)

    def _move(self, values, timestep):
        """values = E values, in place."""
        self.exponential.set(timestep)
        self.exponential.apply(values, self._moved)
        np.copyto(values, self._moved)

    def _advance(self, time, timestep):
        right_side, half = self.right_side, timestep / 2
        start, stage, rate, total = self.state, self._stage, self.rate, self._total
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

    def differences(self, checker, noise):
        """Also compare the exponentials of some modes with others."""
        yield from super().differences(checker, noise)
        if noise:
            # The linear terms depend on neither the time nor the state.
            yield self.exponential.error_at_some_modes()

    def differences_of_fields(self, checker):
        """Compare a small step of the linear terms, X + h L X, with Dedalus's L."""
        space = self.right_side.space
        # Each rank holds the linear terms of its modes.
        timestep = 1 / (1 + space.largest(self.exponential.largest()))
        sizes = [[space.norm(values), 0.0] for values in self.state]
        for (_, rows), stated in zip(self.fields.rows(), self.right_side.stated, strict=True):
            if not hasattr(stated.linear, "tensorsig"):
                continue
            theirs = self.fields.spectra(stated.linear.evaluate())
            for row, change in zip(range(rows.start, rows.stop), theirs, strict=True):
                change *= -timestep
                size = space.norm(change)
                self.exponential.add_linear(self.state, row, timestep, change)
                sizes.append([size, space.norm(change)])
        yield relative(np.max(sizes, axis=0), self.solver.dist.comm)
