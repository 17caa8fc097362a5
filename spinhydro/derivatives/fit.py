"""Parameters of a problem file from measured fields, by least squares with exact sensitivities."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import least_squares

from spinhydro.derivatives.family import Family
from spinhydro.derivatives.measurement import Measurement, common_steps
from spinhydro.derivatives.parameters import fixed_timestep
from spinhydro.engines.jax.require import require
from spinhydro.errors import InputError, ParameterError

#: Relative standard error of a direction above which the data do not determine it.
UNDETERMINED = 1.0


@dataclass
class Fit:
    """Estimates and how well the data determine them.

    Attributes
    ----------
    names : list of str
    estimates, errors : array
        With standard errors: the 68 % interval is estimate ± error.
    covariance : array
    chi_squared : float
        Per degree of freedom.
    singular_values : array
        Of the sensitivities to relative changes of the parameters, in standard deviations.
    directions : array (parameters, parameters)
        Rows: relative changes that belong to the singular values.
    model, data : array (outputs, frames, *places)
    residuals : array
        (data - model)/noise; nan where nothing was measured.
    noise : float
    noise_is_known : bool
    agreeing_starts : (int, int)
        How many of the starts came to the same minimum.
    nuisance : dict
        ``{"offset": array, "scale": array}`` of each frame, if fitted.
    evaluations : int
        Runs.
    posterior : Posterior, or None without samples
    """

    names: list
    estimates: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    chi_squared: float
    singular_values: np.ndarray
    directions: np.ndarray
    model: np.ndarray
    data: np.ndarray
    residuals: np.ndarray
    noise: float
    noise_is_known: bool
    agreeing_starts: tuple
    nuisance: dict = field(default_factory=dict)
    evaluations: int = 0
    posterior: object = None

    def table(self):
        """Lines for a terminal."""
        lines = []
        for name, value, error in zip(self.names, self.estimates, self.errors, strict=True):
            share = f" ({100 * abs(error / value):.2g} %)" if value else ""
            lines.append(
                f"{name} = {value:.8g} +- {error:.2g}{share}, 68 %: "
                f"{value - error:.8g} to {value + error:.8g}"
            )
        known = "" if self.noise_is_known else " (from the residuals)"
        lines.append(
            f"chi^2 per degree of freedom {self.chi_squared:.4g}, noise {self.noise:.3g}{known}, "
            f"{np.isfinite(self.residuals).sum()} values, {self.evaluations} runs"
        )
        if self.agreeing_starts[1] > 1:
            lines.append("{} of {} starts came to this minimum".format(*self.agreeing_starts))
        shown = ", ".join(f"{value:.3g}" for value in self.singular_values)
        lines.append(f"singular values (relative changes): {shown}")
        lines += [f"not determined by the data: {text}" for text in self.undetermined]
        return lines + (self.posterior.lines(self.names) if self.posterior else [])

    @property
    def undetermined(self):
        """Texts of the relative changes of the parameters that the data do not determine."""
        factor = 1.0 if self.noise_is_known else np.sqrt(self.chi_squared)
        found = []
        for value, row in zip(self.singular_values, self.directions, strict=True):
            if factor > UNDETERMINED * value:
                terms = [
                    f"{share:+.2f} {name}"
                    for name, share in zip(self.names, row, strict=True)
                    if abs(share) > 0.05
                ]
                found.append(" ".join(terms))
        return found


def fit(
    problem, data, names, blur=0.0, noise=None, offset=False, scale=False, priors=None, starts=1,
    seed=0, samples=0,
):  # fmt: skip
    """Estimate parameters of a problem file from measured fields.

    The sum of ((data - model)/noise)^2 is made least (scipy, trust region), with derivatives of
    the whole run along every parameter.

    Parameters
    ----------
    problem : Problem
        The values of the file are the start.
    data : Data
        Values of outputs of the file, at times from the start of the run.
    names : sequence of str
        Parameters.
    blur : float
        Standard deviation of a Gaussian blur of the instrument.
    noise : float, optional
        Standard deviation of the data; from the residuals if it is not given.
    offset, scale : bool
        Also fit an offset, or a factor, for each frame.
    priors : dict
        ``{name: (mean, standard deviation)}``.
    starts : int
        Number of starts, the first from the file, the others up to ten per cent from it.
    seed : int
        Of the further starts and of the samples.
    samples : int
        Steps of every walker that samples the posterior; 0 for none.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If JAX is missing, the data do not go with the problem, or are too few.
    """
    names = list(names)
    if not names:
        raise InputError(
            "no parameter is named: type the names to fit behind the data, as in Omega_R kappa_n0; "
            "NAME=VALUE only sets a value, which is the start of a fitted one"
        )
    if len(set(names)) < len(names):
        raise InputError(f"the parameters {', '.join(names)} are not all different")
    if not (np.isfinite(blur) and blur >= 0):
        raise InputError(f"blur = {blur:g}: a length, zero or positive")
    if noise is not None and not (np.isfinite(noise) and noise > 0):
        raise InputError(f"noise = {noise:g}: it must be positive")
    outputs = problem.declared("outputs") or {}
    if samples:
        require("emcee", "sampling the posterior")
    timestep, steps = common_steps(data.axes["t"], fixed_timestep(problem))
    family = Family(problem, names, [outputs[n] for n in data.values], timestep, "the fit")
    search = Search(family, data, steps, blur, noise or 1.0, offset, scale, priors or {})
    search.check_enough()
    random, found = np.random.default_rng(seed), []
    for number in range(max(1, starts)):
        size = np.where(family.start == 0, 1.0, np.abs(family.start))
        moved = 0.1 * size * random.uniform(-1, 1, len(names)) if number else 0.0
        try:
            found.append(search.run(family.start + moved))
        except ParameterError:
            if not number:
                raise
    best = min(found, key=lambda result: result.cost)
    agreeing = sum(
        bool(np.allclose(r.x, best.x, rtol=1e-3, atol=1e-6 * np.abs(best.x).max())) for r in found
    )
    result = search.result(best, noise, (agreeing, len(found)))
    if samples:
        from spinhydro.derivatives.posterior import sample

        result.posterior = sample(search, result, samples, seed)
    return result


class Search:
    """Residuals and their derivatives as functions of the parameters."""

    def __init__(self, family, data, steps, blur, noise, offset, scale, priors):
        self.family, self.noise, self.priors = family, noise, priors
        self.offset, self.scale = offset, scale
        for name in priors:
            if name not in family.names:
                raise InputError(
                    f"--prior {name}: it is none of the fitted {', '.join(family.names)}"
                )
        self.model, jax = family.model, family.model.jax
        self.jax = jax
        self.measurement = Measurement(self.model, data, blur)
        self.data = np.stack(list(data.values.values()))
        self.measured = np.isfinite(self.data)
        self.frames = self.data.shape[1]
        self.counts = np.diff(np.concatenate([[0], steps]))
        self.evaluations = 0
        self._known = (None, None)
        self.predict = jax.jit(self.predict_from)
        self.forward = jax.jit(
            lambda leaves, tangents: jax.vmap(
                lambda tangent: jax.jvp(
                    lambda part: self.predict_from({**leaves, **part}),
                    ({n: leaves[n] for n in tangent},), (tangent,),
                )[1]
            )(tangents)
        )  # fmt: skip

    def check_enough(self):
        """Raise InputError if there are fewer values than unknowns."""
        unknowns = len(self.family.names) + self.frames * (self.offset + self.scale)
        if self.measured.sum() <= unknowns:
            raise InputError(
                f"{self.measured.sum()} measured values do not determine {unknowns} unknowns"
            )

    def predict_from(self, leaves):
        """Measured values (outputs, frames, *places) of a run."""
        jax, model = self.jax, self.model

        def frame(carry, number):
            def step(i, carry):
                state, done = carry
                return model.step(state, done * model.timestep, leaves), done + 1

            # Few different numbers of steps: loops of fixed length have forward derivatives.
            state, done = jax.lax.fori_loop(0, number, step, carry)
            values = self.measurement(state, done * model.timestep, leaves)
            return (state, done), values

        carry, rows = (leaves["state"], 0), []
        distinct = set(self.counts[1:].tolist())
        first, counts = 0, self.counts
        if len(distinct) <= 1 and self.frames > 1:
            carry, values = frame(carry, int(counts[0]))
            rest = int(counts[1])
            _, others = jax.lax.scan(
                lambda c, _: frame(c, rest), carry, None, length=self.frames - 1
            )
            return jax.numpy.moveaxis(jax.numpy.concatenate([values[None], others]), 0, 1)
        for first in range(self.frames):
            carry, values = frame(carry, int(counts[first]))
            rows.append(values)
        return jax.numpy.stack(rows, axis=1)

    def _split(self, vector):
        """(parameters, offsets, scales) of a vector of unknowns."""
        number = len(self.family.names)
        rest = vector[number:]
        offsets = rest[: self.frames] if self.offset else np.zeros(self.frames)
        scales = rest[-self.frames :] if self.scale else np.ones(self.frames)
        return vector[:number], offsets, scales

    def _frames(self, values):
        return values.reshape(1, self.frames, *(1 for _ in self.data.shape[2:]))

    def _prediction(self, vector):
        parameters = vector[: len(self.family.names)]
        if self._known[0] is None or not np.array_equal(self._known[0], parameters):
            leaves = self.family.leaves_at(parameters)
            self._known = (parameters.copy(), (leaves, np.asarray(self.predict(leaves))))
            self.evaluations += 1
        return self._known[1]

    def residuals(self, vector):
        """(model - data)/noise where measured, then those of the priors."""
        parameters, offsets, scales = self._split(vector)
        try:
            _, values = self._prediction(vector)
        except ParameterError:
            if self._last is None:
                raise
            # Outside the conditions of the file: reject the step.
            return 10 * self._last + 1.0
        values = self._frames(scales) * values + self._frames(offsets)
        if not np.isfinite(values).all():
            if self._last is None:
                raise InputError("the run of the start is not finite: take a shorter timestep")
            return 10 * self._last + 1.0
        rest = ((values - self.data) / self.noise)[self.measured]
        self._last = np.concatenate([rest, self._prior_residuals(parameters)])
        return self._last

    def _prior_residuals(self, parameters):
        return np.array(
            [
                (parameters[self.family.names.index(name)] - mean) / width
                for name, (mean, width) in self.priors.items()
            ]
        )

    def jacobian(self, vector):
        """Derivatives of the residuals."""
        parameters, _, scales = self._split(vector)
        leaves, values = self._prediction(vector)
        tangents = self.family.tangents(parameters)
        varying = [n for n in leaves if n != "mask" and _is_varying(self.jax, tangents, n)]
        stacked = {
            n: self.jax.tree.map(lambda *a: np.stack(a), *(t[n] for t in tangents)) for n in varying
        }
        columns = np.asarray(self.forward(leaves, _of_types(self.jax, stacked, leaves)))
        columns = self._frames(scales)[None] * columns / self.noise
        columns = [c[self.measured] for c in columns]
        for flag, factor in ((self.offset, np.ones_like(values)), (self.scale, values)):
            for frame in range(self.frames if flag else 0):
                column = np.zeros_like(values)
                column[:, frame] = factor[:, frame] / self.noise
                columns.append(column[self.measured])
        matrix = np.stack(columns, axis=1)
        rows = np.zeros((len(self.priors), matrix.shape[1]))
        for row, (name, (_, width)) in zip(rows, self.priors.items(), strict=True):
            row[self.family.names.index(name)] = 1 / width
        return np.concatenate([matrix, rows])

    def run(self, start):
        """The result of ``scipy.optimize.least_squares`` from some values."""
        self._last = None
        size = np.where(start == 0, 1.0, np.abs(start))
        extra = self.frames * (self.offset + self.scale)
        rest = np.concatenate(
            [np.zeros(self.frames * self.offset), np.ones(self.frames * self.scale)]
        )
        return least_squares(
            self.residuals, np.concatenate([start, rest]), self.jacobian,
            x_scale=np.concatenate([size, np.ones(extra)]),
            ftol=1e-8, xtol=1e-8, gtol=1e-10, max_nfev=60,
        )  # fmt: skip

    def result(self, best, noise, agreeing):
        """A `Fit` from the best result."""
        number = len(self.family.names)
        matrix = self.jacobian(best.x)
        freedom = max(1, self.measured.sum() + len(self.priors) - len(best.x))
        chi_squared = 2 * best.cost / freedom
        factor = 1.0 if noise is not None else chi_squared
        covariance = factor * np.linalg.pinv(matrix.T @ matrix, rcond=1e-15)[:number, :number]
        parameters, offsets, scales = self._split(best.x)
        size = np.where(parameters == 0, 1.0, np.abs(parameters))
        relative = matrix[:, :number] * size
        others = matrix[:, number:]
        if others.shape[1]:
            # Directions that offsets and scales can reproduce carry no information.
            relative = relative - others @ np.linalg.lstsq(others, relative, rcond=None)[0]
        _, values, rows = np.linalg.svd(relative, full_matrices=False)
        _, model = self._prediction(best.x)
        model = self._frames(scales) * model + self._frames(offsets)
        residuals = np.where(self.measured, (self.data - model) / self.noise, np.nan)
        nuisance = {"offset": offsets} if self.offset else {}
        nuisance |= {"scale": scales} if self.scale else {}
        return Fit(
            names=self.family.names, estimates=parameters,
            errors=np.sqrt(np.diag(covariance)), covariance=covariance,
            chi_squared=float(chi_squared), singular_values=values, directions=rows, model=model,
            data=self.data, residuals=residuals,
            noise=float(noise if noise is not None else np.sqrt(chi_squared)),
            noise_is_known=noise is not None, agreeing_starts=agreeing, nuisance=nuisance,
            evaluations=self.evaluations,
        )  # fmt: skip


def _is_varying(jax, tangents, name):
    return any(np.any(np.asarray(a)) for t in tangents for a in jax.tree.leaves(t[name]))


def _of_types(jax, stacked, leaves):
    """Tangents with the number types of their leaves."""
    return {
        name: jax.tree.map(lambda t, a: t.astype(np.asarray(a).dtype), part, leaves[name])
        for name, part in stacked.items()
    }
