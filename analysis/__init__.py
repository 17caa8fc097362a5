"""Read and draw runs: `from analysis import load; ds = load("runs/quantum_torque/0001")`.

Nothing here imports Dedalus or MPI, so runs can be looked at where they were not made.  Functions
that compute return arrays, functions that draw take and return axes, and only `plot.main` writes
files.
"""

from .frequencies import measured_frequency
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

__all__ = [
    "analytic_position",
    "breaking_time",
    "critical_position",
    "critical_position_thomas_fermi",
    "effective_field_torque",
    "interface_position",
    "load",
    "local_frequency",
    "magnetization",
    "measured_frequency",
    "norm_error",
    "plot_spacetime",
    "spin_currents",
    "torque_ratio",
]


def __getattr__(name):
    # Matplotlib is loaded when something is drawn.
    if name == "plot_spacetime":
        from .spacetime import plot_spacetime

        return plot_spacetime
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")
