"""Magnetic materials, and their parameters in three conventions.

A material is given by its micromagnetic parameters. A kernel needs frequencies, an atomistic
simulation energies per site; one is computed from the other:

| convention | parameters |
|---|---|
| micromagnetic | A (J/m), M_s (A/m), K_u (J/m^3) |
| kernel | lambda_ex = sqrt(2A/(mu_0 M_s^2)), omega_M = gamma mu_0 M_s, H_k = 2 K_u/(mu_0 M_s) |
| atomistic, one spin per cube a^3 | J = 2 A a, mu_s = M_s a^3, d_z = mu_s mu_0 H_k/2 |

with the energy -J sum over pairs S_i.S_j - d_z sum (S_i^z)^2 of unit vectors S.
"""

from dataclasses import dataclass

import numpy as np

from spinhydro.errors import ParameterError, unknown_name_message
from spinhydro.units import SI

#: Gyromagnetic ratio of paper B, rad/(T s).
GAMMA = 1.76e11
_MU_0 = SI["mu_0"]
_MU_B = SI["mu_B"]


@dataclass(frozen=True)
class Material:
    """A magnetic material in SI units.

    Attributes
    ----------
    Ms : float
        Saturation magnetisation, A/m.
    A : float
        Exchange stiffness, J/m.
    Ku : float
        Uniaxial anisotropy energy, J/m^3; positive: easy axis.
    a : float
        Lattice constant, m.
    alpha : float
        Damping of the Landau-Lifshitz-Gilbert equation.
    D : float
        Interfacial or bulk Dzyaloshinskii-Moriya constant, J/m^2.
    source : str
    """

    name: str
    Ms: float
    A: float
    Ku: float
    a: float
    alpha: float
    source: str
    D: float = 0.0
    gamma: float = GAMMA

    @property
    def lambda_ex(self):
        """sqrt(2A/(mu_0 M_s^2)), m."""
        return np.sqrt(2 * self.A / (_MU_0 * self.Ms**2))

    @property
    def Hk(self):
        """Anisotropy field 2 K_u/(mu_0 M_s), A/m."""
        return 2 * self.Ku / (_MU_0 * self.Ms)

    @property
    def omega_M(self):
        """gamma mu_0 M_s, rad/s."""
        return self.gamma * _MU_0 * self.Ms

    @property
    def omega_K(self):
        """gamma mu_0 H_k, rad/s."""
        return self.gamma * _MU_0 * self.Hk

    @property
    def stiffness(self):
        """omega(k)/k^2 for k -> 0: omega_M lambda_ex^2, m^2 rad/s."""
        return self.omega_M * self.lambda_ex**2

    @property
    def J(self):
        """Exchange energy of a pair of neighbours, 2 A a, in J."""
        return 2 * self.A * self.a

    @property
    def mu_s(self):
        """Magnetic moment of a site, M_s a^3, in J/T."""
        return self.Ms * self.a**3

    @property
    def d_z(self):
        """Anisotropy energy of a site, mu_s mu_0 H_k/2, in J."""
        return self.mu_s * _MU_0 * self.Hk / 2

    @property
    def wall_width(self):
        """Delta = sqrt(A/K_u), m: the wall is theta = 2 atan(exp(x/Delta))."""
        return np.sqrt(self.A / self.Ku) if self.Ku > 0 else np.inf


def _from_kernel(name, Ms, Hk, lambda_ex, **rest):
    return Material(name, Ms=Ms, A=_MU_0 * Ms**2 * lambda_ex**2 / 2, Ku=_MU_0 * Ms * Hk / 2,
                    **rest)  # fmt: skip


MATERIALS = {
    material.name: material
    for material in (
        _from_kernel(
            "CoFeNi", Ms=770e3, Hk=1550e3, lambda_ex=7.3e-9, a=0.355e-9, alpha=0.01,
            source="CoFe/Ni multilayer of paper B (Rockwell et al.)",
        ),
        Material(
            "permalloy", Ms=800e3, A=13e-12, Ku=0.0, a=0.3547e-9, alpha=0.02,
            source="muMAG standard problem 4 (M_s, A, alpha); fcc lattice constant of Ni80Fe20",
        ),
        Material(
            "Co", Ms=1400e3, A=30e-12, Ku=520e3, a=0.2507e-9, alpha=0.01,
            source="OOMMF user's guide, table of materials; hcp lattice constant; typical damping",
        ),
        Material(
            "Fe", Ms=1700e3, A=21e-12, Ku=48e3, a=0.2866e-9, alpha=0.005,
            source="OOMMF user's guide (its K_1 is cubic); bcc lattice constant; typical damping",
        ),
        Material(
            "YIG", Ms=140e3, A=3.7e-12, Ku=0.0, a=1.2376e-9, alpha=1e-4,
            source="Klingler et al., J. Phys. D 48, 015001 (2015): A; typical M_s and damping",
        ),
        Material(
            "PtCo", Ms=580e3, A=15e-12, Ku=800e3, a=0.25e-9, alpha=0.3, D=3e-3,
            source="Sampaio et al., Nature Nanotechnology 8, 839 (2013): Pt/Co film",
        ),
        Material(
            "FeGe", Ms=384e3, A=8.78e-12, Ku=0.0, a=0.47e-9, alpha=0.28, D=1.58e-3,
            source="Beg et al., Scientific Reports 5, 17137 (2015); lattice constant of B20 FeGe",
        ),
    )
}  # fmt: skip


