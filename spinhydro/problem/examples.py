"""The problem files and analysis files that come with spinhydro.

A checkout has them in its folders ``problems/`` and ``analysis/``; a wheel carries copies of these
two folders inside the package, as ``spinhydro/examples/problems`` and ``…/analysis``.
"""

from pathlib import Path

from spinhydro.errors import InputError

#: The folders of files that a physicist edits.
FOLDERS = ("problems", "analysis")

_PACKAGE = Path(__file__).resolve().parent.parent


def examples_folder(name=""):
    """Path of the folder that holds ``problems/`` and ``analysis/``, or of one of the two.

    In a checkout this is the checkout itself, in an installed wheel ``spinhydro/examples``. The
    folder ``analysis/`` may be missing; ``problems/`` is always there.
    """
    checkout = _PACKAGE.parent
    is_checkout = (checkout / "pyproject.toml").is_file() and (checkout / "problems").is_dir()
    return (checkout if is_checkout else _PACKAGE / "examples") / name


def example_files(name):
    """Python files of ``"problems"`` or ``"analysis"``, sorted by path."""
    return sorted(examples_folder(name).rglob("*.py"))


def copy_examples(target="."):
    """Copy the problem files and analysis files into a folder; never overwrite a file.

    Parameters
    ----------
    target : path
        Made if it does not exist; receives the folders ``problems/`` and ``analysis/``.

    Returns
    -------
    copied, kept : list of Path
        Files written, and files that were there before and are left as they are.

    Raises
    ------
    InputError
        If a folder or file cannot be written.
    """
    copied, kept = [], []
    for name in FOLDERS:
        for source in example_files(name):
            path = Path(target) / name / source.relative_to(examples_folder(name))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # Mode "x" fails if the file exists, also when two processes copy at once.
                with open(path, "xb") as file:
                    file.write(source.read_bytes())
            except FileExistsError:
                if not path.is_file():
                    raise InputError(
                        f"cannot copy to {path}: something other than a file is in the way"
                    ) from None
                kept.append(path)
            except OSError as error:
                raise InputError(
                    f"cannot copy to {path}: {error.strerror}; name another folder, "
                    "as in: spinhydro examples my_problems"
                ) from None
            else:
                copied.append(path)
    return copied, kept
