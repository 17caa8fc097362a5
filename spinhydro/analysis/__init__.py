"""Read and draw runs: `from spinhydro.analysis import load; ds = load("runs/quantum_torque/0001")`.

Nothing here imports Dedalus or MPI, so runs can be looked at where they were not made.  Functions
that compute return arrays, functions that draw take and return axes, and only `plot.main` writes
files.
"""

from .breaking import departure_times, difference_over_time, interface_maxima
from .budgets import budget, conserved
from .correlation import autocorrelation, fit_domains
from .exchange import energy_errors, exchange_energy, mean_magnetization
from .frequencies import measured_frequency
from .front import inward_front
from .growth import cut_off, growth_rates
from .interface import (
    analytic_position,
    breaking_time,
    effective_field_torque,
    interface_position,
    norm_error,
    spin_currents,
    torque_ratio,
)
from .josephson import (
    critical_position,
    critical_position_thomas_fermi,
    local_frequency,
    magnetization,
)
from .load import load
from .magnets import magnet
from .selection import selected
from .spectra import ridge, spacetime_spectrum
from .textures import domain_walls, sign_changes, topological_charge, winding_number

__all__ = [
    "analytic_position",
    "autocorrelation",
    "breaking_time",
    "budget",
    "conserved",
    "critical_position",
    "critical_position_thomas_fermi",
    "cut_off",
    "departure_times",
    "difference_over_time",
    "domain_walls",
    "effective_field_torque",
    "energy_errors",
    "exchange_energy",
    "fit_domains",
    "growth_rates",
    "inward_front",
    "interface_maxima",
    "interface_position",
    "load",
    "local_frequency",
    "magnet",
    "magnetization",
    "mean_magnetization",
    "measured_frequency",
    "norm_error",
    "plot_spacetime",
    "ridge",
    "selected",
    "sign_changes",
    "spacetime_spectrum",
    "spin_currents",
    "topological_charge",
    "torque_ratio",
    "winding_number",
]


def __getattr__(name):
    # Matplotlib is loaded when something is drawn.
    if name == "plot_spacetime":
        from .spacetime import plot_spacetime

        return plot_spacetime
    raise AttributeError(f"module 'spinhydro.analysis' has no attribute {name!r}")
