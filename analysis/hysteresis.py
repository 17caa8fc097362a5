"""Hysteresis loops of a ferromagnetic gas against the detuning, with the states of least energy."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.rows import Row
from spinhydro.analysis.statistics import hysteresis_loop
from spinhydro.analysis.style import CRITICAL, INK

NEEDS = {"run": ("ferromagnetic_gas", "M", "delta", "ratio", "kappa_n0")}
#: Shift of the switching by the ramp, ms: the state rolls away from the fold slowly.
DELAY = 8.0


def spinodal(ratio, kappa_n):
    """Detuning at which the metastable state ends, |kappa| n (1 - ratio^(2/3))^(3/2)."""
    return abs(kappa_n) * max(1 - ratio ** (2 / 3), 0) ** 1.5


def draw(figure, run):
    """Draw the mean Z of up to six members against the detuning."""
    loops = list(_members(run))[:6]
    panels = style.grid_of_panels(figure, len(loops), min(3, len(loops)), size=(2.4, 2.0))
    for ax, (ratio, kappa_n, delta, M) in zip(panels, loops, strict=False):
        Z = np.linspace(-0.999, 0.999, 2000)
        curve = abs(kappa_n) * (ratio * Z / np.sqrt(1 - Z**2) - Z)
        ax.plot(curve, Z, color=CRITICAL, lw=0.8, label="stationary states")
        ax.plot(delta, M, color=INK, lw=1, label="run")
        ax.set(xlim=(delta.min(), delta.max()), xlabel=r"$\delta$ (1/ms)", ylabel="mean Z")
        ax.set_title(rf"$\Omega_R = {ratio:g}\,|\kappa| n$")
    panels[-1].legend(loc="lower right", fontsize=6)
    style.sheet_title(figure, style.run_label(run))


def title(ds):
    """Return the heading of the table."""
    return f"{style.run_label(ds)}: hysteresis"


def measure(ds, others=(), exact=False):
    """Return rows: remanence and switching field of every member beside the exact ones."""
    rows = []
    for ratio, kappa_n, delta, M in _members(ds):
        remanence = np.sqrt(max(1 - ratio**2, 0))
        rows.append(
            Row(f"|Z| at delta = 0, ratio {ratio:g}", abs(float(M[-1])), reference=remanence,
                tolerance=0.02)
        )  # fmt: skip
        if ratio < 1:
            rate = np.abs(np.diff(delta)).max() / float(np.diff(ds.t.values[:2])[0])
            end, found = spinodal(ratio, kappa_n), max(hysteresis_loop(delta, M).coercive)
            rows.append(
                Row(f"switching, ratio {ratio:g}", found, "1/ms", band=(end, end + DELAY * rate))
            )
    return rows


def _members(run):
    """(Omega_R over |kappa| n, kappa n, detuning, mean Z) of every member."""
    M = run.M.transpose("t", "member").values if "member" in run.M.dims else run.M.values[:, None]
    delta = run.delta.values.reshape(run.sizes["t"], -1)[:, 0]
    given = run.ratio.values if "ratio" in run.coords else run.attrs["ratio"]
    for member, ratio in enumerate(np.broadcast_to(given, M.shape[1])):
        yield float(ratio), float(run.attrs["kappa_n0"]), delta, M[:, member]


if __name__ == "__main__":
    run_figure(__file__)
