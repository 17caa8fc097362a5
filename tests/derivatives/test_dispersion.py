"""Spectra of kernels and lattices against formulas written by hand."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.cli.main import call
from spinhydro.derivatives.spectrum import spectrum
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
]
spins = [dist.VectorField(spinhydro.spin, name=f"m{i}", bases=xbasis) for i in range(6)]
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
    """Magnons on omega(k) + omega_K; DMI along the axis adds 2 D sin ka.

    A spectrum needs neither the time stepper nor the timestep of the file.
    """
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    found = spectrum(load(path))
    assert found.eigenvalues.shape == (16, 18)
    for (k,) in found.k:
        exchange = [
            3 * (1 - np.cos(k)),
            0.8 * k**2,
            2 * (1 - np.cos(k)) + 0.6 * (1 - np.cos(2 * k)),
            k**2,
            0.1 * k**4,
        ]
        for value in exchange:
            assert distance(found, [k], [value + 0.7, -value - 0.7]) < 1e-12
        shift = 0.4 * np.sin(k)
        assert distance(found, [k], [shift + 0.7, shift - 0.7]) < 1e-12


@pytest.mark.parametrize("lattice", ["triangular", "bcc", "fcc"])
def test_lattices(lattice):
    problem = load("problems/lattice_magnon.py", lattice=lattice, N=6)
    found = spectrum(problem, "uniform")
    neighbours, site = problem["found"].neighbours, problem["site"]
    for k in found.k:
        # One of each pair of neighbours d, -d is listed.
        bonds = 2 * (1 - np.cos(neighbours @ (k * site)))
        omega = problem["omega_J"] * bonds.sum() + problem["omega_K"]
        assert distance(found, k, [omega]) < 1e-12


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
    line = next(line for line in capsys.readouterr().out.splitlines() if "within" in line)
    assert float(line.split("within ")[1].split()[0]) < 1e-10
    assert call([*arguments, "ez*k"]) == 2
    assert "not a number for each k" in capsys.readouterr().err
