"""Compiled loops over columns: a few modes of the inner axes at a time, all along the first one."""

import numpy as np

from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.program.scalar_writer import ScalarWriter, indent
from spinhydro.engines.fused.step.stages import FIRST, LAST


class ColumnPasses:
    """Writer of loops over spectra of a block of columns, which stays in the cache.

    In them, b is the block, c0 its first column and cw its width, x a row and j a column of the
    block, i a component and r a scalar to be transformed.

    Parameters
    ----------
    dataflow : Dataflow
        Of the program that is compiled.
    layout : Layout
    memory : Memory
    has_stages : bool
        Whether rates are used for the stages of a step.
    update : RatesOnly
        How the rates are used.
    """

    def __init__(self, dataflow, layout, memory, has_stages, update):
        self.dataflow, self.program, self.space = dataflow, dataflow.program, dataflow.program.space
        self.layout, self.memory = layout, memory
        self.has_stages, self.update = has_stages, update
        self.components = self.program.lowering.components
        self._transforms = layout.rows > 1
        # Names of symbols, and the sources whose transforms are final.
        self._symbols, self._finished = {}, set()

    def start(self):
        """Lines that copy the spectra of the state to the first stage."""
        rounds, lines = self.program.rounds, []
        if self.memory.keeps_stage:
            copied = self._over_modes(["stage_[i, x, c0 + j] = state_[i, x, c0 + j]"])
            lines += self._over_blocks([f"for i in range({self.components}):", *indent(copied)])
        if rounds and rounds[0].inverse_spectra:
            lines += self.before(0, "state")
        return lines

    def _plan(self, backward):
        rows, width = self.layout.rows, self.layout.width
        one, two = (fftw.zeros((rows, width), complex) for _ in range(2))
        name = "columns back" if backward else "columns ahead"
        return self.memory.plan(name, "dft", (rows, width, width),
                                [(width, 1, 1)], one, two, backward=backward)  # fmt: skip

    def _over_blocks(self, inner, untouched=()):
        """Loop over blocks of columns; blocks beyond the bases are zero in `untouched` arrays."""
        lines = [f"for b in range({-(-self.layout.modes // self.layout.width)}):",
                 f"    c0 = b * {self.layout.width}",
                 f"    cw = min({self.layout.width}, {self.layout.modes} - c0)"]  # fmt: skip
        if not np.all(self.layout.held_mode):
            lines.append("    if some_[b] == 0.0:")
            for name, number in untouched:
                zero = self._over_rows([f"{name}_[i, x, c0 + j] = 0.0"])
                lines += [f"        for i in range({number}):", *indent(indent(indent(zero)))]
            lines.append("        continue")
        return lines + indent(inner)

    def _over_rows(self, inner):
        """Loop over the columns of a block, where x is still a grid point."""
        return [f"for x in range({self.layout.rows}):", *self._over_columns(inner)]

    def _over_modes(self, inner):
        """Loop over the modes of a block; rows that the bases do not hold stay zero."""
        number, rows = self.layout.held_rows, self.layout.rows
        if number == rows:
            return self._over_rows(inner)
        return ["for half in range(2):", f"    for y in range({number}):",
                f"        x = half * {rows - number} + y",
                *indent(self._over_columns(inner))]  # fmt: skip

    @staticmethod
    def _over_columns(inner):
        return ["    for j in range(cw):", *(f"        {line}" for line in inner)]

    def _gather(self, round_):
        """Lines that transform the sources of a round to k-space, and the place of each."""
        lines, places, fetched = [], {}, {}
        for source in self.dataflow.sources(round_):
            kind, number, row = source
            if kind == "state" and not self.program.on_grid:
                continue
            name = "z" if kind == "state" else f"a{number}"
            places[source] = f"{name}_[{row}, x, c0 + j]"
            if self._transforms and source not in self._finished:
                fetched.setdefault((name, self.dataflow.needed_after(round_, source)), []).append(
                    source
                )
        plan = self._transforms and self._plan(False)
        for (name, needed), sources in fetched.items():
            rows = [row for _, _, row in sources]
            for first, stop in runs(rows):
                buffer = f"f{round_}{name}{first}"
                shape = (stop - first, self.layout.rows, self.layout.width)
                alone = len(fetched) == 1 and len(rows) == stop - first
                values = self._buffer(buffer, shape, alone and round_ == len(self.program.rounds))
                to = f"{self.memory.address(buffer)} + (r - {first}) * {values.strides[0]}"
                inner = self._over_rows([f"tb_[x, j] = {name}_[r, x, c0 + j]"])
                inner.append(self.memory.call("dft", plan, self.memory.address("tb"), to))
                if needed:
                    inner += self._over_modes(
                        [f"{name}_[r, x, c0 + j] = {buffer}_[r - {first}, x, j]"]
                    )
                    self._finished.update(s for s in sources if first <= s[2] < stop)
                lines += [f"for r in range({first}, {stop}):", *indent(inner)]
                for source in sources:
                    if first <= source[2] < stop:
                        places[source] = f"{buffer}_[{source[2] - first}, x, j]"
        return lines, places

    def _buffer(self, name, shape, may_share):
        """An array for transforms of a block: that of the rates, if these replace them.

        Then less of the cache is filled. Rows that the bases do not hold must stay zero there.
        """
        rates = self.memory.arrays["kb"]
        if may_share and shape == rates.shape and self.layout.held_rows == self.layout.rows:
            self.memory.arrays[name] = rates
            return rates
        return self.memory.array(name, shape, complex)

    def _combine(self, spectra, places, state):
        """ScalarWriter with the values of linear combinations of known spectra."""
        writer = ScalarWriter(numbers=self.memory.numbers)
        loaded = {}
        values = []
        for spectrum in spectra:
            total = (None, None)
            for base, symbol in spectrum.terms.items():
                if base not in loaded:
                    if base[0] == "state" and not self.program.on_grid:
                        source, known = state.format(row=base[1]), True
                    else:
                        key = (
                            ("state", -1, base[1])
                            if base[0] == "state"
                            else ("a", *self.program.forward_rows[base[1]])
                        )
                        source, known = places[key], False
                    pair = writer.load(source)
                    if not known:
                        pair = writer.multiply(self._scale(writer), pair)
                    loaded[base] = pair
                factor = self._symbol(writer, symbol)
                total = writer.add(total, writer.multiply(factor, loaded[base]))
            values.append(total)
        return writer, values

    def _scale(self, writer):
        """Normalisation of forward transforms, zero for modes that the bases do not hold."""
        if self.space.mask is None:
            return (repr(1 / self.space.points_of_member), None)
        return writer.pair("held_[x] * scale_[c0 + j]")

    def _symbol(self, writer, symbol):
        """The value of a symbol at mode (x, c0 + j)."""
        values = self.space.symbol(symbol)
        if np.ndim(values) == 0:
            return writer.number(values)
        name = self._symbols.setdefault(id(values), f"y{len(self._symbols)}")
        values = values.reshape(self.layout.all_rows, self.layout.modes)
        of_members = self.layout.has_members and not np.all(values == values[0])
        if self.layout.has_members and not of_members:
            values = values[:1]
        parts = []
        for part, data in (("r", values.real), ("i", values.imag)):
            if not np.any(data):
                parts.append(None)
                continue
            if name + part not in self.memory.arrays:
                self.memory.table(name + part, np.ascontiguousarray(data))
                if of_members:
                    self.memory.holds_all(name + part, self.layout.modes)
            parts.append(writer.name(f"{name}{part}_[x, c0 + j]"))
        return tuple(parts)

    def _into(self, round_, state, places):
        """Lines that fill the inverse transforms of a round along the columns."""
        spectra = self.dataflow.spectra_of(round_)
        source, lines = "ob" if self._transforms else "", []
        if source and state.startswith("sb_") and self._are_components(spectra):
            source = "sb"
        if source != "sb":
            writer, values = self._combine(spectra, places, state)
            for row, value in enumerate(values):
                target = f"ob_[{row}, x, j]" if source else f"i{round_}_[{row}, x, c0 + j]"
                writer.store(target, value, True)
            lines = self._over_modes(writer.lines)
        if source:
            plan, outward = self._plan(True), self.memory.arrays[source]
            at = f"{self.memory.address(source)} + r * {outward.strides[0]}"
            lines += [
                f"for r in range({len(spectra)}):",
                f"    {self.memory.call('dft', plan, at, self.memory.address('tb'))}",
                *indent(self._over_rows([f"i{round_}_[r, x, c0 + j] = tb_[x, j]"])),
            ]
        return lines

    def _are_components(self, spectra):
        """Return whether spectra are the first components of the state, in order."""
        identity = self.program.lowering.graph.identity()
        return not self.program.on_grid and all(
            list(spectrum.terms) == [("state", row)]
            and dict(spectrum.terms["state", row]) == identity
            for row, spectrum in enumerate(spectra)
        )

    def before(self, round_, state):
        """Lines that form the inverse transforms of a round from `state` and earlier rounds."""
        lines, places = self._gather(round_)
        lines += self._into(round_, f"{state}_[{{row}}, x, c0 + j]", places)
        return self._over_blocks(lines, [(f"i{round_}", len(self.dataflow.spectra_of(round_)))])

    def end(self):
        """Rates, the update of a state of spectra, and the first transforms of the next stage."""
        rounds = self.program.rounds
        lines, places = self._gather(len(rounds))
        state = "stage_[{row}, x, c0 + j]"
        writer, values = self._combine(self.program.outputs, places, state)
        for row, value in enumerate(values):
            writer.store(f"kb_[{row}, x, j]", value, True)
        lines += self._over_modes(writer.lines)
        if self.update.begins_alone:
            lines = [f"if kind > {FIRST}:", *indent(lines)]
        lines += self.update.lines(self._over_modes)
        if not self.has_stages:
            return self._over_blocks(lines)
        untouched = []
        if rounds and rounds[0].inverse_spectra:
            untouched = [("i0", len(rounds[0].inverse_spectra))]
        following = self._following("sb_[{row}, x, j]")
        if following:
            lines += [f"if kind < {LAST}:", *indent(following)]
        if following and self.update.next_stage:
            # The first transforms of the next step, while the state is in the cache.
            following = self._following(self.update.next_stage)
            lines += [f"if kind == {LAST}:", "    if ahead == 1.0:", *indent(indent(following))]
        return self._over_blocks(lines, untouched)

    def _following(self, state):
        """Lines of a block that prepare the next stage, or step, from its `state`."""
        rounds, lines = self.program.rounds, []
        if self.memory.keeps_stage:
            source = state.format(row="i")
            kept = self._over_modes([f"stage_[i, x, c0 + j] = {source}"])
            lines += [f"for i in range({self.components}):", *indent(kept)]
        if rounds and rounds[0].inverse_spectra:
            lines += self._into(0, state, {})
        return lines


def runs(indices):
    """Return (first, one past the last) of every run of neighbouring indices."""
    found = []
    for index in sorted(indices):
        if found and found[-1][1] == index:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found
