"""Fig. SI 1 of paper B: m_z and m_x of the grating at the start, 8 pulses.

Rockwell et al., arXiv:2312.14068.
"""

from spinhydro.analysis import models, run_figure, style
from spinhydro.analysis.magnets import spins

NEEDS = {"run": ("transient_grating",)}


def draw(figure, run, output="m", member=0):
    """Draw m_z and m_x of the first output against x."""
    m = spins(run, output).isel(t=0, member=member)
    figure.set_size_inches(5.6, 4.0)
    edges = {"left": 0.11, "right": 0.98, "top": 0.94, "bottom": 0.17}
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw=edges)
    for ax, spin, letter in ((upper, 2, "a"), (lower, 0, "b")):
        ax.plot(run.x, m.isel(spin=spin), ".", ms=1.8, color="#1f4e79")
        lowest = float(m.isel(spin=spin).min())
        ax.set_ylim(*((-1.08, 1.08) if lowest < -0.1 else (-0.05, 1.08)))
        ax.set_ylabel(f"$m_{'xyz'[spin]}$")
        style.panel_letter(ax, letter)
    lower.set_xlabel(style.label(run.x, "x"))
    lower.set_xlim(float(run.x.min()), float(run.x.max()))
    text = f"Run {style.member_label(run, member)}, {models.numbers(run)}."
    figure.text(0.03, 0.02, text, fontsize=6.5, va="bottom")


def check(name, run):
    """Raise InputError unless this is a grating of 8 pulses with spins."""
    models.require_pulses(name, run, 8)
    spins(run)


if __name__ == "__main__":
    run_figure(__file__)
