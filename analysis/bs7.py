"""Fig. SI 7 of paper B: exchange energy of continuations of one hot state.

Rockwell et al., arXiv:2312.14068.  Times count from `zero`; the run that led to the hot state may
be among the runs, its times are then before it.
"""

import numpy as np

from spinhydro.analysis import models, run_figure, style

NEEDS = {"runs": ("laser_grating",)}


def draw(figure, *runs, output="m", zero=0.0):
    """Draw E_ex/NJ of every run against time."""
    runs = models.in_order(runs)
    figure.set_size_inches(5.2, 3.7)
    ax = figure.add_axes([0.12, 0.22, 0.85, 0.72])
    look = {**models.LOOK, models.ATOMISTIC: {"color": style.INK, "lw": 1.1}}
    named, lines = set(), []
    for run in runs:
        energy = models.exchange_series(run, output)
        text = models.legend_text(run)
        label = None if text in named else text
        models.band(
            ax, energy.t.values - zero, energy.values, look.get(models.model(run), {}), label
        )
        named.add(text)
        lines.append(f"{models.name_of(run)}: {_largest_and_last(energy.mean('member'))}")
    ax.set_xlabel(style.label(runs[0].t, "t") + (f" after {zero:g}" if zero else ""))
    ax.set_ylabel(r"$E_\mathrm{ex}/NJ$")
    ax.set_ylim(bottom=0)
    ax.legend()
    models.footnote(figure, runs, errors=False, width=104)
    return lines


def check(name, run):
    """Raise InputError where a run has no exchange energy."""
    models.require_energy(name, run)


def _largest_and_last(energy):
    top, unit = int(np.argmax(energy.values)), energy.t.attrs.get("units", "")
    largest, last = (
        f"{float(energy[i]):.4g} at {float(energy.t[i]):.4g} {unit}".rstrip() for i in (top, -1)
    )
    return f"E_ex/NJ largest {largest}, last {last}"


if __name__ == "__main__":
    run_figure(__file__)
