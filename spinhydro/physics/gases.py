"""Two-component gases in micrometres and milliseconds: interactions, traps, frozen densities."""

from typing import NamedTuple

import numpy as np

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.physics.checks import check, check_choice
from spinhydro.physics.species import atomic_mass
from spinhydro.physics.states import ground_state, pedestal, thomas_fermi
from spinhydro.units import multipliers

_UNITS = multipliers(length=-6, time=-3)
#: g n_0/hbar of the experiment of Farolfi et al., 1/ms: the default for equal interactions.
STANDARD_INTERACTION = 2 * np.pi * (118 / 0.33) * _UNITS["Hz"] / (1 - 0.93)
#: The box is at least this many times the Thomas-Fermi radius.
_ROOM = 2.05


def hbar_over_m(atom):
    """hbar/m of an atom in um^2/ms: 2.762437 for "Na23".

    Raises ParameterError for an unknown atom, with the nearest name.
    """
    return _UNITS["hbar"] / (atomic_mass(atom) * _UNITS["kg"])


def interaction(kappa_n0, g12_over_g, equal=STANDARD_INTERACTION):
    r"""Interaction g n_0/hbar of two components with the spin interaction kappa n_0.

    .. math:: g n_0/\hbar = \frac{\kappa n_0}{1 - g_{12}/g}

    Parameters
    ----------
    kappa_n0 : float or per_member
        (g - g12) n_0/hbar in 1/ms, >= 0. With 0 the interactions are equal, g12 = g whatever
        g12_over_g.
    g12_over_g : float or per_member
        Above -1, where the gas collapses, and at most 1.
    equal : float
        g n_0/hbar of equal interactions, which nothing else determines; that of the experiment of
        Farolfi et al. by default, 32.1/ms.

    Raises
    ------
    ParameterError
    """
    check(
        g12_over_g <= 1,
        "the components are immiscible: g12_over_g < 1 is needed, or 1 for equal interactions",
        g12_over_g=g12_over_g,
    )
    check(
        g12_over_g > -1, "the attraction makes the gas collapse: take g12_over_g > -1",
        g12_over_g=g12_over_g,
    )  # fmt: skip
    check(
        kappa_n0 >= 0, "kappa_n0 must be positive, or 0 for equal interactions", kappa_n0=kappa_n0
    )
    check(
        (g12_over_g < 1) | (kappa_n0 == 0),
        "equal interactions, g12_over_g = 1, have kappa_n0 = 0: give kappa_n0=0 too, or leave it "
        "out (g_n0 sets their size)",
        g12_over_g=g12_over_g, kappa_n0=kappa_n0,
    )  # fmt: skip
    none = kappa_n0 == 0
    if not isinstance(none, PerMember):
        return equal if none else kappa_n0 / (1 - g12_over_g)
    if not none.values.any():
        return kappa_n0 / (1 - g12_over_g)
    # Members with equal interactions would divide 0 by 0.
    return kappa_n0 / (1 - g12_over_g + none) + none * equal


class FrozenGas(NamedTuple):
    """A gas of constant density, made by `frozen_gas`: fields n and (ln n)'."""

    n: object
    log_slope: object


def frozen_gas(dist, xbasis, hbar_over_m, g_n0=None, R_x=None, density="ground_state", edge=1e-4):
    r"""The density of a trapped gas and its logarithmic slope, as fields.

    .. math:: \partial_x \ln n \approx \frac{\partial_x n}{n + \epsilon}

    Parameters
    ----------
    dist, xbasis
        Of the problem, in one dimension.
    hbar_over_m : float
        um^2/ms.
    g_n0 : float
        Interaction at the peak density, 1/ms, > 0; Thomas-Fermi densities need none.
    R_x : float
        Thomas-Fermi radius, > 0; the box is longer than 2.05 R_x.
    density : str
        "ground_state" of the harmonic trap; "pedestal": of a trap that levels off at 0.95 of the
        chemical potential; "thomas_fermi"; "thomas_fermi_floor": with 2e-3 left at the edge.
    edge : float
        epsilon > 0: silences the slope where there is no gas.

    Returns
    -------
    FrozenGas

    Raises
    ------
    ParameterError
    """
    import dedalus.public as d3

    check_choice(
        "density", density, ("ground_state", "pedestal", "thomas_fermi", "thomas_fermi_floor")
    )
    check(edge > 0, "edge must be positive: the density vanishes outside the cloud", edge=edge)
    check_box(xbasis, R_x)
    x = dist.local_grid(xbasis)
    n = dist.Field(name="n", bases=xbasis)
    q = dist.Field(name="q", bases=xbasis)
    if density in ("ground_state", "pedestal"):
        omega_x = np.sqrt(2 * hbar_over_m * g_n0) / R_x  # the trap that gives this radius
        trap = omega_x**2 * x**2 / (2 * hbar_over_m)
        if density == "pedestal":
            trap = pedestal(trap, 0.95 * g_n0, 0.02 * g_n0)
        n["g"] = ground_state(x, trap, g_n0, hbar_over_m / 2, chemical_potential=g_n0)
        derivative = d3.Differentiate(n, xbasis.coord).evaluate()
        # Operators leave their results, and may leave their operands, on the dealiased grid.
        for field in (derivative, n):
            field.change_scales(1)
        slope = derivative["g"]
    else:
        n["g"] = thomas_fermi(x, R_x, floor=2e-3 if density == "thomas_fermi_floor" else 0)
        slope = np.gradient(n["g"], x.ravel(), axis=-1)  # a spectral derivative rings at the kink
    q["g"] = slope / (n["g"] + edge)
    return FrozenGas(n, q)


