"""Numbers that differ between members, where problem files and equations use them."""

import logging

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as analysis_load
from spinhydro.dedalus_support.ensemble.values import new_ensemble, per_member
from spinhydro.errors import InputError, ParameterError
from spinhydro.problem.load import load

from ..conftest import ROOT

SPIRAL = ROOT / "problems" / "spin_spiral.py"


@pytest.fixture
def domain():
    """(dist, x basis, a = 1, 2, 3 of three members)."""
    with new_ensemble() as ensemble:
        ensemble.declare(3, "a")
        a = per_member([1.0, 2.0, 3.0]).named("a")
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords)
        yield dist, d3.RealFourier(coords["x"], size=16, bounds=(0, 2 * np.pi)), a


def test_arithmetic_is_that_of_every_member():
    with new_ensemble():
        a = per_member([1.0, 4.0]).named("a")
        b = 2 * np.sqrt(a) / (1 + a) - a**2
        np.testing.assert_allclose(b.values, [0, 4 / 5 - 16])
        assert b.names == ("a",)
        np.testing.assert_allclose(np.minimum(2.0, a).values, [1, 2])
        np.testing.assert_allclose(np.maximum(np.maximum(2.0, a), 3).values, [3, 4])
        with pytest.raises(ParameterError, match="np.minimum"):
            min(2.0, a)
        np.testing.assert_allclose(abs(1j * a).values, [1, 4])


def test_one_value_is_an_ordinary_number():
    assert per_member([0.5]) == 0.5


def test_it_broadcasts_along_the_member_axis(domain):
    dist, xbasis, a = domain
    x = dist.local_grid(xbasis)
    assert x.shape == (1, 16)
    np.testing.assert_allclose(np.cos(a * x), np.cos(np.array([[1], [2], [3]]) * x))
    np.testing.assert_allclose(x * a, a * x)
    np.testing.assert_allclose(np.where(x > 0, a, 0)[:, 1], [1, 2, 3])


@pytest.mark.parametrize(
    "expression",
    ["a*f", "f*a", "f/a", "a/f", "f + a", "a + f", "f - a", "a - f", "-a*f*2*a", "a*a*f*f",
     "a*t + f", "f + t*a", "dx(a*f)", "a*dx(f)"],
)  # fmt: skip
def test_it_combines_with_fields(domain, expression):
    dist, xbasis, a = domain
    f, t = dist.Field(name="f", bases=xbasis), dist.Field(name="t")
    x = dist.local_grid(xbasis)
    f["g"], t["g"] = 2 + np.sin(x), 3
    words = {"a": a, "f": f, "t": t, "dx": spinhydro.dx}
    column = np.array([[1.0], [2.0], [3.0]])
    numbers = {"a": column, "f": f["g"].copy(), "t": 3, "dx": lambda v: v_dx(v, x)}
    found = eval(expression, words).evaluate()
    found.change_scales(1)
    expected = np.broadcast_to(eval(expression, numbers), (3, 16))
    np.testing.assert_allclose(found["g"], expected, atol=1e-13)


def v_dx(values, x):
    """Derivative of p + q sin x."""
    amplitude = (values[:, 4:5] - values[:, 12:13]) / 2
    return amplitude * np.cos(x)


def test_integrals_are_those_of_every_member(domain):
    dist, xbasis, a = domain
    f = dist.Field(name="f", bases=xbasis)
    f["g"] = a
    np.testing.assert_allclose(d3.ave(f).evaluate()["g"][:, 0], [1, 2, 3])
    np.testing.assert_allclose(d3.integ(f).evaluate()["g"][:, 0] / (2 * np.pi), [1, 2, 3])


def test_powers_and_products_that_cannot_be_are_refused(domain):
    dist, xbasis, a = domain
    f = dist.Field(name="f", bases=xbasis)
    with pytest.raises(ParameterError, match="a has a value for each member.*exponent"):
        f**a
    for use in (int, float, len, list, round, complex):
        with pytest.raises(ParameterError, match="one number for all members"):
            use(a)


