"""The classical Runge-Kutta scheme in the frame that moves with the linear terms."""

import numpy as np

from spinhydro.dedalus_support.blocks import (
    BlockMatrix,
    NoSmallBlocks,
    exponentials,
    rate_blocks,
)
from spinhydro.errors import InputError
from spinhydro.steppers.rk4 import RK4


class IFRK4(RK4):
    r"""Integrating-factor Runge-Kutta scheme of order 4 for ``M.dt(X) + L.X = F(X, t)``.

    .. math::
        Y = e^{-A t} X, \quad A = -M^{-1} L, \quad
        \partial_t Y = e^{-A t} M^{-1} F(e^{A t} Y, t)

    advanced by the classical scheme (Lawson, SIAM J. Numer. Anal. 4, 372 (1967)). The linear terms
    on the left side of the equations are so treated exactly: the timestep is limited by the right
    side alone. With L = 0 it is the classical scheme.

    For equations that oscillate, as Gross-Pitaevskii equations, keep |lambda(A)| timestep below pi
    for the highest mode: beyond, modes whose phases differ by 2 pi in one step resonate and noise
    grows slowly.

    M must be invertible, and L may couple at most 64 coefficients: Fourier bases, with any
    number of fields coupled at each wavenumber.

    Used as ``problem.build_solver(spinhydro.IFRK4)`` or ``timestepper = "IFRK4"``.

    Raises
    ------
    InputError
        If M or L is not of that kind.
    """

    #: A run needs two: of the timestep, and of a shorter one that ends at the stop time.
    kept_exponentials = 2

    def _read_matrices(self):
        super()._read_matrices()
        # Treated exactly: the rate is M^-1 F.
        self.linear = dict.fromkeys(self.subproblems)
        try:
            self.linear_rates = {sp: rate_blocks(sp) for sp in self.subproblems}
        except NoSmallBlocks as error:
            raise InputError(
                f"{type(self).__name__}: {error}; take timestepper = 'RK443'"
            ) from None
        self.half_steps = {}

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        half = timestep / 2
        # Below, E moves by half a step: E = exp(A timestep/2).
        self._compute_rate()
        self._move(self.start, timestep)
        self._move(self.rate, timestep)
        moved = self.start.data
        np.multiply(self.rate.data, timestep / 6, out=self.total.data)
        self.total.data += moved
        self._evaluate(moved + half * self.rate.data, time + half)
        self.total.data += (timestep / 3) * self.rate.data
        self._evaluate(moved + half * self.rate.data, time + half)
        self.total.data += (timestep / 3) * self.rate.data
        self._move(self.total, timestep)
        np.add(moved, timestep * self.rate.data, out=self.stage.data)
        self._move(self.stage, timestep)
        self._evaluate(self.stage.data, time + timestep)
        self.total.data += (timestep / 6) * self.rate.data
        self._scatter(self.total)

    def _move(self, system, timestep):
        """system = E.system."""
        if timestep not in self.half_steps:
            while len(self.half_steps) >= self.kept_exponentials:
                self.half_steps.pop(next(iter(self.half_steps)))
            self.half_steps[timestep] = {
                sp: BlockMatrix(
                    [(exponentials(timestep / 2 * rates), where, where) for rates, where in blocks],
                    sp.shape[0],
                )
                for sp, blocks in self.linear_rates.items()
            }
        for sp, exponential in self.half_steps[timestep].items():
            data = system.get_subdata(sp)
            data[:] = exponential.apply(data)
