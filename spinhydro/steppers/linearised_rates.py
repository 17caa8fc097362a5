"""The linearised right-hand side of a solver, and its linear part, acting on vectors of reals."""

from functools import reduce

import numpy as np
from mpi4py import MPI
from scipy.sparse import linalg as sparse_linalg

from spinhydro.dedalus_support.blocks import NoSmallBlocks, rate_blocks
from spinhydro.dedalus_support.private import CoeffSystem
from spinhydro.errors import Unsupported

#: Size of a state, in bytes, from which memory counts.
LARGE = 1 << 22
#: Values of a state up to which the linear terms of every mode are diagonalised, if need be.
MOST_EXACT = 50_000
#: Part of the largest entry of L by which M is completed where it is singular.
COMPLETION = 1e-4
#: Relative difference of frequencies that count as the same.
SAME_FREQUENCY = 0.02


def norm(vector, comm):
    """Return the length of a vector over all ranks."""
    return np.sqrt(total(np.vdot(vector, vector), comm))


def total(value, comm):
    """Return the sum of a value over all ranks.

    A single rank skips mpi4py, which pickles a NumPy number in the time of a small right side.
    """
    return value if comm.size == 1 else comm.allreduce(value)


def chosen_modes(values, number):
    """Return some of many eigenvalues, of a geometric series of frequencies over four decades.

    Among those of nearly the same frequency, the least damped one.
    """
    frequencies = np.abs(values.imag)
    largest = frequencies.max(initial=0)
    if not largest:
        return values[:1]
    groups = np.round(np.log(np.maximum(frequencies / largest, 1e-6)) / SAME_FREQUENCY)
    order = np.lexsort((-values.real, groups))
    values, groups = values[order], groups[order]
    wanted = np.round(np.log(np.geomspace(1e-4, 1, number)) / SAME_FREQUENCY)
    places = np.minimum(np.searchsorted(groups, wanted), values.size - 1)
    return values[np.unique(places)]


def _difference_step(size):
    """Length of the difference quotient along a unit vector, for a state of this length."""
    return 1e-5 * max(size, 1e-3)


def _as_reals(data):
    return data.view(data.real.dtype)


def _units(data):
    """Return the units of the real and of the imaginary part, if there is one."""
    return (1, 1j) if np.iscomplexobj(data) else (1,)


def _real_rows(rows):
    """Return rows of real numbers, real and imaginary parts of complex ones in turn."""
    if not np.iscomplexobj(rows):
        return rows
    return np.stack([rows.real, rows.imag], axis=1).reshape(2 * len(rows), -1)


def _kept(stepper):
    """Return which modes a stepper keeps, as it holds them; None if it keeps all."""
    return stepper.kept() if hasattr(stepper, "kept") else None


def widest_domain(variables):
    """Return the domain with the most bases of those of some variables."""
    return max((variable.domain for variable in variables), key=lambda domain: len(domain.bases))


