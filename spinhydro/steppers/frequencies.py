"""Estimates of the fastest oscillations of a problem about its present state."""

import time
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from scipy.sparse import linalg as sparse_linalg

from spinhydro.dedalus_support.blocks import NoSmallBlocks, rate_blocks
from spinhydro.dedalus_support.memory import parts
from spinhydro.dedalus_support.private import CoeffSystem

#: Dimension of the Krylov space; 24 find the largest frequency of a spin-wave spectrum to 2 %.
KRYLOV = 24
#: Size of a state, in bytes, from which only sketches of its Krylov space are kept.
LARGE = 1 << 22
#: Numbers in a sketch.
SKETCH = 1024
#: A mode with a growth rate above this part of |lambda| grows; others count as waves.
GROWING = 0.2
#: Linear modes at or above this part of the largest frequency represent the fastest wave.
SHELL = 0.98
#: Dimension of the Krylov space that starts with them: density, spin and their conjugates.
SMALL_KRYLOV = 6


@dataclass
class Frequencies:
    r"""Angular frequencies of the linearised problem, in radians per unit of time.

    Attributes
    ----------
    values : array of complex
        Estimated extreme eigenvalues of the explicit part J, without growing modes.
    coupling : float
        Estimated norm of J: how strongly the explicit part couples modes.
    linear : float
        Largest frequency of the terms that the stepper treats by itself, on the left side; 0 if it
        treats them explicitly, nan if unknown.
    whole : float
        Fastest oscillation of the whole equation.
    seconds : float
        CPU time of an evaluation of the right side on this rank; nan if unknown.
    """

    values: np.ndarray
    coupling: float
    linear: float
    whole: float
    seconds: float = float("nan")

    @property
    def explicit(self):
        """Return the largest |lambda| of the explicit part."""
        return float(np.abs(self.values).max(initial=0))


def frequencies_of(solver, explicit_linear):
    r"""Estimate the fastest oscillations about the present state.

    The eigenvalues of :math:`J = M^{-1} (\partial F/\partial X - L)` are estimated by the Arnoldi
    method from directional differences of the right-hand side. Complex fields count as pairs
    of real ones: with terms such as |f|² f, J is linear over the real numbers only. Eigenvalues of
    growing modes (positive real part) are left out: growth is physics and limits no timestep.
    Only random sketches of the Krylov vectors of a large state are kept, which is enough to find
    the same eigenvalues (sketched Rayleigh-Ritz: Nakatsukasa and Tropp, SIAM J. Matrix Anal. Appl.
    45, 1183 (2024)).

    Where the stepper treats L by itself, L is left out of J and its own frequencies come from its
    matrices. The frequency of the whole equation is then that of the fastest linear modes under
    J - L.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    explicit_linear : bool
        Whether the stepper treats L explicitly.

    Returns
    -------
    Frequencies or None
        None if the right-hand side is not finite, or if M is singular (constraint equations), or
        on the fused engine not the identity.
    """
    is_fused = hasattr(solver.timestepper, "right_side")
    try:
        rates = (_FusedRates if is_fused else _StockRates)(solver, explicit_linear)
    except RuntimeError:
        return None
    comm = solver.dist.comm
    large = comm.allreduce(rates.nbytes, op=MPI.MAX) > LARGE
    ritz = _ritz_values_of_sketches if large else _ritz_values
    seconds = []

    def differentiate(vector):
        before = time.process_time()
        rates.differentiate(vector, comm)
        seconds.append(time.process_time() - before)

    try:
        vector = rates.noise(np.random.default_rng(0))
        found = ritz(differentiate, vector, KRYLOV, comm)
        if found is None:
            return None
        del vector
        values, coupling = found
        linear, whole = 0.0, float(np.abs(values).max(initial=0))
        if not explicit_linear:
            linear, whole = _with_linear_part(rates, comm, whole, coupling, large)
    finally:
        rates.put_back()
    return Frequencies(values, coupling, linear, whole, min(seconds) / rates.evaluations)


def largest_frequency(solver, explicit_linear):
    """Return the largest |lambda| of the explicit part (see `frequencies_of`), or nan."""
    found = frequencies_of(solver, explicit_linear)
    return float("nan") if found is None else found.explicit


