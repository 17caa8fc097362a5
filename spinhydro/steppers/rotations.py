"""Rotations of spins: fields of three components on the grid, shape (3, …)."""

import numpy as np


def cross(a, b):
    """Cross product over the first index."""
    result = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        np.multiply(a[j], b[k], out=result[i])
        result[i] -= a[k] * b[j]
    return result


def dot(a, b):
    """Scalar product over the first index."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def rotation_rate(m, rate):
    r"""The angular velocity of spins that change at a rate.

    .. math:: \boldsymbol\omega = \mathbf{m} \times \dot{\mathbf{m}} / |\mathbf{m}|^2, \qquad
              \dot{\mathbf{m}} = \boldsymbol\omega \times \mathbf{m}

    for every rate that is perpendicular to m; a component along m is left out. Zero where m is.
    """
    square = dot(m, m)
    return cross(m, rate) / np.where(square > 0, square, 1)


def rotate(angle, m):
    r"""Spins turned by rotation vectors (Rodrigues' formula), |m| kept to rounding.

    .. math:: e^{\boldsymbol\theta\times} \mathbf{m} = \mathbf{m}
              + \frac{\sin\theta}{\theta}\, \boldsymbol\theta \times \mathbf{m}
              + \frac{1 - \cos\theta}{\theta^2}\,
              \boldsymbol\theta \times (\boldsymbol\theta \times \mathbf{m})
    """
    theta = np.sqrt(dot(angle, angle))
    # sinc is exact at zero, and 1 - cos = 2 sin^2(theta/2) has no cancellation.
    first = np.sinc(theta / np.pi)
    second = np.sinc(theta / (2 * np.pi)) ** 2 / 2
    turned = cross(angle, m)
    return m + first * turned + second * cross(angle, turned)


def cayley(angle, m):
    r"""The solution n of ``n = m + angle x (m + n)/2``: a rotation about `angle`.

    By 2 atan(|angle|/2) instead of |angle|; |n| = |m| to rounding.
    """
    half = angle / 2
    turned = cross(half, m)
    return m + (2 / (1 + dot(half, half))) * (turned + cross(half, turned))


def ratio_of_lengths(first, second):
    """Return |a|/|b| of vectors (3, …); 1 where b is zero."""
    squares = dot(second, second)
    ratios = np.ones_like(squares)
    np.divide(dot(first, first), squares, where=squares > 0, out=ratios)
    return np.sqrt(ratios)
