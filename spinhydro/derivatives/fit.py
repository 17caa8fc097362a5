"""Parameters and fields of a problem file from measured fields, by least squares."""

from dataclasses import dataclass, field

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.derivatives.family import Family
from spinhydro.derivatives.field_estimates import (
    covariance_of_others,
    field_estimates,
    information,
)
from spinhydro.derivatives.fit_search import Search
from spinhydro.derivatives.gradient import split_names
from spinhydro.derivatives.measurement import check_kind, common_steps
from spinhydro.derivatives.parameters import fixed_timestep, initial_time
from spinhydro.derivatives.smoothness import refuse_jumps
from spinhydro.derivatives.unknown_fields import UnknownField
from spinhydro.derivatives.varying import varying_leaves
from spinhydro.engines.jax.require import require
from spinhydro.errors import InputError, ParameterError
from spinhydro.units import in_unit

#: Relative standard error of a direction above which the data do not determine it.
UNDETERMINED = 1.0
#: Standard deviations of chi^2 beyond which the model does not describe the data.
MISFIT = 6.0
#: Searches for the noise of data beside priors, and its relative accuracy.
NOISE_ROUNDS, NOISE_TOLERANCE = 8, 0.01
#: Least noise of data that the model reproduces, relative to the data.
NOISE_FLOOR = 1e-12
#: Relative eigenvalue of a normal matrix that is rounding.
SINGULAR = 1e-15


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
    fields : dict
        ``{name: FieldEstimate}``.
    evaluations : int
        Runs.
    posterior : Posterior, or None without samples
    units : dict
        Names of the units of the file, ``{"length": "um", "time": "ms"}``.
    dimensions : dict
        ``{name: powers}`` of parameters, of length, time, mass, temperature and current.
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
    fields: dict = field(default_factory=dict)
    evaluations: int = 0
    posterior: object = None
    units: dict = field(default_factory=dict)
    dimensions: dict = field(default_factory=dict)

    def table(self):
        """Lines for a terminal."""
        lines = []
        for name, value, error in zip(self.names, self.estimates, self.errors, strict=True):
            if not np.isfinite(error):
                lines.append(f"{name} = {value:.8g}, without any influence on the data")
                continue
            share = f" ({100 * abs(error / value):.2g} %)" if value else ""
            factor, unit = self._unit(name)
            value, error = factor * value, factor * error
            lines.append(
                f"{name} = {value:.8g} +- {error:.2g}{share}, 68 %: "
                f"{value - error:.8g} to {value + error:.8g} {unit}".rstrip()
            )
        for estimate in self.fields.values():
            lines += estimate.lines()
        values = np.isfinite(self.residuals).sum()
        known = "" if self.noise_is_known else " (from the residuals)"
        lines.append(
            f"chi^2 per degree of freedom {self.chi_squared:.4g}, noise {self.noise:.3g}{known}, "
            f"{values} values, {self.evaluations} runs"
        )
        if self.noise_is_known and self.chi_squared > 1 + MISFIT * np.sqrt(2 / values):
            lines.append(
                "chi^2 is above 1 by more than chance: the model does not describe the data to "
                "within the noise, and the intervals are too short"
            )
        if self.agreeing_starts[1] > 1:
            lines.append("{} of {} starts came to this minimum".format(*self.agreeing_starts))
        if self.names:
            shown = ", ".join(f"{value:.3g}" for value in self.singular_values)
            lines.append(f"singular values (relative changes): {shown}")
        lines += [f"not determined by the data: {text}" for text in self.undetermined]
        units = [self._unit(name) for name in self.names]
        return lines + (self.posterior.lines(self.names, units) if self.posterior else [])

    def _unit(self, name):
        """Return the factor from the units of the file, and the name of the unit."""
        if name not in self.dimensions:
            return 1.0, ""
        return in_unit(1.0, tuple(self.dimensions[name]), self.units)

    @property
    def undetermined(self):
        """Texts of the relative changes of the parameters that the data do not determine."""
        found = []
        for value, row in zip(self.singular_values, self.directions, strict=True):
            if value < 1 / UNDETERMINED:
                terms = [
                    f"{share:+.2f} {name}"
                    for name, share in zip(self.names, row, strict=True)
                    if abs(share) > 0.05
                ]
                found.append(" ".join(terms))
        return found


