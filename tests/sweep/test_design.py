"""The cases of a sweep, from the arguments of a command line."""

import numpy as np
import pytest

from spinhydro.errors import ParameterError
from spinhydro.problem.sweep.design import make_design


def texts(design, name):
    return [case[name] for case in design.cases]


def test_a_range_of_numbers_has_its_ends_exactly():
    design = make_design({"alpha": "0.1:0.5:5"})
    assert [float(text) for text in texts(design, "alpha")] == pytest.approx(
        np.linspace(0.1, 0.5, 5), abs=1e-15
    )
    assert texts(design, "alpha")[0] == "0.1" and texts(design, "alpha")[-1] == "0.5"


def test_whole_numbers_stay_whole():
    assert texts(make_design({"seed": "0:19:20"}), "seed") == [str(i) for i in range(20)]
    assert texts(make_design({"N": "64:256:4"}), "N") == ["64", "128", "192", "256"]


def test_a_range_with_units_is_an_expression_of_its_ends():
    design = make_design({"Omega_R": "2*pi*50*Hz:2*pi*150*Hz:3"})
    names = {"pi": np.pi, "Hz": 1e-3}
    values = [eval(text, names) for text in texts(design, "Omega_R")]
    assert values == pytest.approx([2 * np.pi * f * 1e-3 for f in (50, 100, 150)])


def test_equal_ratios():
    values = [float(text) for text in texts(make_design({"alpha": "1e-3:1e-1:5:log"}), "alpha")]
    assert np.diff(np.log(values)) == pytest.approx(np.log(100) / 4)


def test_lists_words_and_fixed_values():
    design = make_design({"kernel": "lattice,micromagnetic", "N": "113", "Q": "[1, 2]"})
    assert design.fixed == {"N": "113"}
    assert design.names == ["kernel", "Q"]
    assert design.shape == [2, 2]
    assert len(design.cases) == 4
    assert design.cases[1] == {"kernel": "lattice", "Q": "2"}


def test_a_kernel_that_is_typed_is_one_value():
    design = make_design({"W": "lambda k: 2*(1 - cos(k)), 0", "N": "1,3"})
    assert design.names == ["N"]


def test_zipped_lists_go_together():
    design = make_design({"a": "1,2,3", "b": "4:6:3"}, zipped=True)
    assert design.cases == [{"a": "1", "b": "4"}, {"a": "2", "b": "5"}, {"a": "3", "b": "6"}]
    with pytest.raises(ParameterError, match="equal length; a has 2, b has 3 values"):
        make_design({"a": "1,2", "b": "1,2,3"}, zipped=True)


def test_a_table_is_combined_with_lists(tmp_path):
    table = tmp_path / "cases.csv"
    table.write_text("alpha,Hk\n0.1,1e6\n0.2,2e6\n")
    design = make_design({"seed": "0,1"}, table=table)
    assert design.names == ["alpha", "Hk", "seed"]
    assert design.cases[1] == {"alpha": "0.1", "Hk": "1e6", "seed": "1"}
    assert len(design.cases) == 4 and design.shape == []


@pytest.mark.parametrize("kind", ["random", "sobol", "latin"])
def test_samples_fill_the_box_and_repeat_with_their_seed(kind):
    pairs = {"a": "0:1", "b": "10:20", "N": "5"}
    first = make_design(pairs, sample=f"{kind}:16", seed=3)
    points = np.array([[float(case["a"]), float(case["b"])] for case in first.cases])
    assert points.shape == (16, 2)
    assert (points >= [0, 10]).all() and (points <= [1, 20]).all()
    assert points[:, 0].min() < 0.3 and points[:, 0].max() > 0.7
    assert first == make_design(pairs, sample=f"{kind}:16", seed=3)
    assert first.cases != make_design(pairs, sample=f"{kind}:16", seed=4).cases


@pytest.mark.parametrize(
    "pairs, options, message",
    [
        ({"a": "1"}, {}, "at least two cases"),
        ({"a": "0:1"}, {}, "first:last:number"),
        ({"a": "0:1:1"}, {}, "at least 2"),
        ({"a": "0:1:x"}, {}, "at least 2"),
        ({"a": "0:1:5:lgo"}, {}, "no scale of a range 'lgo'; did you mean 'log'"),
        ({"a": "0:1:5:log"}, {}, "positive ends"),
        ({"a": ","}, {}, "has no values"),
        ({"a": "0:1:2000", "b": "0:1:2000"}, {}, "more than a sweep takes"),
        ({"a": "0:1"}, {"sample": "sobl:4"}, "did you mean 'sobol'"),
        ({"a": "0:1"}, {"sample": "sobol:many"}, "--sample sobol:64"),
        ({"a": "1"}, {"sample": "sobol:4"}, "needs a range"),
        ({"a": "0:1:5"}, {"sample": "sobol:4"}, "first:last"),
        ({"a": "0:1"}, {"sample": "sobol:4", "zipped": True}, "cannot be combined"),
        ({"a": "1,2"}, {"table": "no such file.csv"}, "cannot be read"),
    ],
)
def test_what_is_not_a_design(pairs, options, message):
    with pytest.raises(ParameterError, match=message):
        make_design(pairs, **options)


@pytest.mark.parametrize(
    "text, message",
    [
        ("alpha\n", "at least one case"),
        ("alpha,1x\n1,2\n", "names of parameters"),
        ("alpha,alpha\n1,2\n", "names of parameters"),
        ("alpha,b\n1,\n", "row 2: 1 values for 2 names"),
        ("alpha,b\n1,2,3\n", "row 2: 3 values for 2 names"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, text, message):
    table = tmp_path / "cases.csv"
    table.write_text(text)
    with pytest.raises(ParameterError, match=message):
        make_design({}, table=table)
