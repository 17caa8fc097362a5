"""The gallery shows every problem file."""

import json

from ..conftest import ROOT

FOLDER = ROOT / "docs" / "gallery"


def test_every_problem_file_has_an_entry_and_a_picture():
    names = {path.stem for path in (ROOT / "problems").glob("*.py")}
    entries = json.loads((FOLDER / "gallery.json").read_text(encoding="utf-8"))
    assert set(entries) == names, "python docs/gallery/make.py NAME adds one"
    assert {path.stem for path in FOLDER.glob("*.png")} == names
    for name, entry in entries.items():
        assert entry["equations"] and f"problems/{name}.py" in entry["command"], name
