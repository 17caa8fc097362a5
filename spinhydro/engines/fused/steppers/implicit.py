"""Dedalus's implicit-explicit schemes on the fused right-hand side."""

from collections import deque

import numpy as np
from dedalus.core import timesteppers
from scipy.linalg import blas

from spinhydro.engines.fused.read.equations import is_coupled
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.engines.fused.step.implicit_updates import ImplicitScheme
from spinhydro.engines.fused.steppers.checker import compare, relative
from spinhydro.engines.fused.steppers.linear import FusedLinear, ModeMatrix
from spinhydro.steppers.records import copy_into


class FusedImplicit(FusedLinear):
    """Base of implicit schemes: solve (M + a L) X = R for every wavenumber.

    M is 1 unless equations are constraints or couple time derivatives. Equations, coefficients and
    first steps are those of Dedalus's class `scheme`.
    """

    scheme = None

    def __init__(self, solver, projections=(), compiled=True):
        self.coupled = is_coupled(solver.problem)
        super().__init__(solver, projections, compiled)

    def _build(self):
        super()._build()
        self._add = blas.get_blas_funcs("axpy", dtype=self.right_side.state_dtype)

    def _allocate(self, compiled):
        super()._allocate(compiled)
        self._mass = self._linear = None
        if self.left:
            self._linear = self._of_modes(self.left.linear)
        if self.coupled:
            self._mass = self._of_modes(self.left.mass)

    def _forget_next_step(self):
        if self.native:
            self.native.continues = False

    @property
    def _compiled_scheme(self):
        return ImplicitScheme(self.scheme, self.left)

    def _of_modes(self, entries):
        shape = self.right_side.space.spectral_shape
        return ModeMatrix(entries, self.left.components, shape)

    def times_mass(self, values, out):
        """out = M values, for spectra (components, *spectral shape)."""
        if self._mass:
            self._mass.apply(values, out)
        else:
            np.copyto(out, values)

    def _plus(self, factor, values, out):
        """out += factor * values."""
        if factor:
            self._add(values.ravel(), out.ravel(), a=factor)

    def _inverse(self, mass, factor):
        """(mass M + factor L)^-1."""
        return self._of_modes(self.left.inverse(mass, factor))

    def completed_inverse(self, part):
        """Return (M + a L)^-1 with a L as large as a small part of M, and the variables under dt.

        It turns forces into rates of change that keep the constraints; variables that no time
        derivative contains, such as a pressure, are 1/a times too large.

        Returns
        -------
        (ModeMatrix, array of bool)
            The matrix, and which components M contains.
        """
        sizes = [
            self.right_side.space.largest(
                max((float(np.abs(v).max()) for v in e.values()), default=0)
            )
            for e in (self.left.mass, self.left.linear)
        ]
        factor = part * sizes[0] / sizes[1] if sizes[1] else 0.0
        advanced = np.zeros(self.left.components, bool)
        advanced[[column for _, column in self.left.mass]] = True
        return self._inverse(1, factor), advanced

    def _linear_difference(self, checker, timestep):
        """Residual, as Dedalus evaluates M and L, of one implicit step of the linear terms."""
        checker.take_fields()
        moved, right = np.empty_like(self.state), self.state.copy()
        inverse, sizes = self._inverse(1, timestep), []
        if self.coupled:
            # Without what equations that exist at some wavenumbers only cannot have.
            self.left.keep_rows(right)
        inverse.apply(right, moved)
        self._put(moved)
        for number, stated in enumerate(self.right_side.stated):
            mass = self.solver.state[number] if stated.mass is None else stated.mass
            total = 0
            for factor, operand in ((1, mass), (timestep, stated.linear)):
                if hasattr(operand, "tensorsig"):
                    held = checker.held(operand.evaluate())
                    total = total + factor * self.fields.values(held)
            for row, values in zip(range(stated.rows.start, stated.rows.stop), total, strict=True):
                sizes.append(compare(self.fields.row_on_grid(right, row)[0], values))
        return relative(np.max(sizes, axis=0), self.solver.dist.comm)


