"""Complex Fourier transforms that refuse the memory of real fields.

Dedalus writes complex values into it, twice as many bytes as it has.
"""

import numpy as np
from dedalus.core import basis, transforms

from spinhydro.errors import InputError


def refuse_real_fields():
    """Make the transforms of ``ComplexFourier`` raise InputError for fields of a real dtype."""
    for library, plain in (("fftw", "FFTWComplexFFT"), ("scipy", "ScipyComplexFFT")):
        if hasattr(transforms, plain):
            checked = type(plain, (_Checked, getattr(transforms, plain)), {})
            transforms.register_transform(basis.ComplexFourier, library)(checked)


class _Checked:
    def forward(self, gdata, cdata, axis):
        _check(gdata)
        super().forward(gdata, cdata, axis)

    def backward(self, cdata, gdata, axis):
        _check(gdata)
        super().backward(cdata, gdata, axis)


def _check(data):
    if not np.iscomplexobj(data):
        raise InputError(
            "a field with dtype=np.float64 over ComplexFourier cannot be transformed: make it "
            "without dtype=…, as the distributor has it; real values stay real, and re(…) is "
            "their real part"
        )
