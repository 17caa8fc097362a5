"""Fits of averages over space, against solutions in closed form."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.cli.main import call
from spinhydro.derivatives.data import Data, read_data
from spinhydro.derivatives.fit import fit
from spinhydro.errors import InputError

RING = """
import dedalus.public as d3
import numpy as np
import spinhydro

L, N, h, alpha, gain = 8.0, 8, 2.0, 0.05, 1.0
timestepper, timestep, stop_time, output_interval = "RK4", 0.02, 6.0, 0.25
p = 1 / (1 + alpha**2)
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=N, bounds=(0, L))
m, squares = dist.VectorField(spinhydro.spin, name="m", bases=xbasis), dist.Field(bases=xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
H = h * ez
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
m["g"][0], m["g"][2] = np.sin(0.4), np.cos(0.4)
squares["g"] = dist.local_grid(xbasis) ** 2
outputs = {"mz": "m@ez", "mx": "gain*ave(m@ex)", "weighed": "ave(squares*(m@ex))"}
"""
TIMES = np.arange(25) * 0.25


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    path = tmp_path_factory.mktemp("ring") / "ring.py"
    path.write_text(RING)
    return path


def macrospin():
    """m_x of a damped spin in a field along z."""
    rate = 2.0 / (1 + 0.05**2)
    half = np.tan(0.2) * np.exp(-0.05 * rate * TIMES)
    return 2 * half / (1 + half**2) * np.cos(rate * TIMES)


def test_damping_and_field_from_a_ring_down(ring, tmp_path, capsys):
    noisy = macrospin() + 0.01 * np.random.default_rng(3).standard_normal(len(TIMES))
    path = tmp_path / "signal.csv"
    np.savetxt(path, np.c_[TIMES, noisy], delimiter=",", header="t,mx", comments="")
    figure = tmp_path / "signal.png"
    arguments = ["fit", str(ring), str(path), "alpha", "h", "alpha=0.08", "h=1.9"]
    assert call([*arguments, "--noise", "0.01", "--save", str(figure)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line, truth in zip(lines, (0.05, 2.0), strict=False):
        value, error = (float(part.split()[0]) for part in line.split("=")[1].split("+-"))
        assert abs(value - truth) < 3 * error < 0.2 * truth
    assert figure.stat().st_size > 10_000
    assert call([*arguments, "--blur", "0.1"]) == 2
    assert "averages over space" in capsys.readouterr().err
    assert call([*arguments, "--scale"]) == 2
    assert "gain*ave(m@ex) + zero" in capsys.readouterr().err


def test_exact_signal_gives_exact_values(ring):
    data = Data({"t": TIMES}, {"mx": macrospin()})
    start = load(ring, alpha=0.07, h=1.95, gain=0.8)
    found = fit(start, data, ["alpha", "h", "gain"])
    assert np.allclose(found.estimates, [0.05, 2.0, 1.0], rtol=1e-6)


def test_fields_and_averages_are_not_mixed(ring):
    problem = load(ring)
    with pytest.raises(InputError, match=r"mz = m@ez is a field.*ave\(mz\)"):
        fit(problem, Data({"t": TIMES}, {"mz": macrospin()}), ["h"])
    with pytest.raises(InputError, match="mx = .* is an average over space"):
        data = {"mx": np.zeros((len(TIMES), 4))}
        fit(problem, Data({"t": TIMES, "x": np.arange(4.0)}, data), ["h"])


def test_data_of_a_run_hold_both_kinds(ring):
    folder = load(ring).run(out=ring.parent / "runs", quiet=True).folder
    assert list(read_data(folder, ["mz", "mx"]).axes) == ["t", "x"]
    assert list(read_data(folder, ["mz", "mx"]).values) == ["mz"]
    series = read_data(folder, ["mx", "weighed"])
    assert list(series.axes) == ["t"]
    with pytest.raises(InputError, match="takes one kind"):
        read_data(folder, ["mz", "mx"], all_of_them=True)
    # A profile of outputs alone is not truncated to the modes of its basis.
    found = fit(load(ring, h=1.9), read_data(folder, ["weighed"]), ["h"])
    assert abs(found.estimates[0] - 2.0) < 1e-9
