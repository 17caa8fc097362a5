"""Linear theory of the strings against formulas and independent integrations."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.special import mathieu_a, mathieu_b

from spinhydro import load
from spinhydro.analysis.dispersion import analyse
from spinhydro.cli.main import call
from spinhydro.derivatives.background import _advice
from spinhydro.derivatives.lowest_modes import LowestModes, lowest_modes
from spinhydro.derivatives.overlay import Overlay
from spinhydro.derivatives.spectrum import growth_derivatives, spectrum
from spinhydro.derivatives.spectrum_output import save
from spinhydro.errors import InputError


def row_at(found, k):
    return int(np.argmin(np.abs(found.k[:, 0] - k)))


def nearest(values, wanted):
    return np.nanmin(np.abs(values - wanted))


@pytest.mark.parametrize(
    ("level", "s_x"), [("gpe", -1), ("gpe", 1), ("hydrodynamics", -1), ("lle", 1)]
)
def test_bogoliubov_branches(level, s_x):
    problem = load("problems/bogoliubov.py", level=level, s_x=s_x, Nx=32)
    found = spectrum(problem)
    assert found.background.kind == "uniform"
    squares = [problem["spin_squared"]]
    if level != "lle":
        squares.append(problem["density_squared"])
    for k, *squared in zip(problem["k"], *squares, strict=True):
        for square in squared:
            omega = np.sqrt(complex(square))
            error = nearest(found.eigenvalues[row_at(found, k)], -1j * omega)
            assert error <= 1e-10 * abs(omega)


@pytest.mark.parametrize("kernel", ["lattice", "atomistic"])
def test_magnons(kernel):
    problem = load("problems/pslle_dispersion.py", N=63, kernel=kernel)
    found = spectrum(problem)
    W = problem["W"]
    for k, values in zip(found.k[:, 0], found.frequencies, strict=True):
        wanted = float(W(np.array([k]))[0]) + problem["omega_K"]
        assert nearest(values, wanted) <= 1e-10 * wanted


def test_average_of_a_wave_keeps_the_length_of_spins():
    """A wave of finite amplitude on a cubic lattice: its uniform background has |m| = 1."""
    problem = load("problems/lattice_magnon.py", quick=True)
    found = spectrum(problem, "uniform")
    zero = int(np.argmin(np.linalg.norm(found.k, axis=1)))
    assert nearest(found.frequencies[zero], problem["omega_K"]) <= 1e-10 * problem["omega_K"]


def test_growth_and_its_edge():
    """Paper B, Fig. 2: waves about m_z = n grow below the edge."""
    problem = load("problems/modulational_instability.py", members=1, N=256, noise=1e-12)
    found = spectrum(problem)
    W, n, omega_K = problem["W"], problem["n_bar"], problem["omega_K"]
    w = np.asarray(W(found.k[:, 0]))
    squared = w * ((1 - n**2) * omega_K - w)
    growing = squared > 0
    assert growing.sum() == 4
    # The edge lies between these two wavevectors, one growing and one not.
    error = np.abs(np.nanmax(found.growth, axis=1)[growing] - np.sqrt(squared[growing]))
    assert error.max() <= 1e-10 * omega_K
    assert np.nanmax(found.growth[~growing & (w > 0)]) <= 1e-10 * omega_K


def test_waves_of_spin_hydrodynamics_on_a_flow():
    problem = load("problems/spin_hydrodynamics.py", N=48)
    found = spectrum(problem)
    assert nearest(found.frequencies, problem["Omega"]) <= 1e-10 * problem["Omega"]


WALLS = {"field": 0, "N": 192, "cell": "2*nm"}


@pytest.fixture(scope="module")
def sizes_of_walls():
    """|lambda| of all modes of a pair of walls, in order."""
    found = spectrum(load("problems/domain_wall.py", **WALLS))
    return np.sort(np.abs(found.eigenvalues[np.isfinite(found.eigenvalues)]))


def test_zero_modes_of_a_wall(sizes_of_walls):
    """Translating and rotating a pair of walls costs no energy."""
    assert sizes_of_walls[3] <= 1e-6 < 1e-2 < sizes_of_walls[4]


def test_typed_term_changes_the_spectrum():
    """A field b along the axis adds b to every frequency."""
    text = "dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H))) - 0.1*cross(m, ez)"
    shifted, plain = (
        spectrum(load("problems/pslle_dispersion.py", N=63, equations=equations))
        for equations in ([text], [])
    )
    upper = np.nanmax(shifted.frequencies, axis=1) - np.nanmax(plain.frequencies, axis=1)
    assert np.allclose(upper, 0.1, atol=1e-10)


def mathieu_growth(a, q):
    """Growth per unit of tau of y'' + (a - 2 q cos 2 tau) y = 0, from Hill's determinant."""
    r = np.arange(-80, 81)
    sides = q / ((2.0 * r) ** 2 - a)
    determinant = np.linalg.det(np.eye(len(r)) + np.diag(sides[:-1], 1) + np.diag(sides[1:], -1))
    cosine = 1 - 2 * determinant * np.sin(np.pi / 2 * np.emath.sqrt(a)) ** 2
    return abs(np.arccos(complex(cosine)).imag) / np.pi


