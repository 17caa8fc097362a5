"""Dispersion laws for the figures: branches that a run keeps, kernels, and formulas."""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError

from .formula import evaluate
from .magnets import (
    EXCHANGE,
    has_spins,
    known_kernel,
    magnet,
    recorded_kernels,
)
from .spectra import folded
from .waves import NoWavesError, waves_along

NAMES = {
    "chain": "chain law",
    "micromagnetic": "long waves, $k^2$",
    "own": r"$\omega(k)$ of the run's file",
}
SMALL_WAVES = "small waves of the run's equation"
# Other names of the known laws; a law of another name is a formula.
WORDS = (*NAMES, "lattice", "atomistic", "asd", "pslle", "k2", "k^2", "llg")
# Largest difference of two laws, over the largest frequency, at which they are the same; that of
# the table of a kernel from the kernel is 1e-7.
LIKE = 1e-5


@dataclass(frozen=True)
class Law:
    """A dispersion law: `name` for the legend; `omega` a function of signed k in rad per time.

    It returns one frequency for each k, or several branches, nan where a branch is not visible.
    """

    name: str
    omega: object

    def branches(self, k):
        """Frequencies (waves, branches), rad per time."""
        found = np.asarray(self.omega(k), dtype=float)
        return found if found.ndim == 2 else found[:, None]

    def shown(self, k, interval, signed):
        """Frequencies (waves, branches) in cycles per time, folded by outputs at an interval.

        A real output (not `signed`) has no frequencies below zero: it holds exp(ikx + i omega t)
        and the conjugate of the wave -k.
        """
        omega = self.branches(k)
        if not signed and omega.shape[1] == 1:
            omega = np.concatenate([omega, -self.branches(-np.asarray(k))], axis=1)
        found = folded(omega / (2 * np.pi), interval)
        if not signed:
            with np.errstate(invalid="ignore"):
                found = np.where(found >= -1e-9 / interval, found, np.nan)
        return found


def laws_of(ds, law, options):
    """(law of the run or None, another known law or None, why there is none).

    Parameters
    ----------
    law : str or None
        See `dispersion.analyse`.
    options : dict
        `output`, `component` and `direction` of `spectra.spacetime_spectrum`.
    """
    if law == "none":
        return None, None, "none requested"
    if law is None:
        return _law_of_the_run(ds, options)
    if str(law).lower() not in WORDS and _is_formula(law, ds):
        return Law(str(law), lambda k: _formula(str(law), ds, k)), None, ""
    return *_known(magnet(ds), law), ""


def distances(frequency, law, k, interval, signed):
    """Frequencies minus the nearest branch of a law, in cycles per time.

    Frequencies that differ by a multiple of 1/interval count as equal: the outputs of a run
    cannot distinguish them.
    """
    differences = folded(np.asarray(frequency)[:, None] - law.shown(k, interval, signed), interval)
    unseen = np.isnan(differences).all(axis=1)
    nearest = np.argmin(np.where(np.isnan(differences), np.inf, np.abs(differences)), axis=1)
    found = np.take_along_axis(differences, nearest[:, None], axis=1)[:, 0]
    return np.where(unseen, np.nan, found)


def _law_of_the_run(ds, options):
    """The small waves of the run, by the name of a known law or kernel if they are that law."""
    names = ("output", "component", "direction")
    chosen = {name: options[name] for name in names if name in options}
    try:
        waves = waves_along(ds, **chosen)
    except NoWavesError as reason:
        return None, None, str(reason)
    if has_spins(ds, options["output"]):
        for own, other in _candidates(ds):
            if _agree(own, waves):
                return own, other, ""
    return Law(SMALL_WAVES, waves), None, ""


def _candidates(ds):
    """Yield laws with another one for comparison: of a material, or of the kernel W."""
    try:
        material = magnet(ds)
    except InputError:
        if EXCHANGE in recorded_kernels(ds):
            text = f"{EXCHANGE} + omega_K" if _is_number(ds.attrs.get("omega_K")) else EXCHANGE
            yield Law(text, lambda k: _formula(text, ds, k)), None
    else:
        yield _known(material, material.kernel)


def _known(material, word):
    own = known_kernel(word)
    other = "micromagnetic" if own != "micromagnetic" else "chain"
    return (
        Law(NAMES[own], lambda k: material.magnon(k, own)),
        Law(NAMES[other], lambda k: material.magnon(k, other)),
    )


def _agree(law, waves):
    """Return whether a law is the only branch of the waves."""
    seen = np.isfinite(waves.omega)
    if not np.all(seen.sum(axis=1) == 1):
        return False
    wanted, found = waves.omega[seen], law.omega(waves.k)
    return bool(np.all(np.abs(found - wanted) <= LIKE * np.abs(wanted).max()))


def _is_formula(law, ds):
    """True for a formula; raises InputError for a name that is neither a law nor a formula."""
    if str(law).isidentifier() and law not in recorded_kernels(ds) and law not in ds.attrs:
        known_kernel(law)
    return True


def _formula(text, ds, k):
    k = np.asarray(k, dtype=float)
    numbers = {str(name): value for name, value in ds.attrs.items() if _is_number(value)}
    kernels = {}
    for name, (places, omega) in recorded_kernels(ds).items():
        kernels[name] = np.interp(k, places, omega)
    return evaluate(text, {**numbers, **kernels, "k": k}) * np.ones_like(k)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
