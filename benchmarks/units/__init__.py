"""The work units, by name."""

from benchmarks.units import chain, hydrodynamics, landau_lifshitz, superfluid

UNITS = {
    "lle_1d": landau_lifshitz.one_dimension,
    "gpe_1d": superfluid.one_dimension,
    "hydrodynamics_1d": hydrodynamics.one_dimension,
    "lle_2d": landau_lifshitz.two_dimensions,
    "gpe_3d": superfluid.three_dimensions,
    "chain": chain.single,
}
