"""Modules beside a problem file: importable while it is executed, and kept with its results."""

import importlib
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from spinhydro.errors import InputError


def package_of(path):
    """(folder to search, package name) of a file: relative imports need the package around it.

    ``lab/gases/trap.py`` beside an ``__init__.py`` belongs to the package ``gases``, or to
    ``lab.gases`` if the folder ``lab`` has one too. The copy in a run folder belongs to the package
    ``0001``.
    """
    folder, names = Path(path).resolve().parent, []
    while (folder / "__init__.py").is_file() and "." not in folder.name:
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


@contextmanager
def surroundings(path):
    """While active, a file finds modules beside it, as ``python FILE`` does; yields their texts.

    Yields
    ------
    dict
        ``{path relative to the file's folder: text}`` of the modules that were imported, filled
        when the context ends. Modules leave ``sys.modules`` then: a file of another folder may
        have modules of the same names. The current folder is restored.
    """
    folder = Path(path).resolve().parent
    root, package = package_of(path)
    before, texts = set(sys.modules), {}
    # A user's module may shadow one of the same name, but not one that is loaded already.
    entries = list(dict.fromkeys([str(folder), str(root)]))
    sys.path[:0] = entries
    here = os.getcwd()
    try:
        if package:
            try:
                importlib.import_module(package)
            except Exception as error:
                raise InputError(
                    f"the package '{package}' around the file cannot be imported: {error}"
                ) from error
        yield texts
    finally:
        os.chdir(here)
        for entry in entries:
            sys.path.remove(entry)
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and _is_beside(Path(file).resolve(), root) and not name.startswith("spinhydro"):
                _keep(Path(file).resolve(), folder, texts)
                del sys.modules[name]


def _is_beside(file, root):
    """True for a user's module: below the folder, but not in an environment there."""
    parts = file.relative_to(root).parts if file.is_relative_to(root) else ()
    return bool(parts) and "site-packages" not in parts


def _keep(file, folder, texts):
    try:
        texts[os.path.relpath(file, folder)] = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # A compiled module has no text to keep.
        return
