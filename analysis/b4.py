"""Fig. 4 of paper B: mean m_z of up to three models, 8 pulses.

Rockwell et al., arXiv:2312.14068.  Below it the difference between the models.  Times are on a
logarithmic axis if logarithmic=1; by default for runs longer than 10.
"""

from spinhydro.analysis import models, run_figure
from spinhydro.analysis.exchange import mean_magnetization

NEEDS = {"runs": ("transient_grating",)}


def draw(figure, *runs, output="m", logarithmic=None):
    """Draw the mean magnetization against time."""
    runs = models.distinct(runs)
    several = len(runs) > 1
    figure.set_size_inches(5.4, 4.6 if several else 3.8)
    edges = {"left": 0.135, "right": 0.975, "top": 0.96, "bottom": 0.19 if several else 0.22}
    if several:
        grid = figure.add_gridspec(2, 1, height_ratios=[2.2, 1], hspace=0.08, **edges)
        upper = figure.add_subplot(grid[0])
        lower = figure.add_subplot(grid[1], sharex=upper)
        models.plot_mean(runs, upper, output, logarithmic)
        models.plot_mean_difference(runs, lower, output)
        upper.tick_params(labelbottom=False)
        upper.set_xlabel("")
    else:
        ax = figure.add_subplot(figure.add_gridspec(1, 1, **edges)[0])
        models.plot_mean(runs, ax, output, logarithmic)
    models.footnote(figure, runs, errors=False, width=104)
    means = [(run, mean_magnetization(run, output)) for run in runs]
    return [f"{models.name_of(run)}: <m_z> = {models.at_shares(run, m)}" for run, m in means]


def check(name, run):
    """Raise InputError unless this is a grating of 8 pulses."""
    models.require_pulses(name, run, 8)


if __name__ == "__main__":
    run_figure(__file__)