def test_noise_belongs_to_seed_and_member(domain):
    dist, xbasis, _ = domain
    s = dist.VectorField(d3.CartesianCoordinates("sx", "sy", "sz"), name="s", bases=xbasis)
    first, again, other = (spinhydro.initial_noise(s, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (3, 3, 16)
    assert not np.any(first == other) and not np.any(first[:, 0] == first[:, 1])
    coords = d3.CartesianCoordinates("x")
    alone = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords["x"], size=16, bounds=(0, 1))
    one = alone.VectorField(s.tensorsig[0], bases=basis)
    np.testing.assert_array_equal(spinhydro.initial_noise(one, 1), first[:, 0])
    own = spinhydro.initial_noise(s, spinhydro.per_member([2, 1, 1]))
    for member, same in enumerate((other, first, first)):
        np.testing.assert_array_equal(own[:, member], same[:, 0])


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_noise_has_unit_variance(dtype):
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=dtype)
    f = dist.Field(bases=d3.Fourier(coords["x"], size=20000, bounds=(0, 1), dtype=dtype))
    xi = spinhydro.initial_noise(f, seed=3)
    assert np.mean(np.abs(xi) ** 2) == pytest.approx(1, abs=0.03)
    assert abs(np.mean(xi)) < 0.03
    if np.iscomplexobj(xi):
        assert abs(np.mean(xi**2)) < 0.03


@pytest.mark.parametrize("seed", [-1, 0.5, "1", True, None])
def test_bad_seeds(seed):
    with pytest.raises(ParameterError, match="seed"):
        spinhydro.initial_noise(None, seed)


def test_generators_of_members(domain):
    dist, xbasis, a = domain
    numbers = spinhydro.random_generator(7).random((5, 2))
    assert numbers.shape == (3, 5, 2)
    np.testing.assert_array_equal(numbers[0], np.random.default_rng(7).random((5, 2)))
    np.testing.assert_array_equal(numbers[2], np.random.default_rng((7, 2)).random((5, 2)))
    own = spinhydro.random_generator(per_member([4, 5, 6])).random(3)
    np.testing.assert_array_equal(own[1], np.random.default_rng(5).random(3))


def test_ground_state_of_every_member(domain):
    dist, xbasis, a = domain
    x = dist.local_grid(xbasis)
    density = spinhydro.ground_state(x, 0 * x, a, 0.5, chemical_potential=2 * a + 1)
    np.testing.assert_allclose(density, [[3] * 16, [2.5] * 16, [7 / 3] * 16])


def test_list_with_units_and_numpy_lists():
    for text in (
        "np.repeat([2*pi*62*Hz, 2*pi*118*Hz], 1)",
        "2*pi*[62, 118]*Hz",
        "[2*pi*62*Hz, 2*pi*118*Hz]",
        "2*pi*np.linspace(62, 118, 2)*Hz",
    ):
        problem = load(SPIRAL, kappa_n0=text, stop_time=0.1)
        assert problem.members == 2
        np.testing.assert_allclose(
            problem.parameters["kappa_n0"], 2 * np.pi * np.array([62, 118]) * 1e-3
        )
        assert "per_member" in problem.source


@pytest.mark.parametrize(
    "text", ["[62, 118]*2*pi*Hz", "2*pi*[62, 118]*Hz", "(0 + [62, 118])*2*pi*Hz"]
)
def test_a_list_may_stand_anywhere_in_an_expression(text):
    problem = load(ROOT / "problems" / "quantum_torque.py", quick=True, Omega_R=text)
    values = problem.namespace["Omega_R"].values
    np.testing.assert_allclose(values, [2 * np.pi * 0.062, 2 * np.pi * 0.118])


def test_a_file_may_hold_the_list_itself(copied):
    path = copied("spin_spiral", ("turns = 3", "turns = spinhydro.per_member(np.arange(1, 5))"))
    assert load(path).members == 4


