"""Every figure by name: what draws it, what it shows, what a run must have for it.

One table, `FIGURES`.  An entry is drawn by `draw(ds, other, …, *, option=…)`: the first dataset,
then further runs (parameters without `*`, those with a default may be left out), then options,
which `spinhydro plot RUN --figure NAME OPTION=VALUE` sets.  It returns a matplotlib Figure.

Names: `fig2a`, `ed1c` for figures of paper A (Farolfi et al., Nature Physics 17, 1359 (2021)) and
its Extended Data; `b1` … `b4` and `bs1` … `bs7` for the figures of paper B (Rockwell et al.,
arXiv:2312.14068) and of its supplement; words for what is no figure of a paper.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from spinhydro.errors import InputError, nearest

from . import (
    extended1,
    figure2,
    figure3,
    figure4,
    figure_dispersion,
    figure_grating,
    figure_growth,
    figure_kernels,
    figure_textures,
    figure_walls,
)
from .interface import require
from .profiles import draw_profiles
from .spacetime import plot_spacetime, spacetime_variable
from .style import run_name

CLOUD = ("Omega_R", "kappa_n0")


@dataclass(frozen=True)
class Entry:
    """One figure.

    draw : callable, see above
    caption : str, one line
    outputs, parameters : names that the first run must have
    check : callable(ds, name), raises InputError where this run cannot give the figure for a reason
        beyond those names; cheap, as it is asked for every figure when they are listed
    whole : True if `draw` itself deals with members and with any number of space dimensions;
        otherwise it is given one member and one line along x
    order : callable(runs), puts runs given in any order into that of `draw`
    """

    draw: Callable
    caption: str
    outputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    check: Callable | None = None
    whole: bool = False
    order: Callable = list

    def require(self, ds, name):
        """Raise InputError that says what the run lacks."""
        if self.whole:
            missing = [output for output in self.outputs if output not in ds]
            if missing:
                raise InputError(f"{name}: this run has no output {missing[0]!r}")
        else:
            require(ds, self.outputs, self.parameters, name)
        if self.check is not None:
            self.check(ds, name)


def _torque_first(runs):
    """Runs with torque before those without, so that they may be given in any order."""
    return sorted(runs, key=lambda ds: not figure2.has_torque(ds))


def _moving_first(runs):
    """Runs with a velocity before those with a frozen density."""
    return sorted(runs, key=lambda ds: "v" not in ds)


def _figure2(letter):
    return lambda ds, without=None: figure2.draw_panel(letter, ds, without)


def _figure3(letters):
    return lambda ds: figure3.draw_profiles(ds, letters)


def _draw_spacetime(ds, *, output=None):
    figure = Figure(figsize=(5.4, 4.0))
    ax = plot_spacetime(ds, output or first_map(ds), figure.add_axes([0.13, 0.14, 0.7, 0.76]))
    ax.set_title(run_name(ds))
    return figure


def first_map(ds):
    """Z if the run has it, otherwise the first output along time and one axis."""
    for name in ["Z", *ds.data_vars]:
        try:
            spacetime_variable(ds, name)
        except InputError:
            continue
        return name
    return "Z"


def _has_map(ds, name):
    spacetime_variable(ds, first_map(ds))


def _has_torque(ds, name):
    figure2.require_torque(ds, name.removeprefix("fig"))


def _breaks(ds, name):
    _has_torque(ds, name)
    figure2.reached(ds, figure2.PERIODS, name)


FIGURES = {
    "fig2": Entry(
        figure2.draw_figure2,
        "Fig. 2 of paper A, panels a to g",
        ("Z", "n", "s"),
        (*CLOUD, "hbar_over_m"),
        _breaks,
        order=_torque_first,
    ),
    **{
        f"fig2{letter}": Entry(
            _figure2(letter), caption, outputs, CLOUD, check, order=_torque_first
        )
        for letter, caption, outputs, check in (
            ("a", "local frequency against x, Z(t) at A to D", ("Z", "n"), None),
            ("b", "magnetic anisotropy kappa n(x) and 2 Omega_R", ("n",), None),
            ("c", "Z(t, x) without quantum torque", ("Z", "n"), None),
            ("d", "Z(t, x) with quantum torque", ("Z", "n"), _has_torque),
        )
    },
    **{
        f"fig2{letter}": Entry(
            _figure2(letter),
            f"{quantity} near the interface as it breaks",
            ("n", "s"),
            (*CLOUD, "hbar_over_m"),
            _breaks,
            order=_torque_first,
        )
        for letter, quantity in {"e": "Z", "f": "|j_s|/(n c_s)", "g": "|dx j_s|/|H x s|"}.items()
    },
    "fig2cd": Entry(
        figure2.draw_maps,
        "Z(t, x) without and with quantum torque; prints x_c and the breaking time",
        ("Z", "n"),
        CLOUD,
        _has_torque,
        order=_torque_first,
    ),
    "fig3b": Entry(
        figure3.draw_panel_b,
        "Z(t, x) with the inward front, c_s and c (thresholds=, fit_range=, width=)",
        ("Z", "n"),
        CLOUD,
        figure3.reaches_front,
    ),
    **{
        f"fig3{letters}": Entry(
            _figure3(letters),
            f"component densities at Omega_R t = {turns}",
            ("Z", "n"),
            CLOUD,
            figure3.reaches_turns(letters),
        )
        for letters, turns in (
            ("fgh", "2, 3 and 5 pi"),
            ("f", "2 pi"),
            ("g", "3 pi"),
            ("h", "5 pi"),
        )
    },
    **{
        f"fig4{letter}": Entry(
            figure4.draw_correlation(letter),
            f"C_ZZ in five rectangles, {text} (blur=, longest=, A= to E=x,x,t,t)",
            ("Z", "n"),
            CLOUD,
            figure4.reaches,
        )
        for letter, text in (("a", "the 118 Hz run"), ("b", "the 62 Hz run to 80 ms"))
    },
    "ed1": Entry(
        extended1.draw,
        "Extended Data 1: SH run, then LLE run (atoms=, half_width=, periods=)",
        ("Z", "n", "s"),
        (*CLOUD, "hbar_over_m"),
        extended1.moves,
        order=_moving_first,
    ),
    **{
        f"ed1{letter}": Entry(
            extended1.draw_panel(letter),
            f"{text} around the interface",
            ("Z", "n", "s"),
            (*CLOUD, "hbar_over_m"),
            extended1.moves,
            order=_moving_first,
        )
        for letter, text in (
            ("a", "density modulation"),
            ("b", "|n v|"),
            ("c", "Z"),
            ("d", "|j_s|"),
            ("e", "Z of the LLE, the second run,"),
            ("f", "torque part of |j_s|"),
        )
    },
    "spacetime": Entry(_draw_spacetime, "one output against x and t (output=NAME)", check=_has_map),
    "profiles": Entry(draw_profiles, "the last state of every output", whole=True),
    "b1": Entry(
        figure_dispersion.draw_dispersion,
        "Fig. 1 of paper B: dispersion of the chain law, for one or two cell sizes",
        check=figure_dispersion.has_small_defect,
        whole=True,
    ),
    "b2": Entry(
        figure_growth.draw_growth,
        "Fig. 2 of paper B: growth rates and grown spectrum, for up to five n_bar",
        check=figure_growth.has_noise,
        whole=True,
    ),
    "b3": Entry(
        figure_grating.draw_energy,
        "Fig. 3 of paper B: exchange energy and errors of two or three models, 8 pulses",
        check=figure_grating.has_pulses,
        whole=True,
        order=figure_grating.in_order,
    ),
    "b4": Entry(
        figure_grating.draw_mean,
        "Fig. 4 of paper B: mean m_z of up to three models, 8 pulses",
        check=figure_grating.has_pulses,
        whole=True,
        order=figure_grating.in_order,
    ),
    "bs1": Entry(
        figure_grating.draw_initial,
        "Fig. SI 1 of paper B: m_z and m_x of the grating at the start, 8 pulses",
        check=figure_grating.has_pulses,
        whole=True,
    ),
    "bs2": Entry(
        figure_dispersion.draw_dispersion,
        "Fig. SI 2 of paper B: dispersion of the law of long waves, one or two cell sizes",
        check=figure_dispersion.has_small_defect,
        whole=True,
    ),
    **{
        name: Entry(
            figure_grating.draw_grating,
            f"{title}: energy, errors and mean m_z of two or three models",
            check=figure_grating.has_pulses,
            whole=True,
            order=figure_grating.in_order,
        )
        for name, title in {
            "bs3": "Fig. SI 3 of paper B, 1 pulse",
            "bs4": "Fig. SI 4 of paper B, 16 pulses",
            "grating": "transient grating with any number of pulses",
        }.items()
    },
    "bs5": Entry(
        figure_walls.draw_walls,
        "Fig. SI 5 of paper B: domain walls out of an in-plane grating, up to six runs",
        check=figure_walls.has_in_plane,
        whole=True,
    ),
    "bs6": Entry(
        figure_walls.draw_temperature,
        "Fig. SI 6 of paper B: temperature against x and t",
        check=figure_walls.has_temperature,
        whole=True,
    ),
    "bs7": Entry(
        figure_grating.draw_continuation,
        "Fig. SI 7 of paper B: exchange energy of continuations of one hot state",
        check=figure_grating.has_energy,
        whole=True,
        order=figure_grating.in_order,
    ),
    "dispersion": Entry(
        figure_dispersion.draw_dispersion,
        "power against k and f, ridge and magnon law (component=, window=, law=)",
        check=figure_dispersion.has_waves,
        whole=True,
    ),
    "kernels": Entry(
        figure_kernels.draw_kernels,
        "omega(k) of the kernels in the file of the run (kernel=)",
        check=figure_kernels.has_kernels,
        whole=True,
    ),
    "maps": Entry(
        figure_textures.draw_maps,
        "density, Z, relative phase, vorticity and half-vortices in a plane (time=)",
        check=figure_textures.has_plane,
        whole=True,
    ),
    "tube": Entry(
        figure_textures.draw_tube,
        "spin density along a tube, three dimensions against one",
        ("s_z_line", "s_z_1d"),
        whole=True,
    ),
    "walls": Entry(
        figure_walls.draw_walls,
        "m_z against x and t, its sign changes and the exchange energy",
        check=figure_walls.has_in_plane,
        whole=True,
    ),
}


def find(name):
    """The name in the table for `name`, which may leave out "fig": 3b is fig3b.

    Raises InputError with the nearest names.
    """
    for spelling in (name, f"fig{name}", name.removeprefix("fig")):
        if spelling in FIGURES:
            return spelling
    likely = nearest(name, list(FIGURES))
    hint = f"did you mean {likely!r}? " if likely else ""
    raise InputError(f"no figure {name!r}; {hint}Figures: {', '.join(FIGURES)}")


def unavailable(ds, name):
    """Why a run cannot give a figure, or None if it can."""
    try:
        FIGURES[name].require(ds, name)
    except InputError as error:
        return str(error)
    return None


def draw(name, runs, options):
    """Figure `name` of the datasets `runs`, with `options` {name: value}.

    Raises InputError: what the first run lacks, too few or too many runs, an unknown option.
    """
    entry = FIGURES[name]
    parameters = inspect.signature(entry.draw).parameters.values()
    places = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    allowed = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    needed = [one for one in places if one.default is one.empty]
    if not len(needed) <= len(runs) <= len(places):
        others = ", ".join(one.name for one in places[1:])
        raise InputError(
            f"{name}: {len(runs)} runs given; it takes "
            + (f"a run and then {others}" if others else "one run")
        )
    for option in options:
        if option not in allowed:
            likely = nearest(option, allowed)
            raise InputError(
                f"{name}: no option {option!r}"
                + (f"; did you mean {likely!r}?" if likely else "")
                + f" ({'it has ' + ', '.join(allowed) if allowed else 'it has none'})"
            )
    runs = entry.order(runs)
    entry.require(runs[0], name)
    return entry.draw(*runs, **options)


def default_figure(ds):
    """fig2 for a quantum_torque run with torque, spacetime in one dimension, profiles elsewhere."""
    if ds.attrs.get("problem") == "quantum_torque" and unavailable(ds, "fig2") is None:
        return "fig2"
    return "spacetime" if unavailable(ds, "spacetime") is None else "profiles"


def listing(ds):
    """Lines: the figures that a run can give with their captions, then the others with reasons."""
    width = max(map(len, FIGURES))
    lines, reasons = [], {}
    for name, entry in FIGURES.items():
        reason = unavailable(ds, name)
        if reason is None:
            lines.append(f"{name:{width}}  {entry.caption}")
        else:
            reasons.setdefault(reason.removeprefix(f"{name}: "), []).append(name)
    return lines + [f"not from this run: {', '.join(reasons[why])}: {why}" for why in reasons]
