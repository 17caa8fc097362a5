"""Samples of the posterior of a fit, by emcee."""

from dataclasses import dataclass

import numpy as np

from spinhydro.derivatives.nearby import NearbyLeaves
from spinhydro.engines.jax.require import require
from spinhydro.errors import InputError

#: Walkers of the ensemble for each parameter, and the least number of them.
WALKERS, LEAST_WALKERS = 4, 12
#: Steps that are discarded, of all.
BURN_IN = 0.3
#: Standard errors over which leaves are expanded.
WIDTH = 2.0


@dataclass
class Posterior:
    """Samples of the parameters.

    Attributes
    ----------
    samples : array (samples, parameters)
    walkers, steps : int
    autocorrelation : float
        Longest autocorrelation time in steps; at least 50 of them make good intervals.
    """

    samples: np.ndarray
    walkers: int
    steps: int
    autocorrelation: float

    def lines(self, names, units):
        """Medians with 68 % intervals, for a terminal.

        Parameters
        ----------
        names : list of str
        units : list of (float, str)
            Factor from the units of the file and name of the unit, of each parameter.
        """
        factors = [factor for factor, _ in units]
        low, middle, high = np.percentile(self.samples * factors, [16, 50, 84], axis=0)
        found = [
            f"posterior of {name}: {at:.8g} +{above - at:.2g} -{at - below:.2g} {unit}".rstrip()
            for name, (_, unit), below, at, above in zip(
                names, units, low, middle, high, strict=True
            )
        ]
        found.append(
            f"{self.walkers} walkers, {self.steps} steps, autocorrelation time "
            f"{self.autocorrelation:.3g} steps"
            + (": too few steps" if self.steps < 50 * self.autocorrelation else "")
        )
        return found


def sample(search, found, steps, seed=0):
    """Sample the posterior about the estimates of a fit (Foreman-Mackey et al., PASP 125, 306).

    Flat priors, or the Gaussian ones of the fit. Offsets and factors of frames take their best
    values for each sample; unknown noise is integrated over, with the prior 1/noise. Runs are
    complete; the leaves of the problem are expanded to second order about the estimates.

    Parameters
    ----------
    search : Search
        Of the fit.
    found : Fit
    steps : int
        Of each walker.

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        If emcee is missing, or the data leave a direction undetermined.
    """
    emcee = require("emcee", "sampling the posterior")
    if found.undetermined:
        raise InputError(
            f"the data do not determine {'; '.join(found.undetermined)}: give a --prior, or fit "
            "fewer parameters"
        )
    jax, number = search.jax, len(found.names)
    near = NearbyLeaves(search.family, found.estimates, WIDTH * found.errors)
    probability = jax.jit(jax.vmap(lambda p: _log_probability(search, found, near, p)))
    walkers = max(LEAST_WALKERS, WALKERS * number)
    random = np.random.default_rng(seed)
    start = random.multivariate_normal(found.estimates, found.covariance, walkers)

    def of_walkers(places):
        # The ensemble moves in halves: parts of one size are compiled once.
        size = walkers // 2
        parts = [np.asarray(probability(places[i : i + size])) for i in range(0, len(places), size)]
        values = np.concatenate(parts)
        return np.where(np.isfinite(values), values, -np.inf)

    sampler = emcee.EnsembleSampler(walkers, number, of_walkers, vectorize=True)
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(start, steps)
    discard = int(BURN_IN * steps)
    time = float(np.max(sampler.get_autocorr_time(tol=0, discard=discard)))
    return Posterior(sampler.get_chain(flat=True, discard=discard), walkers, steps, time)


def _log_probability(search, found, near, parameters):
    np_ = search.jax.numpy
    values, weights = search.predict_from(near(parameters)), np.where(search.measured, 1.0, 0.0)
    data = np.where(search.measured, search.data, 0.0)
    axes = tuple(axis for axis in range(values.ndim) if axis != 1)

    def total(array):
        return np_.sum(weights * array, axis=axes, keepdims=True)

    count = np.maximum(weights.sum(axis=axes, keepdims=True), 1)
    offset = total(data) / count if search.offset else 0.0
    mean = total(values) / count if search.offset else 0.0
    factor = 1.0
    if search.scale:
        factor = total((values - mean) * (data - offset)) / total((values - mean) ** 2)
    chi = np_.sum(weights * (factor * (values - mean) - (data - offset)) ** 2)
    prior = sum(
        -(((parameters[search.family.names.index(name)] - mean) / width) ** 2) / 2
        for name, (mean, width) in search.priors.items()
    )
    if found.noise_is_known:
        return prior - chi / (2 * search.noise**2)
    return prior - weights.sum() / 2 * np_.log(chi)
