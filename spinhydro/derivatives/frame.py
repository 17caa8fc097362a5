"""Rotating and moving frames, in which a state that only rotates or moves is at rest."""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy.linalg import expm

#: Largest failure of a symmetry, relative to the rate.
SYMMETRIC = 1e-9
#: Directions whose part outside the others is smaller than this add nothing to them.
INDEPENDENT = 1e-6


@dataclass(frozen=True)
class Symmetry:
    """A continuous symmetry of the equations.

    Attributes
    ----------
    name : str
        "rotation of m about z", "velocity along x", …
    direction : callable
        The change of real values (components, *shape) per unit, as a JAX function.
    is_translation : bool
    """

    name: str
    direction: object
    is_translation: bool = False


@dataclass(frozen=True)
class Frame:
    r"""The frame in which :math:`\dot U = F(U) - \sum_i c_i D_i(U)`.

    D_i(U) is the change of the state by a symmetry: a phase, a rotation of spins, a translation
    (c is the velocity then), or a constant that is added to a phase.

    Attributes
    ----------
    form : RealForm
    symmetries : sequence of Symmetry
    coefficients : array
        Phases and rotations in rad per time, velocities in length per time.
    """

    form: object
    symmetries: tuple = ()
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def directions(self, values):
        """The changes D_i of a state, (symmetries, components, *shape)."""
        np_ = self.form.np
        if not self.symmetries:
            return np_.zeros((0, *values.shape))
        return np_.stack([symmetry.direction(values) for symmetry in self.symmetries])

    def rate(self, values, coefficients=None):
        """The rate of change of real values in this frame, a JAX function."""
        if coefficients is None:
            coefficients = self.coefficients
        rate = self.form.rate(values)
        if self.symmetries:
            rate = rate - self.form.np.tensordot(coefficients, self.directions(values), 1)
        return rate

    @property
    def moves(self):
        """True if the frame moves in space."""
        return any(symmetry.is_translation for symmetry in self.symmetries)

    def text(self, time="", length=""):
        """Words for a table, "" for the frame of the file."""
        speed = f" {length or 'length'}/{time or 'time'}"
        rotation = f" rad/{time}" if time else ""
        largest = np.abs(self.coefficients).max(initial=0)
        return ", ".join(
            f"{symmetry.name} {c:.10g}{speed if symmetry.is_translation else rotation}"
            for symmetry, c in zip(self.symmetries, self.coefficients, strict=True)
            if abs(c) > 1e-12 * largest
        )


def nearest_frame(form, symmetries, values, rate):
    """The frame in which a state with some rate changes least."""
    frame = Frame(form, tuple(symmetries), np.zeros(len(symmetries)))
    columns = np.asarray(frame.directions(values)).reshape(len(symmetries), values.size).T
    sizes = np.linalg.norm(columns, axis=0)
    # Rounding of what vanishes, such as the derivative of a constant, is not a direction.
    kept = sizes > INDEPENDENT * np.linalg.norm(values)
    if not kept.any():
        return Frame(form)
    found = np.linalg.lstsq(columns[:, kept] / sizes[kept], np.ravel(rate), rcond=INDEPENDENT)[0]
    chosen = tuple(s for s, keep in zip(symmetries, kept, strict=True) if keep)
    return Frame(form, chosen, found / sizes[kept])


