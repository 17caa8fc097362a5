r"""The functions :math:`\varphi_k` of exponential integrators, of many small matrices at once."""

from math import factorial

import numpy as np

#: Terms of the Taylor series, which is summed where the norm is below 1/2.
_TERMS = 18


def phi_functions(matrices, number):
    r"""[phi_0(Z), phi_1(Z), …, phi_number(Z)] of matrices Z (…, n, n).

    .. math:: \varphi_0(Z) = e^Z, \quad \varphi_k(Z) = \sum_{j \ge 0} \frac{Z^j}{(j + k)!}

    The quotients that define them lose all digits near Z = 0. Here the series of the last one is
    summed at :math:`2^{-s} Z`, the others follow by :math:`\varphi_k = 1/k! + Z \varphi_{k+1}`,
    and the argument is then doubled s times (see `doubled`). Each block is scaled by its own norm,
    so that a long list costs no accuracy for its small ones.
    """
    shape, width = matrices.shape, matrices.shape[-1]
    matrices = matrices.reshape(-1, width, width)
    norms = np.abs(matrices).sum(axis=-1).max(axis=-1, initial=0)
    doublings = np.zeros(norms.shape, int)
    large = norms > 0.5
    doublings[large] = np.ceil(np.log2(norms[large])).astype(int) + 1
    scaled = matrices * 2.0 ** -doublings[:, None, None]
    unit = np.broadcast_to(np.eye(width), matrices.shape)
    total = unit / factorial(_TERMS + number)
    for j in range(_TERMS - 1, -1, -1):
        total = scaled @ total + unit / factorial(j + number)
    found = [total]
    for k in range(number - 1, -1, -1):
        found.insert(0, scaled @ found[0] + unit / factorial(k))
    for step in range(doublings.max(initial=0)):
        chosen = doublings > step
        if chosen.all():
            found = doubled(found)
            continue
        for values, new in zip(found, doubled([values[chosen] for values in found]), strict=True):
            values[chosen] = new
    return [values.reshape(shape) for values in found]


def doubled(functions):
    r"""[phi_0(2Z), phi_1(2Z), …] from [phi_0(Z), phi_1(Z), …].

    .. math::
        \varphi_k(2Z) = 2^{-k} \Big[ \varphi_0(Z) \varphi_k(Z)
        + \sum_{j=1}^{k} \frac{\varphi_j(Z)}{(k - j)!} \Big]

    (Skaflestad and Wright, Appl. Numer. Math. 59, 783 (2009)).
    """
    result = []
    for k, function in enumerate(functions):
        new = functions[0] @ function
        for j in range(1, k + 1):
            new += functions[j] / factorial(k - j)
        new /= 2**k
        result.append(new)
    return result