class FusedRungeKutta(FusedImplicit):
    r"""Implicit-explicit Runge-Kutta schemes of Dedalus (RK222, RK443, …):

    .. math::
        (M + h H_{ii} L) X_i = M X_0 + h \sum_{j<i} (A_{ij} F_j - H_{ij} L X_j).

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    def _make_native(self):
        return compiled_step.make_implicit(self.right_side, self._compiled_scheme)

    def _allocate(self, compiled):
        super()._allocate(compiled)
        if self.native:
            return
        self._rates = [np.zeros_like(self.state) for _ in range(self.stages)]
        self._moved = [
            np.zeros_like(self.state) if self.left and self._is_needed(j) else None
            for j in range(self.stages)
        ]
        self._start = np.zeros_like(self.state) if self.coupled else None

    def _is_needed(self, j):
        """Return whether L X_j enters a later stage."""
        return np.any(self.scheme.H[j + 1 :, j])

    def _prepare(self, timestep):
        factors = set(np.diagonal(self.scheme.H)[1:])
        return {h: self._inverse(1, timestep * h) for h in factors if h or self.coupled}

    def _advance(self, time, timestep):
        A, H, c = self.scheme.A, self.scheme.H, self.scheme.c
        stage, known, linear, start = self._stage, self._total, self._linear, self.state
        if self.coupled:
            start = self._start
            self.times_mass(self.state, start)
        inverse = self.prepared(timestep) if linear else {}
        np.copyto(stage, self.state)
        if linear and self._moved[0] is not None:
            linear.apply(stage, self._moved[0])
        for i in range(1, self.stages + 1):
            self._rate_at(stage, time + timestep * c[i - 1], self._rates[i - 1])
            np.copyto(known, start)
            for j in range(i):
                self._plus(timestep * A[i, j], self._rates[j], known)
                if linear:
                    self._plus(-timestep * H[i, j], self._moved[j], known)
            if H[i, i] in inverse:
                inverse[H[i, i]].apply(known, stage)
            else:
                np.copyto(stage, known)
            if linear and i < self.stages and self._moved[i] is not None:
                linear.apply(stage, self._moved[i])
        np.copyto(known, stage)


class FusedMultistep(FusedImplicit):
    r"""Multistep schemes of Dedalus (SBDF2, CNAB2, …):

    .. math::
        (a_0 M + b_0 L) X_{n} = \sum_{j \ge 1} (c_j F_{n-j} - a_j M X_{n-j} - b_j L X_{n-j}).

    The first steps are of lower order, as in Dedalus.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    def __init__(self, solver, projections=(), compiled=True):
        self._history = None
        super().__init__(solver, projections, compiled)

    def _make_native(self):
        scheme = self._compiled_scheme
        return compiled_step.make_implicit(self.right_side, scheme, self._next_coefficients)

    def _allocate(self, compiled):
        super()._allocate(compiled)
        before = self._history
        if self.native:
            self._history = self.native.histories
        else:
            self._history = {
                name: deque(np.zeros_like(self.state) for _ in range(number))
                for name, number in (
                    ("state", self.scheme.amax),
                    ("moved", self.scheme.bmax if self.linear_apart else 0),
                    ("rate", self.scheme.cmax),
                )
            }
        if before is None:
            self._timesteps, self._taken = deque([0.0] * self.steps), 0
            return
        # A constant has changed, and the right side is compiled anew.
        for name, past in self._history.items():
            for kept, values in zip(past, before[name], strict=False):
                np.copyto(kept, values)

    def state_record(self):
        """Return the record of a stepper, with the history of the scheme."""
        record = super().state_record()
        record |= {
            f"{name}/{i}": values
            for name, past in self._history.items()
            for i, values in enumerate(past)
        }
        return record | {"timesteps": np.array(self._timesteps), "taken": np.array(self._taken)}

    def restore(self, record):
        """Continue from a record of `state_record`."""
        super().restore(record)
        for name, past in self._history.items():
            for i, values in enumerate(past):
                copy_into(values, record, f"{name}/{i}")
        self._timesteps = deque(record["timesteps"].tolist())
        self._taken = int(record["taken"])

    def time_steps(self, timestep, number):
        """Return the CPU time of a step; see ``FusedRK4.time_steps``. Forgets the history."""
        seconds = super().time_steps(timestep, number)
        for past in self._history.values():
            for values in past:
                values.fill(0)
        self._timesteps, self._taken = deque([0.0] * self.steps), 0
        return seconds

    def _prepare(self, factors):
        return self._inverse(*factors)

    def _next_coefficients(self, timestep):
        """Return (a, b, c) of the next step."""
        self._timesteps.rotate()
        self._timesteps[0] = timestep
        coefficients = self.scheme.compute_coefficients(self._timesteps, self._taken)
        self._taken += 1
        return coefficients

    def _advance(self, time, timestep):
        a, b, c = self._next_coefficients(timestep)
        for past in self._history.values():
            past.rotate()
        states, moved, rates = self._history.values()
        self.times_mass(self.state, states[0])
        self._rate_at(self.state, time, rates[0])
        known = self._stage
        known.fill(0)
        for factors, past, sign in ((c, rates, 1), (a, states, -1)):
            for factor, values in zip(factors[1:], past, strict=False):
                self._plus(sign * factor, values, known)
        if not self._linear:
            np.multiply(known, 1 / a[0], out=self._total)
            return
        self._linear.apply(self.state, moved[0])
        for factor, values in zip(b[1:], moved, strict=False):
            self._plus(-factor, values, known)
        self.prepared((a[0], b[0])).apply(known, self._total)


def _fused(scheme):
    kind = FusedRungeKutta if issubclass(scheme, timesteppers.RungeKuttaIMEX) else FusedMultistep
    members = {"scheme": scheme, "steps": scheme.steps, "stages": scheme.stages}
    return type(f"Fused{scheme.__name__}", (kind,), {**members, "__doc__": kind.__doc__})


#: The fused form of every scheme of Dedalus.
FUSED_SCHEMES = {
    scheme: _fused(scheme) for scheme in (*timesteppers.schemes.values(), timesteppers.RKGFY)
}
