"""Integrating-factor Runge-Kutta on the fused right-hand side."""

import numpy as np

from spinhydro.dedalus_support.memory import advise_free
from spinhydro.engines.fused.program.exponential import Exponential
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.steppers.checker import compare, relative
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
        """Also check a small step of L X, and the exponentials of some modes against others."""
        yield from super().differences(checker, noise)
        if noise:
            # The linear terms depend on neither the time nor the state.
            yield self._linear_difference(checker, noise)
            yield self.exponential.error_at_some_modes()

    def _linear_difference(self, checker, noise):
        exponential, space, exchange = self.exponential, self.right_side.space, self.fields.exchange
        # Each rank holds the linear terms of its modes.
        timestep = 1 / (1 + space.largest(exponential.largest()))
        sizes = []
        with checker.disturbed(noise):
            steps = [
                self._stock_step(checker, variable, stated.linear, timestep)
                for variable, stated in zip(self.solver.state, self.right_side.stated, strict=True)
            ]
            checker.take_fields()
            for (_, rows), theirs in zip(self.fields.rows(), steps, strict=True):
                for row, values in zip(range(rows.start, rows.stop), theirs, strict=True):
                    np.copyto(exchange.spectra[0], self.state[row])
                    exponential.add_linear(self.state, row, timestep, exchange.spectra[0])
                    exchange.backward()
                    sizes.append(compare(exchange.grid[0], values))
        self.free_scratch()
        advise_free(self.state)
        return relative(np.max(sizes, axis=0), self.solver.dist.comm)

    def _stock_step(self, checker, variable, linear, timestep):
        """Return grid values of X + timestep L X, as Dedalus evaluates L."""
        start = checker.held(variable).data.copy()
        if hasattr(linear, "tensorsig"):
            # L may be the variable itself.
            start += timestep * checker.held(linear.evaluate()).data
        space = self.right_side.space
        return space.from_fields(start)
