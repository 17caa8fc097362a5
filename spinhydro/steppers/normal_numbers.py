"""Normal random numbers that are a function of seed, stream, iteration and cell."""

import math

import numpy as np

#: Cells that are computed at once, so that temporaries stay in the cache; a multiple of 8.
CHUNK = 4096
#: 64 random bits make two integers of 32 bits: u for the radius and v for the angle.
HALF_BITS = 32
LOW_HALF = 2**HALF_BITS - 1
#: A double with these bits plus an integer below 2^52 is 2^52 plus this integer.
TWO_52, BITS_OF_TWO_52 = 2.0**52, 0x4330000000000000
MANTISSA_BITS, MANTISSA = 52, 2**52 - 1
#: The bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2)).
BITS_OF_ROOT = int(np.float64(math.sqrt(0.5)).view(np.uint64))
#: Coefficients of series that are accurate to 1e-11.
#: log m = 2 s (1 + z/3 + z^2/5 + …) with s = (m - 1)/(m + 1), z = s^2 < 0.0295.
LOGARITHM = [1 / (2 * n + 1) for n in range(7)]
#: sin x = x (1 - x^2/6 + …) and cos x = 1 - x^2/2 + …, for |x| <= pi/4.
SINE = [(-1) ** n / math.factorial(2 * n + 1) for n in range(7)]
COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(7)]
#: An eighth of a turn and a quarter, in units of 2^-32 turns.
EIGHTH, QUARTER = 2**29, 2**30
TO_ANGLE = math.pi * 2.0**-32
LOG_2 = math.log(2)


class NormalNumbers:
    r"""Normal numbers of mean 0 and variance 1 for every cell of a grid.

    Philox4x64-10 is a function of a key and a counter (Salmon et al., SC11 (2011)). Here the key is
    (seed, iteration) and the counter (cells, stream, pair of components, kind): any cell can be
    computed alone, so that the numbers do not depend on how a grid is divided. 64 random bits,
    two integers u and v of 32, make two normal numbers (Box and Muller, Ann. Math. Stat. 29, 610
    (1958)),

    .. math:: \sqrt{-2 \ln\frac{2u + 1}{2^{33}}}\; (\cos\varphi, \sin\varphi),
              \qquad \varphi = 2\pi\,\frac{v + 1/2}{2^{32}},

    which reach 6.8. All operations are additions, products, quotients and roots of doubles, each
    rounded by itself, in an order that is given: the compiled form of the fused engine
    (``spinhydro.engines.fused.program.normal_numbers``) has the same bits, on every processor.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**63.
    stream : int
        0 <= stream < 2**32.
    kind : int
        0 <= kind < 2**32, another space of streams.
    """

    def __init__(self, seed, stream=0, kind=0):
        self.seed, self.stream, self.kind = seed, stream, kind
        self._philox = np.random.Philox(0)
        self._state = self._philox.state
        self._state["buffer_pos"] = 4

    def fill(self, iteration, first, out, scale=1.0):
        """out = scale times normal numbers of the cells `first`, `first` + 1, …

        Parameters
        ----------
        iteration : int
        first : int
            Number of the first cell in the whole grid.
        out : array (components, cells)
        """
        self._state["state"]["key"][:] = self.seed, iteration
        components, cells = out.shape
        for start in range(0, cells, CHUNK):
            part = out[:, start : start + CHUNK]
            for pair in range(0, components - 1, 2):
                words = self._words(first + start, part.shape[1], pair)
                part[pair], part[pair + 1] = two_normal_numbers(words)
            if components % 2:
                self._fill_last(first + start, part[-1], components - 1)
            part *= scale

    def _fill_last(self, first, out, component):
        """A component without a partner: two cells, an even one and the next, share 64 bits."""
        skipped, number = first % 2, (first + out.size + 1) // 2 - first // 2
        both = np.stack(two_normal_numbers(self._words(first // 2, number, component)), axis=1)
        out[...] = both.ravel()[skipped : skipped + out.size]

    def _words(self, first, number, component):
        """The random words `first`, `first` + 1, …"""
        # A counter gives four words.
        block, skipped = divmod(first, 4)
        self._state["state"]["counter"][:] = block, self.stream, component, self.kind
        self._philox.state = self._state
        return self._philox.random_raw(number + skipped)[skipped:]


def two_normal_numbers(words):
    """Return the two normal numbers of each random word, an array of 64-bit integers."""
    u, v = words & np.uint64(LOW_HALF), words >> np.uint64(HALF_BITS)
    turned = v + np.uint64(EIGHTH)
    x = (2 * _double(turned & np.uint64(QUARTER - 1)) + (1 - QUARTER)) * TO_ANGLE
    z = x * x
    sine, cosine = x * _series(SINE, z), _series(COSINE, z)
    quarter = turned >> np.uint64(30)
    radius = np.sqrt(2 * _minus_log(2 * _double(u) + 1))
    odd = (quarter & np.uint64(1)).astype(bool)
    # The sign is the highest bit.
    first = _signed(np.where(odd, sine, cosine), (quarter + np.uint64(1)) & np.uint64(2))
    second = _signed(np.where(odd, cosine, sine), quarter & np.uint64(2))
    return radius * first, radius * second


def _minus_log(odd):
    """-log(odd / 2^33) of odd numbers below 2^33."""
    bits = odd.view(np.uint64) - np.uint64(BITS_OF_ROOT)
    mantissa = (bits & np.uint64(MANTISSA)) + np.uint64(BITS_OF_ROOT)
    m = mantissa.view(np.float64)
    s = (m - 1) / (m + 1)
    powers = 33 - _double(bits >> np.uint64(MANTISSA_BITS))
    return powers * LOG_2 - 2 * s * _series(LOGARITHM, s * s)


def _double(integers):
    """Integers below 2^52 as doubles."""
    return (integers | np.uint64(BITS_OF_TWO_52)).view(np.float64) - TWO_52


def _series(coefficients, z):
    """The polynomial with these coefficients, by Horner's rule."""
    total = coefficients[-1] * z + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = total * z + coefficient
    return total


def _signed(values, sign):
    """Values with the sign changed where the second bit of `sign` is set."""
    return (values.view(np.uint64) ^ (sign << np.uint64(62))).view(np.float64)
