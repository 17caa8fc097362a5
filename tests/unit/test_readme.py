"""The README quotes what is there."""

import re

from ..conftest import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_quoted_problem_file_is_the_file():
    assert (ROOT / "problems" / "quantum_torque.py").read_text(encoding="utf-8") in TEXT


def test_every_file_it_names_exists():
    names = re.findall(r"`((?:tests|problems|run|analysis|spinhydro)/[\w/.]*)`", TEXT)
    names += re.findall(r"\]\(((?!https)[^)]+)\)", TEXT)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_every_option_and_command_it_names_exists(command):
    helped = command("run", "--help").stdout
    for option in set(re.findall(r"`(--[a-z]+)", TEXT)):
        assert option in helped, option
    known = command("--help").stdout
    for name in set(re.findall(r"^spinhydro (\w+) ", TEXT, re.MULTILINE)):
        assert f"spinhydro {name} " in known or name == "plot", name
