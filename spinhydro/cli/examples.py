"""spinhydro examples [DIR]: copy the problem and analysis files into a folder."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.problem.examples import FOLDERS, copy_examples


def command(arguments):
    """Copy the files, print how many are new, and the folders that hold them."""
    parser = Parser(
        "examples",
        "Copy the problem and analysis files that come with spinhydro into a folder. Existing "
        "files are never overwritten.",
    )
    parser.add_argument(
        "folder", nargs="?", default=".", help="receives problems/ and analysis/ [this folder]"
    )
    options = parser.read(arguments)
    copied, kept = copy_examples(options.folder)
    print(f"{len(copied)} files copied")
    if kept:
        print(f"{len(kept)} files existed and are unchanged")
    for name in FOLDERS:
        folder = Path(options.folder) / name
        if folder.is_dir():
            print(folder)
    return 0
