"""Small waves on the uniform initial state, as a run keeps them: branches and how they show."""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError

from .magnets import has_spins, space_axes, spacing, spins
from .spectra import COMPONENTS, direction_steps, mean_axis

#: Part of the power at a wavenumber from which a branch counts as visible in an output.
VISIBLE = 1e-7
#: Response of an output, relative to its largest, that is rounding.
ROUNDING = 1e-7
#: Relative difference of whole wave numbers that is rounding.
WHOLE = 1e-6


class NoWavesError(Exception):
    """A run has no frequencies of small waves for what is asked; the message says why."""


@dataclass(frozen=True)
class Branches:
    """Branches of small waves at some wavevectors, sorted by frequency.

    omega : array (waves, branches), rad per time; u(x, t) holds exp(ikx + i omega t)
    growth : array (waves, branches), growth rates
    weight : array (waves, branches), part of the power of an output at equal amplitudes
    """

    omega: np.ndarray
    growth: np.ndarray
    weight: np.ndarray

    @property
    def visible(self):
        """Frequencies, nan where the output does not show the branch."""
        return np.where(self.weight >= VISIBLE, self.omega, np.nan)


class RecordedWaves:
    """Linear theory that a run has taken from its equations.

    Parameters
    ----------
    ds : Dataset of `load`, of one member or of members with the same waves

    Raises
    ------
    NoWavesError
        The run keeps none, or its members have different ones.
    """

    def __init__(self, ds):
        if "waves_rates" not in ds.attrs:
            note = ds.attrs.get("waves_note")
            raise NoWavesError(str(note) if note else "the run keeps no frequencies of small waves")
        self._attrs = ds.attrs
        members, waves, self.branches, self._axes = map(int, ds.attrs["waves_shape"])
        self.step = np.atleast_1d(np.asarray(ds.attrs["waves_step"], dtype=float))
        self._member = _member_of(ds, members)
        k = np.reshape(ds.attrs["waves_k"], (waves, self._axes))
        self._places = {tuple(map(int, wave)): place for place, wave in enumerate(k)}
        self._rates = self._matrices("waves_rates", members, waves, self.branches)

    def _matrices(self, name, members, waves, rows):
        parts = np.reshape(self._attrs[name], (members, waves, rows, self.branches, 2))
        return (parts[..., 0] + 1j * parts[..., 1])[self._member]

    def of(self, output, component, waves):
        """Branches at some wavevectors.

        Parameters
        ----------
        output : str
        component : (str, int)
            A component of a vector and the axis of its mean, as in `spectra.wave_amplitudes`.
        waves : integers (waves, axes)
            Multiples of `step`; nan is returned for those that the run does not keep.

        Raises
        ------
        NoWavesError
            The run keeps no response of this output, or waves do not show in this component.
        """
        name = f"waves_output_{output}"
        if name not in self._attrs:
            raise NoWavesError(f"the run keeps no response of {output} to small waves")
        held = len(self._rates)
        members = int(self._attrs["waves_shape"][0])
        rows = np.size(self._attrs[name]) // (2 * members * held * self.branches)
        response = self._matrices(name, members, held, rows)
        places = [self._place(tuple(map(int, wave))) for wave in waves]
        known = np.array([place is not None for place, _ in places])
        index = np.array([place or 0 for place, _ in places])
        mirrored = np.array([is_mirrored for _, is_mirrored in places])[:, None, None]

        def at(matrices):
            chosen = matrices[index]
            return np.where(mirrored, chosen.conj(), chosen)

        rates, seen = at(self._rates), at(response)
        row, turn, largest = self._combined(seen, output, component)
        if not np.abs(row).max() > ROUNDING * np.abs(largest).max():
            what = f"{output}_{component[0]}" if component[0] else output
            raise NoWavesError(f"small waves do not show in {what} to first order")
        values, vectors = np.linalg.eig(rates)
        weight = np.abs(np.einsum("wj,wjb->wb", row, vectors)) ** 2
        total = weight.sum(axis=1, keepdims=True)
        weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
        order = np.argsort(values.imag, axis=1, kind="stable")
        values, weight = (np.take_along_axis(one, order, axis=1) for one in (values, weight))
        values = np.where(known[:, None], values, complex(np.nan, np.nan))
        return Branches(values.imag + turn, values.real, weight)

    def _combined(self, response, output, component):
        """(the row of a component at each wave, the turn of its frame, the whole response)."""
        turns = self._attrs.get(f"waves_turn_{output}")
        if turns is not None:
            turns = np.reshape(turns, (int(self._attrs["waves_shape"][0]), -1))[self._member]
        rows = response.shape[1]
        if rows in (1, 2):
            row = response[:, 0] + (1j * response[:, 1] if rows == 2 else 0)
            number = 0
        else:
            word, axis = component
            if rows == 6:
                response = response[:, :3] + 1j * response[:, 3:]
            if word == "perpendicular":
                row = response[:, (axis + 1) % 3] + 1j * response[:, (axis + 2) % 3]
                number = 3 + axis
            else:
                number = "xyz".index(word)
                row = response[:, number]
        turn = 0.0 if turns is None else float(turns[number])
        if not np.isfinite(turn):
            raise NoWavesError(
                f"the uniform state turns, and this part of {output} does not turn with it"
            )
        return row, turn, response

    def _place(self, wave):
        """(row of the tables or None, whether it is that of the opposite wavevector)."""
        if wave in self._places:
            return self._places[wave], False
        opposite = tuple(-n for n in wave)
        return self._places.get(opposite), True


