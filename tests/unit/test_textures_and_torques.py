"""Textures have their topological numbers; sampled modes their occupation; states no residual."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError, ParameterError


def derivative(f, axis, length):
    k = 2 * np.pi * np.fft.fftfreq(f.shape[axis], length / f.shape[axis])
    k = k.reshape([-1 if i == axis else 1 for i in range(f.ndim)])
    return np.fft.ifft(1j * k * np.fft.fft(f, axis=axis), axis=axis).real


@pytest.mark.parametrize("charge", [1, -1, 2])
@pytest.mark.parametrize("core", [-1, 1])
def test_charge_of_skyrmions(charge, core):
    L, N = 40.0, 128
    x = (np.arange(N) / N - 0.5) * L + 0.1
    m = spinhydro.skyrmion(x[:, None], x[None, :], 6.0, 2.0, charge=charge, core=core)
    density = (m * np.cross(derivative(m, 1, L), derivative(m, 2, L), axis=0)).sum(0)
    assert density.sum() * (L / N) ** 2 / (4 * np.pi) == pytest.approx(core * charge, abs=2e-3)
    np.testing.assert_allclose((m**2).sum(0), 1, atol=1e-12)


@pytest.mark.parametrize("component, winding", [(0, 1), (1, -1)])
def test_half_vortices_have_half_a_quantum(component, winding):
    """Circulation pi hbar/m at r >> R, density 1, and spins that turn around Z = -1 or 1."""
    phi, R = 2 * np.pi * np.arange(256) / 256, 200.0
    psi = spinhydro.half_vortex(R * np.cos(phi), R * np.sin(phi), 1.0, component, winding)
    np.testing.assert_allclose((np.abs(psi) ** 2).sum(0), 1, atol=1e-12)
    slope = np.fft.ifft(1j * np.fft.fftfreq(256, 1 / 256) * np.fft.fft(psi, axis=1), axis=1)
    circulation = (psi.conj() * slope).imag.sum(0).mean() * 2 * np.pi
    assert circulation == pytest.approx(winding * np.pi, rel=1e-4)
    turns = np.unwrap(np.angle(np.append(*[psi[0].conj() * psi[1]] * 2)))[256] / (2 * np.pi)
    assert round(turns) == (-winding if component == 0 else winding)
    centre = np.abs(spinhydro.half_vortex(0.0, 0.0, 1.0, component, winding)) ** 2
    assert centre[component] == 0 and centre[1 - component] == 1
    with pytest.raises(ParameterError, match="0 or 1"):
        spinhydro.half_vortex(0.0, 0.0, 1.0, component=2)


@pytest.mark.parametrize("twists", [1, 2])
def test_hopf_index_of_hopfions(twists):
    L, N = 16.0, 64
    x = (np.arange(N) / N - 0.5) * L
    m = spinhydro.hopfion(x[:, None, None], x[:, None], x, 1.5, twists=twists)
    d = [derivative(m, axis, L) for axis in (1, 2, 3)]
    pairs = ((1, 2), (2, 0), (0, 1))
    B = np.array([(m * np.cross(d[j], d[k], axis=0)).sum(0) for j, k in pairs]) / (4 * np.pi)
    k = 2 * np.pi * np.fft.fftfreq(N, L / N)
    k = np.array(np.meshgrid(k, k, k, indexing="ij"))
    squared = (k**2).sum(0)
    squared[0, 0, 0] = 1
    spectrum = np.fft.fftn(B, axes=(1, 2, 3))
    A = np.fft.ifftn(1j * np.cross(k, spectrum, axis=0) / squared, axes=(1, 2, 3)).real
    assert abs((A * B).sum() * (L / N) ** 3) == pytest.approx(twists, rel=0.05)
    np.testing.assert_allclose((m**2).sum(0), 1, atol=1e-12)


def field(N=256, L=64.0, dtype=np.complex128):
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=dtype)
    basis = d3.ComplexFourier if dtype == np.complex128 else d3.RealFourier
    xbasis = basis(coords["x"], size=N, bounds=(0, L))
    return dist, xbasis, dist.Field(name="psi", bases=xbasis)


def test_occupation_of_sampled_modes():
    """<|psi_k|^2> = 1/2 and T/(e_k - mu), over 256 modes in 40 samples: 1 % of scatter."""
    N, L, density = 256, 64.0, 3.0
    _, _, psi = field(N, L)
    k = 2 * np.pi * np.fft.fftfreq(N, L / N)
    for occupation, sample in (
        (0.5 + 0 * k, lambda seed: spinhydro.quantum_noise(psi, seed, density)),
        (
            2.0 / (k**2 / 2 + 1),
            lambda seed: spinhydro.thermal_noise(psi, 2.0, lambda q: q**2 / 2 + 1, seed, density),
        ),
    ):
        modes = [np.fft.fft(sample(s) * np.sqrt(density)) * np.sqrt(L) / N for s in range(40)]
        found = np.mean(np.abs(modes) ** 2, axis=0)
        kept = np.arange(N) != N // 2
        assert np.mean(found[kept] / occupation[kept]) == pytest.approx(1, abs=0.04)
    with pytest.raises(InputError, match="complex"):
        spinhydro.quantum_noise(field(dtype=np.float64)[2], 0)


@pytest.mark.parametrize("form", ["real time", "1j*dt", "imaginary time"])
def test_ground_state_of_a_mixture_by_its_equations(form):
    """Two coupled components in a trap, N = 10: residual by NumPy, and Na of imaginary time."""
    N, L, Omega, delta, g, g12 = 128, 40.0, 0.5, 0.3, 1.0, 0.9
    dist, xbasis, a = field(N, L)
    b, V = (dist.Field(name=name, bases=xbasis) for name in "bV")
    a.name = "a"
    x = dist.local_grid(xbasis) - L / 2
    V["g"] = 0.02 * x**2
    left, factor = {
        "real time": ("dt({0}) - 0.5j*lap({0})", "-1j"),
        "1j*dt": ("1j*dt({0}) + 0.5*lap({0})", "1"),
        "imaginary time": ("dt({0}) - 0.5*lap({0})", "-1"),
    }[form]
    abs2 = spinhydro.abs2
    problem = d3.IVP([a, b], namespace=locals())
    for one, other, sign in (("a", "b", "+"), ("b", "a", "-")):
        problem.add_equation(
            f"{left.format(one)} = {factor}*((V {sign} delta/2 + g*abs2({one})"
            f" + g12*abs2({other}))*{one} + Omega/2*{other})"
        )
    a["g"], b["g"] = np.exp(-(x**2) / 20), -np.exp(-(x**2) / 20)
    found = spinhydro.ground_state(problem, N=10)
    for f in (a, b):
        f.change_scales(1)
    p, q = a["g"].copy(), b["g"].copy()
    k = 2 * np.pi * np.fft.fftfreq(N, L / N)

    def H(p, q, sign):
        kinetic = np.fft.ifft(k**2 / 2 * np.fft.fft(p))
        potential = 0.02 * x**2 + sign * delta / 2 + g * abs(p) ** 2 + g12 * abs(q) ** 2
        return kinetic + potential * p + Omega / 2 * q

    for r in (H(p, q, 1) - found.mu * p, H(q, p, -1) - found.mu * q):
        assert np.abs(r).max() < 1e-7
    atoms = [np.sum(np.abs(f) ** 2) * L / N for f in (p, q)]
    assert sum(atoms) == pytest.approx(10, rel=1e-12)
    assert atoms[0] == pytest.approx(2.6802, abs=1e-4)
    again = spinhydro.ground_state(problem, mu=found.mu)
    assert again.N == pytest.approx(10, rel=1e-6)


def test_what_has_no_ground_state_is_refused():
    _, _, psi = field()
    problem = d3.IVP([psi], namespace={"psi": psi})
    problem.add_equation("dt(psi) - (1j + 0.3)*lap(psi) = 0")
    with pytest.raises(InputError, match="guess is zero"):
        spinhydro.ground_state(problem)
    psi["g"] = 1 + np.random.default_rng(0).standard_normal(256)
    with pytest.raises(InputError, match="imaginary time"):
        spinhydro.ground_state(problem)
    with pytest.raises(ParameterError, match="either N or mu"):
        spinhydro.ground_state(problem, N=1, mu=1)


def test_torques_are_fields_of_gilberts_equation():
    """-m x h = tau, for Zhang and Li's torque and that of a polarised current."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    xbasis = spinhydro.RealFourierNyquist(coords["x"], size=64, bounds=(0, 2 * np.pi))
    m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
    ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
    x = dist.local_grid(xbasis)
    theta = 1 + 0.5 * np.sin(x)
    m["g"] = np.array([np.sin(theta) * np.cos(x), np.sin(theta) * np.sin(x), np.cos(theta)])
    S = m["g"].copy()
    drift = 0.7 * np.fft.irfft(1j * np.arange(33) * np.fft.rfft(S), 64)

    def torque(h):
        values = h.evaluate()
        values.change_scales(1)
        return -np.cross(S, values["g"], axis=0)

    tau = -drift + 0.3 * np.cross(S, drift, axis=0)
    np.testing.assert_allclose(torque(spinhydro.zhang_li(m, 0.7, 0.3)), tau, atol=1e-12)
    p = np.array([0, 1.0, 0])[:, None] + 0 * S
    tau = 0.4 * np.cross(S, np.cross(S, p, axis=0), axis=0) + 0.2 * np.cross(S, p, axis=0)
    np.testing.assert_allclose(torque(spinhydro.slonczewski(m, ey, 0.4, 0.2)), tau, atol=1e-12)
    np.testing.assert_allclose(torque(spinhydro.spin_orbit(m, ex, ez, 0.4, 0.2)), tau, atol=1e-12)
    h = spinhydro.cubic_anisotropy(m, 1.5).evaluate()
    h.change_scales(1)
    # Minus the derivative of (omega_c/2)(mx^2 my^2 + …).
    expected = -1.5 * S * (1 - S**2)
    np.testing.assert_allclose(h["g"], expected, atol=1e-12)


