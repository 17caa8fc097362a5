"""One gas at every level: Gross-Pitaevskii, hydrodynamics, Landau-Lifshitz, local."""

import numpy as np
import pytest

from spinhydro.analysis import load as load_run
from spinhydro.analysis.compare import compare
from spinhydro.problem.load import load

from ..conftest import ROOT

COARSE = {"Nx": 1024, "stop_time": 17}


def run(folder, name, **values):
    result = load(ROOT / "problems" / f"{name}.py", **{**COARSE, **values}).run(
        out=folder, quiet=True
    )
    return load_run(result.folder, tasks=["Z"])


def gas(folder, **values):
    return run(folder, "coupled_gpe", trap="pedestal", **values)


def spins(folder, **values):
    return run(folder, "quantum_torque", density="pedestal", **values)


@pytest.mark.slow
def test_frozen_gas_against_the_gas(tmp_path):
    """rms difference at 0.5, 1, 1.5 and 2 Rabi periods, from an independent split-step code."""
    found = compare([gas(tmp_path), spins(tmp_path), spins(tmp_path, torque=0)], within=150)
    np.testing.assert_allclose(found.rms[:, 0], [0.0011, 0.015, 0.080, 0.19], rtol=0.1)
    np.testing.assert_allclose(found.rms[:, 1], [0.0012, 0.067, 0.35, 0.47], rtol=0.1)


@pytest.mark.slow
def test_gas_freezes_as_the_interactions_become_equal(tmp_path):
    """At fixed kappa n0 the sound velocity diverges as g12 -> g."""
    late = []
    for g12_over_g in (0.85, 0.93, 0.97):
        same = {"g12_over_g": g12_over_g, "Nx": 768}
        found = compare([gas(tmp_path, **same), spins(tmp_path, **same)], within=150)
        late.append(found.rms[-1, 0])
    assert late[0] > 1.2 * late[1] > 1.2**2 * late[2]


def test_exact_and_printed_hydrodynamics_against_the_gas(tmp_path):
    short = {"Nx": 768, "stop_time": 8}
    exact, printed = (
        run(tmp_path, "spinor_hydrodynamics", as_printed=as_printed, **short)
        for as_printed in (0, 1)
    )
    found = compare([gas(tmp_path, **short), exact, printed], times=[4.25, 8], within=150)
    assert found.rms[:, 0].max() < 1e-7
    assert found.largest[1, 1] == pytest.approx(0.06, abs=0.005)
