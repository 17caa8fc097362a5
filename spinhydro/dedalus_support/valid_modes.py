"""Valid modes of fields, found along each axis.

Dedalus examines every mode of each equation when it is added, which takes longer than stating the
equations in three dimensions.
"""

import numpy as np
from dedalus.core.basis import IntervalBasis
from dedalus.core.distributor import Layout
from dedalus.tools.cache import CachedMethod


def find_valid_modes_by_axis():
    """Make layouts combine the valid modes along the axes of bases that have one axis each."""
    plain = getattr(Layout, "valid_elements", None)
    if plain is None:
        return
    plain = getattr(plain, "function", plain)

    def valid_elements(self, tensorsig, domain, scales, rank=None, broadcast=False):
        if not all(isinstance(basis, IntervalBasis) for basis in domain.bases):
            return plain(self, tensorsig, domain, scales, rank, broadcast)
        elements = self.local_elements(domain, scales, rank=rank, broadcast=broadcast)
        along = np.meshgrid(*elements, indexing="ij", sparse=True)
        components = tuple(system.dim for system in tensorsig)
        valid = np.ones((*components, *(len(part) for part in elements)), bool)
        for basis in domain.bases:
            axis = self.dist.first_axis(basis)
            grid_space = self.grid_space[axis : axis + 1]
            valid &= basis.valid_elements(tensorsig, grid_space, along[axis][np.newaxis])
        return valid

    Layout.valid_elements = CachedMethod(valid_elements)
