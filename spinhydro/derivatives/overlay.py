"""A computed spectrum beside the space-time spectrum of a run."""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError, shorten, unknown_name_message

#: Distance of a wavevector from one of the spectrum, in steps of the box, that is rounding.
SAME_WAVE = 1e-3
#: Characters of a formula that fit into a legend.
LONGEST = 40


@dataclass(frozen=True)
class Overlay:
    """The space-time spectrum of a run, and the branches of a spectrum along the same direction.

    Attributes
    ----------
    run : Dataset
        Of one member.
    dispersion : spinhydro.analysis.dispersion.Dispersion
    output : str
    direction : tuple of int
        Whole numbers of box waves per step along each axis.
    branches : array (waves, branches)
        Frequencies in cycles per time that the output can show at the wavenumbers of the run, nan
        where the spectrum has no such wave.
    """

    run: object
    dispersion: object
    output: str
    direction: tuple
    branches: np.ndarray

    @property
    def k(self):
        """Signed wavenumbers along the direction."""
        return self.dispersion.found.k.values

    def distances(self):
        """Distance of each ridge from the nearest branch, in bins of the record; nan without."""
        from spinhydro.analysis.spectra import folded

        interval, size = self.dispersion.interval, self.dispersion.size
        ridge = self.dispersion.found.frequency.values
        found = np.abs(folded(ridge[:, None] - self.branches, interval)) * interval * size
        nearest = np.where(np.isnan(found), np.inf, found).min(axis=1, initial=np.inf)
        return np.where(np.isfinite(nearest), nearest, np.nan)

    def report(self):
        """Return a line about the distances."""
        distances = self.distances()
        seen = np.isfinite(distances)
        interval, size = self.dispersion.interval, self.dispersion.size
        if not seen.any():
            raise InputError(
                f"--overlay: no wave of the run along {self.direction} has power; choose another "
                "--direction or --output"
            )
        worst = int(np.nanargmax(distances))
        waves = f"{seen.sum()} wavenumber{'s' if seen.sum() > 1 else ''}"
        along = "" if len(self.direction) == 1 else f" along {self.direction}"
        return (
            f"{self.output} of {self.run.attrs['run']}{along}: {waves}; peak "
            f"within one bin ({1 / (interval * size):.4g} cycles per time) of a branch at "
            f"{np.mean(distances[seen] <= 1):.0%}, median {np.nanmedian(distances):.2g} bins, "
            f"largest {distances[worst]:.2g} at k = {self.k[worst]:.5g}"
        )


def overlay_of(found, folder, output=None, direction=None):
    """Compare the strongest wave of a run at each wavenumber with the nearest branch.

    Parameters
    ----------
    found : Spectrum
    folder : str
        A run folder; of a run with members the first one is taken.
    output : str, optional
        A vector or scalar output of the run.
    direction : tuple of int, optional
        See `spinhydro.analysis.spectra.wave_amplitudes`. Default: the first axis, or that of the
        strongest wave.

    Raises
    ------
    InputError
        If the run has no such output, or other axes than the spectrum.
    """
    from spinhydro.analysis import dispersion
    from spinhydro.analysis.spectra import direction_steps

    frame = found.background.frame
    if frame.moves:
        raise InputError(
            f"--overlay {folder}: the background moves ({frame.text()}), so that its waves have no "
            "single frequency in the run: leave out --overlay"
        )
    run, name, axes = open_output(folder, output, direction)
    if len(axes) != found.k.shape[1]:
        raise InputError(
            f"--overlay {folder}: its output {name} runs along {', '.join(axes) or 'no axis'} and "
            f"the spectrum along {found.k.shape[1]} axes"
        )
    direction = direction or dispersion.default_direction(run, name)
    steps = direction_steps(axes, direction)
    measured = dispersion.analyse(run, law="none", output=name, direction=steps)
    branches = _branches(found, run, axes, steps, measured, _turn(run, name))
    return Overlay(run, measured, name, steps, branches)


