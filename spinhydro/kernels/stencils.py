"""Exchange as a sum over neighbours on the grid: the lattice kernels without a transform.

>>> W = spinhydro.stencil("chain", a=a, stiffness=omega_M * lambda_ex**2)

is used in equations as the kernel of the same name, on a grid of one point per site.
"""

from functools import partial
from itertools import combinations

import numpy as np
from dedalus.core.field import Operand

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import InputError, ParameterError, shown, unknown_name_message
from spinhydro.kernels.continuum import crossed_with
from spinhydro.kernels.formulas import LATTICE_STENCIL, STENCILS
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.kinds import Kind, make
from spinhydro.kernels.lattices import LATTICES, exchange_rate, exchange_sum
from spinhydro.kernels.parameters import is_positive
from spinhydro.kernels.stencil_operator import StencilOperator


class Stencil(Kernel):
    r"""Weights of a spin's neighbours on the grid.

    Of a field, ``W(m)`` is the operator

    .. math:: (W m)(\mathbf{r}) = \sum_d C_d\, m(\mathbf{r} + d)

    with offsets d in grid points, round the periodic box; of numbers, ``W(k)`` is its omega(k).

    Parameters
    ----------
    omega : callable
        omega(*phases), the sum over C_d exp(i d.phases) as an array or tensor; phases = k times
        the distance of grid points.
    name : str
        For messages.
    weights : dict
        ``{d: C_d}``: d a tuple of whole numbers, C_d a number, one for each member, or an array
        (3, 3).
    cells : sequence of float, optional
        Distances of grid points for which it is made; without them those of the first grid that
        it acts on, and numbers k are phases until then.
    """

    def __init__(self, omega, name, weights, cells=None):
        self._omega, self.weights, self.cells = omega, weights, cells
        dimensions = len(next(iter(weights)))
        #: What numbers k are multiplied with: distances of the first grid, if none are given.
        self._unit = (1.0,) * dimensions if cells is None else tuple(cells)

        def function(*k):
            return omega(*(q * size for q, size in zip(k, self._unit, strict=True)))

        super().__init__(function, name, arguments=dimensions)
        self._on_cells = {}

    def __str__(self):
        return f"the stencil {self.name}"

    def __call__(self, *arguments):
        if len(arguments) == 1 and isinstance(arguments[0], Operand):
            return StencilOperator(arguments[0], self)
        return super().__call__(*arguments)

    def on_cells(self, cells):
        """Return this stencil on a grid of this spacing."""
        cells = tuple(cells)
        if self.cells is None and not self._on_cells:
            self._unit = cells
        if cells not in self._on_cells:
            self._on_cells[cells] = Stencil(self._omega, self.name, self.weights, cells)
        return self._on_cells[cells]

    @property
    def reach(self):
        """The farthest neighbour along each axis."""
        return np.abs(list(self.weights)).max(axis=0)


def lattice_stencil(name, a, omega_J=None, stiffness=None):
    """Exchange between nearest neighbours, ``omega_J * sum over neighbours of m(r) - m(r + d)``.

    Parameters
    ----------
    name : str
        One of LATTICES; the axes of the grid run along its primitive vectors.
    a : float
        Lattice constant, > 0: the cubic one of bcc and fcc.
    omega_J, stiffness : float
        gamma J / mu, or omega(k)/k^2 for k -> 0; one of them.
    """
    lattice, cells = LATTICES[name], _cells(name, LATTICES[name], a)
    rate = exchange_rate(name, omega_J, stiffness, lattice.curvature * a**2)
    return _exchange(name, lattice.neighbours, [rate] * len(lattice.neighbours), cells)


def shells_stencil(bonds, a=None):
    """Exchange with any set of neighbours.

    Parameters
    ----------
    bonds : dict
        ``{offset: omega_J}`` with one of each pair d, -d; offsets are whole numbers of grid
        points, omega_J = gamma J_d/mu.
    a : float or one for each axis, optional
        The distance of grid points, which is then looked at, and gives W(k) its unit.
    """
    offsets, rates = _bonds("exchange", bonds)
    if any(np.ndim(rate) for rate in rates if not isinstance(rate, PerMember)):
        raise ParameterError("the stencil exchange takes a number omega_J for each bond")
    return _exchange("exchange", offsets, rates, _given_cells("exchange", a, offsets.shape[1]))


