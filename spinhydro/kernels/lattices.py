"""Exchange on lattices: omega(k) = sum over neighbours d of omega_J(d) (1 - cos k.d)."""

from itertools import product

import numpy as np

from spinhydro.errors import InputError, ParameterError, shown, unknown_name_message
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.operator import rounded
from spinhydro.kernels.parameters import is_positive

#: Continuations of a kernel on grids finer than the lattice constant.
BEYOND = ("refuse", "flat", "periodic")


class Lattice:
    """Primitive vectors and nearest neighbours of a lattice, for lattice constant 1.

    Attributes
    ----------
    primitive : array (D, D)
        Rows are the primitive vectors.
    neighbours : array (z, D)
        Whole multiples of the primitive vectors: one of each pair d, -d.
    """

    def __init__(self, primitive, neighbours):
        self.primitive = np.array(primitive, dtype=float)
        self.neighbours = np.array(neighbours, dtype=int)
        self.dimensions = len(self.primitive)

    @property
    def offsets(self):
        """Cartesian positions of the neighbours."""
        return self.neighbours @ self.primitive

    @property
    def curvature(self):
        """omega(k)/k^2 for k -> 0 with omega_J = a = 1."""
        return np.sum(self.offsets**2) / self.dimensions

    def zone(self):
        """Reciprocal vectors whose halves bound the Brillouin zone, and some more."""
        reciprocal = 2 * np.pi * np.linalg.inv(self.primitive).T
        whole = [n for n in product((-1, 0, 1), repeat=self.dimensions) if any(n)]
        return np.array(whole) @ reciprocal


_HALF = 0.5
LATTICES = {
    "chain": Lattice([[1]], [[1]]),
    "square": Lattice(np.eye(2), np.eye(2)),
    "triangular": Lattice(
        [[1, 0], [_HALF, np.sqrt(3) / 2]], [[1, 0], [0, 1], [1, -1]]
    ),
    "sc": Lattice(np.eye(3), np.eye(3)),
    "bcc": Lattice(
        [[-_HALF, _HALF, _HALF], [_HALF, -_HALF, _HALF], [_HALF, _HALF, -_HALF]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]],
    ),
    "fcc": Lattice(
        [[0, _HALF, _HALF], [_HALF, 0, _HALF], [_HALF, _HALF, 0]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0], [1, 0, -1], [0, 1, -1]],
    ),
}  # fmt: skip


def exchange_sum(offsets, rates):
    """``omega(*k)`` = sum over offsets of 2 rate (1 - cos k.d), exact for small k too.

    Parameters
    ----------
    offsets : array (n, D)
        One of each pair d, -d.
    rates : array (n,)
        omega_J = gamma J_d / mu, rad per time.
    """

    def omega(*k):
        total = 0.0
        for offset, rate in zip(offsets, rates, strict=True):
            phase = sum(component * d for component, d in zip(k, offset, strict=True))
            total = total + 4 * rate * np.sin(phase / 2) ** 2
        return total

    return omega


def lattice_kernel(name, a, omega_J=None, stiffness=None, beyond="refuse", axes="cartesian"):
    """Exchange between nearest neighbours of a lattice.

    Parameters
    ----------
    name : str
        One of LATTICES.
    a : float
        Lattice constant, > 0: the cubic one of bcc and fcc.
    omega_J, stiffness : float
        gamma J / mu, or omega(k)/k^2 for k -> 0 (gamma mu_0 M_s lambda_ex^2); one of them.
    beyond : str
        Treatment of a grid finer than the lattice: "refuse", "flat" (the value at the edge
        of the Brillouin zone), "periodic" (the formula as it is, with a second soft mode at
        2 pi/a).
    axes : str
        "cartesian", or "primitive": the coordinates run along the primitive vectors, in units of
        length (sheared axes), so that a grid of one point per site is the lattice.
    """
    lattice = LATTICES[name]
    _positive("a", a, name)
    _one_of("beyond", beyond, BEYOND)
    _one_of("axes", axes, ("cartesian", "primitive"))
    lengths = np.linalg.norm(lattice.primitive, axis=1)
    if axes == "primitive":
        # A coordinate measures the distance along its primitive vector.
        offsets, zone = lattice.neighbours * lengths * a, None
        edges = np.pi / (lengths * a)
    else:
        offsets, zone = lattice.offsets * a, lattice.zone() / a
        edges = np.full(lattice.dimensions, np.pi / a)
        if name in ("chain", "square", "sc"):
            zone = None
    rate = exchange_rate(name, omega_J, stiffness, lattice.curvature * a**2)
    omega = exchange_sum(offsets, [rate] * len(offsets))
    if beyond == "flat":
        if zone is not None:
            raise InputError(
                f"the kernel {name} cannot be continued flat beyond its Brillouin zone on "
                "Cartesian axes: take axes='primitive', or beyond='periodic'"
            )
        inner = omega

        def omega(*k):
            return inner(*(np.clip(q, -e, e) for q, e in zip(k, edges, strict=True)))

    check = None if beyond != "refuse" else zone_check(name, a, edges, zone)
    return Kernel(omega, name, check, arguments=lattice.dimensions, is_radial=False)


def exchange_rate(name, omega_J, stiffness, curvature):
    """Return omega_J, as given or from the stiffness."""
    if (omega_J is None) == (stiffness is None):
        raise InputError(
            f"the kernel {name} takes omega_J (gamma J/mu) or stiffness (gamma mu_0 M_s "
            "lambda_ex^2), one of them"
        )
    rate = omega_J if stiffness is None else stiffness / curvature
    if not np.isfinite(rate):
        raise ParameterError(f"the exchange of the kernel {name} is not finite")
    return rate


