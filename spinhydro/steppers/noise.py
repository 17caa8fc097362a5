"""White noise and thermal fields: reproducible on any number of ranks and any engine."""

import math
import weakref

import numpy as np
from dedalus.core.basis import FourierBase
from dedalus.core.field import Field, Operand

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.nyquist import RealFourierNyquist
from spinhydro.errors import InputError, ParameterError
from spinhydro.steppers.normal_numbers import NormalNumbers

__all__ = ["WhiteNoise", "check_bases", "noises_of", "thermal_field", "white_noise"]

#: Kinds of streams: given by number, numbered here, and those that refine another.
GIVEN, NUMBERED, BRIDGE = 0, 1, 2

#: For each distributor (hence for each problem): how many noises share a seed.
_numbered = weakref.WeakKeyDictionary()


class WhiteNoise(Field):
    """The field that `white_noise` returns, drawn in every step.

    Attributes
    ----------
    refinements : int
        How many times the timestep of a reference run is halved. With 1, two steps of half the
        length follow the Brownian path of one step of the reference run.
    coarse : WhiteNoise or None
        The noise of a reference run on a coarser grid, which this one follows; see `follow`.
    numbers : class
        Makes the normal numbers: ``NormalNumbers``, or a faster class with the same bits.
    """

    refinements, coarse = 0, None
    numbers = NormalNumbers
    seeds = (0,)
    stream, kind = 0, GIVEN
    _drawn = _runs = None

    def draw(self, iteration, timestep):
        """Fill the field for one step: standard normal numbers over sqrt(timestep).

        The numbers depend on (seed, stream, iteration, member, cell) alone.
        """
        if self._drawn == (iteration, timestep):
            return
        self.preset_scales(1)
        self.preset_layout("g")
        rank = len(self.tensorsig)
        data = self.data.reshape(-1, *self.data.shape[rank:])
        if self.coarse is None:
            self._fill_all(data, iteration, timestep, self.refinements)
        else:
            layout = self.dist.grid_layout
            values = self.coarse.whole(len(data), iteration, timestep, self.refinements)
            values = _on_finer_grid(
                values, self.coarse.domain.full_bases, layout.global_shape(self.domain, 1)
            )
            data[:] = values[(slice(None), *layout.slices(self.domain, 1))]
        self._drawn = iteration, timestep

    def follow(self, coarse):
        r"""Take the noise of a coarser grid of the same box, as the Fourier series that it is.

        The force :math:`\xi/\sqrt{V}`, with the volume V of a cell, is then that of the coarse grid
        on all modes which that grid holds, and zero on the others.

        Parameters
        ----------
        coarse : WhiteNoise
            Of a run that has ended.

        Raises
        ------
        InputError
            If the number of points differs along an axis without a Fourier basis.
        """
        shapes = [one.dist.grid_layout.global_shape(one.domain, 1) for one in (coarse, self)]
        bases = coarse.domain.full_bases
        for basis, number, size in zip(bases, *shapes, strict=True):
            if number > size or number < size and not isinstance(basis, FourierBase):
                raise InputError(
                    f"'{self.name}' cannot follow the noise of another grid, with {number} points "
                    f"for {size} along one axis: grids may be coarser along periodic axes only"
                )
        self.coarse = coarse
        self.mark_as_changed()

    def whole(self, components, iteration, timestep, refinements):
        """Return the noise of one step on the whole grid, on every rank: (components, …)."""
        shape = self.dist.grid_layout.global_shape(self.domain, 1)
        self._runs = self._cells_of([slice(0, size) for size in shape])
        values = np.empty((components, *shape), self.dtype)
        self._fill_all(values, iteration, timestep, refinements)
        return values

    def _fill_all(self, data, iteration, timestep, refinements):
        """Fill values (components, …), which may be complex, of the present cells."""
        if np.iscomplexobj(data):
            # Each part has half of the variance.
            numbers = np.empty((2 * len(data), *data.shape[1:]))
            self._fill(numbers, iteration, 2 * timestep, refinements)
            data.real, data.imag = numbers[::2], numbers[1::2]
        else:
            self._fill(data, iteration, timestep, refinements)

    def mark_as_changed(self):
        """Draw again at the next call of `draw`."""
        self._drawn = None

    def _fill(self, numbers, iteration, timestep, refinements):
        """numbers (components, …) of variance 1/timestep.

        Half a step has the noise of the whole step plus or minus an independent one of the same
        variance (the Brownian bridge at the middle of the step).
        """
        if not refinements:
            self._draw_stream(numbers, iteration, timestep, self.kind)
            return
        whole, half = divmod(iteration, 2)
        self._fill(numbers, whole, 2 * timestep, refinements - 1)
        bridge = np.empty_like(numbers)
        self._draw_stream(bridge, whole, 2 * timestep, self.kind + BRIDGE * refinements)
        numbers += -bridge if half else bridge

    def _draw_stream(self, numbers, iteration, timestep, kind):
        flat = numbers.reshape(len(numbers), -1)
        scale = 1 / math.sqrt(timestep)
        for seed, first, cells in self.cells():
            source = self.numbers(seed, self.stream, kind)
            source.fill(iteration, first, flat[:, cells], scale)

    def cells(self):
        """Return (seed, number of the first cell, slice of the cells here) of runs without gaps."""
        if self._runs is None:
            self._runs = self._cells_of(self.dist.grid_layout.slices(self.domain, 1))
        return self._runs

    def _cells_of(self, spans):
        """Return `cells` of a part of the grid."""
        shape = self.dist.grid_layout.global_shape(self.domain, 1)
        if len(self.seeds) == 1 or getattr(self.dist, "member_axis", None) is None:
            return [(self.seeds[0], *run) for run in _runs(shape, spans)]
        # A member with its own seed has the numbers of a run with this seed.
        points, local = int(np.prod(shape[1:])), range(shape[0])[spans[0]]
        return [
            (self.seeds[member], 0, slice(i * points, (i + 1) * points))
            for i, member in enumerate(local)
        ]


