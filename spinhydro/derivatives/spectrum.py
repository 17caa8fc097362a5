"""Linear theory of the strings of a problem: frequencies and growth rates about a background."""

from dataclasses import dataclass

import numpy as np

from spinhydro.dedalus_support.components import count
from spinhydro.derivatives.background import check_constant, find_background, has_structure
from spinhydro.derivatives.linear import RealForm, blocks, compiled_tangents, reduced, smallest_cell
from spinhydro.derivatives.model import make_model
from spinhydro.derivatives.parameters import check_moved, check_numbers, step_of
from spinhydro.derivatives.point_basis import point_basis
from spinhydro.errors import InputError

#: Largest matrix whose eigenvalues are all computed.
LARGEST_DENSE = 4000
#: Least Floquet multiplier, relative to the largest, that rounding does not hide.
LEAST_MULTIPLIER = 1e-8


@dataclass
class Spectrum:
    r"""Waves :math:`\delta X \propto e^{ikx + \lambda t}`, :math:`\lambda = -i\omega`.

    Attributes
    ----------
    k : array (waves, axes)
        Wavevectors in rad per length; Bloch wavevectors in the first zone for a background with
        structure.
    eigenvalues : array (waves, branches)
        lambda, sorted by its imaginary part; nan where a wavevector has fewer branches.
    vectors : list of array (components * waves of the block, branches), or None
        Eigenvectors in the real form (real parts of complex components first), wave by wave of
        the block.
    background : Background
    cell : tuple
        Points of the cell of the background along each axis.
    resolution : float
        Rounding error of a simple eigenvalue; that of a double one is sqrt(resolution * largest).
    largest : float
        Modulus of the largest eigenvalue.
    decayed : int
        Number of Floquet exponents that are left out: rounding hides waves that decay by more than
        a factor 1e8 in a period.
    time_unit, length_unit : str
    """

    k: np.ndarray
    eigenvalues: np.ndarray
    vectors: list
    background: object
    cell: tuple
    resolution: float
    largest: float
    decayed: int = 0
    time_unit: str = ""
    length_unit: str = ""

    @property
    def frequencies(self):
        """omega = i lambda, without growth: (waves, branches)."""
        return -self.eigenvalues.imag

    @property
    def growth(self):
        """The growth rates Re lambda: (waves, branches)."""
        return self.eigenvalues.real

    @property
    def fastest_growth(self):
        """(growth rate, wavevector) of the fastest growing wave."""
        row = np.unravel_index(np.nanargmax(self.growth), self.growth.shape)[0]
        return float(np.nanmax(self.growth)), self.k[row]

    @property
    def double_resolution(self):
        """Splitting of a double eigenvalue, such as a zero mode, by rounding."""
        return float(np.sqrt(self.resolution * self.largest))

    def table(self, number=12):
        """Lines for a terminal: the background, the lowest wavevectors, the fastest growth."""
        unit = f" rad/{self.time_unit}" if self.time_unit else ""
        per_length = f" rad/{self.length_unit}" if self.length_unit else ""
        background = self.background
        cells = " x ".join(map(str, self.cell))
        lines = [
            background.text(self.time_unit, self.length_unit),
            *background.warnings(),
            f"{len(self.k)} wavevectors, cell of {cells} points, "
            f"{self.eigenvalues.shape[1]} branches",
            f"resolution: {self.resolution:.0e}{unit}; double eigenvalues (zero modes) "
            f"{self.double_resolution:.0e}{unit}",
            f"{'|k|' + per_length:>16}  omega{unit} (growth where it is not zero)",
        ]
        size = np.linalg.norm(self.k, axis=1)
        upper = [row for row in np.argsort(size, kind="stable") if self._is_upper(row)]
        for row in upper[:number]:
            found = self.eigenvalues[row]
            found = found[np.isfinite(found)]
            # Growing waves first, then the slowest.
            speed = np.where(found.real > self.double_resolution, -found.real, np.abs(found))
            chosen = found[np.argsort(speed, kind="stable")][:8]
            # Frequencies below the resolution are all zero: waves are then in the order of growth.
            waves = np.where(np.abs(chosen.imag) > self.resolution, chosen.imag, 0.0)
            chosen = chosen[np.lexsort((-chosen.real, -waves))]
            lines.append(f"{size[row]:16.8g}  " + "  ".join(map(self._shown, chosen)))
        if len(upper) > number:
            lines.append(f"{'…':>16}  {len(upper) - number} more: --save FILE.csv keeps them all")
        if self.decayed:
            lines.append(
                f"{self.decayed} exponents are left out: their waves decay by more than a factor "
                f"{1 / LEAST_MULTIPLIER:.0e} in a period"
            )
        rate, k = self.fastest_growth
        if rate > 10 * self.double_resolution:
            lines.append(
                f"fastest growth: {rate:.10g}{unit.replace(' rad', ' 1')} at |k| = "
                f"{np.linalg.norm(k):.8g}{per_length}"
            )
        else:
            lines.append("no wave grows above the resolution")
        return lines

    def _is_upper(self, row):
        """One of each pair k, -k."""
        nonzero = self.k[row][self.k[row] != 0]
        return not nonzero.size or nonzero[0] > 0

    def _shown(self, value):
        text = f"{-value.imag:.8g}" if abs(value.imag) > self.resolution else "0"
        if abs(value.real) > 3 * self.resolution:
            text += f" ({value.real:+.4g})"
        return text


