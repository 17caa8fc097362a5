"""The derivative of a number that a run ends with, with respect to anything that it starts from."""

from dataclasses import dataclass, field

import numpy as np
from dedalus.core.field import Field, Operand

from spinhydro.dedalus_support.components import count
from spinhydro.dedalus_support.ensemble.basis import Members
from spinhydro.derivatives.checkpoints import StepBytes, block_sizes, bytes_kept, march, tree_bytes
from spinhydro.derivatives.family import Family
from spinhydro.derivatives.model import observed
from spinhydro.derivatives.parameters import fixed_timestep, free_numbers
from spinhydro.derivatives.smoothness import explain_failure, refuse_jumps
from spinhydro.derivatives.taylor import TaylorTest, taylor_test
from spinhydro.derivatives.varying import VaryingLeaves
from spinhydro.engines.jax.function import TRANSFORMED
from spinhydro.engines.jax.rows import split
from spinhydro.errors import InputError, ParameterError, shown, unknown_name_message
from spinhydro.kernels.kernel import Kernel

#: Bytes that a gradient may keep, unless a limit is given.
MEMORY = 2e9
#: Steps of a run that has derivatives.
MOST_STEPS = 1e8


@dataclass
class Gradient:
    """A value and its derivatives.

    Attributes
    ----------
    of : str
    value : float
    time : float
        At which, or up to which, the value is taken.
    gradient : dict
        ``{name: number}`` of parameters; of a field ``{name: array (components, *grid)}``, the
        change per change of each value on the dealiased grid; of a kernel
        ``{name: {"number:row:column": array (*modes)}}``.
    taylor : TaylorTest
    kept_bytes : float
        Of states for the reverse sweep.
    blocks : tuple
        Lengths of the blocks that are computed again.
    """

    of: str
    value: float
    time: float
    gradient: dict
    taylor: TaylorTest
    kept_bytes: float
    blocks: tuple
    time_unit: str = ""
    parameters: dict = field(default_factory=dict)

    def table(self):
        """Lines for a terminal."""
        lines = [f"{self.of} = {self.value:.12g} at {self.time:g} {self.time_unit}".rstrip()]
        for name, slope in self.gradient.items():
            if isinstance(slope, float):
                of = self.parameters.get(name, 0.0)
                share = f"  (1 % of {name}: {0.01 * of * slope:+.4g})" if of else ""
                lines.append(f"d/d {name} = {slope:.12g}{share}")
            else:
                arrays = slope.values() if isinstance(slope, dict) else [slope]
                norm = np.sqrt(sum(np.sum(np.abs(a) ** 2) for a in arrays))
                lines.append(f"d/d {name}: array, length {norm:.6g}")
        lines.append(self.taylor.line())
        blocks = f", blocks of {' x '.join(map(str, self.blocks))}" if self.blocks else ""
        lines.append(f"kept for the reverse sweep: {self.kept_bytes / 1e6:.3g} MB{blocks}")
        return lines