def test_ground_states_of_members_with_values_of_their_own():
    """Each member as the single problem of its interaction and number of atoms."""

    def state(g, N):
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords, dtype=np.complex128)
        xbasis = d3.ComplexFourier(coords["x"], size=48, bounds=(-8, 8))
        psi, V = (dist.Field(name=name, bases=xbasis) for name in ("psi", "V"))
        x, abs2 = dist.local_grid(xbasis), spinhydro.abs2
        V["g"] = x**2 / 2
        problem = d3.IVP([psi], namespace=locals())
        problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*(V + g*abs2(psi))*psi")
        psi["g"] = np.exp(-(x**2) / 4)
        found = spinhydro.ground_state(problem, N=N)
        psi.change_scales(1)
        return found, psi["g"].copy()

    values = [0.1, 1.0, 5.0], [1.0, 4.0, 2.0]
    together, psi = state(*(spinhydro.per_member(list(one)) for one in values))
    for member, (g, N) in enumerate(zip(*values, strict=True)):
        alone, expected = state(g, N)
        assert together.mu.values[member] == pytest.approx(alone.mu, rel=1e-9)
        assert together.N.values[member] == pytest.approx(N, rel=1e-12)
        np.testing.assert_allclose(psi[member], expected, atol=1e-7)


