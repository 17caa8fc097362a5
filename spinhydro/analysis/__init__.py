"""Read, measure and draw runs: ``from spinhydro.analysis import load; ds = load(RUN)``.

Nothing here imports Dedalus or MPI, so runs can be read where they were not made.  Functions that
compute return arrays, functions that draw take axes, and only commands write files.  Names are
imported when they are first used.
"""

import importlib

from .load import load

_HOME = {
    "analytic_position": "interface",
    "autocorrelation": "correlation",
    "breaking_time": "interface",
    "budget": "budgets",
    "conserved": "budgets",
    "critical_position": "josephson",
    "critical_position_thomas_fermi": "josephson",
    "cut_off": "growth",
    "departure_times": "breaking",
    "difference_over_time": "breaking",
    "domain_walls": "textures",
    "effective_field_torque": "interface",
    "energy_errors": "exchange",
    "exchange_energy": "exchange",
    "fit_domains": "correlation",
    "growth_rates": "growth",
    "inward_front": "front",
    "interface_maxima": "breaking",
    "interface_position": "interface",
    "local_frequency": "josephson",
    "magnet": "magnets",
    "magnetization": "josephson",
    "mean_magnetization": "exchange",
    "measured_frequency": "frequencies",
    "norm_error": "interface",
    "plot_spacetime": "maps",
    "open_netcdf": "netcdf",
    "ridge": "spectra",
    "run_figure": "plot",
    "run_measurement": "measure",
    "save_netcdf": "netcdf",
    "selected": "selection",
    "sign_changes": "textures",
    "spacetime_spectrum": "spectra",
    "spin_currents": "interface",
    "topological_charge": "textures",
    "torque_ratio": "interface",
    "winding_number": "textures",
}

__all__ = ["load", *_HOME]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spinhydro.analysis' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *_HOME})
