"""Updates of spectra under Dedalus's implicit-explicit schemes in a compiled step.

They solve (M + a L) X = R for every mode while its block is in the cache. As in `updates`, u is the
state, k the rates and s the next stage of a block.
"""

from collections import deque

import numpy as np
from dedalus.core import timesteppers

from spinhydro.engines.fused.program.scalar_writer import ScalarWriter, indent
from spinhydro.engines.fused.step.mode_tables import ModeTables
from spinhydro.engines.fused.step.stages import LAST, RATE
from spinhydro.engines.fused.step.updates import RatesOnly

_STATE, _RATE, _NEXT = "state_[{i}, x, c0 + j]", "kb_[{i}, x, j]", "sb_[{i}, x, j]"


class _Implicit(RatesOnly):
    """Base of the updates.

    Parameters
    ----------
    left : LeftSide
    program : Program
        Computes the rates.
    space : Space
    layout : Layout
    """

    next_stage = "state_[{row}, x, c0 + j]"

    def __init__(self, left, program, space, layout):
        super().__init__(left.components)
        self.left = left
        self.matrices = ModeTables(space, layout)
        self._rated = {i for i, value in enumerate(program.outputs) if value.terms}
        spectra = [*program.outputs, *(s for r in program.rounds for s in r.inverse_spectra)]
        #: Components of the state that the rates depend on.
        self._read = {base[1] for s in spectra for base in s.terms if base[0] == "state"}
        self._coefficients, self._inverses = {}, {}
        if left.is_coupled:
            self.matrices.add("mass", left.mass)

    def _finish(self, has_linear):
        """Declare the tables, once it is known whether L X is formed explicitly."""
        if has_linear:
            self.matrices.add("linear", self.left.linear)
        # Rows of equations 0 = L X, which hold after every solve.
        advanced = {i for i, _ in self.left.mass}
        everything = set(range(self.components))
        self._solved = everything if has_linear else everything & (advanced | self._rated)
        self.numbers = np.zeros(len(self._coefficients))
        self.tables = {"coef": self.numbers, **self.matrices.tables}

    def has_rows(self, name):
        """Return whether a table has a row for every plane or member."""
        return name != "coef" and self.matrices.has_rows(name)

    def _coefficient(self, *key):
        """Return the name of a number that depends on the timestep."""
        return f"k{self._coefficients.setdefault(key, len(self._coefficients))}q"

    def _load_coefficients(self, names):
        return [f"{name} = coef_[{name[1:-1]}]" for name in sorted(names)]

    def _inverse(self, mass, factor):
        """Return the entries of (mass M + factor L)^-1; those of two timesteps are kept."""
        key = (mass, factor)
        if key not in self._inverses:
            while len(self._inverses) > 3:
                self._inverses.pop(next(iter(self._inverses)))
            self._inverses[key] = self.left.inverse(mass, factor)
        return self._inverses[key]

    def _probes(self):
        """Return inverses of arbitrary timesteps, whose parts are zero where all others are."""
        largest = max((np.abs(v).max() for v in self.left.linear.values()), default=0.0)
        largest = 1 + self.left.space.largest(largest)
        return [self.left.inverse(1, part / largest) for part in (0.37, 51.3)]

    def _times_mass(self, writer, vector, row):
        if self.left.is_coupled:
            return self.matrices.product(writer, "mass", vector, row)
        return vector[row]

    def _loaded(self, writer, place, rows):
        return {i: writer.load(place.format(i=i)) for i in sorted(rows)}

    def _result(self, over_modes):
        """Lines for rates that are wanted themselves."""
        return [f"if kind == {RATE}:", *indent(RatesOnly.lines(self, over_modes))]

    @staticmethod
    def _keep(writer, name, values):
        """Store pairs of some components into an array of the shape of the state."""
        for row, value in values.items():
            writer.store(f"{name}_[{row}, x, c0 + j]", value, True)

    @staticmethod
    def _kept(name):
        return name + "_[{i}, x, c0 + j]"

    def _block(self, over_modes, writer, names):
        """Lines of a stage: the coefficients, and the loops over modes."""
        return [*self._load_coefficients(names), *over_modes(writer.lines)]


