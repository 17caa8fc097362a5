import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import distributor
from spinhydro.errors import EquationError
from spinhydro.language.equations import advanced_variable, read_equation, split_sides
from spinhydro.language.expressions import ExpressionBuilder


@pytest.fixture(scope="module")
def problem():
    coords = d3.CartesianCoordinates("x")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=16, bounds=(0, 1))
    s = dist.VectorField(spin, name="s", bases=xbasis)
    n = dist.Field(name="n", bases=xbasis)
    t = dist.Field(name="t")
    ex, ey, ez = spin.unit_vector_fields(dist)
    kappa, grid = 2.0, dist.local_grid(xbasis)
    s["g"] = np.random.default_rng(0).standard_normal((3, 16))
    n["g"] = 2 + np.cos(2 * np.pi * grid)
    names = {**locals(), "np": np}
    return d3.IVP([s], time=t, namespace=names)


@pytest.mark.parametrize(
    "text",
    [
        "cross(s, lap(s)) + kappa*n*(s@ez)*cross(ez, s)",
        "-dx(s)*2**0.5 + s/n - 3*s",
        "sqrt(s@s)*exp(-n)",
        "n**2*ave(n) - integ(n)",
        "dx(dx(n)) - lap(n)",
    ],
)
def test_values_are_those_of_dedalus_itself(problem, text):
    ours = ExpressionBuilder(problem.namespace)(text).evaluate()
    stock = eval(text, dict(problem.namespace)).evaluate()
    # Transforms in between leave rounding.
    np.testing.assert_allclose(ours["g"], stock["g"], rtol=1e-11, atol=1e-10)


def test_numbers_are_numbers(problem):
    evaluate = ExpressionBuilder(problem.namespace)
    assert evaluate("2*kappa - 1") == 3
    assert evaluate("-2**2") == -4
    assert evaluate("sqrt(kappa + 2)") == 2


FAULTS = [
    # text, what the caret must cover, part of the message
    ("crss(s, s)", "crss", "did you mean 'cross'"),
    ("cross(s, m)", "m", "'m' is not known"),
    ("(s + s", "(", "never closed"),
    ("s)", ")", "unmatched"),
    ("(s]", "]", "unmatched"),
    ("n^2*s", "^", "write **"),
    ("grad(n) @ s", "grad(n) @ s", "1 components against 3"),
    ("s + n", "n", "the scalar n cannot be added to the vector s"),
    ("s + 1", "1", "cannot be added"),
    ("cross(s, n)", "cross(s, n)", "cross cannot take"),
    ("n*(s@)", ")", ""),
    ("s +", "", ""),
    ("", "", "missing"),
    ("s s", "", ""),
    ("grid*s", "grid", "NumPy array"),
    ("1/0*s", "1/0", "cannot be computed"),
    ("9**9**9**9*s", "9**9**9", ""),
    ("1e999*s", "1e999", "not finite"),
    ("s[0]", "s[0]", "components"),
    ("(lambda: s)()", "lambda: s", "lambda"),
    ("s if n else s", "s if n else s", "if"),
    ("__import__('os')", "__import__", "not known"),
    ("n.__class__", "n.__class__", "has no"),
    ("n(2)*s", "n(2)", ""),
    ("2(s)", "2(s)", "* is missing"),
    ("cross", "cross", "'cross' is a function"),
    ("cross*s", "cross", "'cross' is a function"),
    ("n**n", "n**n", "must be a number"),
    ("s**2", "s**2", "has no powers"),
    ("n/s", "s", "nothing can be divided"),
    ("n/(s@ez)/ez", "ez", "nothing can be divided"),
    ("exp(s)", "exp(s)", "is for scalars"),
    ("cross(s, ez, s)", "cross(s, ez, s)", "takes 2 fields"),
    ("cross(s)", "cross(s)", "takes 2 fields"),
    ("lap(s, n)", "lap(s, n)", "takes 1 field"),
    ("lap(s, out=s)", "lap(s, out=s)", "cannot write"),
    ("CrossProduct(s, ez, s)", "CrossProduct(s, ez, s)", "takes 2 fields"),
    ("TransposeComponents(s, n, s)", "TransposeComponents(s, n, s)", "at most two"),
    ("dx(lap)", "dx(lap)", "takes 1 field"),
    ("s # + n", "#", "is not allowed here"),
    ("dt(s)", "dt(s)", "in equations only"),
    ("s.T", "s.T", "has no"),
    ("np.sqr(n)", "np.sqr", "did you mean 'sqrt'"),
    ("comp(s, index=1, comp=ez)", "comp(s, index=1, comp=ez)", "wrong numbers"),
    ("dy(s)", "dy(s)", "no coordinate 'y'"),
    ("s; s", "", ""),
    ("s\x00", "\x00", "is not allowed here"),
    ("'abc'*2", "'abc'", "not a field"),
    ("-" * 300 + "s", "", "levels deep"),
]


