"""Fig. 1 of paper B: dispersion of the chain law, for one or more cell sizes.

Rockwell et al., arXiv:2312.14068.  `--figure dispersion` draws any run.
"""

from spinhydro.analysis import dispersion, run_figure

NEEDS = {"runs": ("pslle_dispersion",)}


def draw(figure, *runs, component="perpendicular", window="hann", detrend="none", law=None):
    """Draw a map of the power with the ridge and both laws, and the ridge minus the law below."""
    options = {"component": component, "window": window, "detrend": detrend}
    return dispersion.draw_sheet(figure, runs, law or "chain", **options)


def check(name, run):
    """Raise InputError unless W of the run is this law."""
    dispersion.require_law(name, run, "chain", "lattice")


if __name__ == "__main__":
    run_figure(__file__)
