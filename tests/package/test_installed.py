"""The wheel, the source distribution and the editable installation, each in a fresh environment.

Building Dedalus takes minutes, so the environments see the dependencies of the present one.
"""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile

import pytest

from ..conftest import ROOT


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Folder with the sdist and the wheel that ``python -m build`` makes of it."""
    folder = tmp_path_factory.mktemp("distributions")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture
def environment(tmp_path):
    """Install something in a fresh virtual environment and return its ``bin`` folder."""

    def install(*what):
        place = tmp_path / "environment"
        venv.create(place)
        python = place / "bin" / "python"
        site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *sys.path}
        lines = [path for path in sorted(paths) if path.endswith("site-packages")]
        with open(os.path.join(site, "dependencies.pth"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        run(sys.executable, "-m", "pip", "--python", python, "install", "--ignore-installed",
            "--no-deps", "--no-index", "--no-build-isolation", *what)  # fmt: skip
        return place / "bin"

    return install


def run(*line, cwd=None):
    """Standard output of a command that must succeed, without this checkout on its path."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, line)), cwd=cwd, env=variables, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_serves_a_user_without_a_checkout(distributions, environment, tmp_path):
    (wheel,) = distributions.glob("*.whl")
    bin_ = environment(wheel)
    home = tmp_path / "home"
    home.mkdir()
    place = run(bin_ / "python", "-c", "import spinhydro; print(spinhydro.__file__)", cwd=home)
    assert place.startswith(str(bin_.parent))
    assert "spinhydro examples" in run(bin_ / "spinhydro", "list", cwd=home)
    run(bin_ / "spinhydro", "examples", cwd=home)
    copies = {path.name: path.read_bytes() for path in (home / "problems").glob("*.py")}
    assert copies == {path.name: path.read_bytes() for path in (ROOT / "problems").glob("*.py")}
    assert "problems/quantum_torque.py" in run(bin_ / "spinhydro", "list", cwd=home)
    text = run(bin_ / "spinhydro", "run", "problems/spin_spiral.py", "stop_time=0.2", cwd=home)
    folder = home / text.splitlines()[-1]
    assert "engine: fused" in (folder / "log.txt").read_text(encoding="utf-8")
    run(bin_ / "spinhydro", "plot", folder, cwd=home)
    opened = 'import sys, xarray; print(*xarray.open_dataset(sys.argv[1], engine="spinhydro"))'
    assert run(bin_ / "python", "-c", opened, folder, cwd=home).split() == ["Z", "s", "s_exact"]


def test_distributions_hold_what_their_users_need(distributions):
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        text = file.read(metadata).decode()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"spinhydro"}
    assert "spinhydro/examples/problems/quantum_torque.py" in names
    for words in ("needs MPI and FFTW", "Requires-Dist: llvmlite"):
        assert words in text, words
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        names = {name.split("/", 1)[1] for name in file.getnames()}
    for name in ("run/setup", "problems/quantum_torque.py", "tests/conftest.py", "LICENSE"):
        assert name in names, name
    assert not any(name.startswith((".venv", "runs")) for name in names)


def test_an_editable_installation_is_found_beside_the_checkout(environment, tmp_path):
    """A folder called spinhydro in the current folder must not shadow the package."""
    bin_ = environment("-e", ROOT)
    (tmp_path / "spinhydro" / "spinhydro").mkdir(parents=True)
    code = "from spinhydro import load; import spinhydro; print(spinhydro.__file__)"
    for folder in (tmp_path, tmp_path / "spinhydro", "/"):
        place = run(bin_ / "python", "-c", code, cwd=folder)
        assert place.strip() == str(ROOT / "spinhydro" / "__init__.py"), folder