def test_faraday_tongues_of_a_modulated_coupling():
    """z'' = -(e + Omega) (e + Omega + kappa (1 + epsilon cos omega t)) z is Mathieu's equation."""
    epsilon, omega = 0.1, 2 * 2.1322384
    problem = load(
        "problems/bogoliubov.py", level="lle", Nx=16, waves=2,
        equations=[
            "dt(s) = hbar_over_m/2*cross(s, lap(s)) + cross(Omega_R*ex"
            f" + kappa_n0*(1 + {epsilon}*cos({omega}*t))*(s@ez)*ez, s)"
        ],
    )  # fmt: skip
    found = spectrum(problem, period=2 * np.pi / omega)
    kappa, unstable = problem["kappa_n0"], 0
    for k, exponents in zip(found.k[:, 0], found.eigenvalues, strict=True):
        stiff = problem["hbar_over_m"] / 2 * k**2 + problem["Omega_R"]
        a, q = 4 * stiff * (stiff + kappa) / omega**2, 2 * stiff * kappa * epsilon / omega**2
        growth = np.nanmax(exponents.real)
        assert abs(growth - omega / 2 * mathieu_growth(a, q)) <= 1e-6
        # The first tongue lies between two characteristic values.
        if 0.5 < a < 2:
            in_tongue = mathieu_b(1, q) < a < mathieu_a(1, q)
            assert (growth > 1e-4) == in_tongue
            unstable += in_tongue
    assert unstable


def test_derivative_of_a_growth_rate():
    """About s_x = 1 the uniform wave grows at sqrt(Omega (kappa - Omega))."""

    def loads(**values):
        return load("problems/bogoliubov.py", level="lle", s_x=1, Nx=16, waves=2, **values)

    problem = loads()
    Omega, kappa = problem["Omega_R"], problem["kappa_n0"]
    slopes = growth_derivatives(loads, ["kappa_n0"])
    assert np.isclose(slopes["kappa_n0"], np.sqrt(Omega / (kappa - Omega)) / 2, rtol=1e-7)


def test_lowest_modes_are_those_of_the_matrix():
    options = {"level": "lle", "Nx": 64, "waves": 2}
    dense = spectrum(load("problems/bogoliubov.py", **options)).eigenvalues.ravel()
    dense = np.sort(np.abs(dense[np.isfinite(dense)]))
    found = lowest_modes(load("problems/bogoliubov.py", **options), 6)
    assert np.allclose(np.abs(found.eigenvalues), dense[:6], rtol=1e-7)
    assert found.residuals.max() < 1e-6


