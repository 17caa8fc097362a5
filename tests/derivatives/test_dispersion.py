"""Spectra of kernels and lattices against formulas written by hand."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.cli.main import call
from spinhydro.derivatives.spectrum import spectrum
from spinhydro.derivatives.spectrum_output import formula_values
from spinhydro.physics.exact_magnets import film_frequencies

KERNELS = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, omega_K, D = 16, 0.7, 0.2
timestepper, timestep, stop_time, output_interval = "RKMK4", "auto", 1.0, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, N))
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
kernels = [
    spinhydro.kernel("chain", a=1.0, omega_J=1.5),
    spinhydro.kernel("micromagnetic", stiffness=0.8),
    spinhydro.kernel("exchange", bonds={1: 1.0, 2: 0.3}, vectors=[[1.0]]),
    spinhydro.kernel("table", k=np.linspace(0, 4, 81), omega=np.linspace(0, 4, 81) ** 2),
    spinhydro.kernel(lambda k: 0.1 * k**4),
    spinhydro.kernel("dmi", bonds={1: (0, 0, D)}),
    spinhydro.kernel("projector", k_max=1.0),
    spinhydro.kernel("neighbours", lattice="chain", a=1.0, omega_E=0.5),
]
spins = [dist.VectorField(spinhydro.spin, name=f"m{i}", bases=xbasis) for i in range(8)]
problem = d3.IVP(spins, namespace=locals())
for i, (m, W) in enumerate(zip(spins, kernels)):
    m["g"][2] = 1
    problem.namespace[f"H{i}"] = omega_K * (m @ ez) * ez - W(m)
    problem.add_equation(f"dt(m{i}) = -cross(m{i}, H{i})")
outputs = {"m": "m0"}
"""


def distance(found, k, wanted):
    """Of some frequencies from the nearest branch at a wavevector, relative to the largest."""
    row = int(np.argmin(np.linalg.norm(found.k - k, axis=1)))
    values = 1j * found.eigenvalues[row]
    return max(np.nanmin(np.abs(values - value)) for value in wanted) / found.largest


def test_every_kind_of_kernel(tmp_path):
    """Magnons on omega(k) - omega(0) + omega_K; DMI along the axis adds 2 D sin ka.

    A spectrum needs neither the time stepper nor the timestep of the file.
    """
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    found = spectrum(load(path))
    assert found.eigenvalues.shape == (16, 16)
    for (k,) in found.k:
        exchange = [
            3 * (1 - np.cos(k)),
            0.8 * k**2,
            2 * (1 - np.cos(k)) + 0.6 * (1 - np.cos(2 * k)),
            k**2,
            0.1 * k**4,
            float(abs(k) <= 1.0) - 1,
            0.5 * (np.cos(k) - 1),
        ]
        for value in exchange:
            assert distance(found, [k], [value + 0.7, -value - 0.7]) < 1e-12
        shift = 0.4 * np.sin(k)
        assert distance(found, [k], [shift + 0.7, shift - 0.7]) < 1e-12


@pytest.mark.parametrize("lattice", ["square", "triangular", "sc", "bcc", "fcc"])
def test_lattices(lattice):
    problem = load("problems/lattice_magnon.py", lattice=lattice, N=4 if lattice == "sc" else 6)
    found = spectrum(problem, "uniform")
    neighbours, site = problem["found"].neighbours, problem["site"]
    for k in found.k:
        # One of each pair of neighbours d, -d is listed.
        bonds = 2 * (1 - np.cos(neighbours @ (k * site)))
        omega = problem["omega_J"] * bonds.sum() + problem["omega_K"]
        assert distance(found, k, [omega]) < 1e-12