def dmi_stencil(bonds, a=None):
    """The antisymmetric exchange ``-sum over pairs of (m(r + d) - m(r - d)) x omega_d``.

    Parameters
    ----------
    bonds : dict
        ``{offset: (omega_x, omega_y, omega_z)}`` with one of each pair d, -d.
    a : float or one for each axis, optional
        As for "exchange".
    """
    offsets, vectors = _bonds("dmi", bonds)
    if any(np.shape(vector) != (3,) for vector in vectors):
        raise ParameterError("the stencil dmi takes (omega_x, omega_y, omega_z) for each bond")
    weights = {}
    for d, vector in zip(offsets, vectors, strict=True):
        weights[_tuple(d)] = -crossed_with(vector)
        weights[_tuple(-d)] = crossed_with(vector)
    return _weighted("dmi", weights, _given_cells("dmi", a, offsets.shape[1]))


def neighbours_stencil(lattice, a, omega_E):
    """omega_E times the mean over nearest neighbours: between two sublattices."""
    if lattice not in LATTICES:
        raise ParameterError(unknown_name_message("lattice", lattice, LATTICES))
    found = LATTICES[lattice]
    weight = omega_E / (2 * len(found.neighbours))
    weights = {_tuple(s * d): weight for d in found.neighbours for s in (1, -1)}
    return _weighted("neighbours", weights, _cells("neighbours", found, a))


KINDS = {
    **{name: Kind(partial(lattice_stencil, name), *LATTICE_STENCIL) for name in LATTICES},
    "exchange": Kind(shells_stencil, *STENCILS["exchange"]),
    "neighbours": Kind(neighbours_stencil, *STENCILS["neighbours"]),
    "dmi": Kind(dmi_stencil, *STENCILS["dmi"]),
}


def stencil(kind, **parameters):
    r"""Exchange as a sum over neighbours on the grid, for a lattice with one grid point per site.

    The same linear operator as the kernel of that name, without transforms: where nothing else of
    a problem needs k-space, a compiled step has none. Grids are periodic, of any size that loses
    no wave: odd, or even with ``spinhydro.RealFourierNyquist``; ``dealias = 1``. The axes run
    along the primitive vectors (for triangular, bcc and fcc sheared: a grid point of the basis is
    a site).

    Parameters
    ----------
    kind : str or dict
        One of KINDS (`spinhydro words` lists them with their parameters), or weights of your own,
        ``{offset: C_d}`` with whole offsets in grid points, the spin itself at (0,) included, and
        C_d a number or an array (3, 3): (W m)(r) = sum of C_d m(r + d).
    **parameters
        Of the kind; of weights: name, a.

    Returns
    -------
    Stencil
        ``W(m)`` of a field is an operator for strings and Python, ``W(k)`` its omega(k).

    Raises
    ------
    InputError (ParameterError)
        For a name, a parameter or a value that cannot be; when applied, for a grid that is not
        the lattice, or that loses waves.

    Notes
    -----
    Within one sublattice energy is conserved if C_{-d} is C_d transposed. Between the sublattices
    A and B of a lattice with a basis it is the pair that matters: ``W_AB`` with C_d in the field on
    A and ``W_BA`` with C_d transposed at -d in the field on B. Each of them alone may reach to one
    side, as ``{(0, 0): w, (-1, 0): w, (0, -1): w}`` of the honeycomb.
    """
    if isinstance(kind, dict):
        return _own_weights(kind, **parameters)
    return make("stencil", KINDS, kind, parameters)


