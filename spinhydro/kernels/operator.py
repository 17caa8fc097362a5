"""The operator F^-1{omega(k) F{A}}: a kernel as a node of Dedalus's expression trees."""

from functools import reduce
from itertools import product

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.core.field import Operand
from dedalus.core.operators import LinearOperator
from scipy import sparse

from spinhydro.dedalus_support.nyquist import RealFourierNyquist, nyquist
from spinhydro.errors import InputError, shorten

#: Multiplication by i on a pair (cos, -sin) of RealFourier coefficients.
_TURN = sparse.csr_matrix(np.array([[0.0, -1.0], [1.0, 0.0]]))
#: Larger imaginary parts than this are not rounding.
_ROUNDING = 1e-12


def space_axes(dist):
    """The axes of a distributor that are directions of space."""
    system = dist.single_coordsys
    coords = system.coords if system else dist.coords
    return [dist.get_axis(coord) for coord in coords]


def local_wavenumbers(domain, axes):
    """Return the wavenumbers of a rank's modes along some axes, >= 0 in real bases.

    Arrays that can be broadcast against each other; zero along axes on which a domain is constant.
    """
    elements = domain.dist.coeff_layout.local_elements(domain, scales=1)
    found = []
    for axis in axes:
        basis, local = domain.full_bases[axis], elements[axis]
        if basis is None:
            k = np.zeros(local.size)
        else:
            k = np.array(basis.wavenumbers, dtype=float)[local]
            if isinstance(basis, RealFourierNyquist) and basis.size % 2 == 0:
                k[local == 1] = nyquist(basis)
        shape = [1] * domain.dist.dim
        shape[axis] = local.size
        found.append(k.reshape(shape))
    return found


