"""A problem as pure functions of its leaves: rate, projection, step, observed values."""

from dataclasses import dataclass, field

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.derivatives.lowering import LeafLowering, structure
from spinhydro.derivatives.parameters import fixed_timestep, initial_time
from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused.program.transforms import Space
from spinhydro.engines.fused.read.equations import Equations
from spinhydro.engines.fused.read.lower import constant_values
from spinhydro.engines.jax.function import StateFunction, prepare
from spinhydro.engines.jax.leaves import (
    LeafNumber,
    kernel_entries,
    structure_leaves,
    table_leaves,
)
from spinhydro.engines.jax.require import require_jax
from spinhydro.engines.jax.rows import join
from spinhydro.engines.jax.schemes import find_scheme
from spinhydro.errors import EquationError, InputError, Unsupported
from spinhydro.language.declarations import read_projections
from spinhydro.language.equations import names_of
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.steppers import RK4, SPLITTING, find_stepper
from spinhydro.steppers.noise import WhiteNoise
from spinhydro.steppers.stability import fraction_without_resonance
from spinhydro.steppers.truncation import check_fraction


@dataclass
class Model:
    """A loaded problem as JAX functions.

    Attributes
    ----------
    space : Space
    lowering : LeafLowering
    on_grid : bool
        Whether a state is values on the grid, (components, *grid shape), or spectra.
    rate, project : callable
        ``f(state, time, leaves)`` with the time from the start of the run; `project` is None
        without projections. With a scheme that treats the linear terms L separately, the rate is
        without them.
    observe : callable
        ``f(state, time, leaves)`` -> the observed values on the grid, (texts, *grid shape).
    scheme : Scheme
    timestep, stop_time : float
    leaves : dict
        The values of the file: those of `StateFunction`, and "state", the initial state, and
        "weights" of the scheme.
    structure : object
        Equal for models of equal structure.
    linear_kernels : frozenset
        Names of the kernels in linear terms that the scheme treats separately: its weights hold
        their values.
    """

    problem: object
    jax: object
    space: object
    lowering: object
    on_grid: bool
    rate: object
    project: object
    observe: object
    scheme: object
    timestep: float
    stop_time: float
    leaves: dict
    structure: object
    noises: list = field(default_factory=list)
    linear_kernels: frozenset = frozenset()

    @property
    def components(self):
        return self.lowering.components

    def step(self, state, time, leaves):
        """The state after one step of the scheme, and its projection."""
        moved = self.scheme.step(
            self.rate.rate(leaves), leaves["weights"], state, time, self.timestep
        )
        moved = moved.astype(state.dtype)
        return self.project(moved, time + self.timestep, leaves) if self.project else moved

    def prepared(self, leaves):
        """The leaves for a loop of steps; see `prepare`."""
        functions = (self.rate, self.project, self.observe.function)
        return prepare([f for f in functions if f is not None], leaves)

    def on_grid_values(self, state):
        """A state as values on the grid."""
        return state if self.on_grid else self.rate.backward(state)

    def from_grid_values(self, values, leaves):
        """The inverse of `on_grid_values`, truncated to the modes of the bases."""
        return values if self.on_grid else self.rate.forward(values, leaves)


#: Imaginary part of real values after a transform, relative to the largest.
ROUNDING = 1e-13
#: In place of the modes that a splitting scheme keeps: choose them as a run does.
CHOOSE = object()


def make_model(problem, texts=(), timestep=None, linear_apart=True, what="this", kept=CHOOSE):
    """Lower a loaded problem to pure functions.

    Parameters
    ----------
    problem : Problem
    texts : sequence of str
        Expressions to observe; names of outputs may occur in them.
    timestep : float, optional
        In place of the file's; without effect on the whole rate.
    linear_apart : bool
        Separate the linear terms if the scheme does, as in a run; False for the whole rate.
    what : str
        What needs the model, for messages.
    kept : array of booleans or None
        Modes that a splitting scheme keeps; None for all.

    Raises
    ------
    InputError
        If JAX is missing, or something in the problem cannot be lowered, with the reason.
    """
    jax = require_jax(what)
    ivp, kind = problem.ivp, find_stepper(problem.declared("timestepper", "RK4"))
    if ivp.dist.comm.size > 1:
        raise InputError(f"{what} works on one rank: start it without mpiexec")
    projections = read_projections(ivp, problem.declared("projections") or {})
    operands = [observed(problem, text) for text in texts]
    solver = build_solver(ivp, kind)
    try:
        return _lower(
            problem, jax, solver, kind, projections, operands, timestep, linear_apart, kept
        )
    except Unsupported as reason:
        raise InputError(f"{what} cannot do {reason}") from None