def find_symmetries(form, values):
    """Continuous symmetries of the equations, verified at a state without symmetries."""
    random = np.random.default_rng(1)
    outside = values + 0.1 * np.abs(values).max() * random.standard_normal(values.shape)
    values = np.asarray(form.project(outside))
    rate = np.asarray(form.compiled_rate(values))
    size = np.abs(rate).max() or 1.0

    def commutes(change):
        difference = np.asarray(form.compiled_rate(change(values))) - change(rate)
        if np.abs(difference).max() > SYMMETRIC * size:
            return False
        difference = np.asarray(form.project(change(outside))) - change(values)
        return np.abs(difference).max() <= SYMMETRIC * np.abs(values).max()

    def allows(matrix):
        turn = expm(0.7 * matrix)
        return commutes(lambda v: np.tensordot(turn, v, 1))

    rotations = []
    for group in _candidates(form):
        parts = [
            Symmetry(name, _product(form.np, matrix))
            for name, matrix in group.items()
            if allows(matrix)
        ]
        # All together rotate like the sum, which is the last.
        rotations += parts[:-1] if len(parts) == len(group) > 1 else parts
    return [
        *_drifts(form, values, rate, size),
        *rotations,
        *(
            Symmetry(f"velocity along {name}", _shift(form, axis), is_translation=True)
            for axis, name in enumerate(form.axis_names, start=1)
            if commutes(lambda v, axis=axis: np.roll(v, 1, axis))
        ),
    ]


def _drifts(form, values, rate, size):
    """Yield components that enter the equations through derivatives only, such as a phase."""
    for i in range(form.components):
        moved = values.copy()
        moved[i] += 1 + np.abs(values[i]).max()
        if np.abs(np.asarray(form.compiled_rate(moved)) - rate).max() <= SYMMETRIC * size:
            constant = np.zeros_like(values)
            constant[i] = 1
            yield Symmetry(f"drift of component {i}", lambda v, constant=constant: constant + 0 * v)


def _product(np_, matrix):
    return lambda values: np_.tensordot(matrix, values, 1)


def _shift(form, axis):
    """The derivative -d/dx of values: their change by a motion at unit velocity."""
    size, np_ = form.shape[axis - 1], form.np
    k = 2 * np.pi / form.box[axis - 1] * np.fft.fftfreq(size, 1 / size)
    if size % 2 == 0:
        k[size // 2] = 0
    symbol = (-1j * k).reshape([-1 if a == axis else 1 for a in range(len(form.shape) + 1)])
    return lambda values: np_.real(np_.fft.ifft(symbol * np_.fft.fft(values, axis=axis), axis=axis))


def _candidates(form):
    """Yield groups {name: matrix} of phases, or of rotations of vectors about one axis.

    The last of several is the sum of the others.
    """
    model, size = form.model, form.components
    if form.is_complex:
        yield from _unitary(size // 2)
        return
    vectors = {
        variable.name: first
        for variable, first in model.lowering.first_component.items()
        if [system.dim for system in variable.tensorsig] == [3]
    }
    for axis in range(3):
        turns = {
            f"rotation of {name} about {'xyz'[axis]}": _rotation(size, first, axis)
            for name, first in vectors.items()
        }
        if len(turns) > 1:
            turns[f"rotation about {'xyz'[axis]}"] = sum(turns.values())
        yield turns


def _unitary(components):
    """Yield groups of phases, and of rotations between two complex components or three."""
    eye = np.eye(components)

    def unit(i, j):
        return np.outer(eye[i], eye[j])

    phases = {f"phase of component {i}": 1j * unit(i, i) for i in range(components)}
    if components > 1:
        phases["phase"] = 1j * eye
    groups = [phases]
    for i, j in combinations(range(components), 2):
        name = f"rotation of components {i} and {j} about"
        groups.append({f"{name} x": -0.5j * (unit(i, j) + unit(j, i))})
        groups.append({f"{name} y": 0.5 * (unit(j, i) - unit(i, j))})
    if components == 3:
        # Spin one.
        raising = np.sqrt(2) * (unit(0, 1) + unit(1, 2))
        groups.append({"rotation about x": -0.5j * (raising + raising.T)})
        groups.append({"rotation about y": 0.5 * (raising.T - raising)})
    for group in groups:
        yield {name: _real_matrix(matrix) for name, matrix in group.items()}


def _real_matrix(matrix):
    """A complex matrix that acts on real parts, followed by imaginary parts."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


def _rotation(size, first, axis):
    """The matrix of e x U for the three components from `first` on."""
    matrix = np.zeros((size, size))
    j, k = first + (axis + 1) % 3, first + (axis + 2) % 3
    matrix[k, j], matrix[j, k] = 1, -1
    return matrix