def open_output(folder, output=None, direction=None):
    """Return a run, the name of the output to compare, and the axes of space of this output.

    Raises
    ------
    InputError
        If there is no such run or output, or the direction has another number of axes.
    """
    from spinhydro.analysis import dispersion, load
    from spinhydro.analysis.magnets import has_spins, space_axes, spins
    from spinhydro.analysis.spectra import direction_steps

    run = load(folder)
    if run.sizes.get("member", 1) > 1:
        run = run.isel(member=0).assign_attrs(selection="member 0")
    if output is not None and output not in run.data_vars:
        raise InputError(f"--overlay {folder}: " + unknown_name_message("output", output, run))
    name = output or dispersion.default_output(run)
    variable = spins(run, name) if has_spins(run, name) else run[name]
    axes = space_axes(variable)
    if direction is not None:
        direction_steps(axes, direction)
    return run, name, axes


def _turn(run, name):
    """Angular frequency by which a moving uniform state turns an output, as the run keeps it."""
    from spinhydro.analysis.magnets import has_spins, spins
    from spinhydro.analysis.spectra import mean_axis

    turns = np.atleast_1d(run.attrs.get(f"waves_turn_{name}", 0.0))
    number = 3 + mean_axis(spins(run, name)) if has_spins(run, name) else 0
    turn = turns[number] if number < len(turns) else 0.0
    return float(turn) if np.isfinite(turn) else 0.0


def _branches(found, run, axes, steps, measured, turn):
    """Frequencies of the spectrum at the wavevectors of a run, folded by its outputs."""
    from spinhydro.analysis.magnets import spacing
    from spinhydro.analysis.spectra import folded

    box = np.array([2 * np.pi / (run.sizes[axis] * spacing(run, axis)) for axis in axes])
    unit = np.array(steps) * box
    numbers = np.round(measured.found.k.values / np.linalg.norm(unit)).astype(int)
    # Waves of a background with cells are given in the first zone.
    zone = np.array([run.sizes[axis] for axis in axes]) // np.array(found.cell)
    waves = np.round(found.k / box)
    if np.abs(found.k / box - waves).max() > SAME_WAVE:
        raise InputError(
            "--overlay: the wavevectors of the spectrum are not those of the run: is the box of "
            "the problem that of the run?"
        )
    rows = {}
    for row, wave in enumerate(waves.astype(int)):
        rows.setdefault(tuple(wave % zone), row)
    result = np.full((len(numbers), found.eigenvalues.shape[1]), np.nan)
    for place, number in enumerate(numbers):
        row = rows.get(tuple(number * np.array(steps) % zone))
        if row is not None:
            result[place] = (found.eigenvalues[row].imag + turn) / (2 * np.pi)
    result = folded(result, measured.interval)
    if not measured.is_signed:
        result = np.where(
            result >= -SAME_WAVE / (measured.interval * measured.size), result, np.nan
        )
    return result


def draw_overlay(overlay, ax, formulas, k):
    """Draw the map of a run with the branches of a spectrum and formulas on it.

    Parameters
    ----------
    overlay : Overlay
    ax : matplotlib Axes
    formulas : {text: array (waves,)}
        omega of waves exp(ikx - i omega t) at the wavevectors `k` (waves, axes).
    """
    from spinhydro.analysis.dispersion import plot_spectrum
    from spinhydro.analysis.magnets import spacing
    from spinhydro.analysis.spectra import folded

    found, run = overlay.dispersion, overlay.run
    plot_spectrum(run, found, ax)
    label = "spectrum"
    for branch in overlay.branches.T:
        ax.plot(overlay.k, branch, ".", markersize=2, color="C1", label=label)
        label = None
    axes = "xyz"[: k.shape[1]]
    unit = np.array([s * 2 * np.pi / (run.sizes[axis] * spacing(run, axis))
                     for s, axis in zip(overlay.direction, axes, strict=True)])  # fmt: skip
    unit /= np.linalg.norm(unit)
    along = k @ unit
    aligned = np.linalg.norm(k - np.outer(along, unit), axis=1) <= 1e-6 * np.abs(k).max()
    order = np.flatnonzero(aligned)[np.argsort(along[aligned], kind="stable")]
    for number, (text, values) in enumerate(formulas.items()):
        # The wave k, omega shows at -omega, and its complex conjugate at -k and omega.
        for sign in (-1, 1):
            shown = folded(sign * np.real(values)[order] / (2 * np.pi), found.interval)
            shown = shown if found.is_signed else np.where(shown >= 0, shown, np.nan)
            ax.plot(
                -sign * along[order], shown, "-", linewidth=0.7, color=f"C{2 + number}",
                label=shorten(text, LONGEST) if sign > 0 else None,
            )  # fmt: skip
    ax.legend(fontsize="small")
