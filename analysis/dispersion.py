"""Power against k and f, ridge and dispersion law (direction=, component=, law=, frequency=).

The law is that of small waves on the initial state, from the equations of the run; there is none if
that state is not uniform.  law=FORMULA is in k, the kernels and the parameters of the run,
law="W + omega_K".  direction=1,1 is the diagonal of a plane.  frequency= draws the power at one
frequency against both wavenumbers.
"""

import warnings

import numpy as np

from spinhydro.analysis import dispersion, run_figure, style
from spinhydro.analysis.magnets import frequency_unit
from spinhydro.analysis.spectra import iso_frequency
from spinhydro.analysis.waves import NoWavesError, waves_in_plane

NEEDS = {"runs": ("pslle_dispersion",)}


def draw(
    figure, *runs, output=None, component="perpendicular", window="hann", detrend="none", law=None,
    direction=None, frequency=None,
):  # fmt: skip
    """Draw one column for each run."""
    output = output or dispersion.default_output(runs[0])
    options = {"output": output, "component": component, "window": window}
    if frequency is not None:
        return _draw_planes(figure, runs, float(frequency), options)
    if direction is None:
        direction = dispersion.default_direction(runs[0], output, component)
    options.update(detrend=detrend, direction=direction)
    return dispersion.draw_sheet(figure, runs, law, **options)


def check(name, run):
    """Raise InputError where a run cannot give a dispersion map."""
    dispersion.require_waves(name, run)


def _draw_planes(figure, runs, frequency, options):
    from matplotlib.colors import LogNorm

    figure.set_size_inches(4.4 * len(runs) + 0.4, 4.2)
    panels = figure.subplots(1, len(runs), squeeze=False)[0]
    figure.subplots_adjust(left=0.13, right=0.88, bottom=0.2, top=0.92, wspace=0.5)
    notes = {}
    for ax, run in zip(panels, runs, strict=True):
        power = iso_frequency(run, frequency, **options)
        top = float(power.max())
        along, across = (power[dim].values for dim in power.dims[::-1])
        image = ax.pcolormesh(
            along, across, np.maximum(power.values, 1e-7 * top), norm=LogNorm(1e-7 * top, top),
            cmap=dispersion.COLOURS, shading="nearest", rasterized=True,
        )  # fmt: skip
        try:
            _draw_contours(ax, run, power, frequency, options)
        except NoWavesError as reason:
            notes[f" No line: {reason}."] = None
        else:
            notes[f" Line: {dispersion.SMALL_WAVES}."] = None
        unit = dispersion.length_unit(run)
        ax.set(xlabel=f"${_symbol(power.dims[1])}$ (rad/{unit})", aspect="equal")
        ax.set_ylabel(f"${_symbol(power.dims[0])}$ (rad/{unit})")
        style.colour_bar(image, ax, "power")
    names = ", ".join(style.run_label(run) for run in runs)
    what = dispersion.component_text(runs[0], options)
    text = f"Run {names}. Power of {what} at {frequency:g} {frequency_unit(runs[0])}."
    text = style.wrapped(text + "".join(notes), 62 * len(runs) + 10)
    figure.text(0.03, 0.02, text, fontsize=6.5, va="bottom")


def _draw_contours(ax, run, power, frequency, options):
    """Lines where a branch of small waves has the frequency."""
    along, across = (power[dim].values for dim in power.dims[::-1])
    mesh = np.stack(np.meshgrid(along, across), axis=-1)
    waves = waves_in_plane(run, options["output"], options["component"], mesh)
    for branch in np.moveaxis(waves, -1, 0):
        with warnings.catch_warnings():
            # No wave of a branch may have this frequency.
            warnings.filterwarnings("ignore", message="No contour levels were found")
            ax.contour(
                along, across, branch, [2 * np.pi * frequency], colors=style.CRITICAL,
                linewidths=0.9,
            )  # fmt: skip


def _symbol(dim):
    return f"k_{dim[1:]}"


if __name__ == "__main__":
    run_figure(__file__)
