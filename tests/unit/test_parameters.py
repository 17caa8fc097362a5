import pytest

from spinhydro.errors import InputError, ParameterError
from spinhydro.problem.load import load
from spinhydro.problem.parameters import Source, override, parse_pairs

TEXT = """\
from spinhydro.units.um_ms import Hz, um
N, L = 64, 10*um  # two at once
Ω = 2*Hz  # à côté
width: float = 3*um
name = "a"
flag = True
values = [1, 2]
half = N // 2
"""


def test_every_top_level_assignment_is_found():
    names = [a.name for a in Source("x.py", TEXT).assignments]
    assert names == ["N", "L", "Ω", "width", "name", "flag", "values", "half"]


def test_only_the_value_is_replaced_and_comments_stay():
    source, texts = override(Source("x.py", TEXT), {"Ω": "5*Hz", "N": 32, "name": "b c"})
    lines = source.text.splitlines()
    assert lines[2] == "Ω = 5*Hz  # à côté"
    assert lines[1] == "N, L = 32, 10*um  # two at once"
    assert lines[4] == "name = 'b c'"
    assert texts == {"Ω": "5*Hz", "N": "32", "name": "'b c'"}
    assert len(lines) == len(TEXT.splitlines())


def test_units_that_the_file_does_not_import_are_imported():
    source, _ = override(Source("x.py", TEXT), {"width": "2*mm"})
    assert "from spinhydro.units.um_ms import mm; width: float = 2*mm" in source.text


def test_unknown_name_gets_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'width'"):
        override(Source("x.py", TEXT), {"widht": "1"})


@pytest.mark.parametrize("argument", ["Nx", "=3", "2x=3", "N=", "N =", "-n=3"])
def test_arguments_that_are_no_pairs(argument):
    with pytest.raises(ParameterError):
        parse_pairs([argument])


def test_the_same_name_twice():
    with pytest.raises(ParameterError, match="given twice"):
        parse_pairs(["N=1", "N=2"])


def test_a_value_with_equals_signs_is_kept():
    assert parse_pairs(["f=dict(a=1)"]) == {"f": "dict(a=1)"}


def test_derived_values_follow(problems):
    problem = load(problems / "quantum_torque.py", Nx=128, Omega_R="2*pi*62*Hz", R_x=200)
    assert problem.parameters["Omega_R"] == pytest.approx(0.38955748904)
    assert problem.parameters["g_n0"] == pytest.approx(2 * 3.14159265 * 0.118 / 0.33 / 0.07)
    assert problem["s"]["g"].shape == (3, 128)
    assert problem.overrides == {"Nx": "128", "Omega_R": "2*pi*62*Hz", "R_x": "200"}


def test_a_derived_value_can_be_overridden_too(problems):
    problem = load(problems / "quantum_torque.py", Nx=128, g_n0=50.0)
    assert problem.parameters["g_n0"] == 50
    assert problem.parameters["g12_over_g"] == 0.93


def test_a_unit_that_is_not_imported(problems):
    problem = load(problems / "quantum_torque.py", Nx=128, stop_time="0.02*s", L_x="0.5*mm")
    assert problem.parameters["stop_time"] == 20
    assert problem.parameters["L_x"] == 500


def test_the_executed_source_runs_again_to_the_same_parameters(problems, tmp_path):
    first = load(problems / "quantum_torque.py", Nx=128, stop_time="0.02*s", density="thomas_fermi")
    (tmp_path / "again.py").write_text(first.source, encoding="utf-8")
    again = load(tmp_path / "again.py")
    assert again.parameters == first.parameters
    assert again.overrides == {}


def test_whole_numbers_may_be_written_as_floats(problems):
    assert load(problems / "josephson.py", Nx="6.4e1").parameters["Nx"] == 64


def test_objects_cannot_be_overridden(problems):
    with pytest.raises(InputError, match="not a parameter"):
        load(problems / "josephson.py", coords="3")
