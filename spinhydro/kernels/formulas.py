"""Formulas and parameters of kernels and stencils by name, for `spinhydro words` and for errors.

Nothing here needs NumPy or Dedalus, so that the table is printed at once.
"""

_LATTICE = "a, omega_J or stiffness, beyond, axes"

#: ``{name of a kernel: (formula, parameters)}``.
KERNELS = {
    "chain": ("2 omega_J (1 - cos ka)", _LATTICE),
    "square": ("2 omega_J (2 - cos kx a - cos ky a)", _LATTICE),
    "triangular": ("2 omega_J (3 - sum of the cosines to the 3 pairs of neighbours)", _LATTICE),
    "sc": ("2 omega_J (3 - cos kx a - cos ky a - cos kz a)", _LATTICE),
    "bcc": ("8 omega_J (1 - cos kx a/2 cos ky a/2 cos kz a/2)", _LATTICE),
    "fcc": ("4 omega_J (3 - the products of two cosines of k a/2)", _LATTICE),
    "exchange": (
        "sum over neighbours d of 2 omega_d (1 - cos k.d)",
        "bonds={offset: omega_d}, vectors; or stiffness, cells of a grid",
    ),
    "neighbours": (
        "omega_E * mean over nearest neighbours of cos k.d (sublattices)", "lattice, a, omega_E"
    ),
    "micromagnetic": ("stiffness k^2", "stiffness"),
    "film": (
        "omega_M diag((1-P) kk/k^2, P), P = (1 - exp(-kd))/kd", "omega_M, thickness"
    ),
    "demag": (
        "omega_M times Newell's tensor: a body with open boundaries in a box of twice its size",
        "omega_M, body, thickness",
    ),
    "dmi": (
        "W m = -sum over pairs of 2i sin(k.d) m x omega_d",
        "bonds={offset: (omega_x, omega_y, omega_z)}",
    ),
    "interfacial_dmi": (
        "W m = omega_D (-dx m_z, -dy m_z, dx m_x + dy m_y)", "omega_D = 2 gamma D/M_s"
    ),
    "bulk_dmi": ("W m = omega_D curl m", "omega_D = 2 gamma D/M_s"),
    "dipolar": (
        "g_dd (3 cos^2 - 1)(1 + 3 cos kR/(kR)^2 - 3 sin kR/(kR)^3) of a gas", "g_dd, cutoff, axis"
    ),
    "projector": ("1 for |k| <= k_max, 0 beyond", "k_max"),
    "table": ("a cubic spline through values", "k, omega, or file"),
}  # fmt: skip

#: Lattices whose exchange is a kernel or a stencil.
LATTICE_NAMES = tuple(name for name, (_, usage) in KERNELS.items() if usage == _LATTICE)

#: Formula and parameters of the stencil of every lattice.
LATTICE_STENCIL = (
    "omega_J times the sum over nearest neighbours of m(r) - m(r + d)", "a, omega_J or stiffness"
)  # fmt: skip

#: ``{name of another stencil: (formula, parameters)}``.
STENCILS = {
    "exchange": (
        "sum over pairs of omega_d (2 m(r) - m(r + d) - m(r - d))", "bonds={offset: omega_d}, a"
    ),
    "neighbours": (
        "omega_E * mean over nearest neighbours of m(r + d) (sublattices)", "lattice, a, omega_E"
    ),
    "dmi": (
        "-sum over pairs of (m(r + d) - m(r - d)) x omega_d",
        "bonds={offset: (omega_x, omega_y, omega_z)}, a",
    ),
}  # fmt: skip


def table(texts):
    """Return the lines of a table ``{name: (formula, parameters)}``."""
    width = max(map(len, texts))
    return [f"  {name:<{width}}  {formula}; {usage}" for name, (formula, usage) in texts.items()]
