"""The work units, by name."""

from benchmarks.units import (
    atoms,
    chain,
    hydrodynamics,
    landau_lifshitz,
    shear,
    splitting,
    superfluid,
)

UNITS = {
    "lle_1d": landau_lifshitz.one_dimension,
    "gpe_1d": superfluid.one_dimension,
    "hydrodynamics_1d": hydrodynamics.one_dimension,
    "lle_2d": landau_lifshitz.two_dimensions,
    "gpe_3d": superfluid.three_dimensions,
    "strang_2d": splitting.two_dimensions,
    "strang_3d": splitting.three_dimensions,
    "shear_flow": shear.two_dimensions,
    "chain": chain.single,
    "atoms_1d": atoms.chain,
    "atoms_2d": atoms.square,
    "atoms_3d": atoms.cubic,
}
