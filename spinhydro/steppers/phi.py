r"""The functions :math:`\varphi_k` of exponential integrators, of many small matrices at once."""

from math import factorial

import numpy as np

#: Terms of the Taylor series, which is summed where the norm is below 1/2.
_TERMS = 18


def phi_functions(matrices, number):
    r"""[phi_0(Z), phi_1(Z), …, phi_number(Z)] of matrices Z (…, n, n).

    .. math:: \varphi_0(Z) = e^Z, \quad \varphi_k(Z) = \sum_{j \ge 0} \frac{Z^j}{(j + k)!}

    The quotients that define them lose all digits near Z = 0. Here the series is summed at
    :math:`2^{-s} Z` and the argument then doubled s times
    (Skaflestad and Wright, Appl. Numer. Math. 59, 783 (2009)):

    .. math::
        \varphi_k(2Z) = 2^{-k} \Big[ \varphi_0(Z) \varphi_k(Z)
        + \sum_{j=1}^{k} \frac{\varphi_j(Z)}{(k - j)!} \Big].

    Each block is scaled by its own norm, so that a long list costs no accuracy for its small ones.
    """
    shape, width = matrices.shape, matrices.shape[-1]
    matrices = matrices.reshape(-1, width, width)
    norms = np.abs(matrices).sum(axis=-1).max(axis=-1, initial=0)
    doublings = np.zeros(norms.shape, int)
    large = norms > 0.5
    doublings[large] = np.ceil(np.log2(norms[large])).astype(int) + 1
    scaled = matrices * 2.0 ** -doublings[:, None, None]
    unit = np.broadcast_to(np.eye(width), matrices.shape)
    found = []
    for k in range(number + 1):
        total = unit / factorial(_TERMS + k)
        for j in range(_TERMS - 1, -1, -1):
            total = scaled @ total + unit / factorial(j + k)
        found.append(total)
    for step in range(doublings.max(initial=0)):
        chosen = doublings > step
        old = [values[chosen] for values in found]
        for k in range(number + 1):
            new = old[0] @ old[k]
            for j in range(1, k + 1):
                new = new + old[j] / factorial(k - j)
            found[k][chosen] = new / 2**k
    return [values.reshape(shape) for values in found]
