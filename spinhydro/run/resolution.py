"""Resolution of a run: how much of its fields lies in the shortest waves of the grid."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.core.operators import Differentiate, Divergence, Gradient, Laplacian
from mpi4py import MPI

from spinhydro.steppers.noise import noises_of

#: Waves shorter than three grid spacings count as short: |k| at or above this part of k_max.
SHORT = 2 / 3
#: Part of the amplitude in short waves from which a field is not resolved.
UNRESOLVED = 0.05
#: Fields with more than this in short waves at the start are rough on purpose.
ROUGH = 0.01
#: Fields with less than this part of their power in waves are uniform, with rounding.
UNIFORM = 1e-20
#: Waves next to the shortest, and longer ones that a resolved field has more of: parts of k_max.
LAST, LONGER = 0.9, (0.5, 0.8)
#: Part of the amplitude in the last waves, and ratio of a wave there to a longer one, from which
#: the last waves are watched, on grids with more modes than FEW along the axis; and growth from
#: then on that folded products cause. The kink of a trap at the edges of the box has such waves
#: too, which do not grow.
FOLDED, ABOVE, FEW, GROWN = 1e-7, 100, 16, 10
#: Lines of the grid that are transformed along each axis.
LINES = 64
#: Growth since the last check, beyond that with a power of the time of a variable that starts from
#: zero, and part of the amplitude in short waves, from which a variable of a run that is not
#: resolved has outgrown the grid.
OUTGROWN, POWER, OUTGROWN_SHORT = 3, 3, 0.3
#: Part of its amplitude at the last check below which a variable began at zero.
AT_REST = 1e-6


class Resolution:
    r"""Watch whether the grid resolves the variables of a run.

    The measure is the part of the amplitude in short waves,

    .. math:: \left( \sum_{|k| \ge 2 k_\mathrm{max}/3} |\hat f_k|^2 \Big/
              \sum_{k \ne 0} |\hat f_k|^2 \right)^{1/2},

    along each axis, over at most 64 lines of the grid. Only axes along which all variables begin
    smooth, in problems with derivatives and without noise, are watched: an equation without
    derivatives makes structure of any size correctly, and on a lattice of atoms short waves are
    physics.

    Products that are not dealiased make the waves next to the shortest grow from rounding, slowly,
    where the timestep is too short to damp them. A variable that has more in these than in longer
    waves gets a warning long before it is not resolved.

    A stable timestep keeps the linear waves of the grid bounded; what a nonlinear equation does
    with waves that the grid cannot hold is not bounded by it. Once a variable is not resolved, a
    run is therefore watched at every step for growth on the scale of the grid.

    Parameters
    ----------
    ivp : d3.IVP
    parameters : dict
        Values of the problem file, where a message finds the name of a number of grid points.
    unit : str
        Of time.
    """

    def __init__(self, ivp, parameters, unit=""):
        self.comm, self.unit = ivp.dist.comm, unit
        self._names = {v: k for k, v in parameters.items() if isinstance(v, int) and v > 1}
        self._watched, self._folded = [], {}
        if not noises_of(ivp) and any(map(_has_derivatives, ivp.equations)):
            self._watched = [
                (variable, axis)
                for variable in ivp.variables
                for axis, basis in enumerate(variable.domain.full_bases)
                if isinstance(basis, (RealFourier, ComplexFourier))
                and ivp.dist.grid_layout.local[axis]
            ]
        #: When a variable was first found not to be resolved, and its name.
        self.since = None
        self._pairs, self._largest, self._remedy = list(self._watched), {}, ""
        self._initial, self._checked_at = {}, 0.0

    @property
    def is_watching(self):
        """Return whether there is a variable that can cease to be resolved."""
        return bool(self._pairs)

    def start(self):
        """Leave out axes along which a variable is rough in the present state."""
        rough = {axis for variable, axis in self._watched
                 if self._short_part(variable, axis) > ROUGH}  # fmt: skip
        self._watched = [pair for pair in self._watched if pair[1] not in rough]
        self._pairs = list(self._watched)
        self._initial = self._largest = self._amplitudes()

    def record(self):
        """Return what a checkpoint holds."""
        return {
            "watched": [(v.name, axis) for v, axis in self._watched],
            "all": [(v.name, axis) for v, axis in self._pairs],
            "since": self.since, "largest": self._largest, "remedy": self._remedy,
            "initial": self._initial, "checked_at": self._checked_at,
            "folded": [(*pair, part) for pair, part in self._folded.items()],
        }  # fmt: skip

    def restore(self, record):
        """Continue from a `record`; None leaves the present state to be judged."""
        if record is None:
            self.start()
            return
        kept = {tuple(pair) for pair in record["watched"]}
        known = {tuple(pair) for pair in record.get("all", record["watched"])}
        self._watched = [(v, axis) for v, axis in self._pairs if (v.name, axis) in kept]
        self._pairs = [(v, axis) for v, axis in self._pairs if (v.name, axis) in known]
        self._folded = {(name, axis): part for name, axis, part in record.get("folded", ())}
        self.since, self._remedy = record["since"], record.get("remedy", "more grid points")
        self._largest = dict(record.get("largest", {}))
        self._initial = dict(record.get("initial", {}))
        self._checked_at = record.get("checked_at", 0.0)

    def check(self, time):
        """Return new warnings about variables that are no longer resolved, as a list of lines."""
        lines = []
        for variable, axis in list(self._watched):
            power = self._power(variable, axis)
            part = _part(power, SHORT)
            if part <= UNRESOLVED and _is_folded(power):
                last = _part(power, LAST)
                first = self._folded.setdefault((variable.name, axis), last)
                if last > GROWN * first:
                    self._folded[variable.name, axis] = np.inf
                    lines.append(self._folded_line(variable, axis, last, time))
            if part > UNRESOLVED:
                self._watched.remove((variable, axis))
                lines.append(self._line(variable, axis, part, time))
                if self.since is None:
                    self.since = f"t = {time:.4g} {self.unit}".rstrip(), variable.name
                    self._remedy = self._finer(variable, axis)
        self._largest, self._checked_at = self._amplitudes(), time
        return lines

    def outgrown(self, time):
        """Return the name of a variable that grows on the scale of the grid, or None.

        A collective call. Always None while all variables are resolved.
        """
        if self.since is None:
            return None
        amplitudes = self._amplitudes()
        for variable, axis in self._pairs:
            before = self._largest.get(variable.name, 0.0)
            allowed = OUTGROWN * before
            if self._initial.get(variable.name, np.inf) < AT_REST * before and self._checked_at > 0:
                # A velocity, say, that begins at zero grows by any factor within its first steps.
                allowed *= (time / self._checked_at) ** POWER
            if (
                amplitudes[variable.name] > allowed > 0
                and self._short_part(variable, axis) > OUTGROWN_SHORT
            ):
                return variable.name
        return None

    def outgrown_message(self, name, now, kept):
        """Return the message about a variable that `outgrown` has found."""
        time, first = self.since
        return (
            f"the grid does not resolve this run: '{first}' has not been resolved since {time}, "
            f"and '{name}' grows in waves of a few grid spacings at {now}. {kept}. "
            f"Try {self._remedy}, or a stop_time before {time}"
        )

    def _amplitudes(self):
        """Return the largest absolute value of every variable on the grid, of all ranks."""
        found = {}
        for variable in dict.fromkeys(variable for variable, _ in self._pairs):
            largest = float(np.abs(_grid_values(variable)).max(initial=0))
            found[variable.name] = self.comm.allreduce(largest, op=MPI.MAX)
        return found

    def cause(self, otherwise):
        """Return the end of a message about a run that failed: its likely cause."""
        if self.since is None:
            return f"Usual causes: {otherwise}"
        time, name = self.since
        return f"Likely cause: too few grid points ('{name}' has not been resolved since {time})"

    def _line(self, variable, axis, part, time):
        basis = variable.domain.full_bases[axis]
        return (
            f"warning: resolution: from t = {time:.4g} {self.unit}".rstrip()
            + f" on the grid does not resolve '{variable.name}': waves shorter than three grid "
            f"spacings along {basis.coord.name} have {100 * part:.2g} % of its amplitude. Later "
            f"results depend on the grid, and the run may fail; try {self._finer(variable, axis)}"
        )

    def _finer(self, variable, axis):
        """Return what to type for twice the grid points along an axis."""
        size = variable.domain.full_bases[axis].size
        name = self._names.get(size)
        return f"{name}={2 * size}" if name else f"{2 * size} grid points"

    def _folded_line(self, variable, axis, part, time):
        coord = variable.domain.full_bases[axis].coord.name
        return (
            f"warning: resolution: at t = {time:.4g} {self.unit}".rstrip()
            + f" the shortest waves of '{variable.name}' along {coord} are larger than longer "
            f"ones, with {100 * part:.2g} % of its amplitude: they grow from rounding, as products "
            "that are folded back into the grid make them. Later results depend on them; try "
            "dealias=3/2 in the basis, or a longer timestep of RK4 or WaveRK4, which damps them"
        )

    def _short_part(self, variable, axis):
        """Return the part of the amplitude of a variable in short waves along an axis."""
        return _part(self._power(variable, axis), SHORT)

    def _power(self, variable, axis):
        """Return the power of a variable in the modes |k| = 0, 1, … of an axis."""
        values = np.moveaxis(_grid_values(variable), len(variable.tensorsig) + axis, -1)
        size, points = variable.domain.full_bases[axis].size, values.shape[-1]
        lines = values.reshape(-1, points)
        lines = lines[:: max(1, len(lines) // LINES)]
        spectra = np.fft.fft(lines[np.isfinite(lines).all(axis=1)])
        power = (spectra.real**2 + spectra.imag**2).sum(axis=0)
        k = np.abs(np.rint(np.fft.fftfreq(points, 1 / points))).astype(int)
        found = np.bincount(k, power)[: size // 2 + 1]
        self.comm.Allreduce(MPI.IN_PLACE, found, op=MPI.SUM)
        return found


def _grid_values(variable):
    """Return the values of a variable on the grid, which keeps its layout and scales."""
    is_there = variable.layout is variable.dist.grid_layout
    return (variable if is_there else variable.copy())["g"]


def _part(power, first):
    """Return the part of the amplitude of waves in those from a part of k_max on."""
    in_waves = power[1:].sum()
    if in_waves <= UNIFORM * power.sum():
        return 0.0
    return float(np.sqrt(power[np.arange(len(power)) >= first * (len(power) - 1)].sum() / in_waves))


def _is_folded(power):
    """Return whether the last waves are larger than longer ones, beyond rounding."""
    if len(power) <= FEW:
        return False
    k = np.arange(len(power)) / (len(power) - 1)
    last, longer = power[k >= LAST], power[(k >= LONGER[0]) & (k <= LONGER[1])]
    return _part(power, LAST) > FOLDED and last.mean() > ABOVE**2 * longer.mean()


def _has_derivatives(equation):
    kinds = (Differentiate, Divergence, Gradient, Laplacian)
    return any(hasattr(equation[side], "has") and equation[side].has(*kinds) for side in "LF")
