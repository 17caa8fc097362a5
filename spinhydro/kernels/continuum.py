"""Kernels of continuum models: k^2, magnetostatics of films, Dzyaloshinskii-Moriya, tables."""

import numpy as np

from spinhydro.errors import InputError, ParameterError, shown
from spinhydro.kernels.kernel import Kernel
from spinhydro.kernels.operator import rounded
from spinhydro.kernels.parameters import is_positive
from spinhydro.kernels.text_tables import read_columns


def micromagnetic_kernel(stiffness):
    """omega(k) = stiffness k^2, stiffness = gamma mu_0 M_s lambda_ex^2 (length^2 rad/time)."""
    return Kernel(lambda k: stiffness * k**2, "micromagnetic")


def projector_kernel(k_max):
    """Return 1 for |k| <= k_max and 0 beyond: the truncation to resolved or coherent modes."""
    # The last digits of a wavenumber do not decide on which side it is.
    return Kernel(lambda k: np.where(np.abs(k) <= k_max * (1 + 1e-12), 1.0, 0.0), "projector")


def film_kernel(omega_M, thickness):
    r"""Demagnetising field of a film, averaged over its thickness d; the normal is spin axis z.

    .. math:: W = \omega_M \begin{pmatrix}
              (1 - P) \hat{k}_i \hat{k}_j & 0 \\ 0 & P \end{pmatrix}, \qquad
              P = \frac{1 - e^{-kd}}{kd}

    In one dimension waves run along x, in two in the x-y plane. For k -> 0 it is the field -M_z of
    a uniform film, which H_k - M_s contains too: never add both.

    Parameters
    ----------
    omega_M : float
        gamma mu_0 M_s.
    thickness : float
        d > 0.
    """
    if not is_positive(thickness):
        raise ParameterError(f"the kernel film needs thickness > 0, not {shown(thickness)}")

    def omega(kx, ky=0.0):
        k = np.sqrt(kx**2 + ky**2)
        kd = np.maximum(k * thickness, 1e-300)
        P = np.where(k > 0, -np.expm1(-kd) / kd, 1.0)
        safe, Q = np.where(k > 0, k, 1.0), 1 - P
        nx, ny = kx / safe, ky / safe
        tensor = [[Q * nx * nx, Q * nx * ny, 0], [Q * nx * ny, Q * ny * ny, 0], [0, 0, P]]
        return [[omega_M * entry for entry in row] for row in tensor]

    return Kernel(omega, "film", _planes_only("film"), arguments=0)


def dmi_kernel(bonds):
    r"""Dzyaloshinskii-Moriya interaction, E = - sum over pairs D_ij . (S_i x S_j).

    .. math:: W \mathbf{m} = - \sum_d 2 i \sin(\mathbf{k} \cdot \mathbf{d}) \,
              \mathbf{m} \times \boldsymbol{\omega}_d

    Parameters
    ----------
    bonds : dict
        ``{offset: (omega_x, omega_y, omega_z)}`` with one of each pair d, -d, where omega_d =
        gamma D_d / mu: along z on a chain ``{(a,): (0, 0, omega_D)}``, along d in the bulk of a
        cubic chiral magnet, along z x d at an interface.
    """
    offsets = np.array([np.atleast_1d(d) for d in bonds], dtype=float)
    if any(np.shape(vector) != (3,) for vector in bonds.values()):
        raise ParameterError("the kernel dmi takes (omega_x, omega_y, omega_z) for each bond")
    vectors = np.array(list(bonds.values()), dtype=float)

    def omega(*k):
        shape = np.broadcast_shapes(*(array.shape for array in k))
        total = np.zeros((3, 3, *shape), complex)
        for d, vector in zip(offsets, vectors, strict=True):
            factor = -2j * np.sin(sum(q * c for q, c in zip(k, d, strict=True)))
            for i, row in enumerate(crossed_with(vector)):
                for j, entry in enumerate(row):
                    total[i, j] += factor * entry
        return total

    return Kernel(omega, "dmi", arguments=offsets.shape[1], is_radial=False)


