"""The code of the pages runs and gives the numbers that they state."""

import importlib.util
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from spinhydro import load as load_problem
from spinhydro.analysis import dispersion, load
from spinhydro.analysis.plot import main as draw

from ..conftest import ROOT


def code_of(page, folder, name):
    """Write the first block of Python of a page into a file."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    path = folder / f"{name}.py"
    path.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    return path


def test_tutorial_for_a_gas(tmp_path, monkeypatch):
    path = code_of("tutorials/gas.md", tmp_path, "faraday")
    monkeypatch.chdir(tmp_path)
    load_problem(path, epsilon=[0.05, 0.1, 0.15, 0.2], Nx=32, timestep=0.1).run(quiet=True)
    page = (ROOT / "docs" / "tutorials" / "gas.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL)[1:]:
        exec(code.replace("faraday/0003", "faraday/0001"), names)
    # First order in the depth; oscillations within a period scatter the fit.
    np.testing.assert_allclose(names["growth"], names["theory"], rtol=0.02)
    assert len(names["lines"]) == 4


def test_the_notebook_is_the_executed_tutorial_for_a_gas():
    page = (ROOT / "docs" / "tutorials" / "gas.md").read_text(encoding="utf-8")
    notebook = json.loads((ROOT / "docs/tutorials/gas.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code = [re.sub(r"^%%.*\n", "", "".join(cell["source"])) for cell in cells]
    assert code == re.findall(r"```\w+\n(.*?)\n```", page, re.DOTALL)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not any(output["output_type"] == "error" for output in outputs)
    assert any("image/png" in output.get("data", ()) for output in outputs)


def test_file_of_ones_own_for_a_gas(tmp_path, monkeypatch):
    path = code_of("gases.md", tmp_path, "quench")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 45
    monkeypatch.chdir(tmp_path)
    load_problem(path, members=4, Nx=128).run(quiet=True)
    text = (ROOT / "docs" / "gases.md").read_text(encoding="utf-8")
    plot = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "draw.py").write_text(plot, encoding="utf-8")
    done = subprocess.run([sys.executable, "draw.py"], cwd=tmp_path, timeout=60)
    assert done.returncode == 0 and (tmp_path / "order.png").stat().st_size > 5000
    assert draw(["runs/quench/0001", "--output", "order", "--save", "all.png"]) == 0
    assert (tmp_path / "all.png").stat().st_size > 5000
    order = load("runs/quench/0001").order
    assert float(order[0].max()) < 1e-5 and float(order[-1].min()) > 0.2


def test_tutorial_for_a_magnet(tmp_path):
    path = code_of("tutorials/magnet.md", tmp_path, "chain")
    ds = load(load_problem(path, N=63, stop_time=1).run(out=tmp_path, quiet=True).folder)
    found = dispersion.analyse(ds)
    assert found.law.name == "W + omega_K"
    k = np.linspace(-8, 8, 5)
    np.testing.assert_allclose(found.law.omega(k), 0.34 + 144 * (1 - np.cos(0.355 * k)), rtol=2e-3)
    assert found.largest < 0.15  # of 45 THz: RK4's error at the zone boundary
    assert abs(np.sqrt((ds.m**2).sum("spin")) - 1).max() < 1e-12
    assert load_problem(path, W="lambda k: 72*(k*a)**2", timestep=1e-3)["W"](1.0) == pytest.approx(
        72 * 0.355**2
    )


def test_figure_of_ones_own(tmp_path):
    page = code_of("howto/figure.md", tmp_path, "domains")
    problem = load_problem(ROOT / "problems" / "quantum_torque.py", quick=True, stop_time=0.5)
    run = problem.run(out=tmp_path, quiet=True).folder
    done = subprocess.run(
        [sys.executable, str(page), str(run), "threshold=-2", "--save", str(tmp_path / "a.png")],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "largest" in done.stdout and "1" in done.stdout
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_every_page_is_in_the_contents():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix()
        for path in (ROOT / "docs").rglob("*.md")
        if not path.relative_to(ROOT / "docs").parts[0].startswith("_")
    }
    missing = {page for page in pages - {"index"} if f"\n{page}\n" not in index}
    assert not missing


def test_tests_that_the_page_of_comparisons_names_exist():
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    names = re.findall(r"`(\w+/(?:test_\w+\.py)?)`", page)
    assert len(names) > 30
    for name in names:
        assert (ROOT / "tests" / name).exists(), name


def site_tools():
    """Skip a test if the packages of the site are not installed."""
    names = ("codespell_lib", "furo", "latex2mathml", "myst_parser", "sphinx")
    if any(importlib.util.find_spec(name) is None for name in names):
        pytest.skip("the packages of the site are not installed: run/docs installs them")


def test_words_are_spelled_correctly():
    site_tools()
    check = [sys.executable, "-m", "codespell_lib"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_needs_no_network(tmp_path):
    """Every internal link is checked while the site is built (docs/extensions/links.py)."""
    site_tools()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html",
         str(ROOT / "docs"), str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    checked, broken = re.search(r"(\d+) internal links, (\d+) broken", done.stdout).groups()
    assert int(checked) > 1000 and broken == "0"
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"(https?:)?//", text), path.name


def test_a_link_that_leads_nowhere_is_found(tmp_path, monkeypatch):
    site_tools()
    monkeypatch.syspath_prepend(ROOT / "docs" / "extensions")
    from links import broken

    (tmp_path / "a.html").write_text('<h1 id="x"></h1><a href="b.html#y">b</a><a href="#x">x</a>')
    (tmp_path / "b.html").write_text('<a href="a.html#y">a</a><a href="c.html">c</a>')
    assert broken(tmp_path) == (
        4, [("a.html", "b.html#y"), ("b.html", "a.html#y"), ("b.html", "c.html")]
    )  # fmt: skip
