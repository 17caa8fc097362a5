"""Curie point of a lattice: mean spin and Binder cumulant over the temperature of the spins."""

import numpy as np

from spinhydro.analysis import run_figure
from spinhydro.analysis.criticality import HEISENBERG, cumulants, curie_point
from spinhydro.analysis.statistics import blocked_mean
from spinhydro.errors import InputError

NEEDS = {"run": ("sc_lattice", "M", "E", "torque2", "tau")}
LATTICE = 1.4429  # k_B T_c/J of the infinite simple cubic lattice


def draw(ax, run, discard=0.2):
    """Draw |M| with its errors and the cumulant; members of one temperature are joined."""
    T, M = temperatures(run, discard), mean_spins(run)
    tau = run.tau.values
    late = M[int(discard * len(M)) :]
    distinct, U = cumulants(T, late)
    size = np.sqrt((late**2).sum(axis=-1))
    means = [blocked_mean(size[:, T == one]) for one in distinct]
    ax.errorbar(distinct, [m.mean for m in means], [m.error for m in means], fmt="o", ms=4,
                label="|M|")  # fmt: skip
    ax.plot(distinct, U, "s-", ms=4, label="U")
    ax.axhline(HEISENBERG, color="0.7", lw=0.8)
    ax.set_xlabel("$k_B T/J$ of the spins")
    ax.legend()
    shift = float(np.mean(T / tau - 1))
    numbers = {"temperature of the spins, over that of the heat bath, - 1": shift}
    if len(distinct) >= 3:
        point = curie_point(T, M, discard)
        ax.axvline(point.temperature, color="0.6", lw=0.8)
        numbers |= {
            "Curie point k_B T/J": f"{point.temperature:.4f} +- {point.error:.4f}",
            "of the infinite lattice": LATTICE,
            "difference": point.temperature / LATTICE - 1,
        }
    return numbers


def temperatures(run, discard):
    """k_B T/J of the spins, an average for all members with one temperature of the heat bath."""
    tau = run.tau.values
    torque2, E = (_late(run[name], discard).mean(axis=0) for name in ("torque2", "E"))
    return np.array([
        torque2[tau == one].mean() / (2 * (6 - 2 * E[tau == one].mean())) for one in tau
    ])  # fmt: skip


def mean_spins(run):
    """Array (t, member, 3)."""
    M = run.M.transpose("t", "member", ...).values
    return M.reshape(*M.shape[:2], 3)


def _late(series, discard):
    values = series.transpose("t", "member", ...).values
    return values[int(discard * len(values)) :].reshape(-1, series.sizes["member"])


def check(name, run):
    """Raise InputError unless the run has a member for each of several temperatures."""
    if "tau" not in run.coords or "member" not in run.tau.dims:
        raise InputError(f"{name}: give a run of several temperatures, tau='[1.3, 1.4, 1.5]'")


if __name__ == "__main__":
    run_figure(__file__)