def interfacial_dmi_kernel(omega_D):
    r"""Dzyaloshinskii-Moriya interaction of an interface, E = D [m_z div m - (m.grad) m_z].

    .. math:: W \mathbf{m} = \omega_D \left( -\partial_x m_z, -\partial_y m_z,
              \partial_x m_x + \partial_y m_y \right), \qquad \omega_D = 2 \gamma D/M_s

    Spin axes x, y, z are those of space, z the normal; waves run along x, or in the x-y plane.
    """

    def omega(kx, ky=0.0):
        x, y = 1j * omega_D * kx, 1j * omega_D * ky
        return [[0, 0, -x], [0, 0, -y], [x, y, 0]]

    return Kernel(omega, "interfacial_dmi", _planes_only("interfacial_dmi"), arguments=0)


def bulk_dmi_kernel(omega_D):
    r"""Dzyaloshinskii-Moriya interaction of a cubic chiral magnet, E = D m.(curl m).

    .. math:: W \mathbf{m} = \omega_D \nabla \times \mathbf{m}, \qquad
              \omega_D = 2 \gamma D/M_s

    Spin axes x, y, z are those of space.
    """

    def omega(kx, ky=0.0, kz=0.0):
        x, y, z = 1j * omega_D * kx, 1j * omega_D * ky, 1j * omega_D * kz
        return [[0, -z, y], [z, 0, -x], [-y, x, 0]]

    return Kernel(omega, "bulk_dmi", arguments=0)


def _planes_only(name):
    def check(operator):
        if len(operator.axes) > 2:
            raise InputError(f"the kernel {name} is that of a film: one or two dimensions of space")

    return check


def crossed_with(vector):
    """The matrix C of ``m x vector = C m``."""
    x, y, z = vector
    return np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])


def table_kernel(k=None, omega=None, file=None):
    """omega(k) from a table, joined by a cubic spline.

    Parameters
    ----------
    k, omega : arrays
        Increasing wavenumbers and the values there; without negative k the kernel is even.
    file : str or Path
        A text file of two columns instead (lines that begin with # are left out).

    Raises
    ------
    InputError
        For a table that cannot be read, is not increasing, or ends below the largest wavenumber
        of the grid.
    """
    if file is not None:
        try:
            k, omega = read_columns(file)[:2]
        except (OSError, ValueError, IndexError) as error:
            raise InputError(
                f"the kernel table cannot read {file}: {error}; it needs two columns, k and omega"
            ) from None
    if k is None or omega is None:
        raise InputError("the kernel table takes k=[…] and omega=[…], or file='…'")
    try:
        k, omega = np.asarray(k, dtype=float), np.asarray(omega)
        omega = omega if np.iscomplexobj(omega) else omega.astype(float)
    except (TypeError, ValueError):
        raise InputError("the kernel table takes lists of numbers k and omega") from None
    if k.ndim != 1 or k.shape != omega.shape or k.size < 4:
        raise InputError("the kernel table takes as many values omega as wavenumbers k, 4 or more")
    if not np.all(np.diff(k) > 0):
        raise InputError("the wavenumbers of the kernel table must increase")
    is_even = k[0] >= 0
    if is_even and k[0] > 0:
        raise InputError(
            f"the kernel table begins at k = {rounded(k[0])}: give its value at k = 0 too"
        )
    if not (np.all(np.isfinite(k)) and np.all(np.isfinite(omega))):
        raise InputError("the kernel table holds values that are not finite")
    # Imported here: it takes as long as a tenth of a short run, and few kernels are tables.
    from scipy.interpolate import CubicSpline

    # An even function has no slope at k = 0.
    ends = ((1, 0.0), "not-a-knot") if is_even else "not-a-knot"
    spline = CubicSpline(k, omega, bc_type=ends)

    def values(k):
        asked = np.abs(k) if is_even else k
        low, high = float(np.min(asked)), float(np.max(asked))
        if high > spline.x[-1] * (1 + 1e-9) or low < spline.x[0] - 1e-9 * abs(spline.x[0]):
            raise InputError(
                f"the kernel table covers k = {rounded(spline.x[0])} to {rounded(spline.x[-1])}, "
                f"and the grid needs {rounded(high)}: extend the table, or take larger cells"
            )
        return spline(asked)

    return Kernel(values, "table")
