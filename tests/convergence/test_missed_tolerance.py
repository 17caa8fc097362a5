"""A run that misses its tolerance says so: no controller foresees how errors will grow."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)


@pytest.mark.parametrize("stop_time, is_missed", [(1.0, False), (9.0, True)])
def test_errors_that_grow_on_a_separatrix(tmp_path, stop_time, is_missed):
    """A pendulum that comes to rest upside down, p = 1 + phi + i dphi/dt: errors grow as exp(t)."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=4, bounds=(0, 1))
    p = dist.Field(name="p", bases=basis)
    p["g"] = 1 + np.pi - 2j
    words = {"p": p, "re": spinhydro.re, "im": spinhydro.im, "sin": np.sin}
    problem = d3.IVP([p], namespace=words)
    problem.add_equation("dt(p) = im(p) + 1j*sin(re(p) - 1)")
    result = spinhydro.simulate(
        problem, "auto", stop_time, tolerance=1e-6, timestepper="RK4", out=str(tmp_path),
        quiet=True, outputs={"p": "ave(p)"}, output_interval=stop_time,
    )  # fmt: skip
    angle = 4 * np.arctan(np.exp(-stop_time))
    exact = 1 + angle - 2j * np.sin(angle / 2)
    error = np.abs(p["g"] - exact).max() / np.abs(exact)
    log = (result.folder / "log.txt").read_text(encoding="utf-8")
    assert (error > 1e-5) == is_missed
    assert ("times the tolerance" in log) == is_missed