def spectrum(problem, about=None, period=None, vectors=False):
    """Frequencies and growth rates of small waves, from the strings of a problem.

    Parameters
    ----------
    problem : Problem
        As loaded, with its equations as they are.
    about : str, optional
        "uniform", "initial" or "stationary"; by default the first that is at rest.
    period : float, optional
        Period of the equations in time: the eigenvalues are Floquet exponents then.
    vectors : bool
        Keep the eigenvectors.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        If JAX is missing, the problem cannot be lowered, or no background is at rest.

    Examples
    --------
    >>> problem = spinhydro.load("problems/bogoliubov.py", level="lle")
    >>> found = spectrum(problem)
    >>> found.k[:, 0], found.frequencies
    """
    form = linear_form(problem)
    jax = form.model.jax
    if period is None:
        check_constant(form)
    if period is None and has_structure(form, about):
        # A matrix that is too large is refused before Newton's method begins.
        start = np.asarray(form.split(form.model.leaves["state"]))
        form.keep_lengths(start)
        _free_points(form, np.asarray(form.project(start)))
    if period is not None:
        from spinhydro.derivatives.floquet import period_map, periodic_background

        background = periodic_background(form, about, period)
        function = period_map(form, period, background)
    else:
        background = find_background(form, about)
        function = background.frame.rate
    cell, size, free = _free_points(form, background.values)
    tangents_of = compiled_tangents(jax, function)
    if free is not None:
        modes = [np.array(list(np.ndindex(*form.shape)))]
        values, kept = _eigen([(free.matrix(tangents_of, background.values), None)], vectors)
        kept = [free.spectra(part.T) for part in kept] if kept else kept
    else:
        jacobian, projector = (
            blocks(part, background.values, cell)
            for part in (tangents_of, compiled_tangents(jax, form.project))
        )
        modes = jacobian.modes
        values, kept = _eigen(reduced(jacobian, projector), vectors)
    decayed = 0
    if period is not None:
        values, kept, decayed = _exponents(values, kept, period)
    held = [row for row, found in enumerate(values) if len(found)]
    values = [values[row] for row in held]
    kept = [kept[row] for row in held] if kept else kept
    largest = max((np.abs(v).max(initial=0) for v in values), default=0)
    units = problem.units
    return Spectrum(
        k=np.array([_lowest(modes[row], form) for row in held]),
        eigenvalues=_rectangle(values),
        vectors=kept,
        background=background,
        cell=cell,
        resolution=float(np.finfo(float).eps * largest * np.sqrt(size)),
        largest=float(largest),
        decayed=decayed,
        time_unit=units.get("time", ""),
        length_unit=units.get("length", ""),
    )


def growth_derivatives(load, names, about=None, period=None):
    """Derivatives of the fastest growth rate with respect to parameters.

    Central differences of the exact spectra at p ± h, at the wavevector of the fastest growth.

    Parameters
    ----------
    load : callable(**values)
        Loads the problem with new values.
    names : sequence of str

    Returns
    -------
    dict
    """
    moved = moved_problems(load, names)
    problem = load()
    base = spectrum(problem, about, period)
    _, k = base.fastest_growth
    slopes = {}
    for name in names:
        value = float(problem.namespace[name])
        step = step_of(value)
        rates = []
        for changed in moved[name]:
            found = spectrum(changed, about, period)
            row = np.argmin(np.linalg.norm(found.k - k, axis=1))
            rates.append(float(np.nanmax(found.growth[row])))
        slopes[name] = (rates[0] - rates[1]) / (2 * step)
    return slopes