def _with_linear_part(rates, comm, explicit, coupling, large):
    """Return (largest linear frequency, fastest oscillation of the whole equation).

    The latter of a large state is estimated by half of the coupling, its first-order shift in a
    gas, which takes no memory.
    """
    try:
        linear = rates.linear_part()
    except (NoSmallBlocks, np.linalg.LinAlgError):
        linear = None
    if comm.allreduce(int(linear is None), op=MPI.SUM):
        return float("nan"), explicit
    largest = comm.allreduce(linear.largest, op=MPI.MAX)
    # Without linear terms the state may be on the grid, and has no modes to choose from.
    if largest <= explicit / 100:
        return largest, max(largest, explicit)
    if large:
        return largest, max(explicit, largest + coupling / 2)
    vector = rates.noise(np.random.default_rng(1))
    linear.keep_fastest(vector, SHELL * largest)
    if not _norm(vector, comm):
        return largest, max(largest, explicit)

    def differentiate(vector):
        start = vector.copy()
        rates.differentiate(vector, comm)
        linear.add_rates(start, vector)

    found = _ritz_values(differentiate, vector, SMALL_KRYLOV, comm)
    return largest, max(explicit, largest if found is None else np.abs(found[0]).max(initial=0))


def _ritz_values(differentiate, vector, number, comm):
    """Estimate extreme eigenvalues of a matrix by the Arnoldi method.

    Parameters
    ----------
    differentiate : callable
        Multiplies a vector of real numbers by the matrix, in place.
    vector : array
        Where the Krylov space begins; overwritten.
    number : int
        Its dimension.

    Returns
    -------
    (array of eigenvalues without growing modes, norm) or None
        None if a product is not finite.
    """
    basis, hessenberg = [vector / _norm(vector, comm)], np.zeros((number + 1, number))
    size = number
    for j in range(number):
        vector = basis[j].copy()
        differentiate(vector)
        if not np.isfinite(_norm(vector, comm)):
            return None
        for i, known in enumerate(basis):
            hessenberg[i, j] = comm.allreduce(np.vdot(known, vector))
            vector -= hessenberg[i, j] * known
        hessenberg[j + 1, j] = _norm(vector, comm)
        if hessenberg[j + 1, j] <= 1e-12 * np.abs(hessenberg).max():
            size = j + 1
            break
        basis.append(vector / hessenberg[j + 1, j])
    return _waves(hessenberg[:size, :size]), float(np.linalg.norm(hessenberg[: size + 1, :size], 2))


def _ritz_values_of_sketches(differentiate, vector, number, comm):
    """Estimate extreme eigenvalues by Arnoldi with one vector in memory at a time."""
    scale = _norm(vector, comm)
    sketch = _sketch(vector, comm)
    before, after = [], []
    for _ in range(number):
        vector *= 1 / scale
        before.append(sketch / scale)
        differentiate(vector)
        sketch = _sketch(vector, comm)
        after.append(sketch)
        scale = _norm(vector, comm)
        if not np.isfinite(scale):
            return None
        if scale == 0:
            break
    # Vectors that are nearly multiples of each other carry no information.
    left, sizes, right = np.linalg.svd(np.array(before).T, full_matrices=False)
    kept = sizes > 1e-6 * sizes[0]
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    changes = np.array(after).T @ right.T / sizes
    return _waves(left.T @ changes), float(np.linalg.norm(changes, 2))


def _waves(matrix):
    """Eigenvalues of a matrix without those of growing modes."""
    values = np.linalg.eigvals(matrix)
    return values[values.real <= GROWING * np.abs(values)]


def _norm(vector, comm):
    return np.sqrt(comm.allreduce(np.vdot(vector, vector)))


def _sketch(vector, comm):
    """Sums of a vector's entries with random signs, the same for every vector."""
    block = 64 * SKETCH
    random = np.random.default_rng(comm.rank)
    # Every block takes its signs from another place of one sequence.
    signs = random.choice([-1.0, 1.0], 2 * block)
    found = np.zeros(SKETCH)
    for (part,) in parts(vector, size=block):
        first = int(random.integers(block))
        rows = part.size // SKETCH
        whole = rows * SKETCH
        mine = signs[first : first + part.size]
        found += np.einsum(
            "ij,ij->j", part[:whole].reshape(rows, SKETCH), mine[:whole].reshape(rows, SKETCH)
        )
        found[: part.size - whole] += part[whole:] * mine[whole:]
    return comm.allreduce(found)


def _difference_step(size):
    """Length of the difference quotient along a unit vector, for a state of this length."""
    return 1e-5 * max(size, 1e-3)


def _as_reals(data):
    return data.view(data.real.dtype)


def _kept(stepper):
    """Return which modes a stepper keeps, as it holds them; None if it keeps all."""
    return stepper.kept() if hasattr(stepper, "kept") else None


