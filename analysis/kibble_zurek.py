"""Domains of a quench against the quench time: maps at their onset, and the scaling exponents."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.domains import domains_at_onset
from spinhydro.analysis.rows import Row
from spinhydro.analysis.style import CRITICAL, DIVERGING, INK
from spinhydro.errors import InputError

NEEDS = {"run": ("kibble_zurek", "Z", "tau_Q")}
#: Mean field: nu = 1/2, z = 1. Tolerances: scatter of a few dozen domains per member.
EXPONENTS = {"length": (1 / 3, 0.06), "number": (-2 / 3, 0.2)}


def draw(figure, run, share=0.1):
    """Draw Z of up to four members at the onset of domains, and their size and number."""
    tau, onset = _quenches(run, share)
    shown = np.linspace(0, tau.size - 1, min(4, tau.size)).astype(int)
    panels = style.grid_of_panels(figure, len(shown) + 2, 3, size=(2.3, 2.2))
    for ax, member in zip(panels, shown, strict=False):
        now = run.Z.isel(member=member).sel(t=onset.time.values[member], method="nearest")
        ax.pcolormesh(run.x, run.y, now.transpose("y", "x"), cmap=DIVERGING, vmin=-1, vmax=1)
        ax.set(title=rf"$\tau_Q$ = {tau[member]:g} ms", aspect="equal")
    found = {}
    for ax, name in zip(panels[len(shown) :], EXPONENTS, strict=True):
        values = onset[name].values
        ax.loglog(tau, values, "o", color=INK)
        ax.set(xlabel=r"$\tau_Q$ (ms)", title=f"{name} at onset")
        ax.set_xticks(tau, [f"{value:g}" for value in tau])
        ax.minorticks_off()
        if tau.size > 1:
            found[f"exponent of the {name}"] = slope = _exponent(tau, values)
            line = np.exp(np.log(values).mean()) * (tau / np.exp(np.log(tau).mean())) ** slope
            ax.loglog(tau, line, color=CRITICAL, label=rf"$\tau_Q^{{{slope:.2f}}}$")
            ax.legend()
    return found


def check(name, run):
    """Raise InputError for a run that has ended before its domains."""
    last = run.Z.isel(t=-1)
    size = float((last**2).mean([dim for dim in last.dims if dim != "member"]).max())
    if size < 0.1:
        raise InputError(
            f"{name}: there are no domains yet: the mean square of Z is {size:.2g}; run longer"
        )


def title(ds):
    """Return the heading of the table."""
    return f"{style.run_label(ds)}: Kibble-Zurek scaling"


def measure(ds, others=(), exact=False):
    """Return rows: domains of every quench time, and exponents beside those of a mean field."""
    tau, onset = _quenches(ds, 0.1)
    rows = [
        Row(f"{name} at tau_Q = {tau[member]:g}", float(onset[name][member]), unit)
        for name, unit in (("length", "um"), ("number", ""), ("time", "ms"))
        for member in range(tau.size)
    ]
    if tau.size > 1:
        rows += [
            Row(
                f"exponent of the {name}",
                _exponent(tau, onset[name].values),
                reference=exponent,
                tolerance=tolerance,
            )
            for name, (exponent, tolerance) in EXPONENTS.items()
        ]
    return rows


def _quenches(run, share):
    onset = domains_at_onset(run, "Z", share)
    tau = np.broadcast_to(run.tau_Q.values if "tau_Q" in run.coords else run.attrs["tau_Q"],
                          onset.time.shape)  # fmt: skip
    order = np.argsort(tau)
    if np.isnan(onset.time.values).any():
        raise InputError("some members have no domains yet: take a longer stop_time")
    return tau[order], onset.isel(member=order)


def _exponent(tau, values):
    return float(np.polyfit(np.log(tau), np.log(values), 1)[0])


if __name__ == "__main__":
    run_figure(__file__)
