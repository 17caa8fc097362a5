"""Random initial states of classical fields: Wigner sampling and thermal modes."""

import numpy as np

from spinhydro.dedalus_support.ensemble.noise import initial_noise
from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import InputError
from spinhydro.kernels.named import kernel
from spinhydro.physics.checks import check


def quantum_noise(field, seed=0, density=1.0):
    r"""Half a quantum in every mode (truncated Wigner), as an array to be added to a field.

    .. math:: \langle \lvert\psi_k\rvert^2 \rangle = \tfrac12, \qquad
              \psi = V^{-1/2} \sum_k \psi_k e^{i k x}

    Parameters
    ----------
    field : complex field
        Its grid is taken; an even ComplexFourier basis drops the Nyquist mode.
    seed : int or per_member
        Every field and every member has its own numbers.
    density : float
        Atoms per volume for |psi|^2 = 1, > 0; 1 if |psi|^2 is the density itself.

    Examples
    --------
    >>> psi["g"] += spinhydro.quantum_noise(psi, seed, density=n_0)
    """
    return mode_noise(field, 0.5, seed, density)


def thermal_noise(field, temperature, energy, seed=0, density=1.0):
    r"""Classical thermal modes, :math:`\langle\vert\psi_k\vert^2\rangle=T/\epsilon_k`, as an array.

    Parameters
    ----------
    field, seed, density
        See `quantum_noise`.
    temperature : float
        k_B T/hbar >= 0, a frequency.
    energy : callable
        epsilon(k) = e_k - mu > 0 at every wavenumber, a frequency: ``lambda k: K*k**2 - mu``.
    """
    check(temperature >= 0, "the temperature cannot be negative", temperature=temperature)
    return mode_noise(field, lambda k: temperature / energy(k), seed, density)


def mode_noise(field, occupation, seed=0, density=1.0):
    """Complex Gaussian noise with a mean occupation of modes: a number, or a function of k.

    Raises
    ------
    InputError (ParameterError)
        For a real field, or a density that is not positive.
    """
    if not np.issubdtype(field.dtype, np.complexfloating):
        raise InputError("noise of modes is that of a complex field: dtype=np.complex128")
    check(density > 0, "the density of atoms must be positive", density=density)
    members = getattr(field.dist, "member_axis", None)
    bases = [basis for axis, basis in enumerate(field.domain.bases) if axis != members]
    cell = np.prod([(b.bounds[1] - b.bounds[0]) / b.size for b in bases])
    white = initial_noise(field, seed) / np.sqrt(cell * density)
    if not callable(occupation):
        return np.sqrt(occupation) * white
    scratch = field.copy()
    scratch.preset_scales(1)
    scratch["g"] = white
    found = evaluated(kernel(lambda k: np.sqrt(occupation(k)), name="modes")(scratch))
    found.change_scales(1)
    return found["g"].copy()
