"""omega(k) as a word of an equation: exchange and magnetostatics as functions of wavenumber.

>>> W = spinhydro.kernel("chain", a=a, stiffness=omega_M * lambda_ex**2)
>>> H = (omega_0 + omega_K * (m @ ez)) * ez - W(m)
>>> problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")

Any function of ``k`` (or of ``kx, ky``) makes a kernel: ``W = spinhydro.kernel(lambda k: D*k**2)``.
"""

from functools import partial

from spinhydro.errors import InputError
from spinhydro.kernels.continuum import (
    dmi_kernel,
    film_kernel,
    micromagnetic_kernel,
    projector_kernel,
    table_kernel,
)
from spinhydro.kernels.kernel import Kernel, is_function_of_k
from spinhydro.kernels.kinds import Kind, make, table
from spinhydro.kernels.lattices import (
    LATTICES,
    lattice_kernel,
    neighbours_kernel,
    shells_kernel,
)
from spinhydro.kernels.operator import KernelOperator
from spinhydro.kernels.stencil_operator import StencilOperator
from spinhydro.kernels.stencils import Stencil, stencil

__all__ = [
    "KINDS", "Kernel", "KernelOperator", "Stencil", "StencilOperator", "is_function_of_k",
    "kernel", "projector", "stencil",
]  # fmt: skip

_LATTICE = "a, omega_J or stiffness, beyond, axes"
_FORMULAS = {
    "chain": "2 omega_J (1 - cos ka)",
    "square": "2 omega_J (2 - cos kx a - cos ky a)",
    "triangular": "2 omega_J (3 - sum of the cosines to the 3 pairs of neighbours)",
    "sc": "2 omega_J (3 - cos kx a - cos ky a - cos kz a)",
    "bcc": "8 omega_J (1 - cos kx a/2 cos ky a/2 cos kz a/2)",
    "fcc": "4 omega_J (3 - the products of two cosines of k a/2)",
}

KINDS = {
    **{
        name: Kind(partial(lattice_kernel, name), _FORMULAS[name], _LATTICE) for name in LATTICES
    },
    "exchange": Kind(
        shells_kernel, "sum over neighbours d of omega_d (1 - cos k.d)",
        "bonds={offset: omega_d}, vectors",
    ),
    "neighbours": Kind(
        neighbours_kernel, "omega_E * mean over nearest neighbours of cos k.d (sublattices)",
        "lattice, a, omega_E",
    ),
    "micromagnetic": Kind(micromagnetic_kernel, "stiffness k^2", "stiffness"),
    "film": Kind(
        film_kernel, "omega_M diag((1-P) kk/k^2, P), P = (1 - exp(-kd))/kd", "omega_M, thickness"
    ),
    "dmi": Kind(
        dmi_kernel, "W m = -sum over pairs of 2i sin(k.d) m x omega_d",
        "bonds={offset: (omega_x, omega_y, omega_z)}",
    ),
    "projector": Kind(projector_kernel, "1 for |k| <= k_max, 0 beyond", "k_max"),
    "table": Kind(table_kernel, "a cubic spline through values", "k, omega, or file"),
}  # fmt: skip


def kernel(kind, **parameters):
    """A kernel by name, or from a function: ``W = spinhydro.kernel(lambda k: D*k**2)``.

    Parameters
    ----------
    kind : str or callable
        One of KINDS (`spinhydro words` lists them with their parameters), or a function of the
        wavenumber: see ``Kernel``.
    **parameters
        Frequencies in radians per unit of time, lengths in that of the problem; stiffness is
        gamma mu_0 M_s lambda_ex^2, omega_J is gamma J/mu. With a function only ``name="W"``, which
        messages show.

    Returns
    -------
    Kernel
        ``W(m)`` of a field is an operator for strings and Python, ``W(k)`` the value at k.

    Raises
    ------
    InputError (ParameterError)
        For an unknown name or parameter, or an impossible value.
    """
    if callable(kind):
        if parameters.keys() - {"name"}:
            raise InputError(
                "a kernel from a function takes no parameters besides name: write them into the "
                "function"
            )
        return Kernel(kind, **parameters)
    return make("kernel", KINDS, kind, parameters)


def projector(k_max):
    """Return the kernel that keeps modes with |k| <= k_max: ``P(psi)`` in strings and Python.

    >>> P = spinhydro.projector(0.5 * pi * Nx / L_x)
    >>> problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*P(abs2(psi)*psi)")
    """
    return kernel("projector", k_max=k_max)


def help_lines():
    """The table of kernels that ``spinhydro words`` prints."""
    return table(KINDS)
