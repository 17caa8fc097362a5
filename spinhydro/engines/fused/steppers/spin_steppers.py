"""Steppers that rotate spins, and Heun's scheme, on the fused right-hand side."""

import numpy as np

from spinhydro.engines.fused.read.graph import Unsupported
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.step import stencil_step
from spinhydro.engines.fused.step.midpoint_step import FourierMidpoint, StencilMidpoint
from spinhydro.engines.fused.step.rotation_step import (
    FourierRotations,
    StencilRotations,
)
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.steppers.spin_schemes import Ranks
from spinhydro.steppers.spin_steppers import RKMK4, ImplicitMidpoint, SemiImplicit, find_spins


class FusedScheme(FusedRK4):
    """Scheme that evaluates one rate at a time, with the state on the grid.

    Raises
    ------
    Unsupported
        If the problem cannot be fused, or if the bases truncate the grid values.
    """

    def _build(self):
        super()._build()
        if not self.right_side.on_grid:
            name = type(self).__name__.removeprefix("Fused")
            raise Unsupported(f"{name} on bases that drop modes")

    def _make_native(self):
        return compiled_step.make(self.right_side, has_stages=False)

    def _one_step(self, time, timestep):
        """Advance the state by one step and its projections, with the noise that is drawn."""
        if self.native is not None and self.native.has_steps:
            self.native.step(time, timestep)
            return
        self.assign(self.end_of_step(self.values(), time, timestep))
        self._project(time + timestep)

    @property
    def compiles_steps(self):
        """Return whether whole steps are compiled, so that they cost what their stages cost."""
        return self.native is not None and self.native.has_steps

    def spans(self, field):
        """Return the slice of each grid axis on this rank."""
        space = self.right_side.space
        if space.slabs is None:
            return field.dist.grid_layout.slices(field.domain, 1)
        return [space.slabs.span(space.whole[0]), *[slice(None)] * (len(space.whole) - 1)]

    def _parts(self, array):
        """Return views of all components of each variable."""
        return [array[rows] for _, rows in self.fields.rows()]

    def values(self):
        """Return copies of the state on the grid."""
        return [part.copy() for part in self._parts(self.state)]

    def assign(self, values):
        """Set the state from grid values."""
        for part, value in zip(self._parts(self.state), values, strict=True):
            np.copyto(part, value)

    def evaluate(self, values, time):
        """Return the rates of all variables on the grid."""
        self.assign(values)
        self.evaluate_rate(time)
        return self._parts(self.rate)


class FusedStochasticHeun(FusedScheme):
    """The scheme of ``spinhydro.StochasticHeun``."""

    stages = 2

    def _make_native(self):
        has_steps = self.right_side.lowering.graph.has_neighbours
        return compiled_step.make(self.right_side, None, has_steps, stencil_step.HEUN)

    def end_of_step(self, start, time, timestep):
        first = [rate.copy() for rate in self.evaluate(start, time)]
        ahead = [x + timestep * rate for x, rate in zip(start, first, strict=True)]
        second = self.evaluate(ahead, time + timestep)
        return [x + timestep / 2 * (a + b) for x, a, b in zip(start, first, second, strict=True)]


class FusedSpins(FusedScheme):
    """The schemes of ``spinhydro.steppers.spin_steppers``."""

    kind = None

    def __init__(self, solver, projections=(), compiled=True):
        self.spins = getattr(solver.timestepper, "spins", None)
        self.stages = self.kind.stages
        super().__init__(solver, projections, compiled)
        self.ranks = Ranks(solver.dist.comm)

    def state_record(self):
        """Return the record of a stepper, with the variables that are spins."""
        record = super().state_record()
        return record if self.spins is None else record | {"spins": np.array(self.spins)}

    def restore(self, record):
        """Continue from a record of `state_record`."""
        super().restore(record)
        if "spins" in record:
            self.spins = record["spins"].tolist()

    #: The scheme of `rotation_step.SCHEMES` that compiled steps take, and whether they keep what
    #: the difference of an embedded solution needs.
    compiled_scheme, is_pair = None, False
    #: Compiled steps with transforms, and without.
    compiled_steps = FourierRotations, StencilRotations

    def _make_native(self):
        has_neighbours = self.right_side.lowering.graph.has_neighbours
        return self.compiled_steps[has_neighbours](self.right_side)

    def find_spins(self):
        """Find the variables that are spins, if that is not known, and compile their rotations."""
        if self.spins is None:
            self.spins = find_spins(self, self.kind.__name__)
        if self.native and not self.native.has_steps:
            groups = [
                (range(rows.start, rows.stop), is_spin)
                for is_spin, (_, rows) in zip(self.spins, self.fields.rows(), strict=True)
            ]
            self.native.set_rotations(self.compiled_scheme, groups, self.is_pair)

    def _one_step(self, time, timestep):
        """Advance the state by one step and its projections, with the noise that is drawn."""
        self.find_spins()
        super()._one_step(time, timestep)

    def end_of_step(self, start, time, timestep):
        return self.kind.scheme(self.evaluate, start, self.spins, time, timestep, self.ranks)


class FusedRKMK4(FusedSpins):
    kind = RKMK4
    compiled_scheme = "RKMK4"


class FusedImplicitMidpoint(FusedSpins):
    kind = ImplicitMidpoint
    compiled_steps = FourierMidpoint, StencilMidpoint
    #: The number of iterations is not known beforehand.
    compiles_steps = False


class FusedSemiImplicit(FusedSpins):
    kind = SemiImplicit
    compiled_scheme = "SemiImplicit"