class ImplicitRungeKutta(_Implicit):
    r"""Update of implicit-explicit Runge-Kutta schemes.

    .. math::
        (M + h H_{ii} L) X_i = M X_0 + h \sum_{j<i} (A_{ij} F_j - H_{ij} L X_j),

    where L X of a stage follows from its own equation.

    Parameters
    ----------
    scheme : class
        The scheme of Dedalus.
    """

    def __init__(self, scheme, *arguments):
        super().__init__(*arguments)
        self.A, self.H, self.stages = scheme.A, scheme.H, scheme.stages
        self._timestep = None
        self._factors = list(dict.fromkeys(np.diagonal(self.H)[1:].tolist()))
        probes = self._probes()
        for n in range(len(self._factors)):
            self.matrices.add(f"inv{n}e", *probes)
        self.scratch = [f"rate{j}" for j in range(self.stages) if self._keeps(self.A, j)]
        self.scratch += [f"moved{j}" for j in range(self.stages) if self._keeps(self.H, j)]
        for i in range(1, self.stages + 1):
            for j in range(i):
                self._coefficient("A", i, j)
                self._coefficient("H", i, j)
            self._coefficient("1/H", i, i)
        self._finish(has_linear=np.any(self.H[:, 0]))

    def _keeps(self, table, j):
        """Return whether a rate, or L X, enters a stage after the one that follows it."""
        first = j + 2 if table is self.A else j + 1
        return bool(np.any(table[first:, j]))

    def set(self, timestep):
        """Fill the tables for a timestep."""
        if timestep == self._timestep:
            return
        self._timestep = timestep
        for n, factor in enumerate(self._factors):
            self.matrices.fill(f"inv{n}e", self._inverse(1, timestep * factor))
        for (name, i, j), index in self._coefficients.items():
            value = timestep * (self.A if name == "A" else self.H)[i, j]
            self.numbers[index] = 1 / value if name == "1/H" else value

    def lines(self, over_modes):
        """Lines that use the rates of a block; `over_modes` puts lines into loops over modes."""
        lines = []
        for stage in range(1, self.stages + 1):
            kind = LAST if stage == self.stages else stage - 1
            lines += [f"if kind == {kind}:", *indent(self._stage(over_modes, stage))]
        return lines + self._result(over_modes)

    def _stage(self, over_modes, i):
        writer, names = ScalarWriter(), set()
        state = self._loaded(writer, _STATE, self._needed_of_state(i))
        rates = {
            j: self._loaded(writer, self._kept(f"rate{j}"), self._rated)
            for j in range(i - 1)
            if self.A[i, j]
        }
        rates[i - 1] = self._loaded(writer, _RATE, self._rated)
        moved = {
            j: self._loaded(writer, self._kept(f"moved{j}"), self._solved)
            for j in range(i)
            if self.H[i, j] and (i > 1 or j > 0)
        }
        if i == 1 and self._keeps(self.H, 0):
            moved[0] = {
                row: self.matrices.product(writer, "linear", state, row) for row in self._solved
            }
        known = {}
        for row in sorted(self._solved):
            total = self._times_mass(writer, state, row)
            for sign, name, table, past in ((1, "A", self.A, rates), (-1, "H", self.H, moved)):
                for j, values in past.items():
                    if table[i, j] and row in values:
                        factor = self._coefficient(name, i, j)
                        names.add(factor)
                        term = writer.multiply((factor, None), values[row])
                        total = writer.add(total, term if sign == 1 else _minus(term))
            known[row] = total
        last, keeps = i == self.stages, i < self.stages and self._keeps(self.H, i)
        wanted = set(range(self.components)) if last else set(self._read)
        if keeps:
            wanted |= {j for _, j in self.left.mass}
        matrix = f"inv{self._factors.index(self.H[i, i])}e"
        found = {j: self.matrices.product(writer, matrix, known, j) for j in sorted(wanted)}
        for j, value in found.items():
            writer.store((_STATE if last else _NEXT).format(i=j), value, True)
        if i == 1 and self._keeps(self.H, 0):
            self._keep(writer, "moved0", moved[0])
        if self._keeps(self.A, i - 1):
            self._keep(writer, f"rate{i - 1}", rates[i - 1])
        if keeps:
            factor = self._coefficient("1/H", i, i)
            names.add(factor)
            rest = {}
            for row in sorted(self._solved):
                product = _minus(self._times_mass(writer, found, row))
                rest[row] = writer.multiply((factor, None), writer.add(known[row], product))
            self._keep(writer, f"moved{i}", rest)
        return self._block(over_modes, writer, names)

    def _needed_of_state(self, i):
        if i == 1 and self._keeps(self.H, 0):
            return set(range(self.components))
        return {j for _, j in self.left.mass}


