"""The exponential time-differencing Runge-Kutta scheme of order 4."""

import numpy as np

from spinhydro.dedalus_support.blocks import BlockMatrix
from spinhydro.dedalus_support.private import CoeffSystem
from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.phi import doubled, phi_functions

#: Names of the matrices of the scheme.
WEIGHTS = ("half", "a1", "b1", "b2", "whole", "c1", "c3", "w1", "w2", "w4")


class ETDRK4(IFRK4):
    r"""Exponential Runge-Kutta scheme of order 4 for ``M.dt(X) + L.X = F(X, t)``.

    With :math:`A = -M^{-1} L`, :math:`N(X, t) = M^{-1} F(X, t)`, the step h,
    :math:`\varphi_k = \varphi_k(h A)` and :math:`\hat\varphi_k = \varphi_k(h A/2)`,

    .. math::
        a &= \hat\varphi_0 X + \tfrac{h}{2} \hat\varphi_1 N_1, \\
        b &= \hat\varphi_0 X + h (\tfrac12 \hat\varphi_1 - \hat\varphi_2) N_1
             + h \hat\varphi_2 N_2, \\
        c &= \varphi_0 X + h (\varphi_1 - 2 \varphi_2) N_1 + 2 h \varphi_2 N_3, \\
        X(t + h) &= \varphi_0 X + h (\varphi_1 - 3 \varphi_2 + 4 \varphi_3) N_1
             + h (2 \varphi_2 - 4 \varphi_3) (N_2 + N_3) + h (4 \varphi_3 - \varphi_2) N_4,

    with :math:`N_1 = N(X, t)`, :math:`N_2 = N(a, t + h/2)`, :math:`N_3 = N(b, t + h/2)`,
    :math:`N_4 = N(c, t + h)` (Cox and Matthews, J. Comput. Phys. 176, 430 (2002); this form by
    Krogstad, J. Comput. Phys. 203, 72 (2005)). Linear terms are exact, so the timestep is limited
    by the right side alone; steady states of the whole equation are kept, which the
    integrating-factor scheme does not do. With L = 0 it is the classical scheme.

    Measured on d/dt = i (a + b), a on the left and b on the right, |a| h < pi: stable for b h up to
    2.56 if a and b have the same sign; if not, growth stays below 1e-4 a step for b h up to 0.97.
    Beyond |a| h = pi waves whose phases differ by 2 pi in one step resonate, as in IFRK4.

    M must be invertible, and L may couple at most 64 coefficients: Fourier bases, with any
    number of fields coupled at each wavenumber.

    Used as ``problem.build_solver(spinhydro.ETDRK4)`` or ``timestepper = "ETDRK4"``.

    Raises
    ------
    InputError
        If M or L is not of that kind.
    """

    def __init__(self, solver):
        super().__init__(solver)
        self.halfway, self.whole, *self.rates = (
            CoeffSystem(solver.subproblems, dtype=solver.dtype) for _ in range(5)
        )

    def _read_matrices(self):
        super()._read_matrices()
        self.weights = {}

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        half = timestep / 2
        first, second, third = self.rates
        halfway, whole, stage = self.halfway, self.whole, self.stage
        weights = self._weights(timestep)
        self._compute_rate()
        np.copyto(first.data, self.rate.data)
        for system, name in ((halfway, "half"), (whole, "whole")):
            system.data.fill(0)
            self._add(system, weights[name], self.start)
        np.copyto(stage.data, halfway.data)
        self._add(stage, weights["a1"], first)
        self._evaluate(stage.data, time + half)
        np.copyto(second.data, self.rate.data)
        np.copyto(stage.data, halfway.data)
        self._add(stage, weights["b1"], first)
        self._add(stage, weights["b2"], second)
        self._evaluate(stage.data, time + half)
        np.copyto(third.data, self.rate.data)
        np.copyto(stage.data, whole.data)
        self._add(stage, weights["c1"], first)
        self._add(stage, weights["c3"], third)
        self._evaluate(stage.data, time + timestep)
        second.data += third.data
        self._add(whole, weights["w1"], first)
        self._add(whole, weights["w2"], second)
        self._add(whole, weights["w4"], self.rate)
        self._scatter(whole)

    def _add(self, target, matrices, source):
        """target += matrices source."""
        for sp in self.subproblems:
            target.get_subdata(sp)[:] += matrices[sp].apply(source.get_subdata(sp))

    def _weights(self, timestep):
        """The matrices of the scheme by name and subproblem."""
        if timestep not in self.weights:
            while len(self.weights) >= self.kept_exponentials:
                self.weights.pop(next(iter(self.weights)))
            of = {
                sp: [(etd_weights(A, timestep), where, where) for A, where in blocks]
                for sp, blocks in self.linear_rates.items()
            }
            self.weights[timestep] = {
                name: {
                    sp: BlockMatrix([(w[name], *where) for w, *where in blocks], sp.shape[0])
                    for sp, blocks in of.items()
                }
                for name in WEIGHTS
            }
        return self.weights[timestep]


def etd_weights(rates, timestep):
    """The matrices of the scheme by name, for A (…, n, n); h is multiplied in."""
    h = timestep
    half = phi_functions(h / 2 * rates, 3)
    whole = doubled(half)
    matrices = (
        half[0],
        h / 2 * half[1],
        h * (half[1] / 2 - half[2]),
        h * half[2],
        whole[0],
        h * (whole[1] - 2 * whole[2]),
        2 * h * whole[2],
        h * (whole[1] - 3 * whole[2] + 4 * whole[3]),
        h * (2 * whole[2] - 4 * whole[3]),
        h * (4 * whole[3] - whole[2]),
    )
    return dict(zip(WEIGHTS, matrices, strict=True))
