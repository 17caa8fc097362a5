"""The compiled passes of one program, and their calls."""

import numpy as np

from spinhydro.engines.fused.program.exponential import (
    CompiledExponential,
    Drifts,
    Exponential,
)
from spinhydro.engines.fused.step.column_passes import ColumnPasses
from spinhydro.engines.fused.step.dataflow import Dataflow
from spinhydro.engines.fused.step.implicit_updates import ImplicitScheme
from spinhydro.engines.fused.step.layout import Layout
from spinhydro.engines.fused.step.memory import Memory
from spinhydro.engines.fused.step.slab_passes import SlabPasses
from spinhydro.engines.fused.step.stages import FIRST, RATE
from spinhydro.engines.fused.step.updates import (
    Classical,
    ExponentialDifferences,
    IntegratingFactor,
    LowStorage,
    RatesOnly,
    Splitting,
    Tableau,
)


class CompiledPasses:
    """The compiled passes that compute values from a state.

    Parameters
    ----------
    right_side : RightSide
    program : Program
        Computes rates, or the state after its projection.
    constants : array
        A row for each stage.
    linear : Exponential, Drifts, EtdWeights, ImplicitScheme, Tableau or LowStorage, optional
        Linear terms that the scheme treats by themselves, or another scheme without any.
    has_stages : bool
        Whether it advances a state, or only computes values.
    ends : array, optional
        The state that the values are put into, which is also what they are computed from.
    keeps_last : bool
        Whether a step leaves the rates of its last stage in the array ``last``.
    """

    def __init__(self, right_side, program, constants, linear=None, has_stages=False,
                 ends=None, keeps_last=False):  # fmt: skip
        self.right_side, self.program, self.space = right_side, program, right_side.space
        self._real_at_start = set() if self.space.is_real else self._real_profiles()
        layout, dataflow = Layout(self.space), Dataflow(program)
        self.memory = Memory(layout, dataflow, right_side, constants, ends)
        self.update = self._update(linear, has_stages, layout, keeps_last)
        if keeps_last:
            self._array_of_all("last", layout)
        slabs = SlabPasses(
            program, layout, self.memory, has_stages, self._real_at_start, self.update
        )
        columns = ColumnPasses(dataflow, layout, self.memory, has_stages, self.update)
        self._compile(slabs, columns)

    def _array_of_all(self, name, layout):
        """Make an array like the state of all members."""
        state = self.memory.arrays["state"]
        self.memory.array(name, state.shape, state.dtype, scratch=True)
        self.memory.holds_all(name, layout.points if self.program.on_grid else layout.modes)

    def _update(self, linear, has_stages, layout, keeps_last):
        """Set the use of the rates; declare its tables and scratch arrays to the compiled code."""
        components = self.program.lowering.components
        if not has_stages:
            return RatesOnly(components)
        if linear is None:
            update = Classical(components, keeps_last)
        elif isinstance(linear, LowStorage):
            update = linear.with_components(components)
            for name in update.sums:
                self._array_of_all(name, layout)
            if not layout.has_members:
                self.memory.share("stage", "state")
        elif isinstance(linear, Tableau):
            update = linear.with_components(components)
            shape = (components, layout.planes * layout.points)
            if not self.program.on_grid:
                shape = (components, layout.rows, layout.modes)
            for name in update.rates:
                self.memory.array(name, shape, self.memory.arrays["state"].dtype, scratch=True)
            for name in update.sums:
                self._array_of_all(name, layout)
        elif isinstance(linear, Exponential):
            compiled = CompiledExponential(linear, layout.all_rows, layout.modes)
            update = IntegratingFactor(components, compiled, keeps_last)
        elif isinstance(linear, Drifts):
            compiled = [
                CompiledExponential(one, layout.all_rows, layout.modes, f"d{number}q")
                for number, one in enumerate(linear.exponentials)
            ]
            update = Splitting(components, linear, compiled)
            # A pass multiplies the result of a stage by an exponential, and that is the next one.
            self.memory.share("sb", "kb")
        elif isinstance(linear, ImplicitScheme):
            update = linear.update(self.program, self.space, layout)
        else:
            update = ExponentialDifferences(
                linear.matrix, linear.weights, linear.names, layout, keeps_last
            )
        for name in update.scratch:
            shape = (components, layout.rows, layout.modes)
            self.memory.array(name, shape, complex, scratch=True)
        for name in update.kept:
            self.memory.array(name, (components, layout.all_rows, layout.modes), complex)
            self.memory.holds_all(name, layout.modes)
        for name, table in update.tables.items():
            self.memory.arrays[name] = table
            if update.has_rows(name):
                self.memory.holds_all(name, table[0].size)
        return update

    def _compile(self, slabs, columns):
        """Compile all passes, in the order of a stage."""
        rounds, on_grid = self.program.rounds, self.program.on_grid
        self._begin = [self._make("begin", slabs.start() if on_grid else columns.start())]
        self._sequence = []
        for i, round_ in enumerate(rounds):
            between = round_.inverse_spectra and (i > 0 or on_grid)
            if between:
                self._sequence.append(self._make(f"columns{i}", columns.before(i, "stage")))
            self._sequence.append(self._make(f"slabs{i}", slabs.values(i)))
        if on_grid and not rounds:
            self._sequence.append(self._make("slabs", slabs.values(None)))
        if not on_grid:
            self._sequence.append(self._make("update", columns.end()))
        self._addresses = self.memory.addresses()

    def _make(self, name, lines):
        """Compile a pass from the lines of its body."""
        from spinhydro.engines.fused.compile.cache import compile_pass

        lines = lines or ["pass"]
        return compile_pass(name, [*self.memory.declarations(lines), *lines])

    def calls(self, stage, kind, ahead=0.0, weight=0.0, begins=None):
        """Return the calls of a stage: (function, addresses, stage, kind, ahead, weight).

        With `begins` (by default if it is the first one) also that of the pass that copies the
        state to the first stage.
        """
        if begins is None:
            begins = kind in (FIRST, RATE)
        functions = (self._begin if begins else []) + self._sequence
        rest = (self._addresses.ctypes.data, stage, kind, ahead, weight)
        return [(function.address, *rest) for function in functions]

    def update_call(self, kind, weight=0.0):
        """Return the call of the last pass alone, which uses the rates."""
        rest = (self._addresses.ctypes.data, 0, kind, 0.0, weight)
        return (self._sequence[-1].address, *rest)

    def _real_profiles(self):
        """Rows of the profiles that have no imaginary part."""
        profiles = self.right_side.profile_values
        if not np.iscomplexobj(profiles):
            return set(range(len(profiles)))
        return {i for i, row in enumerate(profiles) if not np.any(row.imag)}

    def is_current(self):
        """Return whether profiles that were compiled as real are still real."""
        changed = self.right_side.profile_values is not self.memory.arrays["profiles"] or (
            not self.space.is_real and not self._real_at_start <= self._real_profiles()
        )
        return not self.space.anywhere(changed)