def test_the_source_that_ran_runs_again(tmp_path):
    problem = load(SPIRAL, turns=[1, 2], members=2, stop_time=0.1)
    path = tmp_path / "again.py"
    path.write_text(problem.source)
    again = load(path)
    assert again.members == 2 and again.parameters == problem.parameters


def test_one_member_is_an_ordinary_problem():
    problem = load(SPIRAL, members=1)
    assert problem.members is None and problem["s"]["g"].shape == (3, 64)


BAD = [
    ({"turns": [1, 2], "polar_angle": [0.1, 0.2, 0.3]}, "turns has 2 values.*|polar_angle has 3"),
    ({"turns": [1, 2], "members": 3}, "turns has 2 values, but members = 3"),
    ({"members": 0}, "members = 0: it must be a whole number"),
    ({"members": "many"}, "members = many: it must be a whole number"),
    ({"members": 2.5}, "members = 2.5"),
    ({"Nx": [32, 64]}, "Nx has a value for each member"),
    ({"L_x": [32, 64]}, "L_x has a value for each member"),
    ({"stop_time": [1, 2]}, "stop_time is the same for all members"),
    ({"timestep": [0.01, 0.02]}, "timestep is the same for all members"),
    ({"turns": [1, 40]}, r"turns = 40.* in member 1: the grid resolves fewer than Nx/2 turns"),
    ({"turns": [1, 2.5]}, "turns must be a whole number"),
    ({"turns": [1, "x"]}, "a list of numbers is needed"),
    ({"turns": "[1, oops]"}, "oops"),
    ({"atom": ["Na23", "K39"]}, "atom"),
    ({"turns": [1, float("inf")]}, "finite"),
    ({"kappa_n0": "[1*Hz, 2*um]"}, "the same units"),
    ({"kappa_n0": "[1*um, 2*um]"}, "kappa_n0 .* must be"),
]


@pytest.mark.parametrize("given, message", BAD, ids=lambda v: str(v)[:40])
def test_impossible_values_are_refused_by_name(given, message):
    with pytest.raises(InputError, match=message) as caught:
        load(SPIRAL, **given)
    assert str(caught.value).count("\n") < 4


def test_lines_of_the_file_cannot_differ_between_members():
    path = ROOT / "problems" / "spinor_hydrodynamics.py"
    with pytest.raises(
        InputError, match="as_printed has a value for each member.*Python decides once"
    ):
        load(path, quick=True, as_printed=[0, 1])
    with pytest.raises(InputError, match="dimensions has a value for each member"):
        load(path, quick=True, dimensions=[1, 2])


def test_a_plain_distributor_is_refused(copied):
    path = copied("spin_spiral", ("spinhydro.distributor(", "d3.Distributor("))
    with pytest.raises(InputError, match="members need.*spinhydro.distributor"):
        load(path, members=2)


def test_worst_member_is_named(tmp_path, copied):
    path = copied("spin_spiral", ('["abs(sqrt(s@s) - 1) <= 0.1"]', '["turns*ave(s@s) <= 2.5"]'))
    with pytest.raises(InputError, match="turns.*does not hold at the initial state.*3"):
        load(path, turns=[1, 3, 2]).run(out=tmp_path, quiet=True)
    late = copied("spin_spiral", ('["abs(sqrt(s@s) - 1) <= 0.1"]', '["turns*t <= 0.15"]'))
    with pytest.raises(spinhydro.errors.WatchError, match="at member = 1"):
        load(late, turns=[1, 3, 2], stop_time=0.5).run(out=tmp_path, quiet=True)


def test_drift_is_that_of_the_worst_member(tmp_path, copied):
    path = copied("spin_spiral", ('["abs(sqrt(s@s) - 1) <= 0.1"]', '["drift(1 + turns*t) <= 9"]'))
    result = load(path, turns=[1, 3, 2], stop_time=0.5).run(out=tmp_path, quiet=True)
    assert result.watch["drift(1 + turns*t) <= 9"] == pytest.approx(1.5)


