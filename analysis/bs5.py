"""Fig. SI 5 of paper B: domain walls out of an in-plane grating."""

from spinhydro.analysis import run_figure, wall_maps

NEEDS = {"runs": ("transient_grating",)}


def draw(figure, *runs, output="m", member=0):
    """Draw a map for each run, and the number of walls and the energy against time."""
    return wall_maps.draw_sheet(figure, runs, output, member)


def check(name, run):
    """Raise InputError unless the spins run along one axis and start near the plane."""
    wall_maps.require_in_plane(name, run, starts_in_plane=True)


if __name__ == "__main__":
    run_figure(__file__)
