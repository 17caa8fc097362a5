"""White noise and thermal fields: reproducible, whatever the ranks and the engine."""

import math

import numpy as np
from dedalus.core.field import Field, Operand

from spinhydro.errors import InputError, ParameterError

__all__ = ["WhiteNoise", "noises_of", "thermal_field", "white_noise"]


class WhiteNoise(Field):
    """What `white_noise` returns: a field that is drawn anew in every step."""

    seed = 0
    stream = 0
    _drawn = None

    def draw(self, iteration, timestep):
        """Fill the field for one step: standard normal numbers over sqrt(timestep).

        The numbers depend on (seed, stream, iteration, member, cell) alone.
        """
        if self._drawn == (iteration, timestep):
            return
        layout = self.dist.grid_layout
        shape = layout.global_shape(self.domain, 1)
        spans = layout.slices(self.domain, 1)
        self.preset_scales(1)
        self.preset_layout("g")
        components = int(np.prod([system.dim for system in self.tensorsig], dtype=int))
        target = self.data.reshape(components, *self.data.shape[len(self.tensorsig) :])
        # Four numbers belong to every cell, so more than four components take further streams.
        for first in range(0, components, 4):
            key = (self.seed, iteration, self.stream + (first << 32))
            part = target[first : first + 4]
            part[...] = _normal_numbers(key, shape, spans, len(part)) / math.sqrt(timestep)
        self._drawn = iteration, timestep


def _normal_numbers(key, shape, spans, components):
    """Standard normal numbers (components, local cells) of the cells in `spans` of a grid.

    Philox is a function of a key and a counter (Salmon et al., SC11 (2011)): the counter is the
    number of the cell in the whole grid. A block of four 64-bit numbers makes, by Box and
    Muller, up to four normal ones.
    """
    seed, iteration, stream = key
    ranges = [range(size)[span] for size, span in zip(shape, spans, strict=True)]
    local = tuple(len(r) for r in ranges)
    # Axes at the end that are whole on this rank make one run of cells without gaps.
    whole = len(local)
    while whole and local[whole - 1] == shape[whole - 1]:
        whole -= 1
    outer, run = local[: max(whole - 1, 0)], local[max(whole - 1, 0) :]
    length = int(np.prod(run, dtype=int))
    raw = np.empty((int(np.prod(outer, dtype=int)), length, 4), np.uint64)
    strides = [int(np.prod(shape[axis + 1 :], dtype=int)) for axis in range(len(shape))]
    starts = [r.start for r in ranges]
    for row, index in enumerate(np.ndindex(outer)):
        cell = sum((i + s) * step for i, s, step in zip(index, starts, strides, strict=False))
        if run:
            at = len(outer)
            cell += starts[at] * strides[at]
        counter = [cell, stream & 0xFFFFFFFF, stream >> 32, 0]
        generator = np.random.Philox(key=[seed, iteration], counter=counter)
        raw[row] = generator.random_raw(4 * length).reshape(length, 4)
    raw = raw.reshape(*local, 4)
    uniform = ((raw >> np.uint64(11)) + 0.5) * 2.0**-53
    result = np.empty((components, *local))
    for pair in range(0, components, 2):
        radius = np.sqrt(-2 * np.log(uniform[..., pair]))
        angle = 2 * np.pi * uniform[..., pair + 1]
        result[pair] = radius * np.cos(angle)
        if pair + 1 < components:
            result[pair + 1] = radius * np.sin(angle)
    return result


def white_noise(like, seed=0, stream=0, name="xi"):
    r"""White noise in time on every cell of a grid, as a field for equation strings.

    .. math:: \langle \xi_i(t)\, \xi_j(t') \rangle = \delta_{ij}\, \delta(t - t')

    for all components and cells i, j: independent normal numbers of variance 1/timestep, drawn
    once per step by the steppers of spinhydro and held over its stages, so that products with it
    are read in the sense of Stratonovich. The numbers are a function of the seed, the stream, the
    iteration and the cell: any number of ranks and any engine sees the same noise.

    Parameters
    ----------
    like : field
        The noise has its bases and components.
    seed : int
        0 <= seed < 2**63. Another seed is another realisation.
    stream : int
        0 <= stream < 2**32, different for noises that shall be independent.
    name : str

    Raises
    ------
    ParameterError
        For a seed that is no whole number in this range.

    Examples
    --------
    >>> xi = spinhydro.white_noise(m, seed=1)
    >>> problem.add_equation("dt(m) = cross(H + sqrt(D)*xi, m)")
    """
    if not isinstance(like, Field):
        raise InputError("white_noise(like) takes the field whose bases and components it has")
    if np.issubdtype(like.dtype, np.complexfloating):
        raise InputError("white_noise is real; this field is complex")
    for what, value, limit in (("seed", seed, 2**63), ("stream", stream, 2**32)):
        if not _is_whole(value) or not 0 <= value < limit:
            raise ParameterError(f"{what} = {value}: it must be a whole number, 0 or more")
    noise = WhiteNoise(
        like.dist, bases=like.domain.bases, name=name, tensorsig=like.tensorsig, dtype=like.dtype
    )
    noise.seed, noise.stream = int(seed), int(stream)
    # A first draw, so that checks before the first step see terms with noise too.
    noise.draw(0, 1.0)
    return noise


def thermal_field(like, temperature, alpha, moment, gamma, k_B, seed=0, stream=0):
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
    """
    for what, value in (("alpha", alpha), ("temperature", temperature)):
        if not _least(value) >= 0:
            raise ParameterError(
                f"{what} = {_shown(value)}: the {_WORDS[what]} of a heat bath cannot be negative"
            )
    for what, value in (("moment", moment), ("gamma", gamma), ("k_B", k_B)):
        if not _least(value) > 0:
            raise ParameterError(f"{what} = {_shown(value)}: it must be positive")
    noise = white_noise(like, seed=seed, stream=stream, name="thermal_noise")
    strength = 2 * alpha * gamma * k_B / moment * temperature
    return np.sqrt(strength) * noise


_WORDS = {"alpha": "damping", "temperature": "temperature"}


def _least(value):
    """The smallest value of a number or a field; of an operand nothing is known yet."""
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


def _shown(value):
    return f"{_least(value):g} at the lowest" if isinstance(value, Field) else value


def _is_whole(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def noises_of(ivp):
    """The noise fields in the right sides of a problem."""
    found = {}
    for equation in ivp.equations:
        if isinstance(equation["F"], Operand):
            found.update(dict.fromkeys(equation["F"].atoms(WhiteNoise)))
    return list(found)
