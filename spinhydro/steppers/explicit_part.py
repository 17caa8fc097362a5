"""What estimates of the explicit part of a right side find."""

from dataclasses import dataclass

import numpy as np

#: A mode with a growth rate above this part of |lambda| grows; others count as waves.
GROWING = 0.2


@dataclass
class ExplicitPart:
    """Eigenvalues without those of growing modes, and what else the matrix tells.

    Attributes
    ----------
    norm, extent : float
        The norm, and the largest imaginary part of the numerical range.
    pair : (float, float), optional
        As in `Frequencies`.
    basis, vectors : array, optional
        A basis (size, n), and over it the vectors (size, number) of the values and of the extent.
    """

    values: np.ndarray
    norm: float
    extent: float = 0.0
    pair: tuple = None
    basis: np.ndarray = None
    vectors: np.ndarray = None


def are_waves(values):
    """Return which eigenvalues are not those of growing modes."""
    return values.real <= GROWING * np.abs(values)
