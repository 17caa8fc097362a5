"""Magnets in nanometres and picoseconds: numbers of a material, exchange kernels, gratings."""

from typing import NamedTuple

import numpy as np

from spinhydro.physics.checks import check, check_choice
from spinhydro.physics.materials import material
from spinhydro.units import multipliers

_UNITS = multipliers(length=-9, time=-12)
#: Kinds of `exchange`.
EXCHANGE = ("lattice", "micromagnetic", "atomistic")


class Magnet(NamedTuple):
    """Parameters of a magnet in nm, ps, kg and A, made by `magnet`.

    Attributes
    ----------
    Ms, Hk : float
        Saturation magnetisation and anisotropy field, A/nm.
    lambda_ex, a : float
        Exchange length and lattice constant, nm.
    alpha : float
        Damping.
    gamma : float
        Gyromagnetic ratio, rad/(T ps) in units of the system.
    A_ex, K_u, D : float
        Exchange stiffness (J/nm), anisotropy (J/nm^3) and Dzyaloshinskii-Moriya constant (J/nm^2)
        in units of the system.
    """

    Ms: float
    Hk: float
    lambda_ex: float
    a: float
    alpha: float
    gamma: float
    A_ex: float = None
    K_u: float = None
    D: float = None

    @property
    def dimensions(self):
        """Powers of (length, time, mass, temperature, current) of every attribute."""
        return {
            "Ms": (-1, 0, 0, 0, 1),
            "Hk": (-1, 0, 0, 0, 1),
            "lambda_ex": (1, 0, 0, 0, 0),
            "a": (1, 0, 0, 0, 0),
            "alpha": (0, 0, 0, 0, 0),
            "gamma": (0, 1, -1, 0, 1),
            "A_ex": (1, -2, 1, 0, 0),
            "K_u": (-1, -2, 1, 0, 0),
            "D": (0, -2, 1, 0, 0),
        }

    def checked(self):
        """Return the magnet, or raise ParameterError for an impossible number."""
        for key in ("Ms", "lambda_ex", "a", "gamma"):
            value = getattr(self, key)
            check(value > 0, f"{key} must be positive", **{key: value})
        check(self.alpha >= 0, "the damping alpha cannot be negative", alpha=self.alpha)
        return self

    @property
    def p(self):
        """1/(1 + alpha^2): the Landau-Lifshitz form of Gilbert's equation."""
        return 1 / (1 + self.alpha**2)

    @property
    def omega_M(self):
        """gamma mu_0 M_s, rad/ps."""
        return self.gamma * _UNITS["mu_0"] * self.Ms

    @property
    def omega_K(self):
        """gamma mu_0 H_k, rad/ps."""
        return self.gamma * _UNITS["mu_0"] * self.Hk

    @property
    def stiffness(self):
        """omega(k)/k^2 for k -> 0: omega_M lambda_ex^2, nm^2 rad/ps."""
        return self.omega_M * self.lambda_ex**2

    @property
    def J(self):
        """Exchange energy of a pair of neighbours on a chain, mu_0 M_s^2 lambda_ex^2 a."""
        return _UNITS["mu_0"] * self.Ms**2 * self.lambda_ex**2 * self.a

    @property
    def mu_s(self):
        """Magnetic moment of a site, M_s a^3."""
        return self.Ms * self.a**3

    @property
    def Delta(self):
        """Width of a domain wall, sqrt(stiffness/omega_K), nm."""
        return np.sqrt(self.stiffness / self.omega_K)


def magnet(name=None, **numbers):
    """The numbers of a material in nm and ps, by name or one by one.

    Parameters
    ----------
    name : str, optional
        A name that `spinhydro materials` lists.
    **numbers
        Attributes of `Magnet` that replace those of the material; without a name Ms, Hk,
        lambda_ex, a, alpha and gamma are all needed.

    Returns
    -------
    Magnet

    Raises
    ------
    ParameterError
        For an unknown material, a length or M_s that is not positive, a negative damping.

    Examples
    --------
    >>> magnet = spinhydro.magnet("CoFeNi")
    >>> magnet.omega_K  # rad/ps
    0.342811
    """
    if name is None:
        found = Magnet(**numbers)
    else:
        known = material(name)
        A, J, metre = _UNITS["A"], _UNITS["J"], _UNITS["m"]
        found = Magnet(
            Ms=known.Ms * A / metre,
            Hk=known.Hk * A / metre,
            lambda_ex=known.lambda_ex * metre,
            a=known.a * metre,
            alpha=known.alpha,
            gamma=known.gamma * _UNITS["rad"] / (_UNITS["tesla"] * _UNITS["s"]),
            A_ex=known.A * J / metre,
            K_u=known.Ku * J / metre**3,
            D=known.D * J / metre**2,
        )._replace(**numbers)
    return found.checked()