def check_box(basis, radius):
    """Raise ParameterError unless a trapped gas fits into the box along its axis."""
    name, length = basis.coord.name, basis.bounds[1] - basis.bounds[0]
    check(
        (radius > 0) & (_ROOM * radius < length),
        f"the box must be larger than the cloud, {_ROOM} R_{name} < L_{name}, and R_{name} "
        "positive",
        **{f"R_{name}": radius, f"L_{name}": length},
    )


def trapped_gas(V, bases, radii, mu, interaction, hbar_over_m, wall=None):
    r"""Fill V with the trap of a gas of one component, and return the gas's density.

    .. math:: V = \sum_i \frac{\omega_i^2 x_i^2}{2\hbar/m} - \mu, \qquad
              \omega_i = \sqrt{2 (\hbar/m) \mu}/R_i

    every term divided by hbar.

    Parameters
    ----------
    V : field
    bases : sequence
        Along x, y, z: 1 to 3.
    radii : sequence of float
        Thomas-Fermi radii R_i along x, y, z (further ones are not used); a box is longer than
        2.05 R_i.
    mu : float
        Chemical potential, > 0.
    interaction : float
        g/hbar of the component, in units that make the density of `n` 1 where it is mu.
    hbar_over_m : float
    wall : (float, float), optional
        Where the trap levels off and how gently, over mu: see `pedestal`.

    Returns
    -------
    array
        n on this rank's part of the grid.

    Raises
    ------
    InputError (ParameterError)
    """
    from spinhydro.dedalus_support.domain import local_part

    for basis, radius in zip(bases, radii, strict=False):
        check_box(basis, radius)
    check(mu > 0, "the interactions within a component must be repulsive", mu=mu)
    grids = [basis.global_grid(V.dist, scale=1).ravel() for basis in bases]
    potential = sum(
        (np.sqrt(2 * hbar_over_m * mu) / radius) ** 2 * grid**2 / (2 * hbar_over_m)
        for radius, grid in zip(radii, np.ix_(*grids), strict=False)
    )
    if wall is not None:
        check(
            0 < wall[0] < 1 and 0 < wall[1] < 1,
            "wall and wall_width are between 0 and 1", wall=wall[0], wall_width=wall[1],
        )  # fmt: skip
        potential = pedestal(potential, wall[0] * mu, wall[1] * mu)
    density = ground_state(
        tuple(grids), potential, interaction, hbar_over_m / 2, chemical_potential=mu
    )
    V["g"] = local_part(potential - mu, V)
    return local_part(density, V)


def trap_potential(x, R_x, mu, hbar_over_m, trap="harmonic", wall=0.95, wall_width=0.02):
    r"""V/hbar along x of the trap in which a gas with the chemical potential mu has the radius R_x.

    Parameters
    ----------
    x : array
    R_x, mu, hbar_over_m : float
    trap : str
        "harmonic"; "pedestal" or "sponge": it levels off at `wall` (see `pedestal`); "none": 0.
    wall, wall_width : float
        Over mu, both between 0 and 1.

    Raises
    ------
    ParameterError
    """
    check_choice("trap", trap, ("pedestal", "sponge", "harmonic", "none"))
    if trap == "none":
        return 0 * x
    omega_x = np.sqrt(2 * hbar_over_m * mu) / R_x
    potential = omega_x**2 * x**2 / (2 * hbar_over_m)
    if trap == "harmonic":
        return potential
    check(
        0 < wall < 1 and 0 < wall_width < 1, "wall and wall_width are between 0 and 1",
        wall=wall, wall_width=wall_width,
    )  # fmt: skip
    return pedestal(potential, wall * mu, wall_width * mu)