class Objective:
    """A number at the end of a run, or integrated over it, as a function of leaves.

    Parameters
    ----------
    family : Family
        With the number as its first text.
    steps : int
    integrated : bool
    memory : float
        Bytes that its derivative may keep.
    """

    def __init__(self, family, steps, integrated, memory):
        if not memory > 0:
            raise InputError(f"--memory {memory / 1e9:g}: the limit in GB must be positive")
        self.model, self.steps, self.integrated = family.model, steps, integrated
        self.jax = jax = self.model.jax
        self.inputs = (np.arange(steps), self._noise(steps, memory))
        sizes_of = self._step_bytes()
        self.blocks = block_sizes(steps, sizes_of, memory)
        self.kept_bytes = bytes_kept(steps, self.blocks, sizes_of)
        self.value = jax.jit(self.evaluate)

    def evaluate(self, leaves):
        """The number, for JAX to differentiate."""
        leaves = self.model.prepared(leaves)
        state, total = march(
            self.jax, self._body(leaves), (split(leaves["state"]), 0.0), self.inputs, self.steps,
            self.blocks, [TRANSFORMED],
        )  # fmt: skip
        return total if self.integrated else self.measure(state, self._time(self.steps), leaves)

    def measure(self, state, time, leaves):
        """The observed number of a state; the average over members."""
        values = self.model.observe(state, time, leaves)[0]
        return self.jax.numpy.mean(self.jax.numpy.real(values))

    def _step_bytes(self):
        jax, leaves = self.jax, self.model.leaves
        carry, first = (split(leaves["state"]), 0.0), jax.tree.map(lambda a: a[0], self.inputs)

        def last(carry, prepared, kept):
            inputs = jax.tree.map(lambda a: a[None], first)
            return march(jax, self._body(prepared), carry, inputs, 1, (), kept)

        def bytes_of(kept):
            prepared = jax.eval_shape(self.model.prepared, leaves)
            return tree_bytes(
                jax, lambda c, p: jax.vjp(lambda c: last(c, p, kept), c)[1], carry, prepared
            ) - tree_bytes(jax, lambda p: p, prepared)

        state = tree_bytes(jax, lambda c: c, carry)
        return StepBytes(state, *(max(bytes_of(kept), state) for kept in ([TRANSFORMED], [])))

    def _time(self, step):
        return step * self.model.timestep

    def _body(self, leaves):
        model, timestep = self.model, self.model.timestep

        def body(carry, given):
            (state, total), (number, noise) = carry, given
            time = self._time(number)
            now = self._with_noise(leaves, noise)
            moved = model.step(state, time, now)
            if self.integrated:
                ends = self.measure(state, time, now) + self.measure(moved, time + timestep, now)
                total = total + timestep / 2 * ends
            return (moved, total), None

        return body

    def _noise(self, steps, memory):
        """The draws of every step, (steps, rows, *grid shape); no rows without noise."""
        model, rows = self.model, []
        size = sum(count(f) for f in model.noises) * model.space.points * 8 * steps
        if size > memory:
            raise InputError(
                f"the draws of {steps} steps take {size / 1e9:.2g} GB, the limit is "
                f"{memory / 1e9:.2g} GB: type --memory {1.5 * size / 1e9:.2g}"
            )
        for step in range(steps if model.noises else 0):
            for noise in model.noises:
                noise.draw(step, model.timestep)
            rows.append(np.concatenate([model.space.profile(n).copy() for n in model.noises]))
        return np.array(rows) if rows else np.zeros((steps, 0))

    def _with_noise(self, leaves, noise):
        model = self.model
        if not model.noises:
            return leaves
        profiles, first = list(leaves["profiles"]), 0
        for field_ in model.noises:
            row = model.rate.profile_row(field_)
            profiles[row : row + count(field_)] = noise[first : first + count(field_)]
            first += count(field_)
        return {**leaves, "profiles": profiles}


def gradient(problem, of, wrt, time=None, integrated=False, memory=MEMORY):
    """The derivative of a number with respect to parameters, kernels, profiles and initial fields.

    One reverse sweep through the steps of the run gives the derivative with respect to all leaves
    of its graph; that of the leaves with respect to a parameter comes from executing the file
    twice more. The timestep is that of the base run, and noise is that of its seed.

    Parameters
    ----------
    problem : Problem
    of : str
        An expression that is one number: ``"ave((Z - Z_target)**2)"``. Names of outputs count.
    wrt : sequence of str
        Parameters of the file, fields (initial values of a variable, or a profile) and kernels.
    time : float, optional
        At which the number is taken; by default the stop time.
    integrated : bool
        Integrate the number over time up to then.
    memory : float
        Bytes that may be kept for the reverse sweep.

    Returns
    -------
    Gradient

    Raises
    ------
    InputError
        If JAX is missing, `of` is not a number, a name cannot vary, or memory is too small.

    Examples
    --------
    >>> problem = spinhydro.load("problems/quantum_torque.py", Nx=256, stop_time="2*ms")
    >>> problem.gradient(of="ave(Z**2)", wrt=["Omega_R", "R_x"]).gradient
    """
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    numbers, others = split_names(problem, names)
    check_is_number(problem, of)
    timestep, steps = steps_of(problem, time)
    family = Family(problem, numbers, [of], timestep, "the gradient")
    objective = Objective(family, steps, integrated, memory)
    model, jax = family.model, family.model.jax
    tangents = family.tangents(family.start)
    refuse_jumps(family, tangents)
    chosen = {n: array_leaf(model, n) for n in others}
    varying = VaryingLeaves(tangents, {leaf for leaf, _ in chosen.values()})

    def restricted(part):
        return objective.evaluate(varying.joined(model.leaves, part))

    part = varying.part(jax, model.leaves)
    value, slopes = jax.jit(jax.value_and_grad(restricted))(part)
    found = {}
    for name in names:
        if name in numbers:
            found[name] = varying.along(jax, slopes, tangents[numbers.index(name)])
        else:
            leaf, choose = chosen[name]
            found[name] = choose(slopes[leaf])
    if not np.isfinite(float(value)):
        raise InputError(f"{of} is not finite at the end: a shorter time, or a shorter timestep")
    for name, slope in found.items():
        arrays = slope.values() if isinstance(slope, dict) else [slope]
        if not all(np.isfinite(a).all() for a in arrays):
            raise InputError(
                f"the derivative with respect to {name} is not finite, though the value is: a root "
                "or a power of a field that vanishes somewhere has no derivative there"
            )
    test = taylor_test(family, objective, float(value), found, chosen, slopes)
    if not test.passed:
        explain_failure(family, tangents)
    return Gradient(
        of=of, value=float(value), time=steps * timestep, gradient=found, taylor=test,
        kept_bytes=objective.kept_bytes, blocks=objective.blocks,
        time_unit=problem.units.get("time", ""),
        parameters=dict(zip(numbers, family.start.tolist(), strict=True)),
    )  # fmt: skip


