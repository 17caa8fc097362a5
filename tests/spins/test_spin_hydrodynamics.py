"""Waves on uniform hydrodynamic states against the general formula."""

import pytest

from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

FILE = ROOT / "problems" / "spin_hydrodynamics.py"
SHORT = {
    "N": 48,
    "stop_time": "0.5*ps",
    "output_interval": "0.5*ps",
    "timestep": "1e-3*ps",
    "waves": 3,
}
K2 = {"kernel": "micromagnetic"}


def error(tmp_path, **values):
    """Largest distance from the wave, over its amplitude; at 0.5 ps Omega t is 2 to 10."""
    result = load(FILE, **{**SHORT, **values}).run(out=tmp_path, quiet=True)
    return result.expect["n against the exact wave"]["value"]


@pytest.mark.parametrize(
    "values",
    [{}, {"n_bar": -0.4, "turns": -1, "waves": 4}, {"n_bar": 0.6, "turns": 0}, K2,
     {**K2, "form": "local"}, {**K2, "form": "local", "turns": -2, "waves": 4}],
)  # fmt: skip
def test_frequency_of_waves(values, tmp_path):
    assert error(tmp_path, **values) < 1e-6


@pytest.mark.parametrize("form", ["local", "nonlocal"])
def test_the_printed_sign_is_wrong(form, tmp_path):
    assert error(tmp_path, form=form, **K2) < 1e-6
    assert error(tmp_path, form=form, printed_sign=1, **K2) > 0.1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"turns": 5, "waves": 2}, "grows on the uniform state"),
        ({"n_bar": 1}, "component of a unit vector"),
        ({"form": "local"}, "kernel=micromagnetic"),
        ({"waves": 30}, "resolves"),
    ],
)
def test_what_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        load(FILE, **{**SHORT, **values})