def material(name):
    """A material by its name: ``material("CoFeNi").Ms`` in A/m.

    Raises ParameterError for a material that is not in MATERIALS, with the nearest name.
    """
    if name not in MATERIALS:
        raise ParameterError(unknown_name_message("material", name, MATERIALS))
    return MATERIALS[name]


def table(name):
    """Lines of a table: the parameters of a material in three conventions, with units."""
    chosen = material(name)
    THz = 2 * np.pi * 1e12
    edge = 4 * chosen.stiffness / chosen.a**2
    rows = [
        ("micromagnetic", "", "", ""),
        ("M_s", chosen.Ms / 1e3, "kA/m", "saturation magnetisation"),
        ("A", chosen.A * 1e12, "pJ/m", "exchange stiffness, mu_0 M_s^2 lambda_ex^2/2"),
        ("K_u", chosen.Ku / 1e3, "kJ/m^3", "uniaxial anisotropy, mu_0 M_s H_k/2"),
        ("D", chosen.D * 1e3, "mJ/m^2", "Dzyaloshinskii-Moriya constant"),
        ("a", chosen.a * 1e9, "nm", "lattice constant"),
        ("alpha", chosen.alpha, "", "damping"),
        ("gamma", chosen.gamma, "rad/(T s)", "gyromagnetic ratio"),
        ("kernel", "", "", ""),
        ("lambda_ex", chosen.lambda_ex * 1e9, "nm", "exchange length sqrt(2A/(mu_0 M_s^2))"),
        ("H_k", chosen.Hk / 1e3, "kA/m", "anisotropy field"),
        ("omega_M", chosen.omega_M / 1e12, "rad/ps", "gamma mu_0 M_s"),
        ("omega_K", chosen.omega_K / 1e12, "rad/ps", "gamma mu_0 H_k"),
        ("stiffness", chosen.stiffness * 1e6, "nm^2 rad/ps", "omega_M lambda_ex^2"),
        ("omega(pi/a)", edge / 1e12, "rad/ps", f"of the chain, {edge / THz:.4g} THz"),
        ("k^2 law there", edge * np.pi**2 / 4 / 1e12, "rad/ps",
         f"{edge * np.pi**2 / 4 / THz:.4g} THz"),
        ("Delta", chosen.wall_width * 1e9, "nm", "domain wall width sqrt(A/K_u)"),
        ("atomistic", "", "", ""),
        ("J", chosen.J, "J", "exchange energy of a pair, 2 A a"),
        ("mu_s", chosen.mu_s / _MU_B, "mu_B", "moment of a site, M_s a^3"),
        ("d_z", chosen.d_z, "J", "anisotropy energy of a site, mu_s mu_0 H_k/2"),
    ]  # fmt: skip
    lines = [f"{chosen.name}: {chosen.source}", ""]
    for symbol, value, unit, meaning in rows:
        if value == "":
            lines.append(symbol)
        elif not (symbol == "D" and value == 0):
            lines.append(f"  {symbol:<13} {value:<13.7g} {unit:<11} {meaning}".rstrip())
    return lines


def overview():
    """Lines of a table: all materials, one line each."""
    lines = ["material    M_s kA/m  A pJ/m  K_u kJ/m^3    a nm   alpha"]
    for m in MATERIALS.values():
        lines.append(
            f"{m.name:<10} {m.Ms / 1e3:>9.4g} {m.A * 1e12:>7.4g} {m.Ku / 1e3:>11.4g} "
            f"{m.a * 1e9:>7.4g} {m.alpha:>7.3g}   {m.source}"
        )
    return [*lines, "", "`spinhydro materials NAME` prints one in all its parameters."]
