"""``spinhydro examples``: copy the problem and analysis files into a folder of the user's."""

from pathlib import Path

from spinhydro.problem.examples import FOLDERS, copy_examples


def add_arguments(parser):
    """Declare the arguments of ``spinhydro examples``."""
    parser.add_argument(
        "folder", nargs="?", default=".", help="receives problems/ and analysis/ [this folder]"
    )


def examples(options):
    """Copy the files, say how many are new, and print the folders that hold them."""
    copied, kept = copy_examples(options.folder)
    print(f"{len(copied)} files copied")
    if kept:
        print(f"{len(kept)} files existed and are unchanged")
    for name in FOLDERS:
        folder = Path(options.folder) / name
        if folder.is_dir():
            print(folder)
    return 0
