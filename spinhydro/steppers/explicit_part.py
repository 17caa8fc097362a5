"""What estimates of the explicit part of a right side find."""

from dataclasses import dataclass

import numpy as np

#: A mode with a growth rate above this part of |lambda| grows; others count as waves.
GROWING = 0.2
#: Part of the largest rate of linear terms from which their sense of rotation is clear.
CLEAR = 0.02


@dataclass
class ExplicitPart:
    """Eigenvalues without those of growing modes, and what else the matrix tells.

    Attributes
    ----------
    norm, extent : float
        The norm, and the largest imaginary part of the numerical range.
    pair : (float, float), optional
        As in `Frequencies`.
    senses : array of float, optional
        Those of the values and of the extent, as in `Frequencies`.
    basis : list of arrays, optional
        Orthonormal vectors of the state.
    vectors : array (size of the basis, number), optional
        The vectors of the values and of the extent over the basis.
    """

    values: np.ndarray
    norm: float
    extent: float = 0.0
    pair: tuple = None
    senses: np.ndarray = None
    basis: list = None
    vectors: np.ndarray = None


def are_waves(values):
    """Return which eigenvalues are not those of growing modes."""
    return values.real <= GROWING * np.abs(values)


def senses_of(quotients, values, rate):
    """Return the senses in which linear terms rotate modes, as in `Frequencies`.

    Parameters
    ----------
    quotients : array of complex
        Rayleigh quotients of the linear terms with the modes.
    values : array of complex
        Their eigenvalues.
    rate : float
        Largest rate of the linear terms.
    """
    senses = np.sign(quotients.imag) * np.sign(values.imag)
    return np.where(np.abs(quotients.imag) > CLEAR * rate, senses, 0.0)
