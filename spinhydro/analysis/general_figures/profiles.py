"""The last state of every output; averages against time, scans against their parameter."""

from spinhydro.analysis import profiles, run_figure

NEEDS = {"run": ("quantum_torque",)}


def draw(figure, run, output=None):
    """Draw every output in a separate panel, or one of them."""
    profiles.draw_outputs(figure, run, output)


def check(name, run):
    """Raise InputError for a run without outputs."""
    profiles.require_outputs(name, run)


if __name__ == "__main__":
    run_figure(__file__)