def fit(
    problem, data, names, blur=0.0, noise=None, offset=False, scale=False, priors=None, starts=1,
    seed=0, samples=0, smooth=None,
):  # fmt: skip
    """Estimate parameters, profiles, initial fields and kernels from measured fields.

    The sum of ((data - model)/noise)^2 is made least (scipy, trust region), with derivatives of
    the whole run along every unknown. Fields have a Gaussian prior (`UnknownField`); up to some
    hundred weights of its functions the derivatives are those along each of them, beyond that
    products with the derivatives and with their transpose, by reverse sweeps.

    Parameters
    ----------
    problem : Problem
        The values of the file are the start.
    data : Data
        Values of outputs of the file, at times of its run (from 0, if the file sets no t).
    names : sequence of str
        Parameters, fields and kernels.
    blur : float
        Standard deviation of a Gaussian blur of the instrument.
    noise : float, optional
        Standard deviation of the data; from the residuals if it is not given.
    offset, scale : bool
        Also fit an offset, or a factor, for each frame.
    priors : dict
        ``{name: (mean, standard deviation)}``; one for each field, with the mean a number, a
        field of the problem, or None for the values of the file.
    starts : int
        Number of starts, the first from the file, the others up to ten per cent from it.
    seed : int
        Of the further starts and of the samples.
    samples : int
        Steps of every walker that samples the posterior; 0 for none.
    smooth : dict
        ``{name: correlation length}`` of the priors of fields, one for each.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If JAX is missing, the data do not go with the problem, or are too few.
    """
    names, priors, smooth = list(names), dict(priors or {}), dict(smooth or {})
    if not names:
        raise InputError(
            "nothing is named: type the names to fit behind the data, as in Omega_R kappa_n0; "
            "NAME=VALUE only sets a value, which is the start of a fitted one"
        )
    if not (np.isfinite(blur) and blur >= 0):
        raise InputError(f"--blur {blur:g}: a length, zero or positive, such as 1.5*um")
    if noise is not None and not (np.isfinite(noise) and noise > 0):
        raise InputError(
            f"--noise {noise:g}: the standard deviation of the data, a positive number"
        )
    numbers, others = split_names(problem, names)
    _check_priors(names, others, priors, smooth)
    if samples:
        require("emcee", "sampling the posterior")
        if others:
            raise InputError(
                f"--sample samples parameters only, not {', '.join(others)}: leave one of them out"
            )
    outputs = problem.declared("outputs") or {}
    check_kind(problem, outputs, data)
    if list(data.axes) == ["t"] and (offset or scale):
        raise InputError(
            f"--{'offset' if offset else 'scale'}: the data are averages over space, one number in "
            "each frame: write a factor or an offset into the output, such as "
            '"gain*ave(m@ex) + zero", with gain and zero set in the file, and fit them'
        )
    times = _times_of_run(problem, data)
    timestep, steps = common_steps(times, fixed_timestep(problem))
    family = Family(problem, numbers, [outputs[n] for n in data.values], timestep, "the fit")
    _refuse_noise(family.model)
    fields = [UnknownField(family.model, n, smooth[n], *priors.pop(n)) for n in others]
    search = Search(family, data, steps, blur, noise or 1.0, offset, scale, priors, fields)
    search.check_enough()
    _check_influence(family)
    best, agreeing = _best_of_starts(search, starts, seed, noise is None)
    result = _result(search, best, noise is not None, agreeing)
    if samples:
        from spinhydro.derivatives.posterior import sample

        result.posterior = sample(search, result, samples, seed)
    return result


def _times_of_run(problem, data):
    """Return the times of the data from the start of the run; InputError if it ends before."""
    start = initial_time(problem)
    times, stop_time = data.axes["t"] - start, problem.declared("stop_time")
    if stop_time is not None and times[-1] > float(stop_time) * (1 + 1e-6):
        raise InputError(
            f"the data reach to t = {times[-1] + start:g}, the run to t = {start + stop_time:g}: "
            f"type stop_time={times[-1]:g} for a longer run, or --window "
            f"t={start:g}:{start + stop_time:g} for part of the data"
        )
    return times


def _refuse_noise(model):
    """Raise InputError if the equations depend on noise: a run would be one of many."""
    rates = []
    for value in (0.0, 1.0) if model.noises else ():
        rows = np.array(model.leaves["profiles"])
        for noise in model.noises:
            first = model.rate.profile_row(noise)
            rows[first : first + count(noise)] = value
        leaves = {**model.leaves, "profiles": rows}
        rates.append(np.asarray(model.rate(leaves["state"], 0.0, leaves)))
    if rates and not np.array_equal(*rates):
        raise InputError(
            f"the equations have noise, {', '.join(noise.name for noise in model.noises)}: a fit "
            "needs a run that its parameters determine; switch the noise off, such as temperature=0"
        )


def _check_influence(family):
    """Raise InputError for a parameter on which the run does not depend, or only in jumps."""
    tangents = family.tangents(family.start)
    refuse_jumps(family, tangents)
    for name, value, tangent in zip(family.names, family.start, tangents, strict=True):
        if not varying_leaves([tangent]):
            raise InputError(
                f"{name} has no influence on the run at {name} = {value:g}: leave it out, or type "
                f"another start, {name}=VALUE"
            )


def _check_priors(names, fields, priors, smooth):
    """Raise InputError for priors of other names, or fields without one."""
    for option, given in (("prior", priors), ("smooth", smooth)):
        for name in given:
            if name not in names:
                raise InputError(f"--{option} {name}: it is none of the fitted {', '.join(names)}")
    for name in smooth:
        if name not in fields:
            raise InputError(f"--smooth {name}: {name} is a number; smooth is for fields")
    for name, (mean, _) in priors.items():
        if name not in fields and not isinstance(mean, (int, float)):
            raise InputError(f"--prior {name}: {name} is a number, and so is its mean")
    for name in fields:
        if name not in smooth or name not in priors:
            raise InputError(
                f"{name} is a field, which data alone do not determine at every point: type a "
                f"prior, its mean and standard deviation, --prior {name}={name}+-WIDTH or "
                f"--prior {name}=0+-WIDTH, and the length over which it changes, "
                f"--smooth {name}=LENGTH"
            )