DIPOLES = """
import dedalus.public as d3
import numpy as np
import spinhydro

g, n, N = 1.0, 0.8, 4
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 1.0, 1.0
coords = d3.CartesianCoordinates("x", "y", "z")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = [d3.ComplexFourier(c, size=N, bounds=(0, 5)) for c in coords.coords]
psi = dist.Field(name="psi", bases=bases)
V = spinhydro.kernel("dipolar", g_dd=0.7, cutoff=2.0, axis=(0, 1, 2))
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) = 0.5j*lap(psi) - 1j*(g*abs2(psi) + V(abs2(psi)))*psi")
psi["g"] = np.sqrt(n)
outputs = {"psi": "psi"}
"""


def test_gas_of_dipoles(tmp_path):
    """Bogoliubov's branches with g + V(k), by a formula."""
    path = tmp_path / "dipoles.py"
    path.write_text(DIPOLES)
    problem = load(path)
    found = spectrum(problem)
    formula = "sqrt(k**2/2*(k**2/2 + 2*n*(g + V(kx, ky, kz))))"
    for k, omega in zip(found.k, formula_values(problem, formula, found.k), strict=True):
        # The phase, at k = 0, is a double zero mode.
        assert distance(found, k, [omega]) < (1e-12 if k.any() else 1e-8)


def within(capsys):
    """The largest distance of a formula from a branch, from the line that is printed."""
    line = next(line for line in capsys.readouterr().out.splitlines() if "within" in line)
    return float(line.split("within ")[1].split()[0])


def test_components_of_a_kernel_in_a_formula(capsys):
    arguments = ["spectrum", "problems/film_spin_waves.py", "Nx=8", "Ny=8", "--about", "uniform"]
    field = "omega_B + stiffness*k**2"
    formula = f"sqrt(({field} + W_d_xx(kx, ky))*({field} + W_d_zz(kx, ky)))"
    assert call([*arguments, "--formula", formula]) == 0
    assert within(capsys) < 1e-9
    assert call([*arguments, "--formula", "W_d(kx, ky)"]) == 2
    assert "name a component" in capsys.readouterr().err
    assert call([*arguments, "--formula", "W_d_xx(k, k, k)"]) == 2
    assert "not a function of 3 wavenumbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", ["--about initail", "--rows 0", "--lowest 0", "--lowest 3 --period 1",
                "--formula nope*k", "--with nope", "--direction 1,1", "--overlay nowhere"]
)  # fmt: skip
def test_mistakes_are_reported_before_anything_is_computed(options, capsys, monkeypatch):
    monkeypatch.setattr("spinhydro.derivatives.spectrum.linear_form", None)
    assert call(["spectrum", "problems/pslle_dispersion.py", "N=15", *options.split()]) == 2
    assert capsys.readouterr().out == ""


def test_film():
    problem = load("problems/film_spin_waves.py", Nx=8, Ny=8)
    found = spectrum(problem, "uniform")
    for k in found.k:
        parts = film_frequencies(
            *k, problem["omega_B"], problem["omega_M"], problem["stiffness"], problem["thickness"]
        )
        assert distance(found, k, [np.sqrt(np.prod(parts))]) < 1e-10


def test_two_sublattices():
    problem = load("problems/afm_resonance.py", N=8)
    found = spectrum(problem, "uniform")
    up, down = problem["up"], problem["down"]
    for (k,) in found.k:
        coupling = problem["omega_EA"] * problem["omega_EB"] * np.cos(k * problem["a"]) ** 2
        root = np.sqrt((up + down) ** 2 - 4 * coupling)
        wanted = [(up - down + root) / 2, (up - down - root) / 2]
        assert min(distance(found, [k], wanted), distance(found, [-k], wanted)) < 1e-10


def test_plasma_frequency_at_every_place():
    """Without torque the points of a trapped gas are independent."""
    problem = load("problems/plasma_oscillation.py", Nx=32, torque=0.0)
    found = spectrum(problem, "stationary")
    n = np.asarray(problem["n"]["g"]).ravel()
    wanted = np.sqrt(problem["Omega_R"] * (problem["Omega_R"] + problem["kappa_n0"] * n))
    frequencies = np.sort(np.abs(found.frequencies.ravel()))
    assert np.allclose(frequencies[::2], np.sort(wanted), rtol=1e-10)