def _own_weights(weights, name="of weights", a=None):
    found = {}
    for d, weight in zip(*_offsets_and_values(name, weights), strict=True):
        if not isinstance(weight, PerMember):
            weight = np.asarray(weight)
            if weight.shape not in ((), (3, 3)) or weight.dtype.kind not in "biuf":
                raise ParameterError(
                    f"the stencil {name} takes a real number or 3 x 3 of them at {_tuple(d)}"
                )
        found[_tuple(d)] = weight
    _check_finite(name, found.values())
    if len({np.shape(w) for w in found.values() if not isinstance(w, PerMember)}) > 1:
        raise ParameterError(f"the stencil {name} mixes numbers and 3 x 3 weights: write it as two")
    dimensions = len(next(iter(found)))
    return _weighted(name, found, _given_cells(name, a, dimensions))


def _exchange(name, offsets, rates, cells):
    _check_finite(name, rates)
    dimensions = len(offsets[0])
    weights = {(0,) * dimensions: 2 * sum(rates)}
    for d, rate in zip(offsets, rates, strict=True):
        for site in (_tuple(d), _tuple(-d)):
            weights[site] = -1 * rate
    return Stencil(exchange_sum(offsets, rates), name, weights, cells)


def _weighted(name, weights, cells):
    _check_finite(name, weights.values())

    def omega(*phases):
        shape = np.broadcast_shapes(*(np.shape(q) for q in phases))
        total = 0
        for d, weight in weights.items():
            wave = np.exp(1j * sum(q * n for q, n in zip(phases, d, strict=True)))
            if np.ndim(weight) and not isinstance(weight, PerMember):
                weight = weight.reshape(3, 3, *(1,) * len(shape))
            total = total + weight * wave
        return total

    return Stencil(omega, name, weights, cells)


def _bonds(name, bonds):
    """Offsets (n, D), one of each pair, and their values."""
    offsets, values = _offsets_and_values(name, bonds)
    _check_finite(name, values)
    if not np.all(np.any(offsets, axis=1)):
        raise ParameterError(f"the stencil {name} has a bond of length 0")
    for (d, value), (e, other) in combinations(zip(offsets, values, strict=True), 2):
        if np.array_equal(d, -e):
            same = np.array_equal(value, other)
            raise ParameterError(
                f"the stencil {name} has the bonds {_tuple(d)} and {_tuple(e)}"
                + ("" if same else f" with different values, {shown(value)} and {shown(other)}")
                + ": give one of d and -d, each pair of spins is counted once"
            )
    return offsets, values


def _offsets_and_values(name, given):
    if not isinstance(given, dict) or not given:
        raise InputError(f"the stencil {name} takes {{offset: value, …}}, and at least one")
    try:
        offsets = np.array([np.atleast_1d(d) for d in given], dtype=float)
    except (ValueError, TypeError):
        offsets = np.zeros((1, 0))
    if offsets.ndim != 2 or not 1 <= offsets.shape[1] <= 3:
        raise ParameterError(
            f"the offsets of the stencil {name} are 1, 2 or 3 whole numbers of grid points, all "
            "alike: (1, 0)"
        )
    if not np.array_equal(offsets, np.round(offsets)):
        wrong = next(d for d in offsets if not np.array_equal(d, np.round(d)))
        raise ParameterError(
            f"the stencil {name} has the offset {tuple(map(float, wrong))}: whole numbers of grid "
            "points are needed"
        )
    return offsets.astype(int), list(given.values())


def _check_finite(name, values):
    for value in values:
        try:
            fine = np.all(np.isfinite(np.asarray(getattr(value, "values", value), dtype=float)))
        except (TypeError, ValueError):
            fine = False
        if not fine:
            raise ParameterError(f"the stencil {name} needs finite real values, not {shown(value)}")


def _cells(name, lattice, a):
    """Distances of sites along the primitive vectors."""
    if not is_positive(a):
        raise ParameterError(f"the stencil {name} needs one number a > 0, not {shown(a)}")
    return tuple(float(a) * np.linalg.norm(lattice.primitive, axis=1))


def _given_cells(name, a, dimensions):
    if a is None:
        return None
    if np.size(a) not in (1, dimensions):
        raise ParameterError(
            f"the stencil {name} takes one distance a of grid points, or {dimensions} of them, not "
            f"{shown(a)}"
        )
    return tuple(np.broadcast_to(np.ravel(np.asarray(a, dtype=float)), dimensions))


def _tuple(offset):
    return tuple(int(i) for i in offset)