def split_names(problem, names):
    """(parameters, fields and kernels) of some names of a problem file.

    Raises ParameterError for another name, InputError for none.
    """
    if not names:
        raise InputError("with respect to what? name parameters, fields or kernels")
    if len(set(names)) < len(names):
        raise InputError(f"the names {', '.join(names)} are not all different")
    arrays = [n for n, v in problem.namespace.items() if isinstance(v, (Kernel, Field))]
    for name in names:
        if name not in arrays and name not in problem.parameters:
            raise ParameterError(
                unknown_name_message("parameter", name, [*free_numbers(problem), *arrays])
            )
    return [n for n in names if n not in arrays], [n for n in names if n in arrays]


def check_is_number(problem, text):
    """Raise InputError unless an expression is one number, not a field."""
    operand = observed(problem, text)
    if not isinstance(operand, Operand):
        raise InputError(
            f"--of {text}: this is {shown(operand)} whatever the run does: name a field"
        )
    bases = getattr(getattr(operand, "domain", None), "full_bases", ())
    if getattr(operand, "tensorsig", ()):
        raise InputError(f"--of {text}: this is a vector; the derivative is that of one number")
    if any(basis is not None and not isinstance(basis, Members) for basis in bases):
        raise InputError(
            f"--of {text}: this has a value at every point; the derivative is that of one number: "
            f"ave({text}) or integ({text})"
        )


def steps_of(problem, time=None):
    """(timestep, steps) to a time; the timestep of the file is shortened to divide it."""
    timestep = fixed_timestep(problem)
    if time is None:
        time = problem.declared("stop_time")
    if time is None:
        raise InputError(f"{problem.path} sets no stop_time: type --at TIME")
    time = float(time)
    if not (np.isfinite(time) and time > 0):
        raise InputError(f"the time {time:g} must be positive")
    steps = max(1, int(np.ceil(time / timestep * (1 - 1e-9))))
    if steps > MOST_STEPS:
        raise InputError(
            f"the time {time:g} takes {steps:.2g} steps of {timestep:.2g}; at most {MOST_STEPS:.0e}"
        )
    return time / steps, steps


def array_leaf(model, name):
    """The leaf that holds a field or kernel, and a function that takes its part of the leaf.

    The function takes a derivative with respect to the leaf, and gives that with respect to values
    on the grid; with a second argument False it takes values on the grid.
    """
    value = model.problem.namespace[name]
    lowering = model.lowering
    if isinstance(value, Kernel):
        numbers = [i for i, kernel in enumerate(lowering.kernels) if kernel is value]
        entries = [n for n in model.leaves["kernels"] if int(n.split(":")[0]) in numbers]
        if any(int(n.split(":")[0]) in numbers for n in model.linear_kernels):
            raise ParameterError(
                f"the timestepper of the file treats the linear term with {name} separately: "
                "type timestepper=RK4 for a derivative with respect to it"
            )
        if not entries:
            raise ParameterError(f"the equations do not use the kernel {name}")
        return "kernels", lambda slope: {n: np.asarray(slope[n]) for n in entries}
    if value in lowering.first_component:
        leaf, first = "state", lowering.first_component[value]
    elif value in lowering.profiles:
        leaf, first = "profiles", model.rate.profile_row(value)
    else:
        raise ParameterError(f"the equations do not read the field {name}")
    rows = slice(first, first + count(value))

    def choose(values, is_slope=True):
        if leaf == "state" and is_slope:
            values = _on_grid(model, values)
        return np.asarray(values)[rows]

    return leaf, choose


def _on_grid(model, slope):
    """The derivative with respect to values on the grid, from that of the state."""
    if model.on_grid:
        return np.asarray(slope)
    jax = model.jax
    zeros = np.zeros((model.components, *model.space.shape), model.space.dtype)
    pull = jax.vjp(lambda v: model.from_grid_values(v, model.leaves), zeros)[1]
    return np.asarray(pull(slope)[0])