def spin_gradient_squared(s):
    """|grad s|^2 of a spin vector field, summed over components and directions."""
    import dedalus.public as d3

    gradient = d3.grad(s)
    parts = [gradient @ e for e in s.tensorsig[0].unit_vector_fields(s.dist)]
    return parts[0] @ parts[0] + parts[1] @ parts[1] + parts[2] @ parts[2]


class TexturedGas(NamedTuple):
    """Fields of a gas whose spins form a texture, made by `textured_gas`."""

    n: object
    J: object
    s: object
    V: object
    theta: object
    phi: object
    impulse: object

    def logarithmic(self):
        """Return new fields ln n, v = J/n and s/n of the same state."""
        dist, bases = self.n.dist, self.n.domain.bases
        ln_n = dist.Field(name="ln_n", bases=bases)
        v = dist.VectorField(self.J.tensorsig[0], name="v", bases=bases)
        s_hat = dist.VectorField(self.s.tensorsig[0], name="s_hat", bases=bases)
        n = self.n["g"]
        ln_n["g"], v["g"], s_hat["g"] = np.log(n), self.J["g"] / n, self.s["g"] / n
        return ln_n, v, s_hat


def textured_gas(dist, coords, bases, potential, g_n0, hbar_over_m, texture=0.0):
    r"""A trapped gas in one spin state, tilted by a wavy texture, with the current of its spinor.

    .. math:: \psi = \sqrt{n}\,(\sin\tfrac\theta2\, e^{i\phi}, \cos\tfrac\theta2), \qquad
              \mathbf{s} = \psi^\dagger\sigma\psi, \quad
              \mathbf{J} = \tfrac{\hbar}{m} n \sin^2\tfrac\theta2\, \nabla\phi

    n is the ground state of the potential along x with the chemical potential g_n0; theta and phi
    are sums of waves along all directions, theta of the size `texture` (rad).

    Parameters
    ----------
    dist, coords, bases
        Of the problem, in 1 to 3 dimensions.
    potential : array
        V/hbar along x, as ``dist.local_grid`` gives x.
    g_n0, hbar_over_m : float
    texture : float
        0: all spins along -z.

    Returns
    -------
    TexturedGas
    """
    import dedalus.public as d3

    from spinhydro.dedalus_support.domain import spin

    n, V, theta, phi = (dist.Field(name=name, bases=bases) for name in ("n", "V", "theta", "phi"))
    J = dist.VectorField(coords, name="J", bases=bases)
    impulse = dist.VectorField(coords, name="impulse", bases=bases)
    s = dist.VectorField(spin, name="s", bases=bases)
    V["g"] = potential
    x, y, z = (*dist.local_grids(*bases), 0, 0)[:3]
    n["g"] = ground_state(x, potential, g_n0, hbar_over_m / 2, chemical_potential=g_n0)
    lengths = [basis.bounds[1] - basis.bounds[0] for basis in bases] + [1, 1]
    # Choose the number of waves along x so that they are about as long as those along y.
    along = max(1, round(lengths[0] / lengths[1])) if len(bases) > 1 else 1
    q_x, q_y, q_z = 2 * np.pi * along / lengths[0], 2 * np.pi / lengths[1], 2 * np.pi / lengths[2]
    theta["g"] = texture * (1 + np.sin(q_x * x) / 2 + np.cos(q_y * y) + np.sin(q_z * z))
    phi["g"] = np.sin(q_y * y + q_x * x + 1) + np.cos(q_z * z)
    tilt, angle = theta["g"], phi["g"]
    s["g"] = n["g"] * np.stack(
        [np.sin(tilt) * np.cos(angle), -np.sin(tilt) * np.sin(angle), -np.cos(tilt)]
    )
    slope = d3.grad(phi).evaluate()
    slope.change_scales(1)
    J["g"] = hbar_over_m * n["g"] * np.sin(theta["g"] / 2) ** 2 * slope["g"]
    impulse["g"] = J["g"]
    return TexturedGas(n, J, s, V, theta, phi, impulse)