def exchange(magnet, kernel="lattice", cell=None, beyond="refuse", strength=1):
    r"""Exchange in a chain of spins, as an operator for H = … - W(m).

    .. math:: \omega(k) = 2 \omega_M (\lambda_{ex}/a)^2 (1 - \cos ka)
              \quad\text{or}\quad \omega_M \lambda_{ex}^2 k^2

    Parameters
    ----------
    magnet : Magnet
    kernel : str
        "lattice": the chain of atoms at any cell; "micromagnetic": the k^2 law; "atomistic": the
        chain of atoms as a sum over neighbours on the grid, with one cell per atom.
    cell : float, optional
        Size of a cell of the grid, nm; the lattice constant by default.
    beyond : str
        "refuse", "flat" or "periodic": omega(k) of the lattice beyond pi/a, for cells below a.
    strength : float
        Multiplies the exchange: 0 leaves every spin on its own.

    Returns
    -------
    Kernel or Stencil

    Raises
    ------
    ParameterError
        For another kernel, or atomistic spins with a cell other than a.
    """
    from spinhydro.kernels.named import kernel as kernel_by_name
    from spinhydro.kernels.stencils import stencil

    check_choice("kernel", kernel, EXCHANGE)
    stiffness = strength * magnet.stiffness
    if kernel == "micromagnetic":
        return kernel_by_name("micromagnetic", stiffness=stiffness)
    if kernel == "lattice":
        return kernel_by_name("chain", a=magnet.a, stiffness=stiffness, beyond=beyond)
    check(
        cell is None or cell == magnet.a, "atomistic spins need one cell per site: cell=a",
        kernel=kernel, cell=cell, a=magnet.a,
    )  # fmt: skip
    return stencil("chain", a=magnet.a, stiffness=stiffness)


def grating(x, length, pulses, r_max, seed, plane=False):
    r"""Unit vectors along z with Gaussian spots of disorder, shape (3, …).

    .. math:: m_z = 1 - r_{max}\, r\, e^{-d^2/2\sigma^2}, \qquad \sigma = L/3N_p

    with r and the azimuth over 2 pi uniform in [0, 1) and independent at every point, d the
    periodic distance to the nearest of N_p equidistant centres.

    Parameters
    ----------
    x : array
        Positions on the grid of the whole box.
    length : float
        L, > 0.
    pulses : int
        N_p >= 1.
    r_max : float
        Depth of the disorder, 0 to 2.
    seed : int
        Of NumPy's default generator; each member of an ensemble has its own numbers.
    plane : bool
        Magnetise the wire along x instead of z.

    Raises
    ------
    ParameterError
    """
    from spinhydro.dedalus_support.ensemble.noise import random_generator

    check(
        (pulses >= 1) & (np.rint(pulses) == pulses),
        "pulses must be a whole number, at least 1", pulses=pulses,
    )  # fmt: skip
    check(
        (r_max >= 0) & (r_max <= 2), "r_max must lie between 0 and 2: m_z = 1 - r_max r g",
        r_max=r_max,
    )  # fmt: skip
    period = length / pulses
    distance = (x / period) % 1 * period - period / 2
    spot = np.exp(-(distance**2) / (2 * (period / 3) ** 2))
    random = random_generator(seed)
    along = 1 - r_max * random.random(x.size) * spot
    phase = 2 * np.pi * random.random(x.size)
    across = np.sqrt(1 - along**2)
    first, second = across * np.cos(phase), across * np.sin(phase)
    return np.array([along, first, second] if plane else [first, second, along])
