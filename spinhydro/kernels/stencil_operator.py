"""A sum over neighbours on the grid as a node of Dedalus's expression trees."""

import numpy as np
from dedalus.core.basis import RealFourier
from dedalus.core.field import Operand

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.nyquist import RealFourierNyquist
from spinhydro.errors import InputError
from spinhydro.kernels.halo import Halo
from spinhydro.kernels.operator import KernelOperator, rounded, space_axes


class StencilOperator(KernelOperator):
    r"""The operator ``W(m)`` of a stencil, evaluated on the grid: sum of C_d m(r + d).

    On the left side of an equation it is the kernel with the same omega(k). Where an axis of the
    grid is split over ranks, they exchange the planes at their edges.

    Parameters
    ----------
    operand : operand
        Any tensor; weights (3, 3) act on its first index.
    stencil : Stencil

    Raises
    ------
    InputError
        For a grid that is not one point per site, or that loses waves.
    """

    name = "Stencil"

    def __init__(self, operand, stencil, out=None):
        _check_grid(operand, stencil)
        super().__init__(operand, stencil.on_cells(_distances(operand)), out=out)
        self._halo = Halo(self.dist, self.domain, self.axes, stencil.reach)

    def new_operand(self, operand, **options):
        if not isinstance(operand, Operand):
            return 0
        return StencilOperator(operand, self.kernel, **options)

    def check_conditions(self):
        operand = self.args[0]
        return operand.layout is self.dist.grid_layout and all(s == 1 for s in operand.scales)

    def enforce_conditions(self):
        operand = self.args[0]
        operand.change_scales(1)
        operand.require_grid_space()

    def operate(self, out):
        operand = self.args[0]
        out.preset_layout(self.dist.grid_layout)
        # All ranks exchange, those without points too.
        shifted = self._halo.shifted(operand.data, rank=len(operand.tensorsig))
        if not out.data.size:
            return
        out.data.fill(0)
        for d, weight in self.kernel.weights.items():
            values = shifted(d)
            if isinstance(weight, PerMember):
                out.data += self.dist.local_members(weight.values) * values
            elif np.ndim(weight):
                out.data += np.einsum("ij,j...->i...", weight, values)
            else:
                out.data += weight * values


def _distances(operand):
    """Distance of grid points along every axis of space."""
    bases = [operand.domain.full_bases[axis] for axis in space_axes(operand.dist)]
    return [1.0 if b is None else (b.bounds[1] - b.bounds[0]) / b.size for b in bases]


def _check_grid(operand, stencil):
    """Raise InputError unless every grid point is a site, and no wave is lost."""
    axes, dimensions = space_axes(operand.dist), stencil.arguments
    if len(axes) != dimensions:
        raise InputError(
            f"{stencil} has {dimensions} dimension{'s' * (dimensions > 1)}, this space {len(axes)}"
        )
    distances = _distances(operand)
    for i, axis in enumerate(axes):
        basis = operand.domain.full_bases[axis]
        if basis is None:
            continue
        name = basis.coord.name
        if not hasattr(basis, "wavenumbers"):
            raise InputError(
                f"{stencil} acts on Fourier bases; this field has {type(basis).__name__}"
            )
        if operand.domain.dealias[axis] != 1:
            raise InputError(
                f"{stencil} needs every grid point to be a site, and the basis along {name} has "
                f"dealias = {rounded(operand.domain.dealias[axis])}: take dealias = 1, or the "
                "kernel (spinhydro.kernel)"
            )
        if basis.size % 2 == 0 and not isinstance(basis, RealFourierNyquist):
            real = isinstance(basis, RealFourier)
            raise InputError(
                f"{stencil} needs every wave of the lattice, and {type(basis).__name__} along "
                f"{name} loses one of an even number of sites, {basis.size}: take "
                + ("spinhydro.RealFourierNyquist, or " if real else "")
                + f"{basis.size + 1} sites, or the kernel (spinhydro.kernel)"
            )
        if stencil.cells is not None and abs(distances[i] / stencil.cells[i] - 1) > 1e-9:
            raise InputError(
                f"{stencil} needs one grid point per site: sites are {rounded(stencil.cells[i])} "
                f"apart along {name}, grid points {rounded(distances[i])}. Take {basis.size} sites "
                f"on a length of {rounded(basis.size * stencil.cells[i])}, or the kernel "
                "(spinhydro.kernel), which any grid can have"
            )
        if stencil.reach[i] >= basis.size:
            raise InputError(
                f"{stencil} reaches {stencil.reach[i]} sites along {name}, and there are "
                f"{basis.size}"
            )
