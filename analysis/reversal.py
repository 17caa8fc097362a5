"""Mean magnetisation of a body against time, and where <m_x> first changes sign."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.sampling import squeezed
from spinhydro.errors import InputError

NEEDS = {"run": ("mumag4", "m_mean")}


def draw(ax, run):
    """Draw the three components of m_mean of the first member, with the first zero of m_x."""
    t, m = run.t.values, mean_spin(run)
    for component, name in zip(m.T, "xyz", strict=True):
        ax.plot(t, component, label=rf"$\langle m_{name} \rangle$")
    ax.set_xlabel(style.label(run.t, "t"))
    ax.set_ylabel("mean of m")
    ax.legend()
    numbers = {f"m_{name} at the end": float(value) for name, value in zip("xyz", m[-1],
                                                                         strict=True)}  # fmt: skip
    zero = first_zero(t, m[:, 0])
    if zero is not None:
        ax.axvline(zero, color="0.6", lw=0.8)
        numbers["first zero of m_x"] = zero
    return numbers


def mean_spin(run):
    """Array (t, 3) of the first member."""
    m = run.m_mean.isel(member=0) if "member" in run.m_mean.dims else run.m_mean
    values = squeezed(m).values
    if values.ndim != 2 or values.shape[1] != 3:
        raise InputError("m_mean must be one vector at every time: the mean over all space")
    return values


def first_zero(t, values):
    """The time at which a series first changes sign, by a straight line; None if it does not."""
    changes = np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1]))
    if not changes.size:
        return None
    i = changes[0]
    return float(t[i] + (t[i + 1] - t[i]) * values[i] / (values[i] - values[i + 1]))


if __name__ == "__main__":
    run_figure(__file__)
