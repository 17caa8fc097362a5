"""The lean engine: Dedalus evaluates the right side, with block-diagonal linear algebra.

Stock Dedalus sorts the coefficients into subproblems before it multiplies or solves, and back
afterwards. An all-Fourier problem does not need that: here all coefficients of a rank are one
system in the order of the fields' arrays, and its matrices are applied and inverted as many small
dense blocks. Every stock time stepper runs on it unchanged.
"""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.libraries.matsolvers import SparseSolver
from mpi4py import MPI
from scipy import sparse

from spinhydro.dedalus_support.blocks import NoSmallBlocks, blocks_of, inverse
from spinhydro.dedalus_support.ensemble.basis import Members
from spinhydro.errors import InputError, Unsupported

#: Largest relative difference to Dedalus's own linear algebra that counts as rounding.
TOLERANCE = 1e-12

_REPLACED = (
    "subproblems", "subproblems_by_group", "matsolver", "store_expanded_matrices", "timestepper",
)  # fmt: skip


#: Matrices that a subproblem of Dedalus holds; its ``build_matrices`` makes them again.
_MATRICES = (
    "M_min", "L_min", "M_exp", "L_exp", "LHS", "pre_left", "pre_left_pinv", "pre_right",
    "pre_right_pinv",
)  # fmt: skip


class BlockInverse(SparseSolver):
    """Matrix solver for matrices with small blocks (``matsolver = BlockInverse``)."""

    def __init__(self, matrix, solver=None):
        self._inverse = inverse(matrix.tocsr())

    def solve(self, vector):
        return self._inverse.apply(vector)


class WholeSystem:
    """All coefficients on this rank as one subproblem, in the order of the fields' arrays.

    Replaces ``solver.subproblems``. Coefficients that a basis does not hold (the sine of
    k = 0) are unknowns that stay zero.

    Attributes
    ----------
    M_min, L_min : CSR arrays (size, size)
    shape : (int, int)

    Raises
    ------
    Unsupported
        For equations with a condition, which hold for some wavenumbers only, and for bases other
        than Fourier.
    """

    group = None

    def __init__(self, solver):
        self.fields, self.F = solver.problem.LHS_variables, solver.F
        for basis in [basis for field in self.fields for basis in field.domain.bases]:
            # In a disk or ball the coefficients of a field are not those of its components.
            if not isinstance(basis, (RealFourier, ComplexFourier, Members)):
                raise Unsupported(f"the basis {type(basis).__name__}")
        self._solver, self.stock = solver, [sp for sp in solver.subproblems if sp.size]
        self._assemble()

    def build_matrices(self, names):
        """Build the matrices again from the equations, for ``solver.build_matrices``."""
        for sp in self.stock:
            sp.build_matrices(names)
        self._assemble()

    def _assemble(self):
        solver = self._solver
        unknowns, self._in = _numbered(solver, self.fields)
        equations, self._out = _numbered(solver, self.F)
        if equations != unknowns:
            raise Unsupported("equations with a condition")
        rows_taken, columns_taken = np.zeros(equations, bool), np.zeros(unknowns, bool)
        found = {"M": [], "L": []}
        for sp in self.stock:
            rows = _places(sp, sp.pre_left, self.F, self._out)
            columns = _places(sp, sp.pre_right_pinv, self.fields, self._in)
            rows_taken[rows], columns_taken[columns] = True, True
            for name, matrix in (("M", sp.M_min.tocoo()), ("L", sp.L_min.tocoo())):
                values = np.broadcast_to(matrix.data[:, None], (matrix.nnz, rows.shape[1]))
                found[name].append((values, rows[matrix.row], columns[matrix.col]))
        # Unknowns that no basis holds: M has ones there, in whatever order.
        self._free_rows, self._free_columns = (
            np.nonzero(~taken)[0] for taken in (rows_taken, columns_taken)
        )
        if self._free_rows.size != self._free_columns.size:
            raise Unsupported("equations with a condition")
        found["M"].append((np.ones(self._free_rows.size), self._free_rows, self._free_columns))
        entries = {
            name: [np.concatenate([np.ravel(part[i]) for part in parts] or [[]]) for i in range(3)]
            for name, parts in found.items()
        }
        self._align(entries)
        self.size, self.shape, self.subsystems = unknowns, (unknowns, 1), (None,)
        self.M_min, self.L_min = (
            _matrix(*parts, unknowns, solver.dtype) for parts in entries.values()
        )
        # Dedalus reads the size of the system from here.
        self.LHS = self.M_min

    def _align(self, entries):
        """Order the equations by the unknowns whose dt(…) they hold.

        M is then diagonal wherever it can be.
        """
        starts = [[place.start for place, _ in places] for places in (self._out, self._in)]
        sizes = [[numbers.size for _, numbers in places] for places in (self._out, self._in)]
        _, rows, columns = entries["M"]
        equation = np.searchsorted(starts[0], rows, "right") - 1
        variable = np.searchsorted(starts[1], columns, "right") - 1
        common = np.zeros((len(self._out), len(self._in)), int)
        np.add.at(common, (equation, variable), 1)
        home = {}
        for e in np.argsort(-common.max(axis=1), kind="stable"):
            fitting = [
                v
                for v, size in enumerate(sizes[1])
                if v not in home.values() and size == sizes[0][e]
            ]
            if not fitting:
                return
            home[e] = max(fitting, key=lambda v: common[e, v])
        renumbered = np.concatenate(
            [starts[1][home[e]] + np.arange(size) for e, size in enumerate(sizes[0])]
        )
        self._out = [self._in[home[e]] for e in range(len(self._out))]
        self._free_rows = renumbered[self._free_rows]
        for found in entries.values():
            found[1] = renumbered[found[1].astype(int)]

    def gather_inputs(self, fields, out=None):
        """Return the coefficients of the state as a vector (size, 1)."""
        return self._gather(fields, self._in, self._free_columns, out)

    def gather_outputs(self, fields, out=None):
        """Return the coefficients of the right side as a vector (size, 1)."""
        return self._gather(fields, self._out, self._free_rows, out)

    def _gather(self, fields, places, free, out):
        if out is None:
            out = np.empty(self.shape, self.M_min.dtype)
        for field, (place, _) in zip(fields, places, strict=True):
            np.copyto(out[place].reshape(field.data.shape), field.data)
        out[free] = 0
        return out

    def scatter_inputs(self, data, fields):
        """Put a vector (size, 1) into the coefficients of the state."""
        for field, (place, _) in zip(fields, self._in, strict=True):
            np.copyto(field.data, data[place].reshape(field.data.shape))


