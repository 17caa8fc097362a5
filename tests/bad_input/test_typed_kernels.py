"""Kernels that are typed on a command line: W='lambda k: …' in place of that of a file."""

import numpy as np
import pytest

from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT

PROBLEMS = ROOT / "problems"


def test_a_typed_kernel_replaces_that_of_the_file(tmp_path):
    """The exact helix holds for any kernel, and the timestep follows its fastest wave."""
    typed = "lambda q: 3*stiffness/a*abs(np.sin(q*a/2))*abs(q)"
    problem = load(PROBLEMS / "damped_helix.py", W=typed, stop_time=0.1)
    k = 2 * np.pi * np.fft.fftfreq(64, 0.355)
    a, D = problem["a"], problem["stiffness"]
    omega = 3 * D / a * np.abs(np.sin(k * a / 2) * k)
    np.testing.assert_allclose(problem["W"](k), omega, rtol=1e-12)
    assert problem["timestep"] == pytest.approx(0.1 / (problem["omega_K"] + omega.max()))
    result = problem.run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values())
    assert typed in (result.folder / "damped_helix.py").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "spinhydro.kernel('exchange', bonds={1*a: 30, 2*a: -5})",
        "spinhydro.kernel('table', k=[0, 3, 6, 10], omega=[0, 25, 60, 100])",
        "lambda k: stiffness*k**2*nm/nm",
    ],
)
def test_kernels_by_name_may_be_typed_too(text):
    assert np.isfinite(load(PROBLEMS / "transient_grating.py", W=text)["W"](1.0))


@pytest.mark.parametrize("name", ["damped_helix", "transient_grating", "thermal_chain"])
@pytest.mark.parametrize(
    "text, parts",
    [
        ("lambda k: 1j*k**2", ["the kernel W", "complex conjugate", "is not at k ="]),
        ("lambda k: k", ["the kernel W makes real fields complex"]),
        ("lambda k: stiffness/k**2", ["the kernel W is not finite at k = 0"]),
        ("lambda k: stifness*k**2", ["'stifness' is not known", "did you mean 'stiffness'?"]),
        ("lambda k, kx, ky, kz: k", ["takes 4 arguments"]),
        ("lambda k: 'a'", ["must give one value"]),
        ("3", ["W is a kernel in this file", "lambda k: …"]),
        ("chian", ["'chian' is not known here"]),
        ("spinhydro.kernel('tabel', k=[0, 1])", ["did you mean 'table'?"]),
    ],
)
def test_what_cannot_be_a_kernel_is_refused_by_name(name, text, parts):
    with pytest.raises(InputError) as error:
        load(PROBLEMS / f"{name}.py", W=text)
    for part in parts:
        assert part in str(error.value), str(error.value)


def test_a_tensor_kernel_is_refused_by_name():
    with pytest.raises(InputError, match="the kernel W_D makes real fields complex"):
        load(PROBLEMS / "skyrmion.py", W_D="lambda kx, ky: [[0,0,kx], [0,0,ky], [kx,ky,0]]")


def test_a_function_of_python_is_asked_for_as_text():
    with pytest.raises(InputError, match="write a function as text, W='lambda k: …'"):
        load(PROBLEMS / "damped_helix.py", W=lambda k: k**2)
