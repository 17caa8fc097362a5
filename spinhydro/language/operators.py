"""Operators on spin indices that Dedalus lacks."""

import numpy as np
from dedalus.core import arithmetic
from dedalus.core.domain import Domain
from dedalus.core.field import Operand
from dedalus.core.future import FutureField

__all__ = ["SpinCross", "spin_cross"]

_LEVI_CIVITA = np.zeros((3, 3, 3), dtype=int)
_LEVI_CIVITA[[0, 1, 2], [1, 2, 0], [2, 0, 1]] = 1
_LEVI_CIVITA[[0, 2, 1], [2, 1, 0], [1, 0, 2]] = -1


def spin_cross(A, b):
    r"""Cross product of the last index of a tensor with a vector.

    .. math:: C_{i \ldots c} = \epsilon_{abc}\, A_{i \ldots a}\, b_b

    so that ``spin_cross(grad(s), s)`` is :math:`\partial_i \mathbf{s} \times \mathbf{s}` for every
    direction i of space.

    Parameters
    ----------
    A : operand of rank 1 or more
        Its last index has three components; the others stay in front.
    b : operand of rank 1
        Of the same coordinate system.

    Raises
    ------
    ValueError
        For numbers, scalars, or different coordinate systems.
    """
    return SpinCross(A, b)


class SpinCross(arithmetic.Product, FutureField):
    """Operand returned by `spin_cross`; allowed on both sides of an equation."""

    name = "SpinCross"

    def __init__(self, A, b, out=None, **options):
        if not all(isinstance(arg, Operand) and arg.tensorsig for arg in (A, b)):
            raise ValueError("it needs a tensor and a vector")
        system = b.tensorsig[0]
        if len(b.tensorsig) > 1 or A.tensorsig[-1] is not system or system.dim != 3:
            raise ValueError(
                "it needs a vector with three components as second argument, and the same "
                "components as last index of the first"
            )
        super().__init__(A, b, out=out)
        self.domain = Domain(A.dist, self._build_bases(A, b, **options))
        self.tensorsig = A.tensorsig
        self.dtype = np.result_type(A.dtype, b.dtype)
        nonconstant = np.array(self.domain.nonconstant)
        self.casts = [
            arithmetic.GhostBroadcaster(arg.domain, A.dist.grid_layout, nonconstant)
            for arg in (A, b)
        ]

    def new_operands(self, A, b, **options):
        if not (isinstance(A, Operand) and isinstance(b, Operand)):
            return 0
        return SpinCross(A, b, **options)

    def GammaCoord(self, A_tensorsig, b_tensorsig, out_tensorsig):
        """The coupling of components, for terms on the left side of an equation."""
        outer = np.eye(int(np.prod([system.dim for system in A_tensorsig[:-1]])), dtype=int)
        size = 3 * len(outer)
        return np.einsum("ij,abc->iabjc", outer, _LEVI_CIVITA).reshape(size, 3, size)

    def operate(self, out):
        out.preset_layout(self.args[0].layout)
        A, b = (cast.cast(arg) for cast, arg in zip(self.casts, self.args, strict=True))
        if not out.data.size:
            return
        rank = len(self.tensorsig)
        A, result = np.moveaxis(A, rank - 1, 0), np.moveaxis(out.data, rank - 1, 0)
        for c in range(3):
            a, d = (c + 1) % 3, (c + 2) % 3
            np.multiply(A[a], b[d], out=result[c])
            result[c] -= A[d] * b[a]
