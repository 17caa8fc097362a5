"""The conda recipe states what pyproject.toml states."""

import re

from ..conftest import ROOT

RECIPE = ROOT / "run" / "conda" / "recipe.yaml"
#: Other names on conda-forge.
CONDA = {"matplotlib": "matplotlib-base"}


def test_the_recipe_has_the_version_and_the_dependencies_of_the_project():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    recipe = RECIPE.read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"', project, re.MULTILINE)[1]
    assert f'version: "{version}"' in recipe
    wanted = re.findall(r'"([^"]+)"', project.split("dependencies = [")[1].split("]")[0])
    names = re.split(r"\n  run:\n", recipe)[1].split("\n\n")[0]
    found = {line.strip()[2:].replace(" ", "") for line in names.splitlines()}
    wanted = {CONDA.get(name, name) for name in wanted}
    assert found == wanted | {"python>=3.10"}
