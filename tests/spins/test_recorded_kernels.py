"""Kernels recorded by a run: the analysis compares with the law of the file."""

import numpy as np
import pytest

from spinhydro.analysis import load as load_run
from spinhydro.analysis.figures import find
from spinhydro.analysis.growth import (
    cut_off,
    cut_off_formula,
    growth_formula,
    growth_rates,
    largest_growth,
)
from spinhydro.analysis.magnets import magnet, recorded_kernels
from spinhydro.analysis.spectra import ridge, ridge_error
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

PROBLEMS = ROOT / "problems"
OWN = "lambda k: 0.5*stiffness*k**2/(1 + (k/3)**2)"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    problem = load(PROBLEMS / "pslle_dispersion.py", N=127, stop_time=5, W=OWN)
    result = problem.run(out=tmp_path_factory.mktemp("runs"), quiet=True)
    return load_run(result.folder), problem["stiffness"], problem["omega_K"]


def law(k, stiffness):
    return 0.5 * stiffness * k**2 / (1 + (k / 3) ** 2)


def test_ridges_stand_on_the_law_of_the_file(run):
    ds, stiffness, omega_K = run
    material = magnet(ds)
    assert material.kernel == "own" and material.is_own
    k = np.linspace(-8, 8, 777)
    np.testing.assert_allclose(material.exchange(k), law(k, stiffness), atol=1e-7)
    found = ridge(ds)
    assert float(np.abs(ridge_error(found, material.magnon)).max()) < 3e-3
    assert float(np.abs(ridge_error(found, lambda q: material.magnon(q, "chain"))).max()) > 5


def test_figures_draw_it(run, tmp_path):
    ds, _, _ = run
    sheet, _ = find("dispersion").draw([ds], {})
    lines = sheet.axes[0].get_lines()
    assert any("run's file" in str(line.get_label()) for line in lines)
    sheet, _ = find("kernels").draw([ds], {"kernel": "W"})
    (axes,) = sheet.axes
    assert [line.get_label() for line in axes.get_lines()][0] == "W(k)"
    with pytest.raises(InputError, match="keeps no kernel 'V'"):
        find("kernels").draw([ds], {"kernel": "V"})
    with pytest.raises(InputError, match="--figure dispersion draws any"):
        find("b1").require(ds)


def test_a_run_can_be_saved_as_netcdf(run):
    ds, _, _ = run
    assert all(isinstance(v, (int, float, str, np.ndarray)) for v in ds.attrs.values())


@pytest.mark.parametrize("kernel, name", [("lattice", "lattice"), ("micromagnetic",) * 2])
def test_known_laws_keep_their_names(kernel, name, tmp_path):
    problem = load(PROBLEMS / "pslle_dispersion.py", N=15, stop_time=0.05, kernel=kernel)
    ds = load_run(problem.run(out=tmp_path, quiet=True).folder)
    assert magnet(ds).kernel == name and not magnet(ds).is_own
    assert set(recorded_kernels(ds)) == {"W"}


def test_growth_by_a_custom_kernel(tmp_path):
    """Measured rates and cut-off against the formula with that kernel, not with the chain's."""
    own = "lambda k: 1.4*stiffness*k**2/(1 + k**2)"
    problem = load(
        PROBLEMS / "modulational_instability.py", W=own, N=288, cell="4*a", members=2,
        stop_time=30, n_bar=0.25,
    )  # fmt: skip
    ds = load_run(problem.run(out=tmp_path, quiet=True).folder)
    rates, material = growth_rates(ds), magnet(ds)
    end = cut_off_formula(material, 0.25)
    omega = 1.4 * problem["stiffness"] * end**2 / (1 + end**2)
    assert omega == pytest.approx((1 - 0.25**2) * problem["omega_K"], rel=1e-8)
    assert cut_off(rates) == pytest.approx(end, abs=2e-5)
    top = growth_formula(material, np.linspace(0, end, 20001), 0.25).max()
    assert largest_growth(rates)[1] == pytest.approx(top, rel=1e-4)
    assert abs(end / cut_off_formula(magnet(ds, kernel="chain"), 0.25) - 1) > 0.05