class KernelOperator(LinearOperator):
    r"""The operator ``W(m)``: :math:`\mathcal{F}^{-1}\{\omega(\mathbf{k})\, \mathcal{F}\{A\}\}`.

    It is diagonal in the wavenumbers, so that it may appear on either side of an equation, under
    MPI, and beside axes that are not directions of space (members).

    A real basis holds pairs (cos kx, -sin kx) for k >= 0 along each axis, each a complex number
    with its own imaginary unit. Split by parity,

    .. math:: \omega(\sigma_1 k_1, \ldots) =
              \sum_p \Omega_p(k) \prod_a (i \sigma_a)^{p_a}, \qquad \sigma_a = \pm 1,

    a factor :math:`i` rotates the pair along its axis. Only the even part acts on the Nyquist mode.

    Parameters
    ----------
    operand : operand
        Any tensor; a tensor kernel acts on its first index.
    kernel : Kernel

    Raises
    ------
    InputError
        For another basis than Fourier, or a kernel that cannot act on that space.
    """

    name = "Kernel"

    def __init__(self, operand, kernel, out=None):
        super().__init__(operand, out=out)
        self.operand, self.kernel = operand, kernel
        self.domain, self.dtype = operand.domain, operand.dtype
        self.tensorsig = operand.tensorsig
        self.axes = space_axes(operand.dist)
        for axis in self.axes:
            basis = self.domain.full_bases[axis]
            if basis is not None and not isinstance(basis, (RealFourier, ComplexFourier)):
                raise InputError(
                    f"{kernel} acts on Fourier bases; this field has {type(basis).__name__}"
                )
        kernel.check(self)
        size = kernel.components
        if size and (not self.tensorsig or self.tensorsig[0].dim != size):
            raise InputError(
                f"{kernel} is a {size} x {size} tensor and acts on vectors of {size} components"
            )
        # Now, so that a symbol that cannot act is refused on the line that applies it.
        self._kept = self._parity_parts()

    def __str__(self):
        return f"{self.kernel.name}({self.operand})"

    def new_operand(self, operand, **options):
        if not isinstance(operand, Operand):
            return 0
        return KernelOperator(operand, self.kernel, **options)

    def matrix_dependence(self, *variables):
        dependence = self.operand.matrix_dependence(*variables).copy()
        for axis in self.axes:
            dependence[axis] |= not self.domain.constant[axis]
        for part in self._kept.values():
            # Members, if the kernel differs between them.
            dependence |= np.array(part.shape[2:]) > 1
        return dependence

    def matrix_coupling(self, *variables):
        return self.operand.matrix_coupling(*variables)

    def check_conditions(self):
        return self.args[0].layout is self.dist.coeff_layout

    def enforce_conditions(self):
        self.args[0].require_coeff_space()

    def wavenumbers(self):
        """Wavenumbers of the local modes along every axis of space, >= 0 in real bases."""
        return local_wavenumbers(self.domain, self.axes)

    @property
    def _local_shape(self):
        elements = self.dist.coeff_layout.local_elements(self.domain, scales=1)
        return tuple(local.size for local in elements)

    def _turns(self):
        """The axes along which coefficients come in pairs."""
        return [a for a in self.axes if isinstance(self.domain.full_bases[a], RealFourier)]

    def _parity_parts(self):
        """``{axes that are turned: array (rows, columns, *local modes)}``."""
        k, turns = self.wavenumbers(), self._turns()
        signs = list(product((1, -1), repeat=len(turns)))
        values = {}
        for sign in signs:
            signed = list(k)
            for axis, s in zip(turns, sign, strict=True):
                i = self.axes.index(axis)
                signed[i] = s * k[i]
            values[sign] = self.kernel.matrix(*signed)
        scale = max((np.abs(v).max(initial=0) for v in values.values()), default=0) or 1.0
        is_real = np.issubdtype(self.dtype, np.floating)
        parts = {}
        for parity in product((0, 1), repeat=len(turns)):
            part = sum(
                value * np.prod([(-1j * s) ** p for s, p in zip(sign, parity, strict=True)])
                for sign, value in values.items()
            ) / len(signs)
            if is_real:
                if np.abs(part.imag).max(initial=0) > _ROUNDING * scale:
                    raise self.kernel.not_real(k, part.imag)
                part = part.real
            for axis, p in zip(turns, parity, strict=True):
                if p:
                    self._clear_signless(part, axis)
            if not any(parity) or np.abs(part).max(initial=0) > _ROUNDING * 1e-2 * scale:
                turned = tuple(a for a, p in zip(turns, parity, strict=True) if p)
                parts[turned] = np.ascontiguousarray(part)
        return parts

    def _clear_signless(self, part, axis):
        """Clear odd parts at k = 0 and at the Nyquist mode, which share a pair."""
        elements = self.dist.coeff_layout.local_elements(self.domain, scales=1)[axis]
        index = [slice(None)] * part.ndim
        index[part.ndim - self.dist.dim + axis] = elements < 2
        part[tuple(index)] = 0

    @property
    def nonzero(self):
        """Array (rows, columns): whether a component of the kernel is nonzero on this rank."""
        return np.any(
            [np.any(part != 0, axis=tuple(range(2, part.ndim))) for part in self._kept.values()],
            axis=0,
        )

    def operate(self, out):
        argument = self.args[0]
        out.preset_layout(self.dist.coeff_layout)
        if not argument.data.size:
            return
        rank = len(argument.tensorsig)
        for i, (turned, part) in enumerate(self._kept.items()):
            data = argument.data
            for axis in turned:
                data = _turn(data, rank + axis)
            if self.kernel.components:
                modes = part.shape[2:]
                padded = part.reshape(*part.shape[:2], *(1,) * (rank - 1), *modes)
                values = np.einsum("oi...,i...->o...", padded, data)
            else:
                values = part[0, 0] * data
            if i == 0:
                np.copyto(out.data, values)
            else:
                out.data += values

    def subproblem_matrix(self, subproblem):
        shape = subproblem.coeff_shape(self.domain)
        local = tuple(subproblem.coeff_slices(self.domain))
        outer = [system.dim for system in self.tensorsig]
        total = 0
        for turned, part in self._kept.items():
            turn = reduce(
                sparse.kron,
                [
                    sparse.kron(sparse.identity(n // 2), _TURN)
                    if axis in turned
                    else sparse.identity(n)
                    for axis, n in enumerate(shape)
                ],
            )
            part = np.broadcast_to(part, (*part.shape[:2], *self._local_shape))
            part = part[(slice(None), slice(None), *local)]
            rows, columns = part.shape[:2]
            rest = int(np.prod(outer[1:] if self.kernel.components else outer, dtype=int))
            for row, column in product(range(rows), range(columns)):
                place = sparse.csr_matrix(([1.0], ([row], [column])), shape=(rows, columns))
                place = sparse.kron(place, sparse.identity(rest))
                total = total + sparse.kron(place, sparse.diags(part[row, column].ravel()) @ turn)
        return sparse.csr_matrix(total)


def _turn(data, axis):
    """(a, b) -> (-b, a) for every pair along an axis."""
    shape = data.shape
    pairs = np.moveaxis(data.reshape(*shape[:axis], shape[axis] // 2, 2, *shape[axis + 1 :]),
                        axis + 1, 0)  # fmt: skip
    turned = np.stack([-pairs[1], pairs[0]], axis=0)
    return np.moveaxis(turned, 0, axis + 1).reshape(shape)


def rounded(value):
    """A number to four digits, for messages."""
    return shorten(f"{value:.4g}")