def test_what_there_is_to_say_about_a_list_is_said_once(caplog):
    with caplog.at_level(logging.INFO, "spinhydro"):
        load(ROOT / "problems" / "quantum_torque.py", quick=True, Omega_R="[0.5, 0.6, 0.7]")
    assert [r.getMessage() for r in caplog.records].count(
        "Omega_R = [0.5, 0.6, 0.7] has no unit and is taken in the units of the file"
    ) == 1


def test_values_that_were_computed_are_not_shown_as_those_of_the_parameter():
    """The line that fails has -L_x/2."""
    with pytest.raises(InputError, match="L_x has a value for each member, but"):
        load(ROOT / "problems" / "spin_spiral.py", L_x="[32, 64]*um")


def test_a_typed_list_says_how_many_members_there_are():
    path = ROOT / "problems" / "thermal_chain.py"
    options = {"quick": True, "stop_time": "0.1*ps", "N": 9}
    assert load(path, seed="[1, 2]", **options).members == 2
    assert load(path, temperature="[1, 2, 3]*K", **options).members == 3
    with pytest.raises(ParameterError, match="same length"):
        load(path, seed="[1, 2]", members=3, **options)


MACROSPIN = """
import dedalus.public as d3, numpy as np, spinhydro
from spinhydro import spin
omega_0, alpha, temperature, seed, members = 1.0, 0.1, 0.5, 3, 1
timestep, stop_time, output_interval, timestepper = 0.01, 0.2, 0.2, "StochasticHeun"
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
m = dist.VectorField(spin, name="m"BASES)
ex, ey, ez = spin.unit_vector_fields(dist)
b = spinhydro.thermal_field(m, temperature, alpha, 1.0, 1.0, 1.0, seed=seed)
H = omega_0 * ez + b
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -(cross(m, H) + alpha*cross(m, cross(m, H)))/(1 + alpha**2)")
m["g"][0] = 1
outputs = {"m": "m"}
"""


def test_members_of_a_single_spin(tmp_path):
    path = tmp_path / "macrospin.py"
    path.write_text(MACROSPIN.replace("BASES", ""))
    load(path)
    for options in ({"members": 3}, {"omega_0": "[1, 2]"}):
        with pytest.raises(InputError, match="m without bases .* bases=dist.members"):
            load(path, **options)
    path.write_text(MACROSPIN.replace("BASES", ", bases=dist.members"))

    def last(**values):
        found = load(path, **values).run(out=tmp_path, quiet=True)
        return analysis_load(found.folder).m.isel(t=-1).values

    members = last(seed="[3, 4, 3]", omega_0="[1, 1, 2]")
    assert members.shape == (3, 3)
    np.testing.assert_allclose(members[:, 0], last(), atol=1e-14)
    np.testing.assert_allclose(members[:, 1], last(seed=4), atol=1e-14)
    np.testing.assert_allclose(members[:, 2], last(omega_0=2), atol=1e-14)


@pytest.mark.parametrize(
    "text, values",
    [
        ("[0.1]*3 + [7.0]", [0.1, 0.1, 0.1, 7.0]),
        ("[1, 2]*2 + [3.5]", [1, 2, 1, 2, 3.5]),
        ("3*[0.5]", [0.5, 0.5, 0.5]),
        ("([0.5] + [1.5])*2", [1.0, 3.0]),
        ("[0.5, 1.5]*2", [1.0, 3.0]),
        ("2*[0.5, 1.5]*Hz", [1e-3, 3e-3]),
    ],
)
def test_lists_are_joined_and_repeated_as_python_does(text, values):
    """Several values times a number are multiplied one by one, as for units."""
    problem = load(ROOT / "problems" / "josephson.py", quick=True, Omega_R=text)
    np.testing.assert_allclose(problem["Omega_R"].values, values, rtol=1e-12)
    assert problem.members == len(values)
