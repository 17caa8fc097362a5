"""Walker breakdown: mean velocity of a wall against the field, beside both laws."""

import numpy as np

from spinhydro.analysis import run_figure
from spinhydro.errors import InputError

NEEDS = {"run": ("walker_breakdown", "q", "h", "omega_p", "omega_K", "Delta", "alpha")}


def draw(ax, run):
    """Draw the velocity of every member over h = B/B_W."""
    h, measured = run.h.values, velocities(run)
    scale = float(run.omega_p) * float(run.Delta) / 2
    fine = np.linspace(0, max(h.max(), 1), 400)
    ax.plot(fine, law(fine, run) / scale, color="0.6", label="Walker, and the turning wall")
    ax.plot(h, measured / scale, "o", ms=4, label="run")
    ax.set_xlabel("$B/B_W$")
    ax.set_ylabel(r"$v\,/\,(\gamma B_W \Delta/\alpha)$")
    ax.legend()
    difference = np.abs(measured - law(h, run)) / scale
    parts = {"below": h < 1, "beyond": h > 1}
    return {
        f"largest difference {name} B_W": float(np.nanmax(difference[chosen]))
        for name, chosen in parts.items()
        if np.isfinite(difference[chosen]).any()
    }


def law(h, run):
    r"""Velocity: exact up to B_W; beyond it the mean over a turn of a wall of quasistatic width.

    .. math:: v = \frac{\gamma B \Delta(\phi)}{\alpha}, \; \sin 2\phi = h; \qquad
              \dot q = \frac{\Delta(\phi)}{\alpha} (\gamma B - \dot\phi), \quad
              \dot\phi = p \gamma (B - B_W \sin 2\phi), \quad
              \Delta(\phi) = \frac{\Delta}{\sqrt{1 + (\omega_p/\omega_K) \sin^2\phi}}
    """
    alpha, ratio = float(run.alpha), float(run.omega_p) / float(run.omega_K)
    scale = float(run.omega_p) * float(run.Delta) / 2
    tilt = np.arcsin(np.minimum(h, 1)) / 2
    steady = h / np.sqrt(1 + ratio * np.sin(tilt) ** 2)
    # The time spent at each of equidistant angles; the midpoints leave out its pole at h = 1.
    phi = np.pi * (np.arange(4000) + 0.5) / 4000
    rate = (np.maximum(h, 1)[:, None] - np.sin(2 * phi)) / (1 + alpha**2)
    speed = (h[:, None] - rate) / np.sqrt(1 + ratio * np.sin(phi) ** 2)
    turning = (speed / rate).sum(axis=1) / (1 / rate).sum(axis=1)
    return scale * np.where(h <= 1, steady, turning)


def velocities(run):
    """Mean velocity of the wall of every member, over the last whole half turns of the run.

    NaN for a wall that turns and has not made half a turn.
    """
    t, q, h = run.t.values, run.q.transpose("t", "member").values, run.h.values
    rate = np.sqrt(np.maximum(h**2 - 1, 0)) * float(run.alpha) * float(run.omega_p) / 2
    found = np.full(h.size, np.nan)
    for member in range(h.size):
        span = t[-1] - t[0]
        if rate[member] > 0:
            half_turn = np.pi * (1 + float(run.alpha) ** 2) / rate[member]
            span = span // half_turn * half_turn
        if span > 0:
            before = np.interp(t[-1] - span, t, q[:, member])
            found[member] = (q[-1, member] - before) / span
    return found


def check(name, run):
    """Raise InputError unless the run has a member for each of several fields."""
    if "h" not in run.coords or "member" not in run.h.dims:
        raise InputError(f"{name}: give a run of several fields, h='np.linspace(0.1, 3, 30)'")


if __name__ == "__main__":
    run_figure(__file__)
