"""omega(k) of the kernels in the file of the run (kernel=NAME)."""

import numpy as np

from spinhydro.analysis import run_figure
from spinhydro.analysis.laws import NAMES
from spinhydro.analysis.magnets import EXCHANGE, magnet, recorded_kernels
from spinhydro.analysis.style import CRITICAL, INK
from spinhydro.errors import InputError

NEEDS = {"run": ("pslle_dispersion",)}
COLOURS = (INK, "#1f4e79", "#7f7f7f", "#2e7d32")


def draw(ax, run, kernel=None):
    """Draw omega(k) of every scalar kernel that the run keeps, or of `kernel`, for k > 0."""
    tables = recorded_kernels(run)
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
        _known_laws(run, ax, np.linspace(0, k[-1], 2001))
        ax.set_ylim(1.1 * bottom, 1.1 * top)
    ax.set_xlim(left=0)
    time, length = run.t.attrs.get("units", "time"), run.x.attrs.get("units", "unit")
    ax.set_xlabel(f"$k$ (rad/{length})")
    ax.set_ylabel(rf"$\omega(k)$ (rad/{time})")
    ax.legend()


def check(name, run):
    """Raise InputError where a run keeps no omega(k)."""
    if not recorded_kernels(run):
        raise InputError(
            f"{name}: this run keeps no scalar kernel; draw a run of a file that makes one with "
            "W = spinhydro.kernel(NAME, …)"
        )
    if "x" not in run.dims:
        raise InputError(f"{name}: this run has no axis x")


def _known_laws(ds, ax, k):
    try:
        material = magnet(ds)
    except InputError:
        return
    for name, style in (("chain", (0, (4, 2))), ("micromagnetic", ":")):
        ax.plot(k, material.exchange(k, name), color=CRITICAL, lw=0.8, ls=style, label=NAMES[name])


if __name__ == "__main__":
    run_figure(__file__)
