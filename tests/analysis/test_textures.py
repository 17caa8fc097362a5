"""Domain walls, winding, topological charge and spin temperature of textures known exactly."""

import numpy as np
import pytest
from spin_chain import A, dataset, sites

from spinhydro.analysis.magnets import BOLTZMANN
from spinhydro.analysis.temperature import spin_temperature, temperature_peak, temperature_profile
from spinhydro.analysis.textures import (
    domain_walls,
    phase_slips,
    sign_changes,
    topological_charge,
    winding_number,
)
from spinhydro.errors import InputError


def line(m_z, azimuth=0.0):
    """One state along x, twice in time."""
    m_z = np.asarray(m_z, dtype=float)
    perp = np.sqrt(1 - m_z**2)
    m = np.stack([perp * np.cos(azimuth), perp * np.sin(azimuth), m_z])
    return dataset(np.arange(2.0), sites(len(m_z)), np.stack([m, m]))


def test_walls_of_known_places():
    x = sites(400)
    places, width = np.array([21.3, 55.55, 90.0, 130.7]), 2.0
    m_z = np.prod([np.tanh((x - place) / width) for place in places], axis=0)
    ds = line(m_z)
    assert int(sign_changes(ds)[0, 0]) == 4
    walls = domain_walls(ds)
    assert np.allclose(walls.x, places, atol=2e-3)  # (a/width)²/24 of curvature between sites
    assert list(walls.sense) == [-1, 1, -1, 1]


def test_wall_across_the_end_of_the_ring():
    m_z = np.roll(np.repeat([0.9, -0.9], 20), 20)
    ds = line(m_z)
    walls = domain_walls(ds)
    assert len(walls.x) == 2
    length = 40 * A
    assert np.allclose(walls.x % length, [19.5 * A + A / 2, (39.5 * A + A / 2) % length], atol=1e-9)


def test_jitter_is_not_a_wall():
    m_z = np.repeat([0.9, -0.9], 50) + 0.0
    m_z[48:52] = [0.1, -0.1, 0.1, -0.1]
    ds = line(m_z)
    assert int(sign_changes(ds)[0, 0]) == 4
    assert int(sign_changes(ds, threshold=0.5)[0, 0]) == 2
    assert domain_walls(ds).sizes["wall"] == 2
    assert int(sign_changes(line(np.full(8, 0.3)))[0, 0]) == 0
    with pytest.raises(InputError, match="threshold = 1"):
        sign_changes(ds, threshold=1.0)


@pytest.mark.parametrize("turns", [-3, 0, 1, 5])
def test_winding_of_a_spiral(turns):
    azimuth = 2 * np.pi * turns * np.arange(64) / 64 + 0.3
    assert int(winding_number(line(np.full(64, 0.2), azimuth))[0, 0]) == turns


def test_one_phase_slip():
    # The azimuth of one spin is pulled around by a turn in eight outputs; the ring unwinds by one.
    x = np.arange(32)
    t = np.arange(9)
    azimuth = 2 * np.pi * 2 * x / 32 - 2 * np.pi * np.outer(t / 8, np.clip(x / 31, 0, 1))
    m = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    ds = dataset(t.astype(float), sites(32), m)
    change = np.diff(winding_number(ds).values[:, 0])
    slips = phase_slips(ds)
    assert change.sum() == -1
    assert np.array_equal((slips.up - slips.down).values[:, 0], change)
    assert int(slips.down.sum()) == 1 and int(slips.up.sum()) == 0


def test_phase_slips_change_the_winding_number():
    """up - down is the change of the winding number, for any azimuths."""
    random = np.random.default_rng(1)
    for _ in range(10):
        azimuth = random.uniform(-np.pi, np.pi, (3, 32))
        m = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
        ds = dataset(np.arange(3.0), sites(32), m)
        slips = phase_slips(ds)
        change = np.diff(winding_number(ds).values[:, 0])
        assert np.array_equal((slips.up - slips.down).values[:, 0], change)


def skyrmion(points, charge=1, radius=0.12):
    """A periodic texture of one skyrmion on the unit square."""
    x = np.arange(points) / points
    X, Y = np.meshgrid(x - 0.5, x - 0.5, indexing="ij")
    r, phi = np.hypot(X, Y), charge * np.arctan2(Y, X)
    theta = np.pi * np.exp(-((r / radius) ** 2))
    m = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    base = dataset(np.arange(1.0), x, np.zeros((1, 3, points)))
    ds = base.drop_vars("m").assign(m=(("t", "spin", "x", "y"), m[None]))
    return ds.assign_coords(y=x)


