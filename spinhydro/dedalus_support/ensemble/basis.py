"""The member axis in Dedalus: a first axis that is neither differentiated nor transformed.

It stays split over the ranks in every layout, so that the members never communicate.
"""

import math

import numpy as np
from dedalus.core import arithmetic, coords, operators
from dedalus.core.basis import IntervalBasis
from dedalus.core.distributor import Distributor, Layout, Transform
from dedalus.core.field import Field, Operand
from dedalus.tools.array import reshape_vector
from dedalus.tools.cache import CachedClass, CachedMethod
from scipy import sparse

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import InputError


class Members(IntervalBasis, metaclass=CachedClass):
    """Basis of the member axis: its coefficients are its grid values.

    Parameters
    ----------
    coord : d3.Coordinate
    size : int
        Number of members.
    """

    group_shape = (1,)
    native_bounds = (0, 1)
    subaxis_dependence = [False]
    constant_mode_value = 1

    def __init__(self, coord, size):
        super().__init__(coord, size, (0.0, float(size)), (1,))

    def _same(self, other):
        return self if other is None or other is self else NotImplemented

    __add__ = __mul__ = __rmatmul__ = _same

    def __pow__(self, other):
        return self

    def grid_shape(self, scales):
        """Members are never interpolated."""
        return (self.size,)

    def elements_to_groups(self, grid_space, elements):
        return elements

    def valid_elements(self, tensorsig, grid_space, elements):
        return np.ones(tuple(system.dim for system in tensorsig) + elements[0].shape, dtype=bool)

    def global_grid(self, dist, scale):
        """The numbers of the members: 0, 1, 2, …"""
        return reshape_vector(
            np.arange(self.size, dtype=float), dim=dist.dim, axis=dist.get_basis_axis(self)
        )

    def local_grid(self, dist, scale):
        mine = dist.grid_layout.slices(self.domain(dist), scales=1)[dist.get_basis_axis(self)]
        return reshape_vector(
            np.arange(self.size, dtype=float)[mine], dim=dist.dim, axis=dist.get_basis_axis(self)
        )

    def forward_transform(self, field, axis, gdata, cdata):
        """Do nothing: grid and coefficients are one buffer."""

    def backward_transform(self, field, axis, cdata, gdata):
        """Do nothing: grid and coefficients are one buffer."""


class ConvertToMembers(operators.ConvertConstant, operators.SpectralOperator1D):
    """Constant along the member axis."""

    output_basis_type = Members
    subaxis_dependence = [False]
    subaxis_coupling = [False]

    def check_conditions(self):
        return True

    def enforce_conditions(self):
        pass

    @CachedMethod
    def _caster(self, layout):
        dims = np.arange(self.dist.dim) == self.first_axis
        return arithmetic.GhostBroadcaster(self.args[0].domain, layout, dims)

    def operate(self, out):
        operand = self.args[0]
        out.preset_layout(operand.layout)
        values = self._caster(operand.layout).cast(operand)
        if out.data.size:
            out.data[...] = values

    def subproblem_matrix(self, subproblem):
        raise InputError("the left side of an equation has a variable without the member axis")


class _EachMember:
    """Identity: integrals and averages leave the member axis as it is."""

    input_coord_type = coords.Coordinate
    input_basis_type = Members

    def __new__(cls, operand, coord):
        return operand


class IntegrateEachMember(_EachMember, operators.Integrate, operators.SpectralOperator1D):
    """integ(f) of every member."""


class AverageEachMember(_EachMember, operators.Average, operators.SpectralOperator1D):
    """ave(f) of every member."""


class MemberScale(operators.LinearOperator):
    """values[m] * operand for every member m, on either side of an equation.

    Parameters
    ----------
    operand : Dedalus operand with the member axis
    factor : PerMember
    """

    name = "MemberScale"

    def __init__(self, operand, factor, out=None):
        if np.iscomplexobj(factor.values) and not np.issubdtype(operand.dtype, np.complexfloating):
            raise ValueError("a complex number does not go into a real problem")
        super().__init__(operand, out=out)
        self.operand, self.factor = operand, factor
        self.domain, self.tensorsig, self.dtype = operand.domain, operand.tensorsig, operand.dtype

    def new_operand(self, operand, **options):
        return MemberScale(operand, self.factor, **options) if isinstance(operand, Operand) else 0

    def matrix_dependence(self, *variables):
        dependence = np.array(self.operand.matrix_dependence(*variables))
        dependence[self.dist.member_axis] = True
        return dependence

    def matrix_coupling(self, *variables):
        return self.operand.matrix_coupling(*variables)

    def subproblem_matrix(self, subproblem):
        shape, axis = subproblem.coeff_shape(self.domain), self.dist.member_axis
        member = subproblem.group[axis]
        if member is None:
            values = self.dist.local_members(self.factor.values)
        else:
            values = self.factor.values[member]
        components = math.prod(system.dim for system in self.tensorsig)
        return sparse.diags(np.tile(np.broadcast_to(values, shape).ravel(), components)).tocsr()

    def check_conditions(self):
        return True

    def enforce_conditions(self):
        pass

    def operate(self, out):
        operand = self.args[0]
        out.preset_layout(operand.layout)
        np.multiply(self.dist.local_members(self.factor.values), operand.data, out=out.data)


