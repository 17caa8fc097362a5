"""The residuals of a fit, their derivatives, and the search for the least sum of squares."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares, minimize
from scipy.sparse.linalg import LinearOperator

from spinhydro.derivatives.measurement import Measurement
from spinhydro.derivatives.varying import varying_leaves
from spinhydro.engines.jax.function import TRANSFORMED
from spinhydro.engines.jax.rows import split
from spinhydro.errors import InputError, ParameterError

#: Weights of fields up to which all their columns of the Jacobian are computed, and its numbers.
DENSE_WEIGHTS, DENSE_NUMBERS = 300, 2e7
#: Runs of a search, and iterations of one by reverse sweeps.
EVALUATIONS, ITERATIONS = 60, 500
#: By how much parameters of one minimum differ, relative to their values, and weights.
RELATIVE_AGREEMENT, WEIGHT_AGREEMENT = 1e-3, 0.05
#: Least length of a column.
TINY = 1e-300


class Found(NamedTuple):
    """Unknowns, and half the sum of the squares of their residuals."""

    x: np.ndarray
    cost: float


class Search:
    """Residuals and their derivatives as functions of the unknowns.

    Unknowns are a vector: parameters, weights of fields, offsets, scales. Residuals are those of
    the data, of the priors of parameters, and of the weights.

    Parameters
    ----------
    family : Family
    data : Data
    steps : array
        To each frame.
    blur, noise : float
    offset, scale : bool
    priors : dict
        ``{name: (mean, standard deviation)}`` of parameters.
    fields : sequence of UnknownField
    """

    def __init__(self, family, data, steps, blur, noise, offset, scale, priors, fields=()):
        self.family, self.noise, self.priors = family, noise, priors
        self.offset, self.scale, self.fields = offset, scale, list(fields)
        self.model, jax = family.model, family.model.jax
        self.jax = jax
        self.measurement = Measurement(self.model, data, blur)
        self.data = np.stack(list(data.values.values()))
        self.measured = np.isfinite(self.data)
        self.frames = self.data.shape[1]
        self.counts = np.diff(np.concatenate([[0], steps]))
        self.numbers = len(family.names)
        self.weights = sum(field.size for field in self.fields)
        self.is_dense = self.weights <= min(DENSE_WEIGHTS, DENSE_NUMBERS / self.data.size)
        self.evaluations = 0
        self._known, self._last = (None, None), None
        self._compile()

    def _compile(self):
        jax = self.jax
        self.predict = jax.jit(self.predict_from)
        self.forward = jax.jit(
            lambda leaves, weights, tangents: jax.vmap(
                lambda tangent: jax.jvp(
                    lambda part: self.predict_from({**leaves, **part}, weights),
                    ({n: leaves[n] for n in tangent},), (tangent,),
                )[1]
            )(tangents)
        )  # fmt: skip

        def along(leaves, weights, direction):
            return jax.jvp(lambda w: self.predict_from(leaves, w), (weights,), (direction,))[1]

        self._along = jax.jit(along)
        self._columns = jax.jit(jax.vmap(along, (None, None, 0)))
        self._backward = jax.jit(
            lambda leaves, weights, values: jax.vjp(
                lambda w: self.predict_from(leaves, w, reverse=True), weights
            )[1](values)[0]
        )

    def check_enough(self):
        """Raise InputError if there are fewer values than unknowns without a prior."""
        unknowns = self.numbers + self.frames * (self.offset + self.scale)
        if self.measured.sum() <= unknowns:
            raise InputError(
                f"{self.measured.sum()} measured values do not determine {unknowns} unknowns"
            )

    def predict_from(self, leaves, weights=None, reverse=False):
        """Measured values (outputs, frames, *places) of a run.

        Parameters
        ----------
        leaves : dict
        weights : array, optional
            Of the fields; those of the leaves without.
        reverse : bool
            Keep little for a reverse sweep: states of frames and steps, transforms of a frame.
        """
        jax, model, first = self.jax, self.model, 0
        for field in self.fields if weights is not None else ():
            leaves = field.put(leaves, weights[first : first + field.size])
            first += field.size
        leaves = model.prepared(leaves)

        def step(i, carry):
            state, done = carry
            return model.step(state, done * model.timestep, leaves), done + 1

        if reverse:
            rule = jax.checkpoint_policies.save_only_these_names(TRANSFORMED)
            step = jax.checkpoint(step, policy=rule, prevent_cse=False)

        def frame(carry, number):
            # Few different numbers of steps: loops of fixed length have derivatives.
            state, done = jax.lax.fori_loop(0, number, step, carry) if number else carry
            values = self.measurement(state, done * model.timestep, leaves)
            return (state, done), values

        if reverse:
            frame = jax.checkpoint(frame, static_argnums=1)
        carry, rows, counts = (split(leaves["state"]), 0), [], self.counts.tolist()
        regular = len(set(counts[1:])) <= 1 and self.frames > 1
        # Equal intervals are one loop, which is compiled once.
        single = int(counts[0] != counts[1]) if regular else self.frames
        for number in counts[:single]:
            carry, values = frame(carry, number)
            rows.append(values)
        found = jax.numpy.stack(rows, axis=1) if rows else None
        if not regular:
            return found
        _, others = jax.lax.scan(
            lambda c, _: frame(c, counts[1]), carry, None, length=self.frames - single
        )
        others = jax.numpy.moveaxis(others, 0, 1)
        return others if found is None else jax.numpy.concatenate([found, others], axis=1)

    def split(self, vector):
        """(parameters, weights, offsets, scales) of a vector of unknowns."""
        numbers, rest = np.split(np.asarray(vector), [self.numbers])
        weights, rest = np.split(rest, [self.weights])
        offsets = rest[: self.frames] if self.offset else np.zeros(self.frames)
        scales = rest[-self.frames :] if self.scale else np.ones(self.frames)
        return numbers, weights, offsets, scales

    def by_frame(self, values):
        """Numbers of frames as an array that multiplies the data."""
        return values.reshape(1, self.frames, *(1 for _ in self.data.shape[2:]))

    def prediction(self, vector):
        """(leaves, measured values without offset and scale) at some unknowns."""
        known = np.array(vector[: self.numbers + self.weights])
        if self._known[0] is None or not np.array_equal(self._known[0], known):
            parameters, weights, _, _ = self.split(vector)
            leaves = self.family.leaves_at(parameters) if self.numbers else self.model.leaves
            values = self.predict(leaves, weights if self.fields else None)
            self._known = (known, (leaves, np.asarray(values)))
            self.evaluations += 1
        return self._known[1]

    def residuals(self, vector):
        """(model - data)/noise where measured, those of the priors, and the weights."""
        parameters, weights, offsets, scales = self.split(vector)
        try:
            _, values = self.prediction(vector)
        except ParameterError:
            if self._last is None:
                raise
            # Outside the conditions of the file: reject the step.
            return 10 * self._last + 1.0
        values = self.by_frame(scales) * values + self.by_frame(offsets)
        if not np.isfinite(values).all():
            if self._last is None:
                raise InputError("the run of the start is not finite: take a shorter timestep")
            return 10 * self._last + 1.0
        rest = ((values - self.data) / self.noise)[self.measured]
        with np.errstate(over="ignore"):
            is_finite = np.isfinite(np.sum(rest**2))
        if not is_finite:
            raise InputError(
                f"the data reach {np.nanmax(np.abs(self.data)):.3g}, the model "
                f"{np.abs(values).max():.3g}: check the units of the data"
            )
        self._last = np.concatenate([rest, self._prior_residuals(parameters), weights])
        return self._last

    def _prior_residuals(self, parameters):
        return np.array(
            [
                (parameters[self.family.names.index(name)] - mean) / width
                for name, (mean, width) in self.priors.items()
            ]
        )

    def columns(self, vector):
        """Derivatives of the residuals of data and priors, those of weights left out."""
        parameters, weights, _, scales = self.split(vector)
        leaves, values = self.prediction(vector)
        found = []
        if self.numbers:
            tangents = self.family.tangents(parameters)
            varying = sorted(varying_leaves(tangents))
            stacked = {
                n: self.jax.tree.map(lambda *a: np.stack(a), *(t[n] for t in tangents))
                for n in varying
            }
            stacked = _of_types(self.jax, stacked, leaves)
            rows = np.asarray(self.forward(leaves, weights if self.fields else None, stacked))
            found = list((self.by_frame(scales)[None] * rows / self.noise)[:, self.measured])
        for flag, factor in ((self.offset, np.ones_like(values)), (self.scale, values)):
            for frame in range(self.frames if flag else 0):
                column = np.zeros_like(values)
                column[:, frame] = factor[:, frame] / self.noise
                found.append(column[self.measured])
        matrix = np.stack(found, axis=1) if found else np.zeros((self.measured.sum(), 0))
        rows = np.zeros((len(self.priors), matrix.shape[1]))
        for row, (name, (_, width)) in zip(rows, self.priors.items(), strict=True):
            row[self.family.names.index(name)] = 1 / width
        return np.concatenate([matrix, rows])

    def of_weights(self, vector):
        """Derivatives of the residuals of the data with respect to the weights of fields.

        Returns
        -------
        array or LinearOperator (measured values, weights)
        """
        _, weights, _, scales = self.split(vector)
        leaves, _ = self.prediction(vector)
        factor = self.by_frame(scales) / self.noise

        def along(direction):
            rows = self._along(leaves, weights, np.asarray(direction, float).ravel())
            return (factor * np.asarray(rows))[self.measured]

        def backward(values):
            spread = np.zeros(self.data.shape)
            spread[self.measured] = np.ravel(values)
            return np.asarray(self._backward(leaves, weights, factor * spread))

        if self.is_dense:
            rows = np.asarray(self._columns(leaves, weights, np.eye(self.weights)))
            return (factor[None] * rows)[:, self.measured].T
        shape = (int(self.measured.sum()), self.weights)
        return LinearOperator(shape, matvec=along, rmatvec=backward, dtype=float)

    def jacobian(self, vector):
        """Derivatives of the residuals with respect to all unknowns, a matrix."""
        others = self.columns(vector)
        if not self.fields:
            return others
        numbers, size = self.numbers, self.weights
        inner = np.concatenate([self.of_weights(vector), np.zeros((len(self.priors), size))])
        matrix = np.concatenate([others[:, :numbers], inner, others[:, numbers:]], axis=1)
        unit = np.zeros((size, matrix.shape[1]))
        unit[:, numbers : numbers + size] = np.eye(size)
        return np.concatenate([matrix, unit])

    def cost(self, vector):
        """(half the sum of the squares of the residuals, its gradient), by a reverse sweep."""
        residuals, numbers = self.residuals(vector), self.numbers
        others, measured = self.columns(vector), int(self.measured.sum())
        of_others = others.T @ residuals[: len(others)]
        of_weights = self.of_weights(vector).rmatvec(residuals[:measured])
        of_weights = of_weights + residuals[len(others) :]
        slope = np.concatenate([of_others[:numbers], of_weights, of_others[numbers:]])
        return 0.5 * residuals @ residuals, slope

    def start(self, parameters, weights=None):
        """The unknowns at some parameters, and at zero weights unless they are given."""
        weights = np.zeros(self.weights) if weights is None else weights
        offsets, scales = (np.full(self.frames * flag, value)
                           for flag, value in ((self.offset, 0.0), (self.scale, 1.0)))  # fmt: skip
        return np.concatenate([parameters, weights, offsets, scales])

    def agree(self, vector, other):
        """Return for each unknown whether two searches found the same minimum."""
        tolerance = RELATIVE_AGREEMENT * np.abs(other) + 1e-6 * np.abs(other).max()
        # Weights that the data do not determine are found to a part of their prior.
        tolerance[self.numbers : self.numbers + self.weights] = WEIGHT_AGREEMENT
        return np.abs(vector - other) <= tolerance

    def run(self, start):
        """The unknowns of least squares that a search from `start` finds, as a `Found`."""
        self._last = None
        if not self.is_dense:
            return self._descend(start)
        size = np.ones(len(start))
        size[: self.numbers] = np.where(start[: self.numbers] == 0, 1.0, start[: self.numbers])
        found = least_squares(
            self.residuals, start, self.jacobian, x_scale=np.abs(size),
            ftol=1e-8, xtol=1e-8, gtol=1e-10, max_nfev=EVALUATIONS,
        )  # fmt: skip
        return Found(found.x, found.cost)

    def _descend(self, start):
        """L-BFGS with unknowns of about equal curvature: weights have that of their prior."""
        size, others = np.ones(len(start)), np.ones(len(start), bool)
        others[self.numbers : self.numbers + self.weights] = False
        size[others] = 1 / np.maximum(np.linalg.norm(self.columns(start), axis=0), TINY)

        def scaled(vector):
            value, slope = self.cost(size * vector)
            return value, size * slope

        found = minimize(
            scaled, start / size, jac=True, method="L-BFGS-B",
            options={"maxiter": ITERATIONS, "ftol": 1e-9, "gtol": 1e-6},
        )  # fmt: skip
        return Found(size * found.x, float(found.fun))


def _of_types(jax, stacked, leaves):
    """Tangents with the number types of their leaves."""
    return {
        name: jax.tree.map(lambda t, a: t.astype(np.asarray(a).dtype), part, leaves[name])
        for name, part in stacked.items()
    }
