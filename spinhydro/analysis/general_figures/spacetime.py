"""One output against x and t (output=NAME)."""

from spinhydro.analysis import maps, run_figure, style

NEEDS = {"run": ("quantum_torque",)}
LINE = True


def draw(ax, run, output=None):
    """Draw output `output`, by default Z or else the first along time and one axis."""
    name = output or maps.first_map(run) or "Z"
    variable = maps.spacetime_variable(run, name)
    maps.space_time(variable, ax, name=name)
    ax.set_title(style.run_name(run))


def check(name, run):
    """Raise InputError where no output runs along time and one axis."""
    maps.spacetime_variable(run, maps.first_map(run) or "Z")


if __name__ == "__main__":
    run_figure(__file__)