class ImplicitMultistep(_Implicit):
    r"""Update of implicit-explicit multistep schemes.

    .. math::
        (a_0 M + b_0 L) X_n = \sum_{j \ge 1} (c_j F_{n-j} - a_j M X_{n-j} - b_j L X_{n-j}).

    Attributes
    ----------
    kept : list of str
        Arrays of earlier steps: their rates, M X and L X.

    Parameters
    ----------
    scheme : class
        The scheme of Dedalus.
    """

    def __init__(self, scheme, *arguments):
        super().__init__(*arguments)
        self._factors = None
        self.matrices.add("inve", *self._probes())
        self._terms = {name: _used(scheme, name) for name in "abc"}
        for name, used in self._terms.items():
            for j in used:
                self._coefficient(name, j)
        #: {history: arrays, the latest first}, as `FusedMultistep` names them.
        self.histories = {
            history: [f"{history}{j}" for j in range(max(self._terms[name], default=1) - 1)]
            for history, name in (("state", "a"), ("moved", "b"), ("rate", "c"))
        }
        self.histories["state"] = [
            name.replace("state", "mass") for name in self.histories["state"]
        ]
        self.kept = [name for names in self.histories.values() for name in names]
        self._finish(has_linear=bool(self._terms["b"]))

    def set_coefficients(self, a, b, c):
        """Fill the tables for the coefficients of a step."""
        for (name, j), index in self._coefficients.items():
            values = {"a": a, "b": b, "c": c}[name]
            # The first steps have fewer terms.
            self.numbers[index] = values[j] if j < len(values) else 0
        if (a[0], b[0]) != self._factors:
            self._factors = (a[0], b[0])
            self.matrices.fill("inve", self._inverse(*self._factors))

    def lines(self, over_modes):
        """Lines that use the rates of a block; `over_modes` puts lines into loops over modes."""
        writer, names = ScalarWriter(), set()
        state = self._loaded(writer, _STATE, self._needed_of_state())
        now = {"rate": self._loaded(writer, _RATE, self._rated)}
        now["state"] = {row: self._times_mass(writer, state, row) for row in sorted(self._solved)}
        now["moved"] = {}
        if self._terms["b"]:
            now["moved"] = {
                row: self.matrices.product(writer, "linear", state, row) for row in self._solved
            }
        past = {
            history: [
                now[history],
                *(self._loaded(writer, self._kept(n), now[history]) for n in names_),
            ]
            for history, names_ in self.histories.items()
        }
        known = {}
        for row in sorted(self._solved):
            total = (None, None)
            for history, name in (("rate", "c"), ("state", "a"), ("moved", "b")):
                for j in self._terms[name]:
                    values = past[history][j - 1]
                    if row in values:
                        factor = self._coefficient(name, j)
                        names.add(factor)
                        term = writer.multiply((factor, None), values[row])
                        total = writer.add(total, term if name == "c" else _minus(term))
            known[row] = total
        for j in range(self.components):
            value = self.matrices.product(writer, "inve", known, j)
            writer.store(_STATE.format(i=j), value, True)
        for history, arrays in self.histories.items():
            for j, name in enumerate(arrays):
                self._keep(writer, name, past[history][j])
        step = self._block(over_modes, writer, names)
        return [f"if kind == {LAST}:", *indent(step), *self._result(over_modes)]

    def _needed_of_state(self):
        if self._terms["b"]:
            return set(range(self.components))
        return {j for _, j in self.left.mass}


def _used(scheme, name):
    """Return the j >= 1 of the coefficients a_j, b_j or c_j that a scheme uses."""
    found = set()
    for iteration in range(scheme.steps + 1):
        timesteps = deque(1 + 0.1 * np.arange(scheme.steps))
        coefficients = scheme.compute_coefficients(timesteps, iteration)
        found |= set(np.flatnonzero(coefficients["abc".index(name)]).tolist())
    return sorted(found - {0})


def _minus(pair):
    return tuple(None if part is None else f"-{part}" for part in pair)


class ImplicitScheme:
    """A scheme of Dedalus with the left side that it inverts.

    Parameters
    ----------
    scheme : class
        Of Dedalus.
    left : LeftSide
    """

    def __init__(self, scheme, left):
        self.scheme, self.left = scheme, left

    def update(self, program, space, layout):
        """Return the update of compiled passes."""
        is_one_step = issubclass(self.scheme, timesteppers.RungeKuttaIMEX)
        kind = ImplicitRungeKutta if is_one_step else ImplicitMultistep
        return kind(self.scheme, self.left, program, space, layout)
