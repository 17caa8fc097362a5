"""The right-hand side of a problem, and its projections, as programs on the state."""

import math

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.dedalus_support.ensemble.basis import Members
from spinhydro.engines.fused.program.constants import Constants
from spinhydro.engines.fused.program.normal_numbers import NoisySteps, fillings_in_place
from spinhydro.engines.fused.program.program import Program, flat
from spinhydro.engines.fused.program.transforms import Space
from spinhydro.engines.fused.read.equations import CoupledEquations, Equations
from spinhydro.engines.fused.read.graph import Unsupported
from spinhydro.steppers.noise import WhiteNoise


class RightSide:
    r"""f(X, t) = F(X, t) - L X of ``dt(X) + L.X = F`` on spectra.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        All-Fourier, with one plain dt(…) in every equation.
    projections : sequence of (field, operand)
        Assignments after a step.
    linear_apart : bool
        Leave L out: f = F, and `linear` holds L as an array of Spectrum.
    coupled : bool
        Also leave M out (`CoupledEquations`): `mass` holds it as an array of Spectrum, and rates
        are rows of equations, not of the state.
    compiled : bool, optional
        Whether pointwise loops are compiled.

    Attributes
    ----------
    stated : list of Stated
        The equations in the order of their rows.
    linear_has_products : bool
        Whether L holds products with fields.

    Raises
    ------
    Unsupported
        With the reason why the problem cannot be fused.
    """

    def __init__(
        self, solver, projections=(), linear_apart=False, coupled=False, compiled=False
    ):  # fmt: skip
        self.solver = solver
        self.variables = list(solver.state)
        domain = common_domain(self.variables, coupled)
        self.space = Space(domain, solver.dtype)
        read = (CoupledEquations if coupled else Equations)(
            solver, projections, linear_apart, lossless=self.space.mask is None,
            neighbours=not linear_apart,
        )  # fmt: skip
        self.lowering, self.stated = read.lowering, read.stated
        self.linear, self.mass = read.linear, read.mass
        self.linear_has_products = read.linear_has_products
        self.on_grid = self.space.mask is None and not linear_apart
        options = {"on_grid": self.on_grid, "compiled": compiled}
        outputs = self._outputs(read.rates)
        self.program = Program(self.lowering, self.space, outputs, **options)
        self.projection = None
        #: Number of changes of the profiles.
        self.profiles_version = 0
        if projections:
            self.projection = Program(self.lowering, self.space, read.projected, **options)
        components = self.lowering.components
        self._forward = self.space.plan(components) if self.on_grid else None
        self.state_shape = (
            (components, *self.space.shape)
            if self.on_grid
            else (components, *self.space.spectral_shape)
        )
        self.state_dtype = self.space.dtype if self.on_grid else np.complex128
        self._constants = Constants(self.lowering, self.space.dtype)
        profiles = sum(map(count, self.lowering.profiles))
        # Most profiles of complex problems are real.
        kind = self.space.dtype if self.lowering.graph.has_neighbours else float
        self.profile_values = np.zeros((profiles, self.space.points), kind)
        self._noise = self._drawn = None

    def _outputs(self, rates):
        """Return the scalars that an evaluation computes, for those of F - L X."""
        return rates

    def refresh(self):
        """Read constants and profiles again; return whether a frozen constant has changed."""
        if not self._constants.are_frozen_as_before:
            return True
        self._constants.read()
        row = 0
        for field in self.lowering.profiles:
            data = self._profile(field)
            rows = slice(row, row + data.shape[0])
            row += data.shape[0]
            changed = not np.array_equal(self.profile_values[rows], data)
            if self.space.anywhere(changed):
                # Modes beyond the basis are dropped.
                field.require_coeff_space()
                self._keep_profile(rows, field)
        return False

    def _keep_profile(self, rows, field):
        data = self._profile(field)
        if np.iscomplexobj(data) and not np.iscomplexobj(self.profile_values):
            if self.space.anywhere(np.any(data.imag)):
                self.profile_values = self.profile_values.astype(complex)
            else:
                data = data.real
        self.profile_values[rows] = data
        self.profiles_version += 1

    @property
    def profiles(self):
        """Values of the profiles, (rows, points); `profiles_version` counts their changes."""
        return self.profile_values

    @property
    def has_noise(self):
        """Return whether every step draws random numbers."""
        return bool(self._noises())

    def noisy_steps(self):
        """Return NoisySteps that draw all noise of this problem; None if that is not possible."""
        if any(fillings is None for _, _, fillings in self._noises()):
            return None
        return NoisySteps([one for _, _, fillings in self._noises() for one in fillings])

    def draw(self, iteration, timestep, in_place=False):
        """Draw the noise of the next step.

        Parameters
        ----------
        iteration : int
        timestep : float
        in_place : bool
            Leave the noise fields behind until `update_noise_fields`, where that is possible.
        """
        for field, rows, fillings in self._noises():
            if in_place and fillings is not None:
                for fill in fillings:
                    fill(iteration, 1 / math.sqrt(timestep))
                continue
            field.draw(iteration, timestep)
            if self.space.mask is not None:
                field.require_coeff_space()
            self._keep_profile(rows, field)
        self.note_draw(iteration, timestep)

    def note_draw(self, iteration, timestep):
        """Note that the noise of this step is in the profiles."""
        self.profiles_version += 1
        self._drawn = iteration, timestep

    def update_noise_fields(self):
        """Draw the noise of the last step into its fields too."""
        for field, _, _ in self._noises():
            if self._drawn is not None:
                field.draw(*self._drawn)

    def _noises(self):
        """Noise fields, their rows, and what draws into these (None: not possible)."""
        if self._noise is None:
            self._noise, row = [], 0
            for field in self.lowering.profiles:
                rows = slice(row, row + count(field))
                row = rows.stop
                if isinstance(field, WhiteNoise):
                    self._noise.append((field, rows, fillings_in_place(field, self, rows)))
        return self._noise

    def _profile(self, field):
        """Grid values of a field, component by component; it may depend on some axes only."""
        return self.space.profile(field).reshape(-1, self.space.points)

    def constants(self, time):
        """Values of the constant fields at a time."""
        return self._constants.at(time)

    def free_scratch(self):
        """Free the buffers until the next evaluation."""
        for program in filter(None, (self.program, self.projection)):
            program.free_scratch()
        if self._forward:
            self._forward.free_scratch()

    def transforms(self):
        """Numbers of scalars transformed (forward, back to the grid) in one evaluation."""
        rounds = self.program.rounds
        forward = sum(len(round_.ahead_nodes) for round_ in rounds)
        if self.on_grid and rounds:
            forward += self.lowering.components
        return forward, sum(len(round_.inverse_spectra) for round_ in rounds)

    def __call__(self, state, time, out):
        """out = f(state, time) of all components, on the grid or as spectra like the state."""
        self._run(self.program, state, time, out)

    def project(self, state, time, out):
        """out = the projected state."""
        self._run(self.projection, state, time, out)

    def _run(self, program, state, time, out):
        constants = self.constants(time)
        if not self.on_grid:
            program(state, self.profile_values[:0], constants, self.profile_values, out)
            return
        if program.rounds:
            np.copyto(self._forward.grid, state)
            self._forward.forward()
        program(self._forward.spectra, flat(state), constants, self.profile_values, flat(out))


def common_domain(variables, coupled):
    """Return the domain of all variables; if they are `coupled`, others may lack some of its axes.

    Raises Unsupported if there is none.
    """

    def is_part(basis, whole):
        return basis is whole or (coupled and basis is None and not isinstance(whole, Members))

    widest = max((v.domain for v in variables), key=lambda domain: len(domain.bases))
    for domain in {variable.domain for variable in variables}:
        if not all(map(is_part, domain.full_bases, widest.full_bases)):
            raise Unsupported("variables on different bases")
    return widest
