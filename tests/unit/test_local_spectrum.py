"""The explicit part as a matrix at each point, against the matrix of all modes and exact laws."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.steppers import find_stepper, frequencies
from spinhydro.steppers.fused_rates import FusedRates
from spinhydro.steppers.local_spectrum import spectrum_of_points

from ..conftest import launch

GAS = "dt(psi) - 0.5j*lap(psi) = -1j*(V + 3*abs2(psi) - 2)*psi"
#: dt of every variable beside its linear terms, on complex fields.
EQUATIONS = {
    "gas": [GAS],
    "stochastic gas": ["dt(psi) - (0.5j + 0.1)*lap(psi) = -(1j + 0.1)*(V + 3*abs2(psi) - 2)*psi"],
    "two components": [
        "dt(psi) - 0.5j*lap(psi) + 0.3j*chi = -1j*(V + 3*abs2(psi) + 2*abs2(chi))*psi",
        "dt(chi) - 0.5j*lap(chi) + 0.3j*psi = -1j*(V + 3*abs2(chi) + 2*abs2(psi))*chi",
    ],
    "spin 1": [
        f"dt({u}) - 0.5j*lap({u}) = -1j*(V + abs2(psi) + abs2(chi) + abs2(phi))*{u} - 0.4j*({w})"
        for u, w in (
            ("psi", "(abs2(psi) + abs2(chi) - abs2(phi))*psi + conj(phi)*chi*chi"),
            ("chi", "(abs2(psi) + abs2(phi))*chi + 2*psi*phi*conj(chi)"),
            ("phi", "(abs2(phi) + abs2(chi) - abs2(psi))*phi + conj(psi)*chi*chi"),
        )
    ],
    "pairs": ["dt(psi) - 0.5j*lap(psi) = -1j*(2*psi + V*conj(psi))"],
}
NAMES = ("psi", "chi", "phi")


def solver_of(equations, shape, stepper="IFRK4", dtype=complex):
    """A fused solver with a smooth potential and smooth states that are not uniform."""
    coords = d3.CartesianCoordinates(*"xyz"[: len(shape)])
    dist = d3.Distributor(coords, dtype=dtype)
    kind = d3.ComplexFourier if dtype is complex else d3.RealFourier
    bases = [
        kind(c, size=n, bounds=(0, 2 * np.pi)) for c, n in zip(coords.coords, shape, strict=True)
    ]
    fields = [dist.Field(name=name, bases=bases) for name in NAMES[: len(equations)]]
    V, places = dist.Field(name="V", bases=bases), dist.local_grids(*bases)
    V["g"] = 1.5 * sum(1 - np.cos(x) for x in places)
    for number, field in enumerate(fields):
        field["g"] = 1 / (1.5 + number) + 0.2 * np.sin(places[-1] + number)
        if dtype is complex:
            field["g"] *= np.exp(1j * (number + 0.5 * np.cos(places[0])))
    names = {**{f.name: f for f in (*fields, V)}, "abs2": spinhydro.abs2, "conj": np.conj}
    problem = d3.IVP(fields, namespace=names)
    for equation in equations:
        problem.add_equation(equation)
    solver = build_solver(problem, find_stepper(stepper))
    assert choose_engine(solver, "fused", steps=0, sync_on_request=False)[0] == "fused"
    return solver


def found_at_points(solver):
    rates, comm = FusedRates(solver, False), solver.dist.comm
    try:
        is_complex = np.iscomplexobj(solver.state[0].data)
        return spectrum_of_points(*rates.matrices_at_points(comm), is_complex, comm)
    finally:
        rates.put_back()


def matrix_of_modes(solver):
    """J of all modes that the bases hold, column by column."""
    rates, comm = FusedRates(solver, False), solver.dist.comm
    held = rates.noise(np.random.default_rng(0)) != 0
    columns = np.eye(held.size)[held]
    for column in columns:
        rates.differentiate(column, comm)
    rates.put_back()
    return columns.T[held]


@pytest.mark.parametrize("name", EQUATIONS)
def test_matrices_at_points_have_the_spectrum_of_the_matrix_of_modes(name):
    solver = solver_of(EQUATIONS[name], (48 if name != "spin 1" else 32,))
    found, whole = found_at_points(solver), matrix_of_modes(solver)
    values = np.linalg.eigvals(whole)
    values = values[values.real <= 0.2 * np.abs(values)]
    assert np.abs(found.values).max() == pytest.approx(np.abs(values).max(), rel=0.02)
    assert found.norm == pytest.approx(np.linalg.norm(whole, 2), rel=0.02)
    extent = np.abs(np.linalg.eigvals(whole - whole.T)).max() / 2
    assert found.extent == pytest.approx(extent, rel=0.02)
    # Every one of the outermost values is near one of the whole.
    distances = np.abs(found.values[:, None] - values[values.imag >= -1e-9]).min(axis=1)
    assert distances.max() < 0.05 * np.abs(values).max()


def test_the_spectrum_of_a_gas_at_each_point_is_that_of_theory():
    """a = V + 6 n - 2, b = 3 n: frequencies sqrt(a^2 - b^2), a norm of a + b, an extent of a."""
    solver = solver_of([GAS], (16, 12, 10))
    (psi,) = solver.state
    psi.change_scales(1)
    n = np.abs(psi["g"]) ** 2
    V = 1.5 * sum(1 - np.cos(x) for x in solver.dist.local_grids(*psi.domain.bases))
    found = found_at_points(solver)
    a, b = V + 6 * n - 2, 3 * n
    squares = a**2 - b**2
    assert (squares < 0).any()
    assert np.abs(found.values.imag).max() == pytest.approx(np.sqrt(squares.max()), rel=1e-5)
    assert -found.values.real.min() == pytest.approx(np.sqrt(-squares.min()), rel=1e-5)
    assert found.norm == pytest.approx((np.abs(a) + b).max(), rel=1e-5)
    assert found.extent == pytest.approx(np.abs(a).max(), rel=1e-5)
    assert found.pair == pytest.approx((a.mean(), np.sqrt((b**2).mean())), rel=1e-5)


def test_large_states_are_examined_point_by_point(monkeypatch):
    solver = solver_of(EQUATIONS["two components"], (16, 12), "ETDRK4")
    monkeypatch.setattr(frequencies, "COSTLY", 0)
    found = frequencies.frequencies_of(solver, False, with_modes=True)
    expected = found_at_points(solver)
    assert (found.coupling, found.extent) == (expected.norm, expected.extent)
    assert found.pair == expected.pair
    assert 0 < found.seconds < 1


@pytest.mark.parametrize("factor", [1, -1])
def test_senses_are_those_of_the_krylov_space(factor, monkeypatch):
    """Linear terms turn all waves one way, the explicit terms some of them the other way."""
    equations = [
        f"dt(psi) - {factor}*0.5j*lap(psi) = -3j*psi",
        f"dt(chi) - {factor}*0.5j*lap(chi) = 2j*chi",
    ]
    for costly in (0, 1 << 40):
        monkeypatch.setattr(frequencies, "COSTLY", costly)
        solver = solver_of(equations, (32,), "ETDRK4")
        found = frequencies.frequencies_of(solver, False, with_modes=True)
        senses = dict(zip(np.abs(found.values.imag).round(), found.senses, strict=True))
        assert (senses[3], senses[2]) == (factor, -factor), costly
        assert found.extent_sense == factor
        assert found.extent == pytest.approx(3, rel=1e-3)


def test_real_fields_have_real_matrices():
    """dt(psi) = -psi^3 - V chi and dt(chi) = V psi at each point."""
    equations = ["dt(psi) - lap(psi) = -psi**3 - V*chi", "dt(chi) - lap(chi) = V*psi"]
    solver = solver_of(equations, (24, 20), dtype=float)
    psi, _ = solver.state
    psi.change_scales(1)
    V = 1.5 * sum(1 - np.cos(x) for x in solver.dist.local_grids(*psi.domain.bases))
    decay = 3 * psi["g"] ** 2
    values = -decay / 2 + np.emath.sqrt(decay**2 / 4 - V**2)
    found = found_at_points(solver)
    assert found.pair is None and found.extent == 0
    assert np.abs(found.values).max() == pytest.approx(np.abs(values).max(), rel=1e-5)


@pytest.mark.parametrize(
    "term", ["1j*dx(abs2(psi))*psi", "1j*average(abs2(psi))*psi", "lap(psi)", "dx(psi)*psi"]
)
def test_other_terms_than_local_ones_are_left_to_krylov_spaces(term):
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=complex)
    bases = [d3.ComplexFourier(c, size=8, bounds=(0, 1)) for c in coords.coords]
    psi = dist.Field(name="psi", bases=bases)
    psi["g"] = 1
    names = {
        "psi": psi, "abs2": spinhydro.abs2, "average": d3.Average,
        "dx": lambda f: d3.Differentiate(f, coords["x"]),
    }  # fmt: skip
    problem = d3.IVP([psi], namespace=names)
    problem.add_equation(f"dt(psi) - 0.5j*lap(psi) = -1j*abs2(psi)*psi + {term}")
    solver = build_solver(problem, find_stepper("IFRK4"))
    assert choose_engine(solver, "fused", steps=0)[0] == "fused"
    assert FusedRates(solver, False).matrices_at_points(dist.comm) is None
    problem = solver_of([GAS], (8,), "RK4")
    assert FusedRates(problem, True).matrices_at_points(problem.dist.comm) is None


def test_rates_that_are_not_finite_give_no_estimate(monkeypatch):
    solver = solver_of([GAS], (8, 8))
    solver.problem.namespace["V"]["g"][2, 3] = np.nan
    monkeypatch.setattr(frequencies, "COSTLY", 0)
    assert frequencies.frequencies_of(solver, False) is None


SCRIPT = """
from mpi4py import MPI
from tests.unit.test_local_spectrum import EQUATIONS, found_at_points, solver_of
found = found_at_points(solver_of(EQUATIONS["two components"], (16, 12)))
if MPI.COMM_WORLD.rank == 0:
    print(found.norm, found.extent, *found.pair, abs(found.values).max())
"""


def test_ranks_find_the_same():
    expected = found_at_points(solver_of(EQUATIONS["two components"], (16, 12)))
    done = launch("-c", SCRIPT, ranks=2)
    assert done.returncode == 0, done.stderr
    numbers = [expected.norm, expected.extent, *expected.pair, np.abs(expected.values).max()]
    assert [float(x) for x in done.stdout.split()] == pytest.approx(numbers, rel=1e-5)
