"""Kernels by name: exchange and magnetostatics as functions of wavenumber.

>>> W = spinhydro.kernel("chain", a=a, stiffness=omega_M * lambda_ex**2)
>>> H = (omega_0 + omega_K * (m @ ez)) * ez - W(m)
>>> problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")

Any function of ``k`` (or of ``kx, ky``) makes a kernel: ``W = spinhydro.kernel(lambda k: D*k**2)``.
"""

from functools import partial

from spinhydro.errors import InputError
from spinhydro.kernels.continuum import (
    bulk_dmi_kernel,
    dmi_kernel,
    film_kernel,
    interfacial_dmi_kernel,
    micromagnetic_kernel,
    projector_kernel,
    table_kernel,
)
from spinhydro.kernels.demag import demag_kernel
from spinhydro.kernels.dipolar import dipolar_kernel
from spinhydro.kernels.formulas import KERNELS
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.kinds import Kind, make
from spinhydro.kernels.lattices import (
    LATTICES,
    lattice_kernel,
    neighbours_kernel,
    shells_kernel,
)

_MAKERS = {
    **{name: partial(lattice_kernel, name) for name in LATTICES},
    "exchange": shells_kernel,
    "neighbours": neighbours_kernel,
    "micromagnetic": micromagnetic_kernel,
    "film": film_kernel,
    "demag": demag_kernel,
    "dmi": dmi_kernel,
    "interfacial_dmi": interfacial_dmi_kernel,
    "bulk_dmi": bulk_dmi_kernel,
    "dipolar": dipolar_kernel,
    "projector": projector_kernel,
    "table": table_kernel,
}
KINDS = {name: Kind(_MAKERS[name], *texts) for name, texts in KERNELS.items()}


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
