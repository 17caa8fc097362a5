"""The classical Runge-Kutta scheme in the frame that moves with the linear terms."""

import numpy as np
from dedalus.tools.array import apply_sparse
from scipy import sparse
from scipy.linalg import expm
from scipy.sparse.csgraph import connected_components

from spinhydro.errors import InputError
from spinhydro.steppers.rk4 import RK4

#: The largest number of coefficients that the linear terms may tie together.
LARGEST_BLOCK = 64


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

    M must be invertible, and L may tie together at most 64 coefficients: Fourier bases, with any
    number of fields coupled at each wavenumber.

    Used as ``problem.build_solver(spinhydro.IFRK4)`` or ``timestepper = "IFRK4"``.

    Raises
    ------
    InputError
        If M or L is not of that kind.
    """

    def __init__(self, solver):
        try:
            super().__init__(solver)
        except RuntimeError:
            raise InputError(
                "IFRK4 needs a dt(…) term in every equation; take timestepper = 'RK443' for "
                "problems with constraints"
            ) from None
        self.linear = dict.fromkeys(self.subproblems)
        self.blocks = {sp: blocks_of(abs(sp.M_min) + abs(sp.L_min)) for sp in self.subproblems}
        self.half_steps = {}

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        solver, half = self.solver, timestep / 2
        time = solver.sim_time
        solver.evaluator.require_coeff_space(solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(solver.state, out=self.start.get_subdata(sp))
        solver.evaluator.evaluate_scheduled(
            iteration=solver.iteration, wall_time=wall_time, sim_time=time, timestep=timestep
        )
        # In what follows E moves by half a step: E = exp(A timestep/2).
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
        solver.sim_time = time + timestep

    def _evaluate(self, data, time):
        """rate = M^-1 F at the state `data`."""
        np.copyto(self.stage.data, data)
        self._scatter(self.stage)
        self.solver.sim_time = time
        self.solver.evaluator.evaluate_group("F")
        self._compute_rate()

    def _move(self, system, timestep):
        """system = E.system."""
        if timestep not in self.half_steps:
            # A run needs two: the timestep, and a shorter one that ends at the stop time.
            while len(self.half_steps) > 1:
                self.half_steps.pop(next(iter(self.half_steps)))
            self.half_steps[timestep] = {
                sp: block_exponential(sp.M_min, sp.L_min, -timestep / 2, blocks)
                for sp, blocks in self.blocks.items()
            }
        for sp, exponential in self.half_steps[timestep].items():
            data = system.get_subdata(sp)
            data[:] = apply_sparse(exponential, data, axis=0)


def blocks_of(matrix):
    """Indices that a sparse matrix ties together: arrays (B, width), one for each width.

    Raises InputError if a block is wider than 64.
    """
    number, label = connected_components(matrix, directed=False)
    sizes = np.bincount(label, minlength=number)
    if sizes.max() > LARGEST_BLOCK:
        raise InputError(
            f"IFRK4 needs linear terms that tie together at most {LARGEST_BLOCK} coefficients, as "
            f"on Fourier bases; here {sizes.max()} hang together: take timestepper = 'RK443'"
        )
    order = np.argsort(label, kind="stable")
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return [order[first[sizes == width][:, None] + np.arange(width)] for width in np.unique(sizes)]


def block_exponential(mass, linear, factor, blocks):
    """exp(factor M^-1 L) of sparse matrices (N, N) that fall apart into `blocks`, as sparse."""
    rows, columns, values = [], [], []
    for members in blocks:
        width = members.shape[1]
        M, L = (_dense_blocks(matrix, members) for matrix in (mass, linear))
        values.append(expm(factor * np.linalg.solve(M, L)).ravel())
        rows.append(np.repeat(members, width, axis=1).ravel())
        columns.append(np.tile(members, (1, width)).ravel())
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(entries, shape=mass.shape)


def _dense_blocks(matrix, members):
    """The blocks (B, width, width) of a sparse matrix whose rows are listed in `members`."""
    number, width = members.shape
    block, place = np.full(matrix.shape[0], -1), np.zeros(matrix.shape[0], int)
    block[members] = np.arange(number)[:, None]
    place[members] = np.arange(width)
    matrix = matrix.tocoo()
    kept = block[matrix.row] >= 0
    dense = np.zeros((number, width, width), dtype=matrix.dtype)
    row, column = matrix.row[kept], matrix.col[kept]
    dense[block[row], place[row], place[column]] = matrix.data[kept]
    return dense
