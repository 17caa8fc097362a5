"""omega(k) of the kernels in a run's file, beside the laws that everybody knows."""

import numpy as np
from matplotlib.figure import Figure

from spinhydro.errors import InputError

from .figure_dispersion import NAMES
from .magnets import EXCHANGE, magnet, recorded_kernels
from .style import CRITICAL, INK, axes_or_new, run_name

COLOURS = (INK, "#1f4e79", "#7f7f7f", "#2e7d32")


def draw_kernels(ds, *, kernel=None):
    """Every scalar kernel that the run keeps, or the one named `kernel`, for k > 0."""
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    plot_kernels(ds, figure.subplots(), kernel)
    figure.suptitle(f"Kernels of run {run_name(ds)}", fontsize=8)
    return figure


def plot_kernels(ds, ax=None, kernel=None):
    """Lines of omega(k); with the chain and the k² law where the run states its material."""
    ax = axes_or_new(ax)
    tables = recorded_kernels(ds)
    if kernel is not None:
        if kernel not in tables:
            raise InputError(f"this run keeps no kernel {kernel!r}; it keeps {', '.join(tables)}")
        tables = {kernel: tables[kernel]}
    bottom = top = 0.0
    for i, (name, (k, omega)) in enumerate(tables.items()):
        half = k >= 0
        ax.plot(k[half], omega[half], color=COLOURS[i % len(COLOURS)], label=f"{name}(k)")
        if not np.allclose(omega, omega[::-1], rtol=1e-9, atol=1e-12):
            ax.plot(-k[~half], omega[~half], ":", color=COLOURS[i % len(COLOURS)],
                    label=f"{name}(−k)")  # fmt: skip
        bottom, top = min(bottom, float(omega.min())), max(top, float(omega.max()))
    if EXCHANGE in tables:
        _known_laws(ds, ax, np.linspace(0, k[-1], 2001))
        ax.set_ylim(1.1 * bottom, 1.1 * top)
    ax.set_xlim(left=0)
    time, length = ds.t.attrs.get("units", "time"), ds.x.attrs.get("units", "unit")
    ax.set_xlabel(f"$k$ (rad/{length})")
    ax.set_ylabel(rf"$\omega(k)$ (rad/{time})")
    ax.legend()
    return ax


def has_kernels(ds, name):
    """Raise InputError where a run keeps no omega(k)."""
    if not recorded_kernels(ds):
        raise InputError(
            f"{name}: this run keeps no kernel; draw a run of a file that makes one with "
            "W = spinhydro.kernel(NAME, …)"
        )
    if "x" not in ds.dims:
        raise InputError(f"{name}: this run has no axis x")


def _known_laws(ds, ax, k):
    try:
        material = magnet(ds)
    except InputError:
        return
    for name, style in (("chain", (0, (4, 2))), ("micromagnetic", ":")):
        ax.plot(k, material.exchange(k, name), color=CRITICAL, lw=0.8, ls=style, label=NAMES[name])