def _on_finer_grid(values, bases, shape):
    r"""Return the Fourier series of values (components, …), times :math:`\sqrt{V'/V}` of the cells.

    Without the Nyquist modes that the bases drop.
    """
    is_real = np.isrealobj(values)
    for axis, (basis, size) in enumerate(zip(bases, shape, strict=True), 1):
        number = values.shape[axis]
        if number == size:
            continue
        spectrum = np.moveaxis(np.fft.fft(values, axis=axis, norm="forward"), axis, 0)
        finer = np.zeros((size, *spectrum.shape[1:]), complex)
        modes = np.fft.fftfreq(number, 1 / number).round().astype(int)
        finer[modes] = spectrum
        if number % 2 == 0:
            # A cosine, in two halves.
            half = isinstance(basis, RealFourierNyquist) / 2
            finer[[number // 2, -number // 2]] = half * spectrum[number // 2]
        finer *= math.sqrt(number / size)
        values = np.moveaxis(np.fft.ifft(finer, axis=0, norm="forward"), 0, axis)
    return values.real if is_real else values


def _runs(shape, spans):
    """Cells of a part of a grid in runs without gaps: (number of the first, slice of the part)."""
    ranges = [range(size)[span] for size, span in zip(shape, spans, strict=True)]
    local = [len(r) for r in ranges]
    # Axes at the end that are whole on this rank make one run.
    whole = len(local)
    while whole and local[whole - 1] == shape[whole - 1]:
        whole -= 1
    outer, length = local[: max(whole - 1, 0)], int(np.prod(local[max(whole - 1, 0) :], dtype=int))
    strides = [int(np.prod(shape[axis + 1 :], dtype=int)) for axis in range(len(shape))]
    first = sum(r.start * stride for r, stride in zip(ranges, strides, strict=True))
    return [
        (
            first + sum(i * stride for i, stride in zip(index, strides, strict=False)),
            slice(row * length, (row + 1) * length),
        )
        for row, index in enumerate(np.ndindex(*outer))
    ]


def white_noise(like, seed=0, stream=None, name="xi"):
    r"""White noise in time on every cell of a grid, as a field for equation strings.

    .. math:: \langle \xi_i^*(t)\, \xi_j(t') \rangle = \delta_{ij}\, \delta(t - t')

    for all components and cells i, j: independent normal numbers of variance 1/timestep, drawn
    once per step by the steppers of spinhydro and held over its stages, so that products with it
    are read in the sense of Stratonovich. In complex problems the real and the imaginary part have
    variance 1/(2 timestep) each. The numbers are a function of the seed, the stream, the iteration
    and the cell: they do not depend on the number of ranks nor on the engine.

    Parameters
    ----------
    like : field
        The noise has its bases and components.
    seed : int or per_member
        0 <= seed < 2**63. Another seed is another realisation. A member with its own seed has
        the noise of a single run with that seed.
    stream : int, optional
        0 <= stream < 2**32. By default the noises of a problem that share a seed are independent:
        they number themselves in the order in which they are made. Noises with the same seed and
        the same given stream are equal.
    name : str

    Raises
    ------
    ParameterError
        If the seed or the stream is not a whole number in this range.

    Examples
    --------
    >>> xi = spinhydro.white_noise(m, seed=1)
    >>> problem.add_equation("dt(m) = cross(H + sqrt(D)*xi, m)")
    """
    if not isinstance(like, Field):
        raise InputError("white_noise(like) takes the field whose bases and components it has")
    seeds = tuple(seed.values.tolist()) if isinstance(seed, PerMember) else (seed,)
    for one in seeds:
        _check_whole("seed", one, 2**63)
    noise = WhiteNoise(
        like.dist, bases=like.domain.bases, name=name, tensorsig=like.tensorsig, dtype=like.dtype
    )
    noise.seeds = tuple(int(one) for one in seeds)
    if stream is None:
        noise.stream, noise.kind = _next_stream(like.dist, noise.seeds), NUMBERED
    else:
        _check_whole("stream", stream, 2**32)
        noise.stream = int(stream)
    # A first draw, so that checks before the first step include terms with noise.
    noise.draw(0, 1.0)
    return noise


def _next_stream(dist, seeds):
    counts = _numbered.setdefault(dist, {})
    counts[seeds] = counts.get(seeds, -1) + 1
    return counts[seeds]


def _check_whole(name, value, limit):
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value < limit:
        raise ParameterError(f"{name} = {value}: it must be a whole number, 0 or more")


def thermal_field(like, temperature, alpha, moment, gamma, k_B, seed=0, stream=None):
    r"""The fluctuating field of a heat bath, as an angular frequency, for equation strings.

    .. math:: \mathbf{b} = \sqrt{\frac{2 \alpha \gamma k_B T}{\mu}}\; \boldsymbol\xi, \qquad
              \sigma_b = \sqrt{\frac{2 \alpha \gamma k_B T}{\mu\, \Delta t}}

    per component: gamma times the field of fluctuation and dissipation (Brown, Phys. Rev. 130,
    1677 (1963)) for ``dt(m) = -p*(cross(m, H + b) + alpha*cross(m, cross(m, H + b)))`` with
    p = 1/(1 + alpha^2). Without p, divide it by sqrt(1 + alpha^2).

    Parameters
    ----------
    like : field
        The spin field m.
    temperature : float, field or operand
        T >= 0 in K; a field gives each cell its own.
    alpha : float
        Damping, >= 0.
    moment : float
        mu > 0, the magnetic moment of a cell: mu_s of an atom, or M_s dV in a continuum. There the
        temperature is that of the modes on the grid: each has k_B T/2 for each quadratic term of
        its energy, and modes beyond the grid have none. A coarser grid is another model at the
        same T (fewer modes), which only a renormalised M_s(T) and stiffness could mend.
    gamma : float
        Gyromagnetic ratio > 0, in the units of the problem.
    k_B : float
        Boltzmann's constant in the units of the problem: ``from spinhydro.units.nm_ps import k_B``.
    seed, stream : int
        See `white_noise`.

    Raises
    ------
    ParameterError
        For a negative temperature or damping, or a moment, gamma or k_B that is not positive.
    InputError
        If `like` is complex, or has a basis that drops modes (see `check_bases`).
    """
    for what, value in (("alpha", alpha), ("temperature", temperature)):
        if not _least(value) >= 0:
            raise ParameterError(
                f"{what} = {_text(value)}: the {_WORDS[what]} of a heat bath cannot be negative"
            )
    for what, value in (("moment", moment), ("gamma", gamma), ("k_B", k_B)):
        if not _least(value) > 0:
            raise ParameterError(f"{what} = {_text(value)}: it must be positive")
    if isinstance(like, Field) and np.issubdtype(like.dtype, np.complexfloating):
        raise InputError(
            "thermal_field is the field of spins, which are real; for a complex field take "
            "white_noise"
        )
    if isinstance(like, Field):
        check_bases(like)
    noise = white_noise(like, seed=seed, stream=stream, name="thermal_noise")
    strength = 2 * alpha * gamma * k_B / moment * temperature
    return np.sqrt(strength) * noise


def check_bases(spins):
    """Check that the bases of spins in a heat bath hold all modes of their grid.

    Noise turns the spin of each cell by itself. Where products are truncated to fewer modes than
    there are points, the mean spin in a field is wrong by 18 % with dealias = 3/2, and by about
    1/N without the Nyquist mode of N points.

    Raises
    ------
    InputError
    """
    for basis in spins.domain.bases:
        if not isinstance(basis, FourierBase):
            continue
        name = basis.coord.name
        if basis.dealias[0] != 1:
            raise InputError(
                f"spins in a heat bath need one grid point per mode: dealias = 1 along {name}, not "
                f"{basis.dealias[0]:g}"
            )
        if basis.size % 2 == 0 and not isinstance(basis, RealFourierNyquist):
            raise InputError(
                f"spins in a heat bath need all modes of their grid, and {type(basis).__name__} "
                f"drops the Nyquist mode of {basis.size} points along {name}: take "
                f"spinhydro.RealFourierNyquist({name!r}, …)"
            )


_WORDS = {"alpha": "damping", "temperature": "temperature"}


def _least(value):
    """Return the smallest value of a number or a field; infinity for an operand."""
    if isinstance(value, Field):
        value.change_scales(1)
        return float(value["g"].min(initial=math.inf))
    if isinstance(value, Operand):
        return math.inf
    try:
        # One number, or one for each member.
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return math.nan
    return float(values.min()) if np.all(np.isfinite(values)) else math.nan


def _text(value):
    return f"{_least(value):g} at the lowest" if isinstance(value, Field) else value


def noises_of(ivp):
    """Return the noise fields in the right sides of a problem."""
    found = {}
    for equation in ivp.equations:
        if isinstance(equation["F"], Operand):
            found.update(dict.fromkeys(equation["F"].atoms(WhiteNoise)))
    return list(found)