def moved_problems(load, names):
    """A problem with each of some parameters at p + h and at p - h, {name: (problem, problem)}.

    Raises
    ------
    ParameterError
        If a name is not a number of the model, or cannot move so far.
    """
    problem, found = load(), {}
    check_numbers(problem, names)
    for name in names:
        value, step = float(problem.namespace[name]), step_of(float(problem.namespace[name]))
        found[name] = tuple(load(**{name: moved}) for moved in (value + step, value - step))
        for moved, sign in zip(found[name], (1, -1), strict=True):
            check_moved(moved, name, value + sign * step)
    return found


def load_one_member(path, /, **options):
    """A loaded problem file, with one member where the file has many."""
    from spinhydro.problem.load import load

    problem = load(path, **options)
    if problem.members in (None, 1) or "members" in options:
        return problem
    return load(path, **{**options, "members": 1})


def linear_form(problem):
    """The whole rate of a problem without noise, as a function of real values on the grid."""
    if problem.members not in (None, 1):
        raise InputError(
            f"the file has {problem.members} members: linear theory is that of one, members=1"
        )
    model = make_model(problem, linear_apart=False, what="spectrum")
    for noise in model.noises:
        first = model.rate.profile_row(noise)
        model.leaves["profiles"][first : first + count(noise)] = 0
    return RealForm(model)


def _cell(form, values):
    """The smallest cell of a state and the profiles of the equations."""
    profiles = np.asarray(form.model.leaves["profiles"])
    profiles = np.concatenate([profiles.real, profiles.imag]).reshape(-1, *form.shape)
    return smallest_cell(_relative(np.concatenate([values, profiles])))


def _free_points(form, values):
    """Return (cell, rows of its matrix, PointBasis or None); raise InputError if it is too large.

    Where the cell is the whole box, and projections act point by point, the matrix has a row for
    each perturbation that they allow.
    """
    cell, free = _cell(form, values), None
    size = form.components * int(np.prod(cell))
    if cell == form.shape:
        free = point_basis(form, values)
        size = free.size if free is not None else size
    if size > LARGEST_DENSE:
        raise InputError(
            f"the matrix of the background has {size} rows, more than {LARGEST_DENSE}: take its "
            "lowest modes, --lowest 8, or a smaller grid"
        )
    return cell, size, free


def _relative(fields):
    """Fields of size one each, so that small ones count."""
    axes = tuple(range(1, fields.ndim))
    largest = np.abs(fields).max(axis=axes, keepdims=True, initial=0)
    return fields / np.where(largest > 0, largest, 1)


def _eigen(matrices, vectors):
    """Eigenvalues of each matrix, sorted by frequency, and the eigenvectors on request."""
    values, kept = [], [] if vectors else None
    sizes = {matrix.shape for matrix, _ in matrices}
    if not vectors and len(sizes) == 1:
        found = np.linalg.eigvals(np.stack([matrix for matrix, _ in matrices]))
        return [_sorted(v) for v in found], None
    for matrix, basis in matrices:
        if not vectors:
            values.append(_sorted(np.linalg.eigvals(matrix)))
            continue
        found, right = np.linalg.eig(matrix)
        order = np.lexsort((found.real, -found.imag))
        values.append(found[order])
        right = right[:, order]
        kept.append(right if basis is None else basis @ right)
    return values, kept


def _exponents(multipliers, vectors, period):
    """Return Floquet exponents and their vectors, and the number of those that rounding hides."""
    largest = max((np.abs(found).max(initial=0) for found in multipliers), default=0)
    least = max(LEAST_MULTIPLIER * largest, np.finfo(float).eps)
    if not largest > least:
        raise InputError(
            "all waves decay to rounding within a period: there are no Floquet exponents"
        )
    held = [np.abs(found) > least for found in multipliers]
    exponents = [
        np.log(found[keep]) / period for found, keep in zip(multipliers, held, strict=True)
    ]
    if vectors:
        vectors = [found[:, keep] for found, keep in zip(vectors, held, strict=True)]
    return exponents, vectors, sum(int(np.sum(~keep)) for keep in held)


def _sorted(values):
    return values[np.lexsort((values.real, -values.imag))]


def _rectangle(values):
    result = np.full((len(values), max(map(len, values), default=0)), np.nan, complex)
    for row, found in zip(result, values, strict=True):
        row[: len(found)] = found
    return result


def _lowest(waves, form):
    """The wavevector of least modulus among the waves of a block, in rad per length."""
    space = form.model.space
    k = []
    for axis, size in zip(space.axes, form.shape, strict=True):
        left, right = space.bases[axis].bounds
        modes = waves[:, len(k)]
        signed = np.where(modes > size // 2, modes - size, modes)
        k.append(2 * np.pi / (right - left) * signed)
    k = np.stack(k, axis=1)
    return k[np.argmin(np.linalg.norm(k, axis=1))]
