"""Fig. 3 of paper B: exchange energy and errors of two or three models, 8 pulses.

Rockwell et al., arXiv:2312.14068.  a: E_ex/NJ against time; b: errors against the atomistic run
(or the first).
"""

from spinhydro.analysis import models, run_figure, style
from spinhydro.analysis.exchange import error_report

NEEDS = {"runs": ("transient_grating",)}


def draw(figure, *runs, output="m"):
    """Draw energy and errors side by side."""
    runs = models.distinct(runs)
    figure.set_size_inches(8.2, 3.6)
    edges = {"left": 0.07, "right": 0.985, "top": 0.92, "bottom": 0.22, "wspace": 0.24}
    left, right = figure.subplots(1, 2, gridspec_kw=edges)
    models.plot_energy(runs, left, output)
    models.plot_errors(runs, right, output)
    for ax, letter in zip((left, right), "ab", strict=True):
        style.panel_letter(ax, letter)
    models.footnote(figure, runs)
    return error_report(runs, output) if len(runs) > 1 else None


def check(name, run):
    """Raise InputError unless this is a grating of 8 pulses."""
    models.require_pulses(name, run, 8)


if __name__ == "__main__":
    run_figure(__file__)