@pytest.mark.parametrize("text, covered, message", FAULTS, ids=[f[0][:20] for f in FAULTS])
def test_faults_are_named_at_their_place(problem, text, covered, message):
    with pytest.raises(EquationError) as caught:
        ExpressionBuilder(problem.namespace)(text)
    error = caught.value
    assert message in f"{error}"
    if covered:
        assert error.text[error.start : error.end] == covered


def test_interpolation_of_dedalus_is_understood(problem):
    value = ExpressionBuilder(problem.namespace)("n(x=0)").evaluate()["g"]
    np.testing.assert_allclose(value, 3, atol=1e-12)


@pytest.mark.parametrize(
    "text, covered, message",
    [
        ("dt(s) cross(s, s)", "", "no '='"),
        ("dt(s) = s = s", "=", "second '='"),
        ("dt(s) == s", "", ""),
        ("dt(s) += s", "+=", "not an equals sign"),
        ("dt(s) = n", "n", "the right side is the scalar n, the left side"),
        ("dt(s) = dt(s)", "dt(s)", "must be on the left"),
        ("s = cross(s, ez)", "s ", "no dt(…) term"),
        ("dt(s) + cross(s, lap(s)) = 0", "cross(s, lap(s))", "not linear"),
        ("dt(s) + n*s@s*s = 0", "n*s@s*s", "not linear"),
        ("dt(s) + t*s = 0", "t*s", "time explicitly"),
        ("dt(dt(s)) = -s", "dt(dt(s))", "first derivatives"),
        ("2 = s", "2", "no variable"),
        ("ez = s", "", ""),
    ],
)
def test_faults_of_whole_equations(problem, text, covered, message):
    with pytest.raises(EquationError) as caught:
        read_equation(problem, text)
    assert message in str(caught.value)
    if covered:
        assert caught.value.text[caught.value.start : caught.value.end] == covered


@pytest.mark.parametrize(
    "text",
    [
        "dt(s) - 0.1*lap(s) = cross(s, lap(s))",
        "dt(s) = 0",
        "dt(s) + cross(2*ez, s) = cos(t)*ez",
        "2*dt(s) = s",
        "dt(s) = cross(s,\n lap(s))".replace("\n", " "),
    ],
)
def test_good_equations_pass(problem, text):
    left, _ = read_equation(problem, text)
    assert len(left.tensorsig) == 1


def test_equals_signs_inside_brackets_do_not_split():
    assert split_sides("f(x, index=0) = 1")[:2] == ("f(x, index=0) ", " 1")


@pytest.mark.parametrize("number", [np.float64(0.5), np.array(0.5), np.float32(0.5), 0.5])
def test_numbers_of_numpy_are_numbers(problem, number):
    names = {**problem.namespace, "c": number}
    ours = ExpressionBuilder(names)("c*n + c").evaluate()["g"]
    np.testing.assert_allclose(ours, 0.5 * problem.namespace["n"]["g"] + 0.5, rtol=1e-14)


@pytest.mark.parametrize(
    "text, marked",
    [
        ("dt(s) = cross(ez, s) + dt(s)", "dt(s)"),
        ("dt(s) = abs(n)*s + 2*dt(s)", "dt(s)"),
        ("dt(s) = n", "n"),
    ],
)
def test_the_faulty_part_of_an_equation_is_marked(problem, text, marked):
    with pytest.raises(EquationError) as raised:
        read_equation(problem, text)
    assert text[raised.value.start : raised.value.end] == marked
    assert raised.value.start > text.index("=")


@pytest.mark.parametrize(
    "text, hint",
    [
        ("i*u", "written 1j"),
        ("min(u, 3)", r"minimum\(a, b\)"),
        ("heaviside(u)", r"where\(f, 1, 0\)"),
        ("u > 3", r"where\(f, a, b\)"),
        ("1 if u > 0 else 2", r"where\(f, a, b\)"),
        ("|u|", r"abs2\(f\)"),
        ("real(u)", r"re\(f\)"),
    ],
)
def test_names_of_other_tools_are_answered_with_ours(text, hint):
    with pytest.raises(EquationError, match=hint):
        ExpressionBuilder({"u": 1.0})(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dt(s) = 0", "s"),
        ("1j*dt(psi) + lap(psi) = 0", "psi"),
        ("-dt(n) = div(J)", "n"),
        ("dt(s, n) = 0", None),
        ("dt(s + n) = 0", None),
        ("ddt(s) = 0", None),
        ("s.dt(n) = 0", None),
        ("s = 0", None),
    ],
)
def test_the_variable_that_an_equation_advances(text, name):
    assert advanced_variable(text) == name