def test_ground_state_of_two_components_on_a_dealiased_grid():
    """Products on 3/2 of the points change the chemical potential of a smooth state little."""
    found = []
    for dealias in (1, 3 / 2):
        coords = d3.CartesianCoordinates("x")
        dist = d3.Distributor(coords, dtype=np.complex128)
        xbasis = d3.ComplexFourier(coords["x"], size=64, bounds=(-10, 10), dealias=dealias)
        a, b, V = (dist.Field(name=name, bases=xbasis) for name in "abV")
        x, abs2 = dist.local_grid(xbasis), spinhydro.abs2
        V["g"] = x**2 / 2
        problem = d3.IVP([a, b], namespace=locals())
        problem.add_equation("dt(a) - 0.5j*lap(a) = -1j*((V + abs2(a))*a - b)")
        problem.add_equation("dt(b) - 0.5j*lap(b) = -1j*((V + 0.5*abs2(b))*b - a)")
        a["g"] = b["g"] = np.exp(-(x**2) / 4)
        found.append(spinhydro.ground_state(problem, N=10).mu)
    assert found[1] == pytest.approx(found[0], rel=2e-5)


@pytest.mark.parametrize("members", [1, 2])
def test_ground_state_with_the_number_of_each_component(members):
    """A mixture without coupling keeps (N_a, N_b); both chemical potentials by NumPy."""
    N, L, g, g12 = 64, 20.0, 1.0, 0.6
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128, members=members)
    xbasis = d3.ComplexFourier(coords["x"], size=N, bounds=(-L / 2, L / 2))
    a, b, V = (dist.Field(name=name, bases=xbasis) for name in "abV")
    x, abs2 = dist.local_grid(xbasis), spinhydro.abs2
    V["g"] = x**2 / 2
    problem = d3.IVP([a, b], namespace=locals())
    problem.add_equation("dt(a) - 0.5j*lap(a) = -1j*(V + g*abs2(a) + g12*abs2(b))*a")
    problem.add_equation("dt(b) - 0.5j*lap(b) = -1j*(1.5*V + g12*abs2(a))*b")
    a["g"] = b["g"] = np.exp(-(x**2) / 4)
    found = spinhydro.ground_state(problem, N=(7, 3))
    k = 2 * np.pi * np.fft.fftfreq(N, L / N)
    for f in (a, b):
        f.change_scales(1)
    p, q = (f["g"].reshape(-1, N)[0] for f in (a, b))
    trap = x.ravel() ** 2 / 2
    first = [np.ravel(getattr(value, "values", value))[0] for value in (*found.mu, *found.N)]
    for f, U, mu, atoms in (
        (p, trap + g * abs(p) ** 2 + g12 * abs(q) ** 2, first[0], first[2]),
        (q, 1.5 * trap + g12 * abs(p) ** 2, first[1], first[3]),
    ):
        residual = np.fft.ifft(k**2 / 2 * np.fft.fft(f)) + (U - mu) * f
        assert np.abs(residual).max() < 1e-6
        assert atoms == pytest.approx(np.sum(abs(f) ** 2) * L / N, rel=1e-10)
    assert first[2:] == pytest.approx([7, 3], rel=1e-10)
    again = spinhydro.ground_state(problem, mu=found.mu)
    assert np.ravel(getattr(again.N[0], "values", again.N[0]))[0] == pytest.approx(7, rel=1e-5)
    with pytest.raises(InputError, match="3 values of N or mu for 2"):
        spinhydro.ground_state(problem, N=(1, 2, 3))