def wave_on_grid(domain, mode, is_sine):
    """Return the values of a wave on a rank's part of the grid of Fourier bases.

    Parameters
    ----------
    domain : Domain
    mode : tuple of int
        Number of waves along each axis.
    is_sine : bool
        Whether it is a sine, else a cosine.
    """
    layout, phase = domain.dist.grid_layout, 0.0
    shape, slices = layout.global_shape(domain, 1), layout.slices(domain, 1)
    for axis, number in enumerate(mode):
        places = np.arange(shape[axis])[slices[axis]]
        places = places.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        phase = phase + 2 * np.pi * number * places / shape[axis]
    values = np.sin(phase) if is_sine else np.cos(phase)
    return np.broadcast_to(values, layout.local_shape(domain, 1))


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
        kept = _kept(solver.timestepper)
        # Ones and zeros for real and imaginary parts; the fields of splitting schemes are complex.
        self.kept = None if kept is None else _as_reals(kept.data.real * (1 + 1j))

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
        return solvers, _as_reals(advanced.data)

    @property
    def nbytes(self):
        return self.present.data.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        start = _as_reals(self.present.data)
        epsilon = _difference_step(norm(start, comm))
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
        rate = _as_reals(self.rate.data.copy())
        return rate if self._advanced is None else rate * self._advanced

    def matrices_at_points(self, comm):
        """Return None: which terms are local is not known."""

    def state(self):
        """Return the present state."""
        return _as_reals(self.present.data).copy()

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
            for unit in _units(waving.data):
                for field in self.solver.state:
                    field.preset_scales(1)
                    field.preset_layout("g" if field is waving else "c")
                    field.data[...] = 0
                waving.data.reshape(-1, *values.shape)[component] = unit * values
                yield self._gathered()

    def _components(self):
        """Yield the variables on `domain`, and the number of each of their components."""
        for field in self.solver.state:
            if field.domain is self.domain:
                number = int(np.prod([system.dim for system in field.tensorsig], dtype=int))
                yield from ((field, component) for component in range(number))

    def on_grid(self, vector):
        """Return a state on the grid, an array (components on `domain`, points)."""
        np.copyto(self.stage.data, vector.view(self.solver.dtype))
        self._scatter(self.stage)
        found = []
        for field, component in self._components():
            field.change_scales(1)
            values = field["g"]
            values = values.reshape(-1, *values.shape[len(field.tensorsig) :])
            found.append(values[component].ravel())
        return _real_rows(np.array(found))

    def apply_linear(self, vector):
        """vector = A vector, A = -M^-1 L."""
        np.copyto(self.stage.data, vector.view(self.solver.dtype))
        for sp in self.subproblems:
            rate = -(sp.L_min @ self.stage.get_subdata(sp))
            self.rate.get_subdata(sp)[:] = self.mass[sp].solve(rate)
        np.copyto(vector, _as_reals(self.rate.data))
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
            noise = _as_reals(self.stage.data) * self._advanced
        return noise

    def _gathered(self):
        """Return the fields as a state of the modes that are advanced."""
        self.solver.evaluator.require_coeff_space(self.solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(self.solver.state, out=self.stage.get_subdata(sp))
        values = _as_reals(self.stage.data)
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
        np.copyto(vector, _as_reals(self.source.data))

    def add_rates(self, vector, change):
        """change += A vector."""
        np.copyto(self.source.data, vector.view(self.source.data.dtype))
        for sp, blocks in self.blocks.items():
            data, out = self.source.get_subdata(sp), self.result.get_subdata(sp)
            for rates, where in blocks:
                out[where] = np.einsum("bij,bjs->bis", rates, data[where])
        change += _as_reals(self.result.data)


class FusedRates:
    """Rates of the fused engine, which treats L as its stepper does.

    Where M is not the identity it is completed by a small part of L, as by `StockRates`.
    """

    evaluations = 1

    def __init__(self, solver, explicit_linear):
        self.stepper, self._inverse = solver.timestepper, None
        if self.stepper.coupled:
            self._inverse, self._advanced = self.stepper.completed_inverse(COMPLETION)
        self.linearised = self.stepper.linearised()

    @property
    def nbytes(self):
        return self.linearised.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        self.linearised.differentiate(vector, lambda state: _difference_step(norm(state, comm)))
        self._constrain(vector)
        self._truncate(vector)

    def evaluate(self):
        """Compute the rates, after `matrices_at_points`."""
        self.linearised.evaluate()

    def matrices_at_points(self, comm):
        """Return the number of points, and an iterator over J at blocks of these.

        J is an array (rows, columns, points) of real numbers. None if the rates at a point depend
        on the state elsewhere.
        """
        if self._inverse is not None:
            return None

        def root_mean_square(arrays):
            sizes = [(np.vdot(values, values).real, values.size) for values in arrays]
            square, number = total(np.sum(sizes, axis=0), comm)
            return np.sqrt(square / number)

        try:
            return self.linearised.matrices_at_points(root_mean_square)
        except Unsupported:
            return None

    def state(self):
        """Return the present state."""
        return self.linearised.state()

    @property
    def domain(self):
        """Return the domain of the variables that are waves in space."""
        return widest_domain(self.stepper.solver.state)

    @property
    def components(self):
        """Return the number of components of the variables on `domain`."""
        return len(self.linearised.rows_on(self.domain))

    def waves(self, mode, is_sine):
        """Yield waves, as `StockRates.waves`."""
        domain = self.domain
        field = domain.dist.Field(bases=domain.bases, dtype=self.stepper.solver.dtype)
        field["g"] = wave_on_grid(domain, mode, is_sine)
        for wave in self.linearised.states_of(field, self.linearised.rows_on(domain)):
            for unit in _units(field.data):
                yield self._truncate(_as_reals(unit * wave))

    def on_grid(self, vector):
        """Return a state on the grid, an array (components on `domain`, points)."""
        rows = self.linearised.rows_on(self.domain)
        return _real_rows(self.linearised.on_grid(vector, rows))

    def apply_linear(self, vector):
        """vector = A vector, A = -M^-1 L."""
        stepper = self.stepper
        values = vector.view(stepper.state.dtype).reshape(stepper.state.shape)
        rates = np.zeros_like(values)
        for row in range(len(values)):
            for column, symbol in stepper.linear_row(row):
                rates[row] -= symbol * values[column]
        values[...] = rates
        self._constrain(vector)
        self._truncate(vector)

    def noise(self, random):
        """Return a random state of modes that are advanced, which keeps the constraints."""
        return self._truncate(self._constrain(self.linearised.noise(random), from_state=True))

    def _constrain(self, vector, from_state=False):
        """Turn forces, or M times a state, into rates that keep the constraints, in place."""
        if self._inverse is not None:
            spectra = vector.view(complex).reshape(self.stepper.state.shape)
            forces = spectra.copy()
            if from_state:
                self.stepper.times_mass(spectra, forces)
            self._inverse.apply(forces, spectra)
            spectra[~self._advanced] = 0
        return vector

    def _truncate(self, vector):
        kept, state = _kept(self.stepper), self.stepper.state
        if kept is not None:
            spectra = vector.view(state.dtype).reshape(state.shape)
            spectra *= kept
        return vector

    def linear_part(self):
        """Return the linear part; NoSmallBlocks with constraints, where modes are not its own."""
        if self._inverse is not None:
            raise NoSmallBlocks("M is not the identity")
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
        self._exact = self._exact_frequencies()
        # Upper bounds of the frequencies of each mode.
        self._bounds = reduce(np.maximum, map(self._frequencies, range(self.shape[0]))).ravel()
        self.largest = float(self._bounds.max(initial=0))

    def _exact_frequencies(self):
        """Return the frequency of every mode if its block is far from normal, and small; else None.

        The circles of dt(a) - b = 0, dt(b) - c^2 lap(a) = 0 reach c^2 k^2, its frequencies c k.
        """
        rows, points = self.shape[0], int(np.prod(self.shape[1:]))
        if rows == 1 or rows * points > MOST_EXACT:
            return None
        blocks = self._blocks(np.arange(points))
        sizes = np.abs(blocks)
        if np.abs(sizes - sizes.swapaxes(-1, -2)).max(initial=0) <= 1e-9 * sizes.max(initial=0):
            return None
        values = np.linalg.eigvals(blocks)
        return np.abs(values.imag).max(axis=-1).reshape(self.shape[1:])

    def _blocks(self, places):
        """Return A = -L of some modes, as an array (modes, rows, rows)."""
        rows = self.shape[0]
        blocks = np.zeros((places.size, rows, rows), complex)
        for row in range(rows):
            for column, symbol in self.stepper.linear_row(row):
                every = np.broadcast_to(symbol, self.shape[1:])
                blocks[:, row, column] = -every.ravel()[places]
        return blocks

    def _frequencies(self, row):
        """An upper bound of the frequency of every mode of a component (Gershgorin's circles)."""
        found = np.zeros(self.shape[1:])
        if self._exact is not None:
            found += self._exact
        else:
            for column, symbol in self.stepper.linear_row(row):
                found += np.abs(np.imag(symbol) if column == row else symbol)
        for mask in (self.stepper.right_side.space.mask, _kept(self.stepper)):
            if mask is not None:
                found = found * (mask != 0)
        return found

    def modes(self, number):
        """Return some of the eigenvalues, those of the blocks of some wavenumbers."""
        return np.linalg.eigvals(self.some_blocks(number)).ravel()

    def some_blocks(self, number):
        """Return A of some wavenumbers, from the slowest to the fastest: (modes, rows, rows)."""
        places = self._some_places()
        bounds = self._bounds[places]
        order = np.argsort(bounds)
        wanted = np.geomspace(1e-4, 1, number) * self.largest
        chosen = np.minimum(np.searchsorted(bounds[order], wanted), bounds.size - 1)
        return self._blocks(places[order[np.unique(chosen)]] if bounds.size else places)

    def at_a_point(self, comm):
        """Return A of a wave at a single point, the mean over all modes, as a matrix of reals.

        As for `spectrum_of_points`: of the real and the imaginary part of each complex component.
        """
        space, number = self.stepper.right_side.space, self.shape[0]
        sums = np.zeros((number, number), complex)
        for row in range(number):
            for column, symbol in self.stepper.linear_row(row):
                sums[row, column] -= np.sum(np.broadcast_to(symbol, self.shape[1:]))
        mean = total(sums, comm) / total(int(np.prod(self.shape[1:])), comm)
        if space.is_real:
            return mean.real
        return np.kron(mean.real, np.eye(2)) + np.kron(mean.imag, [[0, -1], [1, 0]])

    def _some_places(self):
        """Return the places of some modes: of many, the slowest, the fastest and a part of all."""
        size = self._bounds.size
        if size <= MOST_EXACT:
            return np.arange(size)
        part = MOST_EXACT // 2
        # Modes that the bases lack have none.
        slowest = np.argpartition(np.where(self._bounds, self._bounds, np.inf), part)[:part]
        others = np.arange(0, size, size // part)
        return np.unique(np.concatenate([slowest, others, [np.argmax(self._bounds)]]))

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
