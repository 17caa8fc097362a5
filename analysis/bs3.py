"""Fig. SI 3 of paper B, 1 pulse: energy, errors and mean m_z of two or three models."""

from spinhydro.analysis import models, run_figure
from spinhydro.analysis.exchange import error_report

NEEDS = {"runs": ("transient_grating",)}


def draw(figure, *runs, output="m"):
    """Draw energy, errors and mean magnetization in three panels."""
    runs = models.distinct(runs)
    models.plot_sheet(figure, runs, output)
    return error_report(runs, output) if len(runs) > 1 else None


def check(name, run):
    """Raise InputError unless this is a grating of 1 pulse."""
    models.require_pulses(name, run, 1)


if __name__ == "__main__":
    run_figure(__file__)
