"""Splitting schemes with rotations of phases compiled from the strings of the right side."""

import numpy as np

from spinhydro.engines.fused.program.exponential import Drifts
from spinhydro.engines.fused.program.phase_rotation import PhaseRotation
from spinhydro.engines.fused.step.splitting_step import SplittingStep
from spinhydro.engines.fused.steppers.checker import compare, relative
from spinhydro.engines.fused.steppers.integrating_factor import FusedIFRK4
from spinhydro.steppers.phase_rotation import rotate_phases
from spinhydro.steppers.splitting import BlanesMoan4, BlanesMoan6, Strang
from spinhydro.steppers.splitting_checks import check_reversible, check_rotation
from spinhydro.steppers.truncation import check_fraction


class FusedSplitting(FusedIFRK4):
    """The schemes of ``spinhydro.steppers.splitting``.

    The inverse transforms, the rotation and the transforms back are one compiled program.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    kind = None
    truncation = 1.0

    @property
    def stages(self):
        """Rotations per step."""
        return len(self.kind.rotations)

    def _make_right_side(self):
        super()._make_right_side()
        self.rotation = PhaseRotation(self.solver, self.right_side, self._options["projections"])
        self.drifts = Drifts(self.right_side, self.kind.drifts)
        self.drifts.truncate(self.truncation)
        if min(self.kind.drifts) < 0:
            matrix = -np.moveaxis(self.exponential.matrix(), (0, 1), (-2, -1))
            check_reversible([matrix], self.kind.__name__, self.solver.dist.comm)

    def _make_native(self):
        return SplittingStep(self.rotation, self.drifts, self.kind.rotations)

    def truncate(self, fraction):
        """Keep the modes up to a fraction of the largest wavenumber along each axis.

        Raises ParameterError unless it is above 0 and at most 1.
        """
        self.truncation = check_fraction(fraction)
        self.drifts.truncate(self.truncation)
        for native in self._natives():
            native.prepare_again()

    def _natives(self):
        """Return the compiled steps that there are."""
        return [self.native] if self.native else []

    def kept(self):
        """Return which modes are kept, as an array for spectra; None if all are."""
        return self.right_side.space.kept(self.truncation)

    def evaluate_rate(self, time):
        """Compute rate = the right-hand side at the state."""
        self.right_side(self.state, time, self.rate)

    def read_fields(self):
        """Read the state from the fields, if a script has changed them since the last step."""
        reads = not self.fields.on_request or self.fields.snapshot is None
        if reads and self.rotation.refresh():
            self._build()
        super().read_fields()

    def _advance(self, time, timestep):
        self.drifts.set(timestep)
        turned = self.state
        for stage, rotation in enumerate(self.kind.rotations):
            self.drifts.apply(stage, turned, self._stage)
            time += self.kind.drifts[stage] * timestep
            turned = self._moved
            self._rotate(self._stage, time, rotation * timestep, turned)
        self.drifts.apply(len(self.kind.rotations), turned, self._total)

    def _rotate(self, state, time, duration, out):
        self.rotation.set_duration(duration)
        self.rotation(state, time, out)

    def differences(self, checker, noise):
        """Also compare a rotation of phases with Dedalus's right side."""
        yield from super().differences(checker, noise)
        if noise:
            check_rotation(self.solver, self.kind.__name__)
            # Beside further transforms Dedalus truncates operands by the order of evaluation, so
            # that V differs in unresolved modes of the noise; the rates are compared all the same.
            if len(self.rotation.program.rounds) == 1:
                yield self._rotation_difference(checker, noise)

    def _rotation_difference(self, checker, noise):
        time, sizes = self.solver.sim_time + noise, []
        with checker.disturbed(noise):
            checker.take_fields()
            start = self.state.copy()
            duration = 0.1 / (1 + noise)
            rotate_phases(self.solver, time, duration)
            theirs = [self.fields.values(checker.held(v)).copy() for v in self.solver.state]
            self._rotate(start, time, duration, self.rate)
            for (_, rows), fields in zip(self.fields.rows(), theirs, strict=True):
                for row, values in zip(range(rows.start, rows.stop), fields, strict=True):
                    sizes.append(compare(self.fields.row_on_grid(self.rate, row)[0], values))
        self.free_scratch()
        return relative(np.max(sizes, axis=0), self.solver.dist.comm)

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        super().free_scratch(keep_rate)
        self.rotation.free_scratch()


class FusedStrang(FusedSplitting):
    """The scheme of ``spinhydro.Strang``."""

    kind = Strang


class FusedBlanesMoan4(FusedSplitting):
    """The scheme of ``spinhydro.BlanesMoan4``."""

    kind = BlanesMoan4


class FusedBlanesMoan6(FusedSplitting):
    """The scheme of ``spinhydro.BlanesMoan6``."""

    kind = BlanesMoan6
