"""Lengths that are not a whole number of cells: one rule in every file of a lattice."""

import pytest

import spinhydro
from spinhydro.errors import ParameterError
from spinhydro.problem.load import load

from ..conftest import ROOT

FILES = (
    "afm_resonance", "damped_helix", "domain_wall", "laser_grating", "modulational_instability",
    "pslle_dispersion", "spin_hydrodynamics", "thermal_chain", "transient_grating",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_lattice_file_names_the_nearest_choices(name):
    problem = load(ROOT / "problems" / f"{name}.py", quick=True)
    cell = problem.parameters.get("cell", problem.parameters.get("a"))
    with pytest.raises(ParameterError) as error:
        load(ROOT / "problems" / f"{name}.py", quick=True, L_x=f"{400.3 * cell}*nm")
    message = str(error.value)
    assert "400.3 cells" in message and "leave L_x out" in message
    for whole in (400, 401):
        assert f"N={whole} (L_x = {whole * cell:.6g} nm)" in message


@pytest.mark.parametrize("name", FILES)
def test_a_length_that_fits_is_taken(name):
    path = ROOT / "problems" / f"{name}.py"
    length = load(path, quick=True)["L_x"]
    assert load(path, quick=True, L_x=f"{length!r}*nm")["L_x"] == pytest.approx(length, rel=1e-12)


@pytest.mark.parametrize(
    "values, parts",
    [
        ((400.0, 1127, 0.355, "nm"), ["1126.76 cells", "N=1126 (L_x = 399.73 nm)", "N=1127"]),
        ((355.0, 1127, 0.355, "nm"), ["1000 cells", "take N=1000 (L_x = 355 nm), at least"]),
        ((1.0, 8, 1.0), ["take N=2 (L_x = 2), at least 2"]),
        ((0.0, 8, 1.0), ["L_x = 0", "positive"]),
        ((float("nan"), 8, 1.0), ["positive"]),
        ((8.0, 8, -1.0), ["cell = -1", "positive"]),
    ],
)
def test_messages(values, parts):
    with pytest.raises(ParameterError) as error:
        spinhydro.check_cells(*values)
    for part in parts:
        assert part in str(error.value)


def test_rounding_is_no_reason():
    spinhydro.check_cells(1127 * 0.355, 1127, 0.35500000000000004)