def _numbered(solver, fields):
    """Return the number of coefficients on this rank, and for each field (slice, indices)."""
    layout, first, places = solver.dist.coeff_layout, 0, []
    for field in fields:
        shape = tuple(system.dim for system in field.tensorsig)
        shape += tuple(layout.local_shape(field.domain, scales=1))
        size = int(np.prod(shape, dtype=int))
        numbers = np.arange(first, first + size).reshape(shape)
        places.append((slice(first, first + size), numbers))
        first += size
    return first, places


def _places(sp, selection, fields, places):
    """Return the indices (unknowns, subsystems) of the coefficients of a subproblem.

    `selection` is the sparse matrix that chooses and orders them.
    """
    numbers = [
        np.concatenate(
            [
                numbers[subsystem.field_slices(field)].ravel()
                for field, (_, numbers) in zip(fields, places, strict=True)
            ]
        )
        for subsystem in sp.subsystems
    ]
    return np.stack(numbers, axis=1)[selection.indices]


def _matrix(values, rows, columns, size, dtype):
    entries = (values, (rows.astype(int), columns.astype(int)))
    matrix = sparse.coo_matrix(entries, shape=(size, size), dtype=dtype).tocsr()
    matrix.eliminate_zeros()
    return matrix


def make_lean(solver):
    """Replace a solver's linear algebra by small blocks, from the next step on.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        All-Fourier, with a stock time stepper, before its first step.

    Returns
    -------
    float
        Largest relative difference to Dedalus's linear algebra at the present state.

    Raises
    ------
    Unsupported
        With the reason; the solver is then unchanged.
    InputError
        If the two disagree.
    """
    if solver.iteration != solver.initial_iteration and solver.timestepper.steps > 1:
        raise Unsupported("a multistep scheme that is under way")
    reason = None
    try:
        system = WholeSystem(solver)
        blocks_of(system.M_min, system.L_min)
        step = 1 / (1 + np.abs(system.L_min.data).max(initial=0))
        solve = BlockInverse(system.M_min + step * system.L_min)
    except (Unsupported, NoSmallBlocks) as error:
        reason = str(error)
    # All ranks do the same.
    reason = next(filter(None, solver.dist.comm.allgather(reason)), None)
    if reason:
        raise Unsupported(reason)
    agreement = _difference(solver, system, solve, step)
    if not agreement <= TOLERANCE:
        raise InputError(
            f"the lean engine and Dedalus disagree on the linear terms by {agreement:.1e}: run "
            "with --engine dedalus, and please report the problem file"
        )
    _replace(solver, system)
    return agreement


def _difference(solver, system, solve, step):
    """Residual of Dedalus's own matrices after one implicit step of the lean engine.

    The right-hand side is random, so that functions of the user are not called.
    """
    comm, fields = solver.dist.comm, solver.state
    solver.evaluator.require_coeff_space(fields)
    start = [field.data.copy() for field in fields]
    random = np.random.default_rng(0)
    for field in solver.F:
        field.preset_scales(1)
        field.preset_layout("c")
        field.data[...] = random.standard_normal(field.data.shape)
    stock, residual, scale = [sp for sp in solver.subproblems if sp.size], 0.0, 0.0
    solver.evaluator.require_coeff_space(fields)
    right = {
        sp: sp.M_min @ sp.gather_inputs(fields) + step * sp.gather_outputs(solver.F) for sp in stock
    }
    ours = system.M_min @ system.gather_inputs(fields) + step * system.gather_outputs(solver.F)
    system.scatter_inputs(solve.solve(ours), fields)
    for sp in stock:
        moved, matrix = sp.gather_inputs(fields), sp.M_min + step * sp.L_min
        residual = max(residual, np.abs(matrix @ moved - right[sp]).max())
        scale = max(scale, (abs(matrix) @ np.abs(moved) + np.abs(right[sp])).max())
    for field, data in zip(fields, start, strict=True):
        np.copyto(field.data, data)
    residual, scale = (comm.allreduce(value, op=MPI.MAX) for value in (residual, scale))
    return float(residual / (scale or 1.0)) if np.isfinite(scale) else 0.0


def _replace(solver, system):
    """Replace the solver's subproblems by the system, and drop their matrices."""
    kept = {name: getattr(solver, name) for name in _REPLACED}
    stepper = type(solver.timestepper)
    try:
        solver.subproblems, solver.subproblems_by_group = (system,), {None: system}
        solver.matsolver, solver.store_expanded_matrices = BlockInverse, False
        solver.timestepper = stepper(solver)
    except Exception as error:
        for name, value in kept.items():
            setattr(solver, name, value)
        raise Unsupported(f"the time stepper {stepper.__name__} ({error})") from error
    for sp in system.stock:
        for name in _MATRICES:
            sp.__dict__.pop(name, None)
