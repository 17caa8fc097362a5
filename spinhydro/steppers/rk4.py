"""The classical fourth-order Runge-Kutta scheme."""

import numpy as np
from dedalus.core.system import CoeffSystem
from dedalus.tools.array import apply_sparse
from scipy.sparse import linalg as sparse_linalg

from spinhydro.errors import InputError
from spinhydro.steppers.noise import noises_of


class RK4:
    r"""Classical explicit Runge-Kutta scheme of order 4 for ``M.dt(X) + L.X = F(X, t)``.

    .. math::
        k_1 = f(X, t), \quad k_2 = f(X + \tfrac{h}{2} k_1, t + \tfrac{h}{2}), \quad
        k_3 = f(X + \tfrac{h}{2} k_2, t + \tfrac{h}{2}), \quad k_4 = f(X + h k_3, t + h), \\
        X(t + h) = X + \tfrac{h}{6} (k_1 + 2 k_2 + 2 k_3 + k_4), \qquad f = M^{-1} (F - L X).

    Terms on the left side of an equation are treated explicitly too. Stable for undamped
    oscillation up to omega h = 2.83. M must be invertible: constraint equations (no ``dt`` term)
    need one of Dedalus's implicit schemes.

    Used as ``problem.build_solver(spinhydro.RK4)`` or ``timestepper = "RK4"``.

    Raises
    ------
    InputError
        If M is singular.
    """

    steps = 1
    stages = 4
    #: Whether it takes equations with white noise.
    draws_noise = True
    _nodes = (0.0, 0.5, 0.5, 1.0)
    _weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)

    def __init__(self, solver):
        self.solver = solver
        self.noises = noises_of(solver.problem)
        self.subproblems = [sp for sp in solver.subproblems if sp.size]
        self.start, self.total, self.stage, self.rate = (
            CoeffSystem(solver.subproblems, dtype=solver.dtype) for _ in range(4)
        )
        self._read_matrices()

    def _read_matrices(self):
        """Factor M and note L, which ``solver.build_matrices`` may have changed.

        Raises InputError if M is singular.
        """
        self._matrices = self._present_matrices()
        try:
            self.mass_solvers = {
                sp: None if _is_identity(sp.M_min) else sparse_linalg.splu(sp.M_min.tocsc())
                for sp in self.subproblems
            }
        except RuntimeError:
            raise InputError(
                f"{type(self).__name__} needs a dt(…) term in every equation; take timestepper = "
                "'RK443' for problems with constraints"
            ) from None
        self.linear = {sp: sp.L_min if sp.L_min.nnz else None for sp in self.subproblems}

    def _present_matrices(self):
        return [matrix for sp in self.subproblems for matrix in (sp.M_min, sp.L_min)]

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        time = self.solver.sim_time
        self._evaluate_start(timestep, wall_time)
        self._complete(time, timestep)
        self.solver.sim_time = time + timestep

    def _evaluate_start(self, timestep, wall_time):
        """start = the state, with F evaluated there and the handlers that are due."""
        solver = self.solver
        self.prepare(timestep)
        solver.evaluator.require_coeff_space(solver.state)
        self._gather(self.start)
        solver.evaluator.evaluate_scheduled(
            iteration=solver.iteration, wall_time=wall_time, sim_time=solver.sim_time,
            timestep=timestep,
        )  # fmt: skip

    def _complete(self, time, timestep):
        """Complete a step from `start`, where F has been evaluated; `rate` is the last rate."""
        np.copyto(self.total.data, self.start.data)
        np.copyto(self.stage.data, self.start.data)
        self._compute_rate()
        for i, (node, weight) in enumerate(zip(self._nodes, self._weights, strict=True)):
            if i:
                np.multiply(self.rate.data, node * timestep, out=self.stage.data)
                self.stage.data += self.start.data
                self._evaluate(self.stage.data, time + node * timestep)
            self.total.data += (weight * timestep) * self.rate.data
        self._scatter(self.total)

    def _evaluate(self, data, time):
        """rate = M^-1 (F - L.X) at the state X = `data`."""
        if data is not self.stage.data:
            np.copyto(self.stage.data, data)
        self._scatter(self.stage)
        self.solver.sim_time = time
        self.solver.evaluator.evaluate_group("F")
        self._compute_rate()

    def prepare(self, timestep):
        """Draw the noise of the next step, and read matrices that have been built again."""
        if any(a is not b for a, b in zip(self._matrices, self._present_matrices(), strict=True)):
            self._read_matrices()
        for noise in self.noises:
            noise.draw(int(self.solver.iteration), timestep)

    def _compute_rate(self):
        """rate = M^-1 (F - L.stage)."""
        for sp in self.subproblems:
            rate = self.rate.get_subdata(sp)
            sp.gather_outputs(self.solver.F, out=rate)
            if self.linear[sp] is not None:
                rate -= apply_sparse(self.linear[sp], self.stage.get_subdata(sp), axis=0)
            if self.mass_solvers[sp] is not None:
                rate[:] = self.mass_solvers[sp].solve(rate)

    def _gather(self, system):
        """Copy the state, in coefficient space, to a system of coefficients."""
        for sp in self.subproblems:
            sp.gather_inputs(self.solver.state, out=system.get_subdata(sp))

    def _scatter(self, system):
        for field in self.solver.state:
            field.preset_layout("c")
        for sp in self.subproblems:
            sp.scatter_inputs(system.get_subdata(sp), self.solver.state)


def _is_identity(matrix):
    diagonal = matrix.diagonal()
    return matrix.nnz == diagonal.size and bool(np.all(diagonal == 1))
