"""Options of problems/coupled_gpe.py: detuning, unequal interactions, two and three dimensions."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spinhydro.analysis import load as load_run
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

FILE = ROOT / "problems" / "coupled_gpe.py"


@pytest.mark.parametrize(
    "options",
    [
        {"detuning": "2*pi*40*Hz"},
        {"g_aa_over_g": 1.02},
        {"g_bb_over_g": 0.98, "detuning": "-2*pi*30*Hz"},
    ],
    ids=str,
)
def test_spin_at_the_centre_precesses_in_its_field(options, tmp_path):
    """ds/dt = (Omega_R, 0, delta + (g_aa - g_ab) n_a - (g_bb - g_ab) n_b) x s."""
    result = load(FILE, Nx=512, stop_time=2.5, timestep=0.005, **options).run(
        out=tmp_path, quiet=True
    )
    run = load_run(result.folder)
    of = run.attrs

    def precession(g_aa, g_bb, detuning):
        def rate(_, s):
            n_a, n_b = (1 + s[2]) / 2, (1 - s[2]) / 2
            along_z = (g_aa - of["g_ab"]) * n_a - (g_bb - of["g_ab"]) * n_b
            return np.cross([of["Omega_R"], 0, detuning + along_z], s)

        return solve_ivp(rate, (0, 2.5), [0, 0, -1], t_eval=run.t, rtol=1e-9, atol=1e-10).y.T

    expected = precession(of["g_aa"], of["g_bb"], of["detuning"])
    s = (run.s / run.n).sel(x=0).values
    np.testing.assert_allclose(s, expected, atol=5e-3)
    # The options must have an effect for the comparison to be meaningful.
    plain = precession(of["g_n0"], of["g_n0"], 0)
    assert np.abs(plain - expected).max() > 0.05


SMALL = {
    "Nx": 64, "Ny": 32, "Nz": 32, "R_x": "8*um", "L_x": "20*um",
    "kappa_n0": "2*pi*40*Hz", "stop_time": 0.05, "output_interval": 0.01,
}  # fmt: skip


@pytest.mark.parametrize("dimensions", [2, 3])
def test_more_dimensions(dimensions, tmp_path):
    values = SMALL if dimensions == 2 else {**SMALL, "Ny": 24, "Nz": 24, "stop_time": 0.01}
    problem = load(FILE, dimensions=dimensions, **values)
    psi = problem["psi_b"]
    axes = tuple(range(dimensions))
    k_squared = sum(
        ((2 * np.pi * np.fft.fftfreq(size, length / size)) ** 2).reshape(
            [-1 if i == axis else 1 for i in axes]
        )
        for axis, size, length in zip(axes, problem["sizes"], problem["lengths"], strict=False)
    )
    p = psi["g"].real
    kinetic = problem["hbar_over_m"] / 2 * np.fft.ifftn(k_squared * np.fft.fftn(p)).real
    residual = kinetic + (problem["V"]["g"].real + problem["g_bb"] * p**2) * p
    assert np.abs(residual).max() < 1e-10 * problem["mu"]

    result = problem.run(out=tmp_path, quiet=True)
    assert result.expect["number of atoms"]["value"] < 1e-8
    assert result.expect["energy"]["value"] < 1e-5  # coarse: the grid drops its highest mode
    run = load_run(result.folder)
    assert run.n.dims == ("t", *"xyz"[:dimensions])
    assert run.v.dims == ("t", "component", *"xyz"[:dimensions])
    length = np.sqrt((run.s**2).sum("spin"))
    np.testing.assert_allclose(length, run.n, atol=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimensions": 4}, "dimensions must be 1, 2 or 3"),
        ({"g_aa_over_g": 0.8}, "immiscible"),
        ({"dimensions": 2, "L_y": "4*um"}, "2.05 R_y < L_y"),
        ({"Nx": 63}, "Nx must be at least 64"),
    ],
    ids=str,
)
def test_parameters_that_cannot_work(options, message):
    with pytest.raises(InputError, match=message):
        load(FILE, **options)


def test_an_odd_number_of_points_keeps_the_atoms_to_rounding(tmp_path):
    drifts = []
    for points in (512, 513):
        result = load(FILE, Nx=points, stop_time=2, truncate=1).run(out=tmp_path, quiet=True)
        drifts.append(result.expect["number of atoms"]["value"])
    assert drifts[1] < 1e-12 < drifts[0]
