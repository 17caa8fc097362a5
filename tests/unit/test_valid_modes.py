"""Valid modes that are found along each axis are those that Dedalus finds among all modes."""

import dedalus.public as d3
import numpy as np
import pytest
from dedalus.core.distributor import Layout

from spinhydro import RealFourierNyquist, distributor


@pytest.mark.parametrize(
    "kinds",
    [
        (d3.RealFourier, d3.RealFourier),
        (d3.RealFourier, RealFourierNyquist),
        (d3.RealFourier, d3.Chebyshev),
        (d3.ComplexFourier, d3.ComplexFourier),
    ],
)
def test_valid_modes_are_those_among_all_modes(kinds):
    coords = d3.CartesianCoordinates("x", "y")
    dtype = np.complex128 if d3.ComplexFourier in kinds else np.float64
    dist = distributor(coords, dtype=dtype)
    x, y = (kind(c, size=8, bounds=(0, 1)) for kind, c in zip(kinds, coords.coords, strict=True))
    for bases in ((x, y), (x,), (y,), ()):
        for field in (dist.Field(bases=bases), dist.VectorField(coords, bases=bases)):
            for layout in dist.layouts:
                arguments = field.tensorsig, field.domain, 1
                elements = np.array(np.meshgrid(*layout.local_elements(field.domain, 1),
                                                indexing="ij"))  # fmt: skip
                expected = np.ones((*(2 for _ in field.tensorsig), *elements[0].shape), bool)
                for basis in bases:
                    here = slice(dist.first_axis(basis), dist.last_axis(basis) + 1)
                    expected &= basis.valid_elements(
                        field.tensorsig, layout.grid_space[here], elements[here]
                    )
                np.testing.assert_array_equal(Layout.valid_elements.function(layout, *arguments),
                                              expected)  # fmt: skip