def zone_check(name, a, edges, zone):
    """Return a check that raises InputError if a grid resolves more than the Brillouin zone."""

    def check(operator):
        k = operator.wavenumbers()
        if zone is None:
            outside = [np.any(np.abs(q) > e * (1 + 1e-9)) for q, e in zip(k, edges, strict=True)]
        else:
            outside = []
            for vector in zone:
                along = sum(q * g for q, g in zip(k, vector, strict=True))
                outside.append(np.any(np.abs(along) > vector @ vector / 2 * (1 + 1e-9)))
        if not operator.dist.comm.allreduce(int(any(outside))):
            return
        largest = max(float(np.abs(q).max(initial=0)) for q in k)
        raise InputError(
            f"the grid is finer than the lattice of {operator.kernel}: it holds wavenumbers up to "
            f"{rounded(largest)}, beyond the Brillouin zone of a = {rounded(a)}, where omega falls "
            "to zero again and spurious waves live. Take cells of at least "
            f"{rounded(float(np.pi / np.min(edges)))}"
            + (", axes='primitive'" if zone is not None else "")
            + ", or beyond='flat' (omega stays at its edge value) or beyond='periodic'"
        )

    return check


def shells_kernel(
    bonds=None, vectors=None, name="exchange", beyond="periodic", a=None, stiffness=None, cells=None
):
    """Exchange with any set of neighbours, or between the cells of a grid.

    Parameters
    ----------
    bonds : dict
        ``{(offset): omega_J}`` with one of each pair d, -d: offsets are positions, or whole
        multiples of the rows of `vectors` if these are given; omega_J = gamma J_d/mu.
    vectors : array (D, D), optional
        Primitive vectors. Cartesian axes; for sheared axes give offsets as multiples of the
        lengths of the vectors and leave this out.
    beyond, a
        "refuse" needs a, the smallest cell allowed.
    stiffness, cells
        In place of bonds: the lengths of a grid's cells along each axis. Neighbouring cells are
        coupled with stiffness/length^2, so that omega(k) is stiffness k^2 for small k.
    """
    if bonds is None:
        bonds = _bonds_between_cells(name, stiffness, cells)
    elif stiffness is not None or cells is not None:
        raise InputError(f"the kernel {name} takes bonds, or stiffness and cells, not both")
    _one_of("beyond", beyond, ("refuse", "periodic"))
    offsets = np.array([np.atleast_1d(d) for d in bonds], dtype=float)
    if any(np.ndim(rate) for rate in bonds.values()):
        raise ParameterError(f"the kernel {name} takes one number omega_J for each bond")
    rates = np.array(list(bonds.values()), dtype=float)
    if vectors is not None:
        vectors = np.array(vectors, dtype=float)
        if len(vectors) != offsets.shape[1]:
            raise ParameterError(
                f"the kernel {name} has offsets of {offsets.shape[1]} components and "
                f"{len(vectors)} primitive vectors: as many of both"
            )
        offsets = offsets @ vectors
    if not np.all(np.any(offsets, axis=1)):
        raise ParameterError(f"the kernel {name} has a bond of length 0")
    for i, d in enumerate(offsets):
        twins = [e for e in offsets[i + 1 :] if np.allclose(d, e) or np.allclose(d, -e)]
        if twins:
            raise ParameterError(
                f"the kernel {name} has the bond {tuple(map(float, d))} twice: give one of d and "
                "-d, each pair of spins is counted once"
            )
    check = None
    if beyond == "refuse":
        _positive("a", a, name)
        check = zone_check(name, a, np.full(offsets.shape[1], np.pi / a), None)
    omega = exchange_sum(offsets, rates)
    return Kernel(omega, name, check, arguments=offsets.shape[1], is_radial=False)


def _bonds_between_cells(name, stiffness, cells):
    """Bonds of one cell of a grid to its neighbours along each axis."""
    if cells is None or stiffness is None:
        raise InputError(
            f"the kernel {name} takes bonds={{offset: omega_J, …}}, one of each pair of "
            "neighbours, or stiffness and cells"
        )
    lengths = np.atleast_1d(np.asarray(cells, dtype=float))
    return {tuple(offset): stiffness / offset.sum() ** 2 for offset in np.diag(lengths)}


def neighbours_kernel(lattice, a, omega_E, axes="cartesian"):
    r"""The mean over nearest neighbours: omega(k) = omega_E (1/z) sum_d cos k.d.

    The exchange between two sublattices (antiferromagnets, ferrimagnets): with
    :math:`\omega_E = z \gamma |J| / \mu` it enters the field on A as ``- W_AB(m_B)``.
    """
    if lattice not in LATTICES:
        raise ParameterError(unknown_name_message("lattice", lattice, LATTICES))
    _positive("a", a, "neighbours")
    _one_of("axes", axes, ("cartesian", "primitive"))
    found = LATTICES[lattice]
    lengths = np.linalg.norm(found.primitive, axis=1)
    offsets = (found.neighbours * lengths if axes == "primitive" else found.offsets) * a

    def omega(*k):
        total = 0.0
        for offset in offsets:
            total = total + np.cos(sum(q * d for q, d in zip(k, offset, strict=True)))
        return omega_E * total / len(offsets)

    return Kernel(omega, "neighbours", arguments=found.dimensions, is_radial=False)


def _positive(what, value, name):
    if not is_positive(value):
        raise ParameterError(f"the kernel {name} needs one number {what} > 0, not {shown(value)}")


def _one_of(what, value, allowed):
    if value not in allowed:
        raise ParameterError(unknown_name_message(what, value, allowed))
