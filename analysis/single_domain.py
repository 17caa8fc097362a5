"""Energies of the states of a cube against its edge, and the edge at which they are equal."""

import numpy as np

from spinhydro.analysis import run_figure
from spinhydro.errors import InputError

NEEDS = {"runs": ("mumag3", "E", "L", "N")}
PUBLISHED = 8.47  # muMAG standard problem 3, in exchange lengths


def draw(ax, *runs):
    """Draw E over L of flower and vortex; of several grids, the edge for infinitely many cells."""
    for run in runs:
        L, E = energies(run)
        ax.plot(L, E, "o-", ms=4, label=f"{run.attrs['state']}, {int(run.attrs['N'])}³ cells")
    ax.set_xlabel(r"$L\,/\,l_{\rm ex}$")
    ax.set_ylabel("$E/K_m L^3$")
    ax.legend()
    found = crossings(runs)
    numbers = {f"equal energies, {cells}³ cells": edge for cells, edge in found.items()}
    if len(found) > 1:
        numbers["equal energies, infinitely many cells"] = extrapolated(found)
    return numbers | {"published": PUBLISHED}


def energies(run):
    """L of the members and their last energies."""
    E = run.E.isel(t=-1).transpose("member", ...).values.ravel()
    return run.L.values, E


def crossings(runs):
    """``{N: L}`` at which the lines through E of both states cross."""
    found = {}
    for cells in sorted({int(run.attrs["N"]) for run in runs}):
        pair = {run.attrs["state"]: energies(run) for run in runs if run.attrs["N"] == cells}
        if len(pair) < 2:
            continue
        flower, vortex = (np.polyfit(*pair[state], 1) for state in ("flower", "vortex"))
        found[cells] = float((vortex[1] - flower[1]) / (flower[0] - vortex[0]))
    return found


def extrapolated(found):
    """L for N -> infinity from the two finest grids: the error falls as 1/N^2."""
    (coarse, first), (fine, second) = sorted(found.items())[-2:]
    return (fine**2 * second - coarse**2 * first) / (fine**2 - coarse**2)


def check(name, run):
    """Raise InputError unless the run has a member for each of several edges."""
    if "L" not in run.coords or "member" not in run.L.dims:
        raise InputError(f"{name}: give runs of several edges, L='[8.2, 8.5, 8.8]'")


if __name__ == "__main__":
    run_figure(__file__)
