"""Parameters and fields that make a number of a run least: design with exact gradients."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import minimize

from spinhydro.derivatives.family import Family
from spinhydro.derivatives.gradient import (
    MEMORY,
    Objective,
    array_leaf,
    check_is_number,
    split_names,
    steps_of,
)
from spinhydro.derivatives.model import is_real
from spinhydro.derivatives.varying import contracted, varying_leaves
from spinhydro.engines.jax.require import require
from spinhydro.errors import InputError, ParameterError, shown, unknown_name_message

#: Ways to the minimum.
METHODS = ("lbfgs", "adam")


@dataclass
class Minimum:
    """The best values found.

    Attributes
    ----------
    value, start : float
        Of the number, at the minimum and at the start.
    values : dict
        ``{name: number}`` of parameters, ``{name: array (components, *grid)}`` of fields on the
        dealiased grid.
    evaluations : int
    message : str
        Why the search ended.
    """

    value: float
    start: float
    values: dict
    evaluations: int
    message: str

    def table(self):
        """Lines for a terminal."""
        lines = [f"from {self.start:.10g} to {self.value:.10g} in {self.evaluations} runs"]
        for name, value in self.values.items():
            shown = f"{value:.10g}" if isinstance(value, float) else f"array {value.shape}"
            lines.append(f"{name} = {shown}")
        return [*lines, self.message]


def minimise(
    problem, of, over, time=None, integrated=False, bounds=None, iterations=50, memory=MEMORY,
    method="lbfgs", rate=0.01,
):  # fmt: skip
    """Change parameters, initial fields and profiles until a number of a run is least.

    L-BFGS-B of scipy, or Adam of optax, with gradients by a reverse sweep. A ramp in time is a few
    parameters of the equations, such as ``Omega_R*(1 + ramp_1*sin(pi*t/stop_time))``. Changes of
    fields are those of their values on the grid; a penalty for their size belongs into the number.

    Parameters
    ----------
    problem : Problem
        Its values are the start.
    of : str
        An expression that is one number.
    over : sequence of str
        Parameters and fields.
    time, integrated, memory
        As for ``gradient``.
    bounds : dict
        ``{name: (low, high)}`` of parameters.
    iterations : int
    method : str
        One of METHODS; "adam" for values that chaos or noise makes rough.
    rate : float
        Of Adam: the change of a parameter, relative to its value, or of a field, relative to its
        largest value, in the first iterations.

    Returns
    -------
    Minimum

    Raises
    ------
    InputError
        As for ``gradient``; for an unknown method, or if optax is missing.
    """
    if method not in METHODS:
        raise InputError(unknown_name_message("method", method, METHODS))
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"rate = {rate}: it must be positive")
    names = [over] if isinstance(over, str) else list(over)
    numbers, others = split_names(problem, names)
    check_is_number(problem, of)
    _check_bounds(problem, bounds or {}, numbers)
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
        raise InputError(f"iterations = {shown(iterations)}: a whole number, at least 1")
    timestep, steps = steps_of(problem, time)
    family = Family(problem, numbers, [of], timestep, "the search")
    search = _Search(family, Objective(family, steps, integrated, memory), others)
    start = search.start()
    limits = [(bounds or {}).get(name, (None, None)) for name in numbers]
    limits = [
        tuple(None if v is None else v / size for v in pair)
        for pair, size in zip(limits, search.size, strict=True)
    ]
    limits += [(None, None)] * (len(start) - len(numbers))
    descend = {"lbfgs": _lbfgs, "adam": partial(_adam, rate=rate)}[method]
    first, _ = search(start)
    value, vector, message = descend(search, start, limits, iterations)
    return Minimum(
        value=value, start=first, values=search.values(vector), evaluations=search.evaluations,
        message=message,
    )  # fmt: skip


def _check_bounds(problem, bounds, names):
    """Raise InputError for bounds of other names, or that exclude the start."""
    for name, pair in bounds.items():
        if name not in names:
            raise InputError(f"bounds of {name}: it is none of the parameters to change")
        try:
            low, high = (fill if v is None else float(v) for v, fill in zip(
                pair, (-np.inf, np.inf), strict=True))  # fmt: skip
        except (TypeError, ValueError):
            raise InputError(
                f"bounds of {name} = {shown(pair)}: write two numbers, or None, as in (0, 9)"
            ) from None
        value = problem.parameters.get(name)
        if isinstance(value, (int, float)) and not low <= value <= high:
            raise InputError(
                f"bounds of {name} from {low:g} to {high:g} exclude the start, {name} = {value:g}"
            )


def _lbfgs(search, start, limits, iterations):
    """(least value, its vector, why the search ended)."""
    found = minimize(
        search, start, jac=True, method="L-BFGS-B", bounds=limits,
        options={"maxiter": iterations, "ftol": 1e-13, "gtol": 1e-10},
    )  # fmt: skip
    ends = {0: "converged: the number no longer falls", 1: f"stopped after {found.nit} iterations"}
    return float(found.fun), found.x, ends.get(found.status, str(found.message))


def _adam(search, start, limits, iterations, rate):
    """(least value, its vector, why the search ended)."""
    optax = require("optax", "the method adam")
    low, high = (
        np.array([fill if pair[side] is None else pair[side] for pair in limits])
        for side, fill in ((0, -np.inf), (1, np.inf))
    )
    scale = search.scale(start)
    optimiser, vector = optax.adam(rate), start.copy()
    state = optimiser.init(vector / scale)
    best = (np.inf, start)
    for _ in range(iterations):
        value, gradient = search(vector)
        if value < best[0]:
            best = (value, vector.copy())
        change, state = optimiser.update(gradient * scale, state)
        vector = np.clip(vector + scale * np.asarray(change), low, high)
    return *best, f"{iterations} iterations of Adam"


class _Search:
    """The number and its gradient as a function of scaled parameters and grid values."""

    def __init__(self, family, objective, fields):
        self.family, self.model, self.evaluations = family, family.model, 0
        self.size = np.where(family.start == 0, 1.0, np.abs(family.start))
        self.fields = {name: array_leaf(self.model, name) for name in fields}
        for name, (leaf, _) in self.fields.items():
            if leaf == "kernels":
                raise ParameterError(f"{name} is a kernel: a search changes parameters and fields")
        start = {name: self._field(name, self.model.leaves) for name in fields}
        self.shapes = {name: values.shape for name, values in start.items()}
        # A profile that is real in the file stays so, also beside complex ones.
        self.complex = {
            name
            for name, values in start.items()
            if np.iscomplexobj(values)
            and not (self.fields[name][0] == "profiles" and is_real(values))
        }
        self.slopes = self.model.jax.jit(
            self.model.jax.value_and_grad(
                lambda part, leaves: objective.evaluate({**leaves, **part})
            )
        )

    def _field(self, name, leaves):
        leaf, choose = self.fields[name]
        values = leaves[leaf]
        return choose(self.model.on_grid_values(values) if leaf == "state" else values, False)

    def start(self):
        """The values of the file as a vector."""
        return np.concatenate([self.family.start / self.size, *(
            self._as_reals(name, self._field(name, self.model.leaves)) for name in self.fields
        )])  # fmt: skip

    def scale(self, vector):
        """Sizes of the entries of a vector: 1 for parameters, the largest value of a field."""
        sizes = [np.ones(len(self.family.names))]
        for values in self._arrays(vector[len(self.family.names) :]).values():
            number = values.size * (2 if np.iscomplexobj(values) else 1)
            sizes.append(np.full(number, np.abs(values).max() or 1.0))
        return np.concatenate(sizes)

    def values(self, vector):
        """``{name: value}`` of a vector."""
        number = len(self.family.names)
        found = {
            name: float(value)
            for name, value in zip(self.family.names, vector[:number] * self.size, strict=True)
        }
        return {**found, **self._arrays(vector[number:])}

    def _arrays(self, rest):
        found, kind = {}, self.model.space.dtype
        for name, shape in self.shapes.items():
            is_complex = name in self.complex
            length = int(np.prod(shape)) * (2 if is_complex else 1)
            part, rest = rest[:length], rest[length:]
            found[name] = (part.view(kind) if is_complex else part).reshape(shape)
        return found

    def __call__(self, vector):
        self.evaluations += 1
        number = len(self.family.names)
        parameters = vector[:number] * self.size
        leaves = dict(self.family.leaves_at(parameters) if number else self.model.leaves)
        for name, values in self._arrays(np.ascontiguousarray(vector[number:])).items():
            self._put(leaves, name, values)
        tangents = self.family.tangents(parameters)
        varying = varying_leaves(tangents) | {leaf for leaf, _ in self.fields.values()}
        part = {name: self.model.jax.tree.map(np.asarray, leaves[name]) for name in varying}
        value, slopes = self.slopes(part, leaves)
        jax = self.model.jax
        found = [
            sum(contracted(jax, slopes[leaf], tangent[leaf]) for leaf in varying)
            for tangent in tangents
        ]
        rows = [
            # JAX's slope of complex values is that of the conjugate.
            self._as_reals(name, np.conj(choose(slopes[leaf])))
            for name, (leaf, choose) in self.fields.items()
        ]
        gradient = np.concatenate([np.array(found) * self.size, *rows])
        return float(value), gradient

    def _put(self, leaves, name, values):
        leaf, _ = self.fields[name]
        if leaf == "profiles":
            rows = np.array(leaves[leaf])
            first = self.model.rate.profile_row(self.model.problem.namespace[name])
            rows[first : first + len(values)] = values
            leaves[leaf] = rows
            return
        grid = np.array(self.model.on_grid_values(leaves[leaf]))
        first = self.model.lowering.first_component[self.model.problem.namespace[name]]
        grid[first : first + len(values)] = values
        leaves[leaf] = np.asarray(self.model.from_grid_values(grid, leaves))

    def _as_reals(self, name, values):
        """Values of a field as a vector of real numbers."""
        values = np.ascontiguousarray(values)
        if name in self.complex:
            return values.astype(complex).view(float).ravel()
        return values.real.astype(float).ravel()
