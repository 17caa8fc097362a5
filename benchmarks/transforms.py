"""The FFT libraries that plain code is run with, and the time of transforms alone."""

import numpy as np
import scipy.fft

PYFFTW = "not installed (pip install pyfftw)"


def libraries():
    """(name, module with the interface of scipy.fft, what is missing) of each library."""
    found = [("scipy.fft", scipy.fft, "")]
    try:
        import pyfftw
        from pyfftw.interfaces import scipy_fft
    except ImportError:
        return [*found, ("pyfftw", None, PYFFTW)]
    pyfftw.interfaces.cache.enable()
    pyfftw.interfaces.cache.set_keepalive_time(60)
    return [*found, ("pyfftw", scipy_fft, "")]


def alone(number, shape, is_real, pairs):
    """A function that takes `pairs` transforms forward and back of `number` scalars."""
    try:
        import pyfftw
    except ImportError:
        return None
    axes = tuple(range(1, len(shape) + 1))
    last = shape[-1] // 2 + 1 if is_real else shape[-1]
    grid = pyfftw.zeros_aligned((number, *shape), float if is_real else complex)
    spectra = pyfftw.zeros_aligned((number, *shape[:-1], last), complex)
    options = {"axes": axes, "flags": ("FFTW_ESTIMATE",)}
    ahead = pyfftw.FFTW(grid, spectra, **options)
    back = pyfftw.FFTW(spectra, grid, direction="FFTW_BACKWARD", **options)
    grid[...] = np.random.default_rng(0).standard_normal(grid.shape)

    def transform(steps):
        for _ in range(pairs * steps):
            ahead.execute()
            back.execute()

    return transform
