"""The linearised right-hand side of a solver on Dedalus's evaluator, acting on vectors."""

import numpy as np
from mpi4py import MPI
from scipy.sparse import linalg as sparse_linalg

from spinhydro.dedalus_support.blocks import NoSmallBlocks, rate_blocks
from spinhydro.dedalus_support.components import by_component, count
from spinhydro.dedalus_support.private import CoeffSystem
from spinhydro.steppers.state_vectors import (
    COMPLETION,
    as_reals,
    chosen_modes,
    difference_step,
    kept_modes,
    norm,
    real_rows,
    units,
    wave_on_grid,
    widest_domain,
)


class StockRates:
    """M^-1 (F - L X), or M^-1 F, as Dedalus computes it.

    Where M is singular (constraint equations) it is completed by a small part of L: rates then keep
    the constraints, and those of variables without a time derivative are left out.

    Raises RuntimeError if the completed M cannot be inverted either.
    """

    #: Evaluations of the right side for a derivative.
    evaluations = 2

    def __init__(self, solver, explicit_linear):
        self.solver, self.explicit_linear = solver, explicit_linear
        self.subproblems = [sp for sp in solver.subproblems if sp.size]
        self.present, self.stage, self.rate = (
            CoeffSystem(solver.subproblems, dtype=solver.dtype) for _ in range(3)
        )
        self.mass, self._advanced = self._invert_mass()
        solver.evaluator.require_coeff_space(solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(solver.state, out=self.present.get_subdata(sp))
        kept = kept_modes(solver.timestepper)
        # Ones and zeros for real and imaginary parts; the fields of splitting schemes are complex.
        self.kept = None if kept is None else as_reals(kept.data.real * (1 + 1j))

    def _invert_mass(self):
        """Return a solver of M for each subproblem, and ones for what is advanced if M is singular.

        All ranks decide alike.
        """
        comm = self.solver.dist.comm
        try:
            solvers = {sp: sparse_linalg.splu(sp.M_min.tocsc()) for sp in self.subproblems}
        except RuntimeError:
            solvers = None
        if not comm.allreduce(int(solvers is None), op=MPI.MAX):
            return solvers, None
        sizes = [
            max((float(abs(m).max()) for m in matrices if m.nnz), default=0.0)
            for matrices in zip(*((sp.M_min, sp.L_min) for sp in self.subproblems), strict=True)
        ]
        mass, linear = (comm.allreduce(size, op=MPI.MAX) for size in sizes or (0.0, 0.0))
        factor = COMPLETION * mass / linear if linear else 0.0
        advanced = CoeffSystem(self.solver.subproblems, dtype=self.solver.dtype)
        for sp in self.subproblems:
            columns = np.asarray(abs(sp.M_min).sum(axis=0)).ravel() != 0
            advanced.get_subdata(sp)[:] = columns[:, None] * (
                1 + 1j if np.iscomplexobj(advanced.data) else 1
            )
        solvers = {
            sp: sparse_linalg.splu((sp.M_min + factor * sp.L_min).tocsc())
            for sp in self.subproblems
        }
        return solvers, as_reals(advanced.data)

    @property
    def nbytes(self):
        return self.present.data.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        start = as_reals(self.present.data)
        epsilon = difference_step(norm(start, comm))
        rate = self._rates(start + epsilon * vector)
        rate -= self._rates(start - epsilon * vector)
        np.multiply(rate, 1 / (2 * epsilon), out=vector)
        if self.kept is not None:
            vector *= self.kept

    def _rates(self, data):
        solver = self.solver
        np.copyto(self.stage.data, data.view(solver.dtype))
        self._scatter(self.stage)
        solver.evaluator.evaluate_group("F")
        for sp in self.subproblems:
            out = self.rate.get_subdata(sp)
            sp.gather_outputs(solver.F, out=out)
            if self.explicit_linear and sp.L_min.nnz:
                out -= sp.L_min @ self.stage.get_subdata(sp)
            out[:] = self.mass[sp].solve(out)
        rate = as_reals(self.rate.data.copy())
        return rate if self._advanced is None else rate * self._advanced

    def matrices_at_points(self, comm):
        """Return None: which terms are local is not known."""

    def state(self):
        """Return the present state."""
        return as_reals(self.present.data).copy()

    @property
    def domain(self):
        """Return the domain of the variables that are waves in space."""
        return widest_domain(self.solver.state)

    @property
    def components(self):
        """Return the number of components of the variables on `domain`."""
        return len(list(self._components()))

    def waves(self, mode, is_sine):
        """Yield a state that is a wave of one component of the variables on `domain`, for each.

        The real and the imaginary part of a complex component are two components.

        Parameters
        ----------
        mode : tuple of int
            Number of waves along each axis.
        is_sine : bool
            Whether it is a sine, else a cosine.
        """
        values = wave_on_grid(self.domain, mode, is_sine)
        for waving, component in self._components():
            for unit in units(waving.data):
                for field in self.solver.state:
                    field.preset_scales(1)
                    field.preset_layout("g" if field is waving else "c")
                    field.data[...] = 0
                by_component(waving, waving.data)[component] = unit * values
                yield self._gathered()

    def _components(self):
        """Yield the variables on `domain`, and the number of each of their components."""
        for field in self.solver.state:
            if field.domain is self.domain:
                yield from ((field, i) for i in range(count(field)))

    def on_grid(self, vector):
        """Return a state on the grid, an array (components on `domain`, points)."""
        np.copyto(self.stage.data, vector.view(self.solver.dtype))
        self._scatter(self.stage)
        found = []
        for field, component in self._components():
            field.change_scales(1)
            found.append(by_component(field, field["g"])[component].ravel())
        return real_rows(np.array(found))

    def apply_linear(self, vector):
        """vector = A vector, A = -M^-1 L."""
        np.copyto(self.stage.data, vector.view(self.solver.dtype))
        for sp in self.subproblems:
            rate = -(sp.L_min @ self.stage.get_subdata(sp))
            self.rate.get_subdata(sp)[:] = self.mass[sp].solve(rate)
        np.copyto(vector, as_reals(self.rate.data))
        if self._advanced is not None:
            vector *= self._advanced

    def noise(self, random):
        """Return a random state: noise on the grid, truncated to the modes that are advanced."""
        for field in self.solver.state:
            field.preset_scales(1)
            field.preset_layout("g")
            field.data[...] = random.standard_normal(field.data.shape)
            if np.iscomplexobj(field.data):
                field.data.imag = random.standard_normal(field.data.shape)
        noise = self._gathered()
        if self._advanced is not None:
            # Noise that keeps the constraints.
            for sp in self.subproblems:
                data = self.stage.get_subdata(sp)
                data[:] = self.mass[sp].solve(sp.M_min @ data)
            noise = as_reals(self.stage.data) * self._advanced
        return noise

    def _gathered(self):
        """Return the fields as a state of the modes that are advanced."""
        self.solver.evaluator.require_coeff_space(self.solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(self.solver.state, out=self.stage.get_subdata(sp))
        values = as_reals(self.stage.data)
        if self.kept is not None:
            values *= self.kept
        return values.copy()

    def linear_part(self):
        """Return the linear part; NoSmallBlocks with constraints, where modes are not its own."""
        if self._advanced is not None:
            raise NoSmallBlocks("constraint equations")
        self.noise(np.random.default_rng(0))
        return _StockLinear(self.subproblems, self.stage, self.rate)

    def put_back(self):
        self._scatter(self.present)

    def _scatter(self, system):
        """Write a flat vector of coefficients into the state."""
        for field in self.solver.state:
            field.preset_layout("c")
        for sp in self.subproblems:
            sp.scatter_inputs(system.get_subdata(sp), self.solver.state)


class _StockLinear:
    """A = -M^-1 L as the small blocks of Dedalus's matrices, on the modes that the bases hold.

    Parameters
    ----------
    subproblems : list
    source, result : CoeffSystem
        Scratch; `source` holds a random state.

    Raises
    ------
    NoSmallBlocks
        If there are none.
    """

    def __init__(self, subproblems, source, result):
        self.source, self.result = source, result
        self.blocks = {sp: rate_blocks(sp) for sp in subproblems}
        self._values = {
            sp: [
                np.linalg.eigvals(rates)
                * (source.get_subdata(sp)[where] != 0).any(axis=(1, 2))[:, None]
                for rates, where in blocks
            ]
            for sp, blocks in self.blocks.items()
        }
        self._frequencies = {
            sp: [np.abs(values.imag).max(axis=-1) for values in group]
            for sp, group in self._values.items()
        }

    def modes(self, number):
        """Return some of the eigenvalues."""
        values = [np.ravel(v) for group in self._values.values() for v in group]
        return chosen_modes(np.concatenate([*values, np.zeros(1)]), number)

    @property
    def largest(self):
        found = [f.max(initial=0) for group in self._frequencies.values() for f in group]
        return float(max(found, default=0))

    def keep_fastest(self, vector, threshold):
        """Set the modes of a vector that are slower than a frequency to zero."""
        np.copyto(self.source.data, vector.view(self.source.data.dtype))
        for sp, blocks in self.blocks.items():
            data = self.source.get_subdata(sp)
            kept = np.zeros(len(data), bool)
            for (_, where), found in zip(blocks, self._frequencies[sp], strict=True):
                kept[where[found >= threshold]] = True
            data[~kept] = 0
        np.copyto(vector, as_reals(self.source.data))

    def add_rates(self, vector, change):
        """change += A vector."""
        np.copyto(self.source.data, vector.view(self.source.data.dtype))
        for sp, blocks in self.blocks.items():
            data, out = self.source.get_subdata(sp), self.result.get_subdata(sp)
            for rates, where in blocks:
                out[where] = np.einsum("bij,bjs->bis", rates, data[where])
        change += as_reals(self.result.data)
