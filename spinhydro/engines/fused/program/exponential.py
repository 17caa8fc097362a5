"""The exponential of the linear terms, E = exp(-L timestep/2), for every wavenumber."""

from functools import reduce

import numpy as np
from scipy import linalg

from spinhydro.dedalus_support.blocks import exponentials
from spinhydro.engines.fused.read.graph import Unsupported

#: Modes at which E is compared with another implementation of the exponential.
CHECKED_MODES = 256
#: Condition number of eigenvectors from which an exponential is not computed from them.
LARGEST_CONDITION = 1e3
#: Modes that are computed at once where memory counts.
PIECE = 1 << 16


class Exponential:
    r"""E of the linear terms of a fused right-hand side.

    Where components are tied together by constants only (a Rabi coupling beside
    :math:`-\nabla^2`), E is a constant matrix times a phase, and the phase a product of one factor
    for each axis. Otherwise E is kept as a matrix for every wavenumber.

    Parameters
    ----------
    right_side : RightSide
        With separate linear terms.
    can_truncate : bool
        Whether `truncate` may be called: E then has a phase for every component.

    Raises
    ------
    Unsupported
        If the linear terms are more than derivatives and kernels of the state.
    """

    def __init__(self, right_side, can_truncate=False):
        self.can_truncate, self._kept = can_truncate, []
        self.space, self.components = right_side.space, right_side.lowering.components
        self.symbols = {}
        for i, spectrum in enumerate(right_side.linear):
            for base, symbol in spectrum.terms.items():
                if base[0] != "state":
                    raise Unsupported(
                        "linear terms that are products with fields: move them to the right side"
                    )
                self.symbols[i, base[1]] = dict(symbol)
        self.timestep = None
        self._sort()

    def _sort(self):
        """Split L into a constant matrix and a phase of each component, if that is possible."""
        number, dimensions = self.components, len(self.space.shape)
        constant = (0,) * dimensions
        self.mixing = np.zeros((number, number), complex)
        varying = [{} for _ in range(number)]
        self.has_phases = True
        for (i, j), symbol in self.symbols.items():
            self.mixing[i, j] = symbol.get(constant, 0)
            rest = {powers: c for powers, c in symbol.items() if powers != constant}
            if rest and i != j:
                self.has_phases = False
            elif rest:
                varying[i] = rest
        coupled = self.mixing != 0
        if any(varying[i] != varying[j] for i, j in np.argwhere(coupled)):
            self.has_phases = False
        if not self.has_phases:
            self.mixes = self._reach(np.array([[(i, j) in self.symbols for j in range(number)]
                                               for i in range(number)]))  # fmt: skip
            return
        self.mixes = self._reach(coupled)
        self.phases = []
        for symbol in varying:
            if symbol not in self.phases:
                self.phases.append(symbol)
        self.phase_of = [self.phases.index(symbol) for symbol in varying]

    @staticmethod
    def _reach(coupled):
        """Pattern of possibly nonzero entries of the exponential of a matrix of this pattern."""
        reached = coupled | np.eye(len(coupled), dtype=bool)
        for _ in coupled:
            reached = (reached.astype(int) @ reached.astype(int)) > 0
        return reached

    def is_separable(self, symbol):
        dimensions = len(self.space.shape)
        return all(
            len(powers) == dimensions and sum(p != 0 for p in powers) == 1 for powers in symbol
        )

    def _array(self, symbol):
        return np.broadcast_to(self.space.symbol(symbol), self.space.spectral_shape)

    def truncate(self, fraction):
        """Set E to zero above a fraction of the largest wavenumber along each axis."""
        self._kept = self.space.kept_along_axes(fraction) if fraction < 1 else []
        self.timestep = None

    def has_phase(self, n):
        """Return whether the n-th phase is more than a factor of one."""
        return bool(self.phases[n]) or self.can_truncate

    def _factors(self, symbol, timestep):
        """Arrays, one for each axis or one in all, whose product is the phase."""
        if not self.is_separable(symbol):
            factor = np.exp(-timestep / 2 * self._array(symbol))
            return [reduce(np.multiply, self._kept, factor)]
        factors = list(self._kept)
        for axis in range(len(self.space.shape)):
            terms = [
                c * (1j * self.space.wavenumbers_of(p[axis])[axis]) ** p[axis]
                for p, c in symbol.items()
                if p[axis]
            ]
            if terms:
                factors.append(np.exp(-timestep / 2 * sum(terms)))
        return factors

    def matrix(self):
        """L as (components, components, *spectral shape)."""
        number = self.components
        matrix = np.zeros((number, number, *self.space.spectral_shape), complex)
        for (i, j), symbol in self.symbols.items():
            matrix[i, j] = self.space.symbol(symbol)
        return matrix

    def largest(self):
        """An upper bound of the entries of L."""
        return max(map(self.space.bound, self.symbols.values()), default=0)

    def add_linear(self, values, row, factor, out):
        """out += factor * one component of L values, for spectra (components, *spectral shape)."""
        # In pieces, so that no temporary is large.
        rows = max(1, PIECE // max(1, out[:1].size))
        for first in range(0, len(out), rows):
            piece = slice(first, first + rows)

            def part_of(array, piece=piece):
                return array[piece if len(array) > 1 else slice(None)]

            for (i, j), symbol in self.symbols.items():
                if i == row:
                    part = self.space.evaluate_at(symbol, part_of)
                    out[piece] += factor * part * values[j][piece]

    def error_at_some_modes(self):
        """Largest difference between E and another exponential, at randomly chosen modes."""
        shape = self.space.spectral_shape
        number = int(np.prod(shape))
        chosen = np.arange(number)
        if number > CHECKED_MODES:
            chosen = np.random.default_rng(0).choice(number, CHECKED_MODES, replace=False)
        at = np.unravel_index(chosen, shape)

        def values(array):
            return np.broadcast_to(array, shape)[at]

        size = self.components
        linear, ours = (np.zeros((chosen.size, size, size), complex) for _ in range(2))
        for (i, j), symbol in self.symbols.items():
            linear[:, i, j] = self.space.evaluate_at(symbol, values)
        timestep = 1 / (1 + np.abs(linear).max())
        self.set(timestep)
        for i in range(size):
            for j in np.flatnonzero(self.mixes[i]):
                if not self.has_phases:
                    ours[:, i, j] = values(self.entries[i, j])
                    continue
                ours[:, i, j] = self.mixed[i, j]
                for factor in self.factors[self.phase_of[i]]:
                    ours[:, i, j] *= values(factor)
        theirs = _other_exponentials(-timestep / 2 * linear)
        return float(np.abs(ours - theirs).max() / np.abs(theirs).max())

    def set(self, timestep):
        """Compute E for a timestep."""
        if timestep == self.timestep:
            return
        self.timestep = timestep
        if not self.has_phases:
            last = np.moveaxis(self.matrix(), (0, 1), (-2, -1))
            exponential = exponentials(-timestep / 2 * last)
            entries = np.moveaxis(exponential, (-2, -1), (0, 1))
            self.entries = np.ascontiguousarray(reduce(np.multiply, self._kept, entries))
            return
        self.mixed = exponentials(-timestep / 2 * self.mixing)
        self.factors = [self._factors(symbol, timestep) for symbol in self.phases]

    def apply(self, values, out):
        """out = E values, for spectra (components, *spectral shape)."""
        for i in range(self.components):
            first = True
            for j in np.flatnonzero(self.mixes[i]):
                entry = self.mixed[i, j] if self.has_phases else self.entries[i, j]
                if first:
                    np.multiply(entry, values[j], out=out[i])
                else:
                    out[i] += entry * values[j]
                first = False
            if self.has_phases:
                for factor in self.factors[self.phase_of[i]]:
                    out[i] *= factor


def _other_exponentials(matrices):
    """Return exp of matrices (…, n, n) from eigenvectors; by SciPy where these are nearly parallel.

    Independent of ``exponentials``. SciPy's module takes longer to load than a short run to start.
    """
    if not np.isfinite(matrices).all():
        return np.full_like(matrices, np.nan)
    values, vectors = np.linalg.eig(matrices)
    if np.linalg.cond(vectors).max() > LARGEST_CONDITION:
        return linalg.expm(matrices)
    return (vectors * np.exp(values)[..., None, :]) @ np.linalg.inv(vectors)


class Drifts:
    """Exponentials exp(-L a timestep) of fractions a of a step, for splitting schemes.

    Parameters
    ----------
    right_side : RightSide
        With linear terms kept apart.
    fractions : sequence of float
        One for each stage; equal ones are one exponential.
    """

    def __init__(self, right_side, fractions):
        self.fractions = list(fractions)
        self.distinct = list(dict.fromkeys(self.fractions))
        self.exponentials = [Exponential(right_side, can_truncate=True) for _ in self.distinct]

    def number(self, stage):
        """Return the index of the exponential of a stage."""
        return self.distinct.index(self.fractions[stage])

    def truncate(self, fraction):
        """Drop modes above a fraction of the largest wavenumber along each axis."""
        for exponential in self.exponentials:
            exponential.truncate(fraction)

    def set(self, timestep):
        """Compute the exponentials for a timestep."""
        for fraction, exponential in zip(self.distinct, self.exponentials, strict=True):
            # An Exponential is that of half of its timestep.
            exponential.set(2 * fraction * timestep)

    def apply(self, stage, values, out):
        """out = the exponential of a stage times values."""
        self.exponentials[self.number(stage)].apply(values, out)


class CompiledExponential:
    """E as tables for compiled loops over blocks of modes (row x, mode c0 + j).

    Parameters
    ----------
    exponential : Exponential
    rows, modes : int
        Planes along the first axis, and modes in each.
    prefix : str
        Of the names of the tables.
    """

    def __init__(self, exponential, rows, modes, prefix=""):
        self.exponential, self.rows, self.modes = exponential, rows, modes
        self._prefix = prefix
        self.timestep = None
        number = exponential.components
        self.tables = {}
        if not exponential.has_phases:
            for i, j in np.argwhere(exponential.mixes):
                self.tables[f"{self._prefix}e{i}q{j}"] = np.zeros((rows, modes), complex)
            return
        self.tables[self._prefix + "mix"] = np.zeros((number, number), complex)
        for n, symbol in enumerate(exponential.phases):
            if not exponential.has_phase(n):
                continue
            if rows == 1 or exponential.is_separable(symbol):
                self.tables[f"{self._prefix}px{n}q"] = np.ones(rows, complex)
                self.tables[f"{self._prefix}pc{n}q"] = np.ones(modes, complex)
            else:
                self.tables[f"{self._prefix}pa{n}q"] = np.ones((rows, modes), complex)

    def has_rows(self, name):
        """Return whether a table has a row for every plane, not modes or components only."""
        name = name.removeprefix(self._prefix)
        return name != "mix" and not name.startswith("pc")

    def set(self, timestep):
        """Fill the tables for a timestep."""
        exponential, tables = self.exponential, self.tables
        if timestep == self.timestep == exponential.timestep:
            return
        self.timestep = timestep
        exponential.set(timestep)
        if not exponential.has_phases:
            for i, j in np.argwhere(exponential.mixes):
                tables[f"{self._prefix}e{i}q{j}"][...] = exponential.entries[i, j].reshape(
                    self.rows, self.modes
                )
            return
        tables[self._prefix + "mix"][...] = exponential.mixed
        inner = exponential.space.spectral_shape[0 if self.rows == 1 else 1 :]
        for n, factors in enumerate(exponential.factors):
            if not exponential.has_phase(n):
                continue
            if f"{self._prefix}pa{n}q" in tables:
                tables[f"{self._prefix}pa{n}q"][...] = factors[0].reshape(self.rows, self.modes)
                continue
            first, others = tables[f"{self._prefix}px{n}q"], np.ones(inner, complex)
            first[...] = 1
            for factor in factors:
                if self.rows > 1 and factor.shape[0] > 1:
                    first *= factor.ravel()
                else:
                    others = others * factor.reshape(factor.shape[-len(inner) :])
            tables[f"{self._prefix}pc{n}q"][...] = others.ravel()

    def write(self, writer, vector):
        """The product of E and a vector of pairs, as pairs."""
        exponential, phases, products = self.exponential, {}, []
        for i in range(exponential.components):
            total = (None, None)
            for j in np.flatnonzero(exponential.mixes[i]):
                if exponential.has_phases:
                    alone = exponential.mixes[i].sum() == 1 and not exponential.mixing[i, i]
                    entry = None if alone else self._load(writer, f"{self._prefix}mix_[{i}, {j}]")
                else:
                    entry = self._load(writer, f"{self._prefix}e{i}q{j}_[x, c0 + j]")
                product = vector[j] if entry is None else writer.multiply(entry, vector[j])
                total = writer.add(total, product)
            n = exponential.phase_of[i] if exponential.has_phases else None
            if n is not None and exponential.has_phase(n):
                if n not in phases:
                    phases[n] = self._phase(writer, n)
                total = writer.multiply(phases[n], total)
            products.append(total)
        return products

    def _phase(self, writer, n):
        if f"{self._prefix}pa{n}q" in self.tables:
            return self._load(writer, f"{self._prefix}pa{n}q_[x, c0 + j]")
        phase = self._load(writer, f"{self._prefix}pc{n}q_[c0 + j]")
        if self.rows == 1:
            return phase
        return writer.multiply(self._load(writer, f"{self._prefix}px{n}q_[x]"), phase)

    @staticmethod
    def _load(writer, expression):
        return writer.load(expression)
