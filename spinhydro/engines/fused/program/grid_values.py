"""Values of an expression on the grid, computed from the fields of a solver."""

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.memory import WORTH_REUSING
from spinhydro.engines.fused.program.constants import Constants
from spinhydro.engines.fused.program.program import Program
from spinhydro.engines.fused.program.right_side import common_domain
from spinhydro.engines.fused.program.transforms import Space
from spinhydro.engines.fused.read.lower import Lowering


class GridValues:
    """The grid values of an operand, as Dedalus evaluates it, in far fewer operations.

    They are equal to rounding where the grid resolves them: Dedalus's ``evaluate`` transforms along
    some axes only, and so keeps some of the Nyquist modes that a whole transform drops.

    Parameters
    ----------
    operand : operand of Dedalus
    variables : list of fields
        The state.
    time : field or None
        The time of the problem.
    space : Space, optional
        Grid of the state.
    beside : Lowering, optional
        That of a right side on the same space.

    Raises
    ------
    Unsupported
        If the operand holds something that cannot be fused.
    """

    def __init__(self, operand, variables, time, space=None, beside=None):
        self.operand, self.variables, self.time, self._beside = operand, variables, time, beside
        self.space = space or Space(common_domain(variables, coupled=True), variables[0].dtype)
        self._is_small = self.space.points * self.space.dtype().itemsize < WORTH_REUSING
        self._field = None
        self._build()

    def _build(self):
        space = self.space
        # Without the other operands of a right side, nothing is transformed that need not be.
        self._lowering = Lowering(
            self.variables, space.dist, self.time, lossless=True, neighbours=False,
            beside=self._beside,
        )  # fmt: skip
        values = list(self._lowering(self.operand).ravel())
        # Small components share transforms; those of large ones would fill the memory together.
        groups = [values] if self._is_small else [[value] for value in values]
        self._programs = [Program(self._lowering, space, group, on_grid=True) for group in groups]
        self._constants = Constants(self._lowering, space.dtype)
        has_transforms = any(program.rounds for program in self._programs)
        self._forward = space.plan(self._lowering.components) if has_transforms else None

    def field(self, time, spectra=None):
        """Return a field with the values on the dealiasing grid, valid until the next call.

        A collective call.

        Parameters
        ----------
        time : float
        spectra : array, optional
            Those of the state, if they are known.
        """
        space, operand = self.space, self.operand
        if not self._constants.are_frozen_as_before:
            self._build()
        found = self._values(self._rows(self.variables), time, spectra)
        field = self._field or space.dist.Field(
            bases=operand.domain.bases, tensorsig=operand.tensorsig, dtype=operand.dtype
        )
        if self._is_small:
            self._field = field
        field.preset_scales(space.scales)
        field.preset_layout(space.dist.grid_layout)
        values = space.to_fields(found.reshape(-1, *space.shape))
        field.data[...] = space.part_of(operand.domain, values).reshape(field.data.shape)
        return field

    def condition(self, time):
        """Return the largest change of the values per change of the state; a collective call.

        Every value of the state is changed by a random part in 1e8 of the largest one, as the
        rounding errors of transforms change it. Where values are quotients of small numbers, they
        have fewer digits than the state.
        """
        part, random = 1e-8, np.random.default_rng(self.space.dist.comm.rank)
        grid = self._rows(self.variables)
        largest = self.space.dist.comm.allreduce(
            max(abs(row).max(initial=0) for row in grid), op=MPI.MAX
        )
        size, before = part * largest, self._values(grid, time)
        moved = [row + size * random.uniform(-1, 1, row.shape) for row in grid]
        changed = self._values(moved, time)
        change = self.space.dist.comm.allreduce(abs(changed - before).max(initial=0), op=MPI.MAX)
        return float(change) / part

    def _values(self, grid, time, spectra=None):
        """Return the values (components, points) from those of the state.

        `spectra` of the state are computed where they are needed and not given.
        """
        space = self.space
        self._constants.read()
        constants = self._constants.at(time)
        profiles = self._rows(self._lowering.profiles)
        if spectra is None and self._forward is not None:
            for values, row in zip(self._forward.grid, grid, strict=True):
                values[...] = row.reshape(values.shape)
            self._forward.forward()
            spectra = self._forward.spectra
        found = np.empty((sum(len(p.outputs) for p in self._programs), space.points), space.dtype)
        row = 0
        for program in self._programs:
            out = found[row : row + len(program.outputs)]
            program(spectra, grid, constants, profiles, out)
            program.free_scratch()
            row += len(out)
        if self._forward is not None:
            self._forward.free_scratch()
        return found

    def _rows(self, fields):
        """Return the grid values of fields, one row for each component."""
        rows = []
        for field in fields:
            field.require_grid_space()
            rows += list(self.space.profile(field).reshape(-1, self.space.points))
        return rows
