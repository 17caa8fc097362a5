"""Normal random numbers that are a function of seed, stream, iteration and cell."""

import numpy as np

#: Cells that are computed at once, so that temporaries stay in the cache; a multiple of 8.
CHUNK = 8192
_TO_UNIT, _HALF = np.float32(2.0**-32), np.float32(2.0**-33)
_TO_ANGLE = np.float32(np.pi * 2.0**-31)


class NormalNumbers:
    """Normal numbers of mean 0 and variance 1 for every cell of a grid.

    Philox is a function of a key and a counter (Salmon et al., SC11 (2011)). Here the key is
    (seed, iteration) and the counter (cells, stream, pair of components, kind): any cell can be
    computed alone, so that the numbers do not depend on how a grid is divided. 64 random bits make
    two normal numbers (Box and Muller, Ann. Math. Stat. 29, 610 (1958)), computed in single
    precision: values reach 6.8, and their error of 1e-7 is far below the sampling error of any
    average.

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
                radius, angle = self._polar(first + start, part.shape[1], pair)
                np.multiply(radius, np.cos(angle), out=part[pair])
                np.multiply(radius, np.sin(angle), out=part[pair + 1])
            if components % 2:
                self._fill_last(first + start, part[-1], components - 1)
            part *= scale

    def _fill_last(self, first, out, component):
        """A component without a partner: two cells, an even one and the next, share 64 bits."""
        skipped, words = first % 2, (first + out.size + 1) // 2 - first // 2
        radius, angle = self._polar(first // 2, words, component)
        both = np.empty((words, 2), np.float32)
        np.multiply(radius, np.cos(angle), out=both[:, 0])
        np.multiply(radius, np.sin(angle), out=both[:, 1])
        out[...] = both.ravel()[skipped : skipped + out.size]

    def _polar(self, first, number, component):
        """Radius and angle from the random words `first`, `first` + 1, …"""
        # A counter gives four words.
        block, skipped = divmod(first, 4)
        self._state["state"]["counter"][:] = block, self.stream, component, self.kind
        self._philox.state = self._state
        words = self._philox.random_raw(number + skipped)[skipped:].astype("<u8", copy=False)
        halves = words.view("<u4").reshape(-1, 2)
        radius = np.multiply(halves[:, 0], _TO_UNIT, dtype=np.float32)
        radius += _HALF
        np.log(radius, out=radius)
        radius *= np.float32(-2)
        # Rounding may make the logarithm of a number next to 1 positive.
        np.sqrt(np.abs(radius, out=radius), out=radius)
        angle = np.multiply(halves.view("<i4")[:, 1], _TO_ANGLE, dtype=np.float32)
        return radius, angle