def _member_of(ds, members):
    if members == 1:
        return 0
    if "member" in ds.coords and ds.member.size == 1:
        return int(np.ravel(ds.member.values)[0])
    if "member" in ds.attrs and "member" not in ds.dims:
        return int(ds.attrs["member"])
    raise NoWavesError("its members have different waves; choose one with --member")


@dataclass(frozen=True)
class WavesAlong:
    """Visible branches along a direction, as a function of the signed wavenumber.

    k : array (waves,), rad per length; omega : array (waves, branches), nan where not visible
    """

    k: np.ndarray
    omega: np.ndarray

    def __call__(self, k):
        """Frequencies (…, branches): exact at waves of the box, linear between neighbours."""
        k = np.asarray(k, dtype=float)
        place = (k - self.k[0]) / (self.k[1] - self.k[0])
        whole = np.round(place)
        place = np.where(np.abs(place - whole) < WHOLE * len(self.k), whole, place)
        inside = (place >= 0) & (place <= len(self.k) - 1)
        low = np.clip(np.floor(place), 0, len(self.k) - 1).astype(int)
        high = np.minimum(low + 1, len(self.k) - 1)
        part = (place - low)[..., None]
        # A neighbour that is nan must not spoil an exact value.
        between = np.where(part == 0, self.omega[low], 0.0)
        between = np.where(
            part == 0, between, (1 - part) * self.omega[low] + part * self.omega[high]
        )
        return np.where(inside[..., None], between, np.nan)


def waves_along(ds, output="m", component="perpendicular", direction=None):
    """Branches of small waves along a direction that an output of a run shows.

    Parameters
    ----------
    ds, output, component, direction : see `spectra.wave_amplitudes`

    Returns
    -------
    WavesAlong

    Raises
    ------
    NoWavesError
        With the reason in plain words.
    """
    waves, axes, component = _observed(ds, output, component)
    sizes = [ds.sizes[axis] for axis in axes]
    steps = direction_steps(axes, direction)
    unit = np.sqrt(
        sum(
            (step * 2 * np.pi / (size * spacing(ds, axis))) ** 2
            for axis, size, step in zip(axes, sizes, steps, strict=True)
        )
    )
    last = min(
        (size - 1) // (2 * abs(step)) for size, step in zip(sizes, steps, strict=True) if step
    )
    numbers = np.arange(-last, last + 1)
    found = waves.of(output, component, numbers[:, None] * np.array(steps))
    omega = found.visible
    if not np.isfinite(omega).any():
        raise NoWavesError("the run keeps the waves along axes and diagonals only")
    return WavesAlong(numbers * unit, omega)


def waves_in_plane(ds, output, component, k):
    """Visible frequencies on a mesh of wavevectors (…, axes) of the box: (…, branches)."""
    waves, axes, component = _observed(ds, output, component)
    numbers = np.round(np.asarray(k) / waves.step).astype(int)
    found = waves.of(output, component, numbers.reshape(-1, len(axes)))
    return found.visible.reshape(*numbers.shape[:-1], -1)


def _observed(ds, output, component):
    """(recorded waves, axes of space, (component, axis of the mean)) of an output."""
    if output not in ds:
        raise NoWavesError("the spins are given by three outputs")
    waves, axis = RecordedWaves(ds), 2
    if has_spins(ds, output):
        if component not in COMPONENTS:
            raise InputError(f"no component {component!r}: there are {', '.join(COMPONENTS)}")
        variable = spins(ds, output)
        axis = mean_axis(variable)
    else:
        variable, component = ds[output], ""
    axes = space_axes(variable)
    if len(axes) != len(waves.step):
        raise NoWavesError("the spectrum is that of a cut")
    return waves, axes, (component, axis)