@pytest.mark.parametrize("charge", [1, -1, 2])
def test_topological_charge(charge):
    ds = skyrmion(49, charge)
    lattice = float(topological_charge(ds)[0, 0])
    # m_z = -1 at the centre of a texture that is +1 outside: Q = -charge.
    assert lattice == pytest.approx(-charge, abs=1e-12)
    spectral = float(topological_charge(skyrmion(128, 1), method="spectral")[0, 0])
    assert spectral == pytest.approx(-1, abs=2e-3)


def test_charge_needs_a_plane():
    with pytest.raises(InputError, match="it needs a plane. Of a line take the winding number"):
        topological_charge(line(np.zeros(8)))
    with pytest.raises(InputError, match="this needs one axis"):
        sign_changes(skyrmion(8))
    with pytest.raises(InputError, match="no method 'fd'"):
        topological_charge(skyrmion(8), method="fd")


@pytest.mark.parametrize("kelvin", [50.0, 300.0])
def test_spin_temperature_of_a_sampled_chain(kelvin):
    # Without anisotropy the bonds of an open chain are independent, with cos θ ~ exp(J cos θ/kT).
    J, points, members = 1.4e-20, 1000, 40
    rng = np.random.default_rng(5)
    strength = J / (BOLTZMANN * kelvin)
    cosine = 1 + np.log1p(rng.random((points, members, 1)) * np.expm1(-2 * strength)) / strength
    direction = np.tile([0.0, 0.0, 1.0], (members, 1))
    m = np.zeros((1, members, 3, points))
    for row in range(points):
        other = np.cross(direction, rng.normal(size=(members, 3)))
        other /= np.sqrt(np.sum(other**2, axis=1, keepdims=True))
        direction = cosine[row] * direction + np.sqrt(1 - cosine[row] ** 2) * other
        m[0, :, :, row] = direction
    found = float(spin_temperature(dataset(np.arange(1.0), sites(points), m), J=J, d_z=0.0).mean())
    assert found == pytest.approx(kelvin, rel=0.02)  # 1/sqrt(N) and the bond that closes the ring


def test_spin_temperature_of_single_spins_with_anisotropy():
    d_z, kelvin, points = 3e-21, 100.0, 200000
    rng = np.random.default_rng(6)
    m_z = 2 * rng.random(points) - 1
    kept = rng.random(points) < np.exp(d_z / (BOLTZMANN * kelvin) * (m_z**2 - 1))
    ds = line(m_z[kept], 2 * np.pi * rng.random(int(kept.sum())))
    found = float(spin_temperature(ds, J=0.0, d_z=d_z)[0, 0])
    assert found == pytest.approx(kelvin, rel=0.02)


def test_temperature_profiles():
    t, x = np.linspace(0, 20, 201), np.linspace(0, 20, 40, endpoint=False)
    T = 6000 * np.exp(-((t[:, None] - 10.43) ** 2) / 4) * np.exp(-((x - 10) ** 2) / 20)
    ds = dataset(t, x, np.zeros((201, 3, 40))).assign(T_e=(("t", "x"), T))
    time, place, kelvin = temperature_peak(ds)
    assert time == pytest.approx(10.43, abs=1e-3) and place == 10.0
    assert kelvin == pytest.approx(6000, rel=1e-5)
    assert temperature_profile(ds).dims == ("t", "member", "x")
    # A jump between two outputs gives no height that no output has.
    step = ds.assign(T_e=(("t", "x"), np.where(t[:, None] > 9.95, 6000.0, 300.0) + 0 * T))
    assert temperature_peak(step)[2] == 6000
    with pytest.raises(InputError, match="no output of a temperature"):
        temperature_profile(ds.drop_vars("T_e"))


def test_phase_slips_are_the_change_of_the_winding_number():
    """For any azimuths; a roll in the other direction breaks this in three of four cases."""
    azimuth = np.random.default_rng(1).uniform(-np.pi, np.pi, (40, 33))
    m = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=1)
    ds = dataset(np.arange(40.0), sites(33), m)
    slips, turns = phase_slips(ds), winding_number(ds).values[:, 0]
    assert np.array_equal((slips.up - slips.down).values[:, 0], np.diff(turns))
    assert int(slips.up.sum()) > 20