def _lower(problem, jax, solver, kind, projections, operands, timestep, linear_apart, kept):
    has_linear = any(hasattr(eq["L"], "tensorsig") for eq in solver.problem.equations)
    # The whole rate needs no scheme: any time stepper may stand in the file.
    scheme = find_scheme(kind if linear_apart else RK4, has_linear)
    apart = linear_apart and scheme.linear_apart and has_linear
    if len({variable.domain for variable in solver.state}) > 1:
        raise Unsupported(
            "variables on different bases, such as the multipliers of constraints: all must have "
            "the same Fourier bases"
        )
    space = Space(solver.state[0].domain, solver.dtype)
    read = Equations(solver, projections, apart, lossless=space.mask is None, lowering=LeafLowering)
    lowering, on_grid = read.lowering, space.mask is None and not apart
    scalars, of_equations = [], len(lowering.profiles)
    for operand in operands:
        values = lowering(operand).ravel() if hasattr(operand, "tensorsig") else [operand]
        if len(values) != 1:
            raise Unsupported("observed values with components: name one, such as s@ez")
        scalars += list(values)
    start = initial_time(problem)
    rate = StateFunction(space, lowering, read.rates, on_grid, start)
    project = (
        StateFunction(space, lowering, read.projected, on_grid, start) if projections else None
    )
    observe = Observation(space, lowering, scalars, on_grid, start)
    outputs = [*rate.outputs, *(project.outputs if project else ()), *observe.outputs]
    if timestep is None:
        timestep = fixed_timestep(problem) if linear_apart else 1.0
    if linear_apart and kind.__name__ in SPLITTING:
        if kept is CHOOSE:
            kept = space.kept(_truncation(problem, solver, kind.__name__, timestep))
        scheme.kept = kept
    leaves = {
        **structure_leaves(space, kernel_entries(outputs, lowering.graph.dimensions)),
        "numbers": np.array(lowering.numbers, complex),
        "profiles": _profiles(space, lowering, of_equations),
        "constants": _constants(space, lowering),
        "tables": table_leaves(lowering),
        "state": _initial_state(space, solver.state, on_grid),
        "weights": scheme.weights(
            _linear_matrix(space, read.linear, lowering.numbers) if apart else None, timestep
        )
        if linear_apart
        else {},
    }
    return Model(
        problem=problem, jax=jax, space=space, lowering=lowering, on_grid=on_grid, rate=rate,
        project=project, observe=observe, scheme=scheme, timestep=timestep,
        stop_time=float(problem.declared("stop_time", 0.0)), leaves=leaves,
        structure=structure(lowering, outputs),
        noises=[f for f in lowering.profiles if isinstance(f, WhiteNoise)],
        linear_kernels=frozenset(
            kernel_entries(read.linear, lowering.graph.dimensions) if apart else ()
        ),
    )  # fmt: skip


def _truncation(problem, solver, name, timestep):
    """Return the fraction of modes that a run of the problem keeps."""
    stated = problem.declared("truncate")
    if stated is not None:
        return check_fraction(stated)
    stop_time = float(problem.declared("stop_time", 0.0))
    return fraction_without_resonance(solver, name, timestep, stop_time)


class Observation:
    """Observed values on the grid of a state in either form."""

    def __init__(self, space, lowering, scalars, on_grid, initial_time):
        self.function = StateFunction(space, lowering, scalars, True, initial_time)
        self.outputs, self._on_grid = self.function.outputs, on_grid

    def __call__(self, state, time, leaves):
        state = join(state)
        if not self._on_grid:
            state = self.function.backward(state)
        return self.function(state, time, leaves)


def observed(problem, text):
    """The operand of an expression over the names of a problem and its outputs."""
    outputs = problem.declared("outputs") or {}
    names = dict(names_of(problem.ivp))
    for name, output in outputs.items():
        if name not in names and isinstance(output, str):
            names[name] = ExpressionBuilder(names)(output)
    if not isinstance(text, str):
        raise InputError(f"{text!r} is not an expression string such as 'ave((s@ez)**2)'")
    try:
        return ExpressionBuilder(names)(text)
    except EquationError as error:
        raise error.within("", "of") from None


def _profiles(space, lowering, of_equations):
    """Return values of the profiles, of which the first so many occur in equations."""
    rows = [np.zeros((0, *space.shape))]
    for number, profile in enumerate(lowering.profiles):
        if number < of_equations:
            # Dedalus truncates the profiles of equations to the modes of their bases.
            profile.require_coeff_space()
        rows.append(np.array(space.profile(profile)))
    values = np.concatenate(rows)
    return values.real.copy() if is_real(values) else values


def is_real(values):
    """Return whether values have no imaginary part beyond the rounding of transforms."""
    if not np.iscomplexobj(values):
        return True
    size = np.abs(values).max(initial=0)
    return bool(np.abs(values.imag).max(initial=0) <= ROUNDING * size)


def _constants(space, lowering):
    found = [np.zeros(count(f)) if lowering.varies(f) else constant_values(f)
             for f in lowering.constants]  # fmt: skip
    return np.concatenate([np.zeros(0), *found]).astype(space.dtype)


def _initial_state(space, variables, on_grid):
    values = np.concatenate([space.profile(v).reshape(-1, *space.shape) for v in variables])
    values = np.ascontiguousarray(values, dtype=space.dtype)
    if on_grid:
        return values
    batch = space.plan(len(values))
    np.copyto(batch.grid, values)
    batch.forward()
    return batch.spectra.copy()


def _linear_matrix(space, linear, numbers):
    """L of ``dt(X) + L.X = F`` as (components, components, *spectral shape)."""
    matrix = np.zeros((len(linear), len(linear), *space.spectral_shape), complex)
    for i, spectrum in enumerate(linear):
        for base, symbol in spectrum.terms.items():
            if base[0] != "state":
                raise Unsupported(
                    "linear terms that are products with fields: move them to the right side"
                )
            plain = {
                powers: c.value(numbers) if isinstance(c, LeafNumber) else c
                for powers, c in symbol.items()
            }
            matrix[i, base[1]] = space.evaluate(plain)
    return matrix