class _StockRates:
    """M^-1 (F - L X), or M^-1 F, as Dedalus computes it.

    Raises RuntimeError if M cannot be inverted.
    """

    #: Evaluations of the right side for a derivative.
    evaluations = 2

    def __init__(self, solver, explicit_linear):
        self.solver, self.explicit_linear = solver, explicit_linear
        self.subproblems = [sp for sp in solver.subproblems if sp.size]
        self.present, self.stage, self.rate = (
            CoeffSystem(solver.subproblems, dtype=solver.dtype) for _ in range(3)
        )
        self.mass = {sp: sparse_linalg.splu(sp.M_min.tocsc()) for sp in self.subproblems}
        solver.evaluator.require_coeff_space(solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(solver.state, out=self.present.get_subdata(sp))
        kept = _kept(solver.timestepper)
        # Ones and zeros for real and imaginary parts; the fields of splitting schemes are complex.
        self.kept = None if kept is None else _as_reals(kept.data.real * (1 + 1j))

    @property
    def nbytes(self):
        return self.present.data.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        start = _as_reals(self.present.data)
        epsilon = _difference_step(_norm(start, comm))
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
        return _as_reals(self.rate.data.copy())

    def noise(self, random):
        """Return a random state: noise on the grid, truncated to the modes that are advanced."""
        for field in self.solver.state:
            field.preset_scales(1)
            field.preset_layout("g")
            field.data[...] = random.standard_normal(field.data.shape)
            if np.iscomplexobj(field.data):
                field.data.imag = random.standard_normal(field.data.shape)
        self.solver.evaluator.require_coeff_space(self.solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(self.solver.state, out=self.stage.get_subdata(sp))
        noise = _as_reals(self.stage.data)
        if self.kept is not None:
            noise *= self.kept
        return noise.copy()

    def linear_part(self):
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
        self._frequencies = {
            sp: [
                np.abs(np.linalg.eigvals(rates).imag).max(axis=-1)
                * (source.get_subdata(sp)[where] != 0).any(axis=(1, 2))
                for rates, where in blocks
            ]
            for sp, blocks in self.blocks.items()
        }

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
        np.copyto(vector, _as_reals(self.source.data))

    def add_rates(self, vector, change):
        """change += A vector."""
        np.copyto(self.source.data, vector.view(self.source.data.dtype))
        for sp, blocks in self.blocks.items():
            data, out = self.source.get_subdata(sp), self.result.get_subdata(sp)
            for rates, where in blocks:
                out[where] = np.einsum("bij,bjs->bis", rates, data[where])
        change += _as_reals(self.result.data)


class _FusedRates:
    """Rates of the fused engine, which treats L as its stepper does.

    Raises RuntimeError if the rates are not those of the components of the state.
    """

    evaluations = 1

    def __init__(self, solver, explicit_linear):
        self.stepper = solver.timestepper
        if self.stepper.coupled:
            raise RuntimeError("M is not the identity")
        self.linearised = self.stepper.linearised()

    @property
    def nbytes(self):
        return self.linearised.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        self.linearised.differentiate(vector, lambda state: _difference_step(_norm(state, comm)))
        self._truncate(vector)

    def noise(self, random):
        return self._truncate(self.linearised.noise(random))

    def _truncate(self, vector):
        kept, state = _kept(self.stepper), self.stepper.state
        if kept is not None:
            spectra = vector.view(state.dtype).reshape(state.shape)
            spectra *= kept
        return vector

    def linear_part(self):
        if self.nbytes > LARGE:
            # The rates of a large state are no longer differentiated.
            self.linearised.free_scratch()
        return _FusedLinear(self.stepper)

    def put_back(self):
        self.linearised.release()


class _FusedLinear:
    """A = -L as symbols of the fused engine: {(row, column): array of modes}."""

    def __init__(self, stepper):
        self.stepper, self.shape = stepper, stepper.state.shape
        self.largest = max(
            (float(np.max(self._frequencies(row))) for row in range(self.shape[0])), default=0.0
        )

    def _frequencies(self, row):
        """An upper bound of the frequency of every mode of a component (Gershgorin's circles)."""
        found = np.zeros(self.shape[1:])
        for column, symbol in self.stepper.linear_row(row):
            found += np.abs(np.imag(symbol) if column == row else symbol)
        for mask in (self.stepper.right_side.space.mask, _kept(self.stepper)):
            if mask is not None:
                found = found * (mask != 0)
        return found

    def keep_fastest(self, vector, threshold):
        """Set the modes of a vector that are slower than a frequency to zero."""
        for row, values in enumerate(self._spectra(vector)):
            values[self._frequencies(row) < threshold] = 0

    def add_rates(self, vector, change):
        """change += A vector."""
        values, out = self._spectra(vector), self._spectra(change)
        for row in range(self.shape[0]):
            for column, symbol in self.stepper.linear_row(row):
                out[row] -= symbol * values[column]

    def _spectra(self, vector):
        return vector.view(complex).reshape(self.shape)