def _best_of_starts(search, starts, seed, finds_noise):
    """(result of least cost, (agreeing starts, starts))."""
    random, found = np.random.default_rng(seed), []
    start = search.family.start
    size = np.where(start == 0, 1.0, np.abs(start))
    for number in range(max(1, starts)):
        moved = 0.1 * size * random.uniform(-1, 1, len(start)) if number else 0.0
        weights = 0.3 * random.standard_normal(search.weights) if number else None
        try:
            found.append(search.run(search.start(start + moved, weights)))
        except ParameterError:
            if not number:
                raise
    best = min(found, key=lambda result: result.cost)
    agreeing = sum(bool(np.all(search.agree(result.x, best.x))) for result in found)
    return (_with_noise(search, best) if finds_noise else best), (agreeing, len(found))


def _with_noise(search, best):
    """Take the noise from the residuals; beside priors, search on until it stays."""
    floor = NOISE_FLOOR * np.sqrt(np.mean(search.data[search.measured] ** 2))
    for _ in range(NOISE_ROUNDS):
        before = search.noise
        search.noise = max(before * np.sqrt(_chi_squared(search, best.x)), floor, NOISE_FLOOR**2)
        if not (search.priors or search.fields):
            break
        # The noise weighs the data against the priors.
        best = search.run(best.x)
        if abs(search.noise - before) <= NOISE_TOLERANCE * before:
            break
    return best


def _chi_squared(search, vector):
    """Return chi^2 of the data per degree of freedom; fields count by their information."""
    measured = int(search.measured.sum())
    rest, used = search.residuals(vector)[:measured], len(vector) - search.weights
    if search.fields:
        found = information(search.columns(vector), search.of_weights(vector))
        used += found.shares.sum()
    return float(np.sum(rest**2) / max(1.0, measured - used))


def _result(search, best, noise_is_known, agreeing):
    """A `Fit` from the best result of a search."""
    vector, number, chi_squared = best.x, search.numbers, _chi_squared(search, best.x)
    parameters, weights, offsets, scales = search.split(vector)
    others, fields = search.columns(vector), {}
    if search.fields:
        inner = search.of_weights(vector)
        found = information(others, inner)
        covariance = covariance_of_others(others, inner, found)
        fields = field_estimates(search.fields, weights, found, search.model.problem.units)
    else:
        # Columns of length one: units such as J/m^3 make numbers of very different size.
        lengths = np.linalg.norm(others, axis=0)
        lengths[lengths == 0] = 1.0
        scaled = others / lengths
        covariance = np.linalg.pinv(scaled.T @ scaled, rcond=SINGULAR) / np.outer(lengths, lengths)
    size = np.where(parameters == 0, 1.0, np.abs(parameters))
    values, rows = _sensitivities(others, covariance, number, size, bool(search.fields))
    covariance = covariance[:number, :number]
    errors = np.sqrt(np.diag(covariance))
    # The inverse leaves out what the data do not feel at all.
    lost = values <= np.sqrt(SINGULAR) * values.max(initial=0)
    errors[(np.abs(rows[lost]) > 1e-6).any(axis=0)] = np.inf
    _, model = search.prediction(vector)
    model = search.by_frame(scales) * model + search.by_frame(offsets)
    nuisance = {"offset": offsets} if search.offset else {}
    nuisance |= {"scale": scales} if search.scale else {}
    return Fit(
        units=dict(search.model.problem.units),
        dimensions=dict(search.family.problem.dimensions),
        names=search.family.names, estimates=parameters, errors=errors, covariance=covariance,
        chi_squared=chi_squared, singular_values=values, directions=rows, model=model,
        data=search.data,
        residuals=np.where(search.measured, (search.data - model) / search.noise, np.nan),
        noise=float(search.noise), noise_is_known=noise_is_known, agreeing_starts=agreeing,
        nuisance=nuisance, fields=fields, evaluations=search.evaluations,
    )  # fmt: skip


def _sensitivities(others, covariance, number, size, has_fields):
    """(singular values, directions) of the residuals along relative changes of parameters.

    Directions that offsets, scales and fields can reproduce carry no information.
    """
    if has_fields:
        relative = covariance[:number, :number] / np.outer(size, size)
        variances, columns = np.linalg.eigh(relative)
        return 1 / np.sqrt(np.maximum(variances, np.finfo(float).tiny)), columns.T
    relative, nuisance = others[:, :number] * size, others[:, number:]
    if nuisance.shape[1]:
        relative = relative - nuisance @ np.linalg.lstsq(nuisance, relative, rcond=None)[0]
    _, values, rows = np.linalg.svd(relative, full_matrices=False)
    return values, rows
