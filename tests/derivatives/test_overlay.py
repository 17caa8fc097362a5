"""The spectrum of the strings over the space-time spectrum of a run of them."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.cli.main import call
from spinhydro.derivatives.overlay import overlay_of
from spinhydro.derivatives.spectrum import spectrum
from spinhydro.errors import InputError

from ..spins.test_recorded_waves import CHAIN, GAS, PLANE, chain_law, written


@pytest.fixture
def run_of(tmp_path):
    def run(text, **values):
        path = written(tmp_path, text)
        return path, load(path, **values).run(out=tmp_path, quiet=True).folder

    return run


def test_chain_with_dmi(run_of, capsys):
    """Waves at k and -k have different frequencies: the ridge is that of the wave m_x + i m_y."""
    path, folder = run_of(CHAIN, stop_time=100.0)
    found = spectrum(load(path))
    shown = overlay_of(found, folder)
    assert np.nanmax(shown.distances()) < 0.1
    distance = np.abs(shown.branches - chain_law(shown.k)[:, None] / (2 * np.pi)).min(axis=1)
    assert distance.max() < 1e-12
    save = path.with_name("waves.png")
    law = "W(k) + omega_0 + omega_K + 2*D*sin(k)"
    words = ("--overlay", str(folder), "--formula", law, "--save", str(save))
    assert call(["spectrum", str(path), *words]) == 0
    lines = capsys.readouterr().out
    assert "within one bin" in lines and "at 100%" in lines and f"{law}: within" in lines
    assert save.stat().st_size > 5000


@pytest.mark.parametrize("output", ["psi", "density"])
def test_gas(run_of, output):
    """psi turns with the chemical potential, and shows both of Bogoliubov's branches."""
    noise = "+ 1e-3*np.random.default_rng(1).standard_normal((1, N))[0]"
    text = GAS.replace("+ 1e-3*np.cos(2*np.pi*x/N)", noise)
    path, folder = run_of(text, stop_time=60.0, output_interval=0.3)
    found = spectrum(load(path))
    distances = overlay_of(found, folder, output).distances()
    assert np.isfinite(distances).sum() >= 30 and np.nanmax(distances) < 0.1


def test_plane(run_of):
    path, folder = run_of(PLANE, stop_time=60.0)
    found = spectrum(load(path))
    for direction in (None, (1, -1), (1, 2)):
        distances = overlay_of(found, folder, direction=direction).distances()
        assert np.isfinite(distances).sum() >= 5 and np.nanmax(distances) < 0.1
    with pytest.raises(InputError, match="a whole number for each"):
        overlay_of(found, folder, direction=(1, 2, 3))


def test_another_box(run_of):
    path, folder = run_of(CHAIN, stop_time=2.0)
    with pytest.raises(InputError, match="is the box of the problem that of the run"):
        overlay_of(spectrum(load(path, N=29)), folder)