def test_lowest_modes_of_walls_are_those_of_the_matrix(sizes_of_walls):
    """The preconditioner follows the spins through the walls; four modes are zero."""
    found = lowest_modes(load("problems/domain_wall.py", **WALLS), 8)
    sizes = np.abs(found.eigenvalues)
    assert sizes[:4].max() <= 1e-6
    assert np.allclose(sizes[4:], sizes_of_walls[4:8], rtol=1e-6)
    assert found.residuals.max() <= found.tolerance


def test_lowest_modes_of_a_skyrmion():
    """Found by Newton from a disc that is not at rest: two translations cost no energy."""
    found = lowest_modes(load("problems/skyrmion.py", L="30*nm", N=36, radius="6*nm"), 4)
    assert found.background.kind == "stationary"
    sizes = np.abs(found.eigenvalues)
    assert sizes[:2].max() <= 1e-6
    # The skyrmion is stable: the next mode decays.
    assert sizes[2] > 1e-2 and found.eigenvalues[2:].real.max() < -1e-2
    assert found.residuals.max() <= found.tolerance


FIELD = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, tilt = 12, 0.0
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 1.0, 1.0
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [
    spinhydro.RealFourierNyquist(c, size=N, bounds=(0, L))
    for c, L in zip(coords.coords, (7.0, 5.0))
]
s = dist.VectorField(spinhydro.spin, name="s", bases=bases)
h, t = dist.Field(name="h", bases=bases), dist.Field(name="t")
x, y = dist.local_grids(*bases)
h["g"] = 1.3 + 0.4 * np.cos(2 * np.pi * x / 7) + 0.3 * np.cos(2 * np.pi * (x / 7 + y / 5) + 1)
s["g"][0], s["g"][2] = np.sin(tilt), np.cos(tilt)
problem = d3.IVP([s], time=t, namespace=locals())
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
problem.add_equation("dt(s) = cross(s, lap(s) + h*ez)")
projections = {"s": "s/sqrt(s@s)"}
outputs = {"s": "s"}
"""


@pytest.fixture(scope="module")
def field_in_a_plane(tmp_path_factory):
    path = tmp_path_factory.mktemp("plane") / "field.py"
    path.write_text(FIELD)
    return path


def test_dense_and_lowest_modes_of_a_plane(field_in_a_plane):
    """Spins along a field h(x, y): the frequencies are the eigenvalues of h - lap."""
    sizes = np.sort(np.abs(spectrum(load(field_in_a_plane)).eigenvalues.ravel()))
    found = lowest_modes(load(field_in_a_plane), 6)
    h = load(field_in_a_plane)["h"]["g"]
    n = len(h)
    waves = np.exp(2j * np.pi * np.outer(range(n), range(n)) / n) / np.sqrt(n)
    squares = np.fft.fftfreq(n, 1 / n) ** 2
    along_x, along_y = (
        (waves * (2 * np.pi / L) ** 2 * squares) @ waves.conj().T for L in (7.0, 5.0)
    )
    matrix = np.kron(along_x, np.eye(n)) + np.kron(np.eye(n), along_y) + np.diag(h.ravel())
    exact = np.linalg.eigvalsh(matrix)
    assert np.allclose(sizes[:12], np.repeat(exact[:6], 2), rtol=1e-10)
    assert np.allclose(np.abs(found.eigenvalues), np.repeat(exact[:3], 2), rtol=1e-8)
    assert found.residuals.max() <= found.tolerance


def test_a_distant_stationary_state_comes_with_a_warning(field_in_a_plane):
    options = {"N": 8, "tilt": 1.0}
    lines = spectrum(load(field_in_a_plane, **options), about="stationary").table()
    assert lines[1].startswith("WARNING: the stationary state differs from the initial one by 96 %")
    assert "--about initial" in lines[1]
    near = spectrum(load(field_in_a_plane, N=8, tilt=0.01), about="stationary").table()
    assert not any("WARNING" in line for line in near)


def test_advice_where_modes_did_not_converge():
    def last_line(points):
        background = SimpleNamespace(text=lambda *units: "", warnings=list)
        vectors, residuals = np.zeros((1, 3, points, points)), np.array([1e-3])
        return LowestModes(np.zeros(1), residuals, vectors, background, 9, 1e-9).table()[-1]

    assert last_line(12).endswith("The matrix has 432 rows: leave out --lowest for all modes of it")
    assert "at most 4000 unknowns (this one has 12288)" in last_line(64)


def test_advice_where_newton_stalls():
    assert "spinhydro.relax" in _advice({"initial": 5.6e-4, "stationary": 5.5e-4})
    assert "finer grid" in _advice({"initial": 0.2, "stationary": 7e-5})
    assert "finer grid" in _advice({"initial": 0.2})


def test_moving_state_is_refused():
    with pytest.raises(InputError, match="not at rest"):
        spectrum(load("problems/quantum_torque.py", Nx=64))


def test_command_writes_a_table_and_keeps_files(tmp_path, capsys):
    target = tmp_path / "waves.csv"
    arguments = ["spectrum", "problems/bogoliubov.py", "level=lle", "Nx=16", "waves=2"]
    assert call([*arguments, "--save", str(target)]) == 0
    assert "background: uniform" in capsys.readouterr().out
    table = np.loadtxt(target, delimiter=",", skiprows=1)
    assert table.shape == (30, 3)
    assert call([*arguments, "--save", str(target)]) == 2
    printed = capsys.readouterr()
    assert "the file exists" in printed.err and not printed.out


def test_a_spectrum_is_drawn_over_the_map_of_a_run_without_jax(tmp_path):
    t, x = np.arange(16) * 0.1, np.arange(16.0)
    wave = 0.1 * np.exp(1j * (2 * np.pi / 16 * 3 * x - 2 * t[:, None]))
    m = np.stack([wave.real, wave.imag, np.sqrt(1 - np.abs(wave) ** 2)], axis=1)
    run = xr.Dataset({"m": (("t", "spin", "x"), m)}, {"t": t, "x": x, "spin": ["x", "y", "z"]})
    k = np.linspace(-3, 3, 15)[:, None]
    found = SimpleNamespace(
        k=k,
        frequencies=k**2,
        growth=0 * k,
        time_unit="ps",
        length_unit="nm",
        eigenvalues=-1j * k,
        double_resolution=1e-8,
    )
    waves = analyse(run)
    overlay = Overlay(run, waves, "m", (1,), np.full((waves.found.sizes["k"], 1), np.nan))
    save(found, tmp_path / "waves.png", overlay)
    assert (tmp_path / "waves.png").stat().st_size > 10_000


def test_lowest_modes_of_a_body_in_empty_space():
    """Newton's method and the block Davidson method leave out the empty space around a film."""
    options = {"N": 6, "turn": [0.7, 0.7]}
    matrix = spectrum(load("problems/fmr.py", **options), vectors=True)
    # Two directions of the spins at each point of the film.
    assert matrix.eigenvalues.shape == (1, 72)
    dense = matrix.eigenvalues.ravel()
    mode = np.fft.ifft2(matrix.vectors[0][:, 5].reshape(3, 12, 12)) * 144
    frame, state = matrix.background.frame, matrix.background.values
    moved = sum(
        unit * np.asarray(frame.form.model.jax.jvp(frame.rate, (state,), (part,))[1])
        for unit, part in ((1, mode.real), (1j, mode.imag))
    )
    assert np.abs(moved - dense[5] * mode).max() <= 1e-8 * np.abs(moved).max()
    dense = np.sort_complex(dense[np.argsort(np.abs(dense))][:4])
    found = lowest_modes(load("problems/fmr.py", **options), 4)
    assert found.background.rest <= 1e-10
    assert found.residuals.max() <= found.tolerance
    assert np.allclose(np.sort_complex(found.eigenvalues), dense, rtol=1e-6)