class EnsembleDistributor(Distributor):
    """Distributor of (member, space …) whose fields have the member axis automatically.

    Fields without bases, such as time and unit vectors, are the same for all members.

    Parameters
    ----------
    space : d3.CartesianCoordinates
    members : int
    comm : MPI communicator
        Not more ranks than members.
    dtype : np.float64 or np.complex128
    """

    member_axis = 0

    def __init__(self, space, members, comm, dtype):
        self.member = coords.Coordinate("member")
        super().__init__((self.member, space), comm=comm, mesh=(comm.size,), dtype=dtype)
        # grad, lap and div act on space only.
        self.single_coordsys = space
        self.members = Members(self.member, members)

    def _build_layouts(self, dry_run=False):
        """Like Dedalus's, but the first axis stays where it is and there are no transposes."""
        local, grid_space = [True] * self.dim, [False] * self.dim
        local[self.member_axis] = self.comm.size == 1
        self.layouts, self.paths, self.transforms = [Layout(self, local, grid_space)], [], []
        self.layouts[0].index = 0
        for axis in reversed(range(self.dim)):
            grid_space[axis] = True
            layout = Layout(self, local, grid_space)
            layout.index = len(self.layouts)
            path = Transform(self.layouts[-1], layout, axis)
            self.layouts.append(layout)
            self.paths.append(path)
            self.transforms.insert(0, path)
        self.coeff_layout, self.grid_layout = self.layouts[0], self.layouts[-1]
        self.layout_references = {"c": self.coeff_layout, "g": self.grid_layout}

    def local_members(self, values):
        """The part (members of this rank, 1, …) of values (members,), to broadcast on the grid."""
        (mine, *_) = self.grid_layout.slices(self.members.domain(self), scales=1)
        return np.reshape(values[mine], (-1, *[1] * (self.dim - 1)))

    def Field(self, bases=None, *arguments, **options):
        return super().Field(self._with_members(bases), *arguments, **options)

    def VectorField(self, coordsys, bases=None, *arguments, **options):
        return super().VectorField(coordsys, self._with_members(bases), *arguments, **options)

    def TensorField(self, tensorsig, bases=None, *arguments, **options):
        return super().TensorField(tensorsig, self._with_members(bases), *arguments, **options)

    ScalarField = Field

    def _with_members(self, bases):
        bases = bases if isinstance(bases, (tuple, list)) else (bases,)
        bases = tuple(basis for basis in bases if basis is not None)
        for basis in bases:
            for bound in getattr(basis, "bounds", ()):
                # Raises if the box differs from member to member.
                float(bound)
        if not bases or self.members in bases:
            return bases
        return (self.members, *bases)


def field_of(factor, dist):
    """The values of all members as a field of the member axis alone."""
    if not isinstance(dist, EnsembleDistributor):
        raise factor._refused("this problem has no members: write dist = spinhydro.distributor(…)")
    field = Field(dist, bases=(dist.members,), name=" and ".join(factor.names) or None)
    if np.iscomplexobj(factor.values) and not np.iscomplexobj(field["g"]):
        raise ValueError("a complex number does not go into a real problem")
    field["g"] = factor.local()
    return field


def combine(symbol, factor, operand):
    """``factor <symbol> operand`` of a PerMember and a Dedalus operand."""
    if symbol in ("__mul__", "__rmul__"):
        return _product(factor, operand)
    if symbol == "__truediv__":
        return _product(factor, operand**-1)
    if symbol == "__rtruediv__":
        return _product(1 / factor, operand)
    if symbol in ("__add__", "__radd__"):
        return field_of(factor, operand.dist) + operand
    if symbol == "__sub__":
        return field_of(factor, operand.dist) + (-1) * operand
    if symbol == "__rsub__":
        return operand + field_of(-factor, operand.dist)
    if symbol in ("__pow__", "__rpow__"):
        raise factor._refused("an exponent is the same for all members")
    raise ValueError("@ contracts vectors; a number of each member is none")


def _product(factor, operand):
    if operand.domain.full_bases[0] is not None and isinstance(operand.dist, EnsembleDistributor):
        return MemberScale(operand, factor)
    return field_of(factor, operand.dist) * operand


def _leaving_members_to_themselves(stock):
    """Method of Dedalus's operands that defers ``field * per_member`` to PerMember.__rmul__."""

    def operate(self, other):
        return NotImplemented if isinstance(other, PerMember) else stock(self, other)

    return operate


for _symbol in ("__add__", "__sub__", "__mul__", "__truediv__", "__pow__", "__matmul__"):
    setattr(Operand, _symbol, _leaving_members_to_themselves(getattr(Operand, _symbol)))
