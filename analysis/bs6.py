"""Fig. SI 6 of paper B: temperature against x and t, and all temperatures at the hottest place."""

import numpy as np

from spinhydro.analysis import maps, run_figure, style
from spinhydro.analysis.magnets import space_axes
from spinhydro.analysis.temperature import (
    temperature_outputs,
    temperature_peak,
    temperature_profile,
)
from spinhydro.errors import InputError

NEEDS = {"run": ("laser_grating",)}


def draw(figure, run, output=None, member=0):
    """Draw the map of a temperature (a) and the temperatures at its hottest place (b)."""
    T = temperature_profile(run, output).isel(member=member)
    axes = space_axes(T)
    time, place, kelvin = temperature_peak(run, output)
    figure.set_size_inches(8.0 if axes else 4.6, 3.6)
    grid = {"left": 0.075, "right": 0.985, "top": 0.92, "bottom": 0.2, "wspace": 0.42}
    if axes:
        if len(axes) > 1:
            raise InputError(f"temperature map: it runs along {', '.join(axes)}; take a line first")
        left, right = figure.subplots(1, 2, gridspec_kw=grid)
        image = maps.draw_image(left, run[axes[0]].values, run.t.values, T.values, cmap="inferno")
        left.set_xlabel(style.label(run[axes[0]], axes[0]))
        left.set_ylabel(style.label(run.t, "t"))
        style.colour_bar(image, left, "temperature (K)")
        style.panel_letter(left, "a")
        style.panel_letter(right, "b")
    else:
        right = figure.add_axes([0.14, 0.2, 0.83, 0.72])
    for name in [output] if output else temperature_outputs(run):
        line = temperature_profile(run, name).isel(member=member)
        if axes and axes[0] in line.dims:
            line = line.isel({axes[0]: int(np.argmin(np.abs(run[axes[0]].values - place)))})
        right.plot(run.t, line, label=f"${name}$" if "_" in name else name)
    right.plot(time, kelvin, "+", color="black", ms=7, mew=0.8)
    right.set_xlabel(style.label(run.t, "t"))
    right.set_ylabel("temperature (K)")
    right.set_xlim(float(run.t[0]), float(run.t[-1]))
    right.set_ylim(bottom=0)
    right.legend()
    unit = run.t.attrs.get("units", "")
    figure.text(
        0.03,
        0.02,
        f"Run {style.member_label(run, member)}. Highest: {kelvin:.0f} K at {time:.2f} {unit}.",
        fontsize=6.5,
        va="bottom",
    )
    return [f"highest temperature {kelvin:.1f} K at {time:.3f} {unit}"]


def check(name, run):
    """Raise InputError for a run without an output of a temperature."""
    if not temperature_outputs(run):
        raise InputError(
            f"{name}: this run has no output T_e or temperature; make one with "
            "spinhydro run problems/laser_grating.py"
        )


if __name__ == "__main__":
    run_figure(__file__)
