"""Modules beside a problem file: found as Python finds them, kept with the results."""

import os
import shutil

import numpy as np
import pytest

from spinhydro.errors import InputError
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run

FILE = """
import os
import numpy as np
import dedalus.public as d3
import spinhydro
{imports}

timestep, stop_time = 0.1, 0.1
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords)
xbasis = d3.RealFourier(coords["x"], size=8, bounds=(0, 1))
u = dist.Field(name="u", bases=xbasis)
problem = d3.IVP([u], namespace=locals())
problem.add_equation("dt(u) = rate(u)")
"""


def test_a_module_beside_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, factor in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"def rate(u):\n    return {factor}*u\n")
        (tmp_path / name / "growth.py").write_text(FILE.format(imports="from helper import rate"))
    # Each file has the helper of its folder.
    for name, factor in (("one", 1), ("two", 2)):
        problem = load(tmp_path / name / "growth.py")
        assert str(problem.ivp.equations[0]["RHS"]) == ("u" if factor == 1 else "2*u")
        assert list(problem.modules) == ["helper.py"]
    problem["u"]["g"] = 1
    folder = problem.run(out=tmp_path / "runs", quiet=True).folder
    assert (folder / "helper.py").read_text().endswith("return 2*u\n")
    np.testing.assert_array_equal(load(folder / "growth.py")["u"]["g"], 0)


def test_relative_imports_in_a_package(tmp_path):
    package = tmp_path / "lab" / "gases"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package.parent / "rates.py").write_text("def rate(u):\n    return 3*u\n")
    (package / "growth.py").write_text(FILE.format(imports="from ..rates import rate"))
    problem = load(package / "growth.py")
    assert str(problem.ivp.equations[0]["RHS"]) == "3*u"
    assert os.path.join("..", "rates.py") in problem.modules


def test_the_copy_in_the_run_folder_of_a_package_runs_without_the_package(tmp_path):
    package = tmp_path / "gases"
    (package / "inner").mkdir(parents=True)
    for folder in (package, package / "inner"):
        (folder / "__init__.py").write_text("")
    (package / "inner" / "deep.py").write_text("def rate(u):\n    return 4*u\n")
    (package / "growth.py").write_text(FILE.format(imports="from .inner.deep import rate"))
    problem = load(package / "growth.py")
    problem["u"]["g"] = 1
    folder = problem.run(out=tmp_path / "runs", quiet=True).folder
    shutil.rmtree(package)
    assert str(load(folder / "growth.py").ivp.equations[0]["RHS"]) == "4*u"
    assert resume_run(folder, stop_time="0.2", quiet=True).status == "done"


def test_a_file_that_changes_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "growth.py"
    path.write_text(FILE.format(imports="os.chdir('elsewhere')\nrate = lambda u: u"))
    assert (
        load(path).run(out="runs", quiet=True).folder.resolve().parent.parent == tmp_path / "runs"
    )
    path.write_text(FILE.format(imports="import hlper"))
    with pytest.raises(InputError, match="line 6: No module named 'hlper'"):
        load(path)
    assert os.getcwd() == str(tmp_path)


@pytest.mark.parametrize("name", ["analysis", "load", "run", "words"])
def test_files_of_the_user_that_have_names_of_ours(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    path = tmp_path / "growth.py"
    path.write_text(FILE.format(imports="rate = lambda u: u"))
    load(path).run(out="runs", quiet=True)