def test_formula_on_the_command_line(capsys):
    arguments = ["spectrum", "problems/pslle_dispersion.py", "N=15", "--formula"]
    assert call([*arguments, "W(k) + omega_K"]) == 0
    assert within(capsys) < 1e-10
    assert call([*arguments, "ez*k"]) == 2
    assert "not a number for each k" in capsys.readouterr().err


PLANE = """
import dedalus.public as d3
import numpy as np
import spinhydro

B, A, D, N = 0.7, 0.5, 0.3, 5
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 1.0, 1.0
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
bases = [spinhydro.RealFourierNyquist(c, size=N, bounds=(0, N)) for c in coords.coords]
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
kernels = [
    spinhydro.kernel("interfacial_dmi", omega_D=D),
    spinhydro.kernel("bulk_dmi", omega_D=D),
    spinhydro.kernel("dmi", bonds={(1, 0): (0, D, 0), (0, 1): (D, 0, 0)}),
]
W = spinhydro.kernel("micromagnetic", stiffness=A)
body = dist.Field(name="body", bases=bases)
body["g"][1, 1] = 1
N_d = spinhydro.kernel("demag", omega_M=1.5, body=body, thickness=2.0)
spins = [dist.VectorField(spinhydro.spin, name=f"m{i}", bases=bases) for i in range(4)]
problem = d3.IVP(spins, namespace=locals())
for i, (m, W_D) in enumerate(zip(spins, kernels)):
    m["g"][1] = 1
    problem.namespace[f"H{i}"] = B * ey - W(m) - W_D(m)
    problem.add_equation(f"dt(m{i}) = -cross(m{i}, H{i})")
m = spins[3]
m["g"][2] = body["g"]
problem.add_equation("dt(m3) = -cross(m3, 2*ez - N_d(m3))")
outputs = {"m": "m0"}
"""

#: Demagnetising factor along the long side of a prism 1 x 1 x 2 (Aharoni, J. Appl. Phys. 83, 3432).
AHARONI = 0.1983161527888383


def test_waves_in_a_plane_with_chiral_coupling_and_of_a_body(tmp_path):
    """Chiral couplings shift omega by a linear term; a prism precesses at Kittel's frequency.

    Empty space around a body has no waves: its one cell adds one pair to a wave of each k.
    """
    path = tmp_path / "plane.py"
    path.write_text(PLANE)
    found = spectrum(load(path), "initial")
    values = 1j * found.eigenvalues[0]
    assert np.isfinite(values).sum() == 25 * 6 + 2
    modes = 2 * np.pi / 5 * np.arange(-2, 3)
    for kx in modes:
        for ky in modes:
            wave = 0.7 + 0.5 * (kx**2 + ky**2)
            for shift in (-0.3 * kx, 0.3 * ky, 0.6 * np.sin(kx)):
                assert np.nanmin(np.abs(values - wave - shift)) < 1e-12 * found.largest
    kittel = 2 + 1.5 * ((1 - AHARONI) / 2 - AHARONI)
    assert np.nanmin(np.abs(values - kittel)) < 1e-12 * found.largest


def test_bands_of_kagome(capsys):
    """The flat band and the two others, by formulas on the command line."""
    root = "sqrt(4*(cos(kx*a/2)**2 + cos(ky*a/2)**2 + cos((ky - kx)*a/2)**2) - 3)"
    formulas = ["omega_B + 6*omega_J", f"omega_B + (3 - {root})*omega_J"]
    arguments = ["spectrum", "problems/kagome.py", "N=4", "--about", "uniform"]
    assert call([*arguments, *(part for f in formulas for part in ("--formula", f))]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "within" in line]
    assert len(lines) == 2
    assert all(float(line.split("within ")[1].split()[0]) < 1e-11 for line in lines)
