"""Frequencies of small waves on the uniform magnetised state of a problem, kept with its run."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.kernels.operator import space_axes

#: Points of the largest grid; more would not fit into an attribute of netCDF.
POINTS = 8000
#: Amplitude of the perturbation. A central difference has a relative error of its square.
AMPLITUDE = 1e-4
#: Largest difference of the length of a spin from one; a basis without the Nyquist mode changes
#: that of a single tilted spin and its neighbours.
UNIT = 0.05
#: Mean of the spins along an axis below which the state is a texture, with waves of another kind.
SMALLEST_MEAN = 0.95
#: Largest relative error of the rates of a random wave by the table: the equation is not invariant
#: under translations beyond it, or the background is not uniform.
INVARIANT = 1e-6
#: Largest rate of the background, relative to the fastest rates of the waves on it.
AT_REST = 1e-9
#: Distance of the weights of the two branches below which neither is the stronger one.
EQUAL = 1e-3


def waves_of(ivp, outputs):
    r"""Frequencies omega(k) of small waves on the uniform state along the mean axis of the spins.

    About the background :math:`\pm e_a` the equation as it is written gives
    :math:`\dot m_i(k) = A_{ij}(k) m_j(k)` for the two components across the axis a, with A the
    Fourier transform of the rates that a perturbation of one grid point causes. Of its eigenvalues,
    :math:`\lambda = i\omega + \mathrm{growth}`, the table holds omega of the one whose wave has
    the larger part in :math:`m_b + i m_c \propto e^{ikx + i\omega t}`, with (a, b, c) cyclic.

    Parameters
    ----------
    ivp : d3.IVP
        Its variables hold the initial state.
    outputs : dict or None
        Expressions of the outputs by name, as texts or operands.

    Returns
    -------
    dict
        Empty, or for a variable m and the axis z ``{"m_z": omega, "m_z_step": step}``: omega in
        rad per time, on the waves -(N-1)//2 … (N-1)//2 of every axis and nan where no branch is
        the stronger one; step the distance of neighbouring waves along each axis in rad per length.
        It is empty unless one field of unit vectors on Fourier bases, with a mean of at least
        `SMALLEST_MEAN`, is all that the problem advances, on at most `POINTS` points, without
        members or ranks or explicit time; and unless the background is at rest and the waves do
        not mix.
    """
    if not _is_eligible(ivp, outputs):
        return {}
    variable = ivp.variables[0]
    kept, layout, scales = variable.data.copy(), variable.layout, variable.scales
    variable.change_scales(1)
    start = variable["g"].copy()
    try:
        return _table(ivp, start)
    finally:
        variable.preset_scales(scales)
        variable.preset_layout(layout)
        np.copyto(variable.data, kept)


def _is_eligible(ivp, outputs):
    if len(ivp.variables) != 1 or len(ivp.equations) != 1:
        return False
    variable, equation = ivp.variables[0], ivp.equations[0]
    shown = outputs.get("m", variable) if isinstance(outputs, dict) else variable
    bases = variable.domain.bases
    return (
        (shown is variable or shown == variable.name)
        and equation["M"] is variable
        and not any(_depends_on(part, ivp.time) for part in (equation["F"], equation["L"]))
        and variable.dtype == np.float64
        and [system.dim for system in variable.tensorsig] == [3]
        and ivp.dist.comm.size == 1
        and len(bases) == len(space_axes(ivp.dist)) == ivp.dist.dim
        and all(isinstance(basis, (RealFourier, ComplexFourier)) for basis in bases)
        and np.prod([basis.size for basis in bases]) <= POINTS
    )


def _depends_on(expression, time):
    return time is not None and hasattr(expression, "has") and expression.has(time)


def _table(ivp, start):
    """Return the table, from the initial values (3, *shape) of the spins."""
    variable, shape = ivp.variables[0], start.shape[1:]
    mean = start.mean(axis=tuple(range(1, start.ndim)))
    axis = int(np.argmax(np.abs(mean)))
    if abs(mean[axis]) < SMALLEST_MEAN:
        return {}
    if np.abs(np.linalg.norm(start, axis=0) - 1).max() > UNIT:
        return {}
    background = np.zeros_like(start)
    background[axis] = np.sign(mean[axis])
    across = [(axis + 1) % 3, (axis + 2) % 3]

    def response(change):
        """The rates (3, *shape) that a small change causes, to first order."""
        upper, lower = (_rate(ivp, background + sign * AMPLITUDE * change) for sign in (1, -1))
        return (upper - lower) / (2 * AMPLITUDE)

    space = tuple(range(1, start.ndim))
    columns = []
    for component in across:
        change = np.zeros_like(start)
        change[(component, *[0] * len(shape))] = 1
        columns.append(np.fft.fftn(response(change), axes=space))
    matrix = np.stack(columns, axis=1)
    scale = np.abs(matrix).max()
    if not (np.isfinite(scale) and scale > 0):
        return {}
    if np.abs(_rate(ivp, background)).max() > AT_REST * scale:
        return {}
    noise = np.zeros_like(start)
    noise[across] = np.random.default_rng(0).standard_normal((2, *shape))
    expected = np.zeros(start.shape, complex)
    expected[:] = np.einsum("ij...,j...->i...", matrix, np.fft.fftn(noise[across], axes=space))
    expected[axis] = 0
    found = np.fft.fftn(response(noise), axes=space)
    if not np.abs(found - expected).max() <= INVARIANT * np.abs(expected).max():
        return {}
    omega = np.fft.fftshift(_frequencies(matrix[across]))
    # The Nyquist mode of an even axis is in few bases.
    omega = omega[tuple(slice(1 - size % 2, None) for size in shape)]
    name = f"{variable.name}_{'xyz'[axis]}"
    lengths = [basis.bounds[1] - basis.bounds[0] for basis in variable.domain.bases]
    return {name: omega, f"{name}_step": 2 * np.pi / np.array(lengths)}


def _rate(ivp, values):
    """Return dm/dt of the equation at some values of m on the grid."""
    variable, equation = ivp.variables[0], ivp.equations[0]
    rate = np.zeros_like(values)
    for sign, part in ((1, equation["F"]), (-1, equation["L"])):
        if not hasattr(part, "evaluate") and not hasattr(part, "change_scales"):
            # The number zero.
            continue
        variable.preset_scales(1)
        variable["g"] = values
        result = evaluated(part).copy()
        result.change_scales(1)
        rate += sign * result["g"]
    return rate


def _frequencies(matrix):
    """Return omega of the stronger branch in the first plus i times the second component.

    Parameters
    ----------
    matrix : array (2, 2, *shape)
    """
    values, vectors = np.linalg.eig(np.moveaxis(matrix, (0, 1), (-2, -1)))
    omega = values.imag
    weights = np.abs(vectors[..., 0, :] + 1j * vectors[..., 1, :]) ** 2
    first = weights[..., 0] > weights[..., 1]
    found = np.where(first, omega[..., 0], omega[..., 1])
    alike = np.abs(weights[..., 0] - weights[..., 1]) < EQUAL * weights.max(axis=-1)
    differ = np.abs(omega[..., 0] - omega[..., 1]) > 1e-9 * np.abs(omega).max()
    return np.where(alike & differ, np.nan, found)
