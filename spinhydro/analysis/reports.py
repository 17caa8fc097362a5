"""The numbers of a figure as lines of text: what `spinhydro plot` prints above the path."""

import numpy as np

from spinhydro.errors import InputError

from .exchange import error_report, mean_magnetization
from .figure_grating import exchange_series, in_order, model
from .figure_growth import growth_report
from .magnets import frequency_unit, magnet
from .spectra import interval_of, ridge, ridge_error
from .style import run_name
from .temperature import temperature_peak
from .textures import sign_changes

#: Times at which series are printed, as shares of the whole run.
SHARES = (0.01, 0.1, 0.25, 0.5, 1.0)
# A passage of m_z through more than half of the way is a wall.
WALL = 0.5


def dispersion_report(runs):
    """Largest distance of the ridges from omega(k) + omega_K, and of that from another law."""
    lines = []
    for ds in runs:
        material, found, interval = magnet(ds), ridge(ds), interval_of(ds)
        error = ridge_error(found, material.magnon, interval).values
        other = "chain" if material.kernel == "micromagnetic" else "micromagnetic"
        missed = (material.magnon(found.k, other) - material.magnon(found.k)) / (2 * np.pi)
        unseen = np.count_nonzero(np.isnan(error))
        lines.append(
            f"{run_name(ds)}: ridges within {np.nanmax(np.abs(error)):.2g} {frequency_unit(ds)} of "
            f"the law of the run ({unseen} of {error.size} wavenumbers have too little power); the "
            f"{other} law differs from it by up to {np.nanmax(np.abs(missed)):.3g}"
        )
    return lines


def growth_reports(runs):
    """Largest growth and cut-off of every run, measured and by formula."""
    return [line for ds in runs for line in growth_report(ds)]


def grating_report(runs):
    """Errors against the first model, if there are several."""
    return error_report(in_order(runs)) if len(runs) > 1 else []


def mean_report(runs):
    """Mean of m_z at some times."""
    return [f"{_name(ds)}: <m_z> = {_series(ds, mean_magnetization(ds))}" for ds in in_order(runs)]


def wall_report(runs):
    """Sign changes of m_z and walls at some times."""
    lines = []
    for ds in runs:
        lines.append(f"{_name(ds)}: sign changes of m_z {_series(ds, sign_changes(ds), '.0f')}")
        walls = sign_changes(ds, threshold=WALL)
        lines.append(f"{_name(ds)}: through more than half of the way {_series(ds, walls, '.0f')}")
    return lines


def temperature_report(runs):
    """The highest temperature, and when."""
    time, _, kelvin = temperature_peak(runs[0])
    return [f"highest temperature {kelvin:.1f} K at {time:.3f} {_unit(runs[0])}"]


def continuation_report(runs):
    """Largest and last exchange energy of every run."""
    lines = []
    for ds in in_order(runs):
        energy = exchange_series(ds).mean("member")
        top = int(np.argmax(energy.values))
        lines.append(
            f"{_name(ds)}: E_ex/NJ largest {float(energy[top]):.4g} at {float(energy.t[top]):.4g} "
            f"{_unit(ds)}, last {float(energy[-1]):.4g} at {float(energy.t[-1]):.4g} {_unit(ds)}"
        )
    return lines


REPORTS = {
    "b1": dispersion_report,
    "bs2": dispersion_report,
    "dispersion": dispersion_report,
    "b2": growth_reports,
    "b3": grating_report,
    "bs3": grating_report,
    "bs4": grating_report,
    "grating": grating_report,
    "b4": mean_report,
    "bs5": wall_report,
    "walls": wall_report,
    "bs6": temperature_report,
    "bs7": continuation_report,
}


def report(name, runs):
    """Lines for a figure by name; none where there is nothing to say, or nothing can be said."""
    try:
        return REPORTS[name](runs) if name in REPORTS else []
    except InputError as error:
        return [f"no numbers: {error}"]


def _name(ds):
    return f"{run_name(ds)} ({model(ds).replace('$k^2$', 'k²')})"


def _unit(ds):
    return ds.t.attrs.get("units", "")


def _series(ds, values, form=".6f"):
    """Values, averaged over members, at SHARES of the duration."""
    times = float(ds.t[0]) + (float(ds.t[-1]) - float(ds.t[0])) * np.array(SHARES)
    chosen = values.mean("member").sel(t=times, method="nearest")
    pairs = zip(chosen.values, chosen.t.values, strict=True)
    return ", ".join(f"{value:{form}} at {time:.4g}" for value, time in pairs) + f" {_unit(ds)}"
