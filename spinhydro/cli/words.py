"""spinhydro words [WORD or PROBLEM]: the words of equations; the kernels of a problem file."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import InputError, did_you_mean


def command(arguments):
    """Print all words, one of them, or omega(k) of the kernels of a problem file."""
    parser = Parser(
        "words",
        "The words of equations; one word or kernel; or the kernels of a problem file, with "
        "values.",
    )
    parser.add_argument(
        "problem", nargs="?", metavar="WORD or PROBLEM",
        help="a word or kernel, demag; or a problem file, problems/quantum_torque.py",
    )  # fmt: skip
    parser.add_values()
    options = parser.read(arguments)
    name = options.problem
    if not name:
        from spinhydro.language.vocabulary import help_text

        print(help_text())
        return 0
    if not options.values and _may_be_word(name):
        print("\n".join(_help_on(name)))
        return 0
    from spinhydro.kernels.listing import kernels_of
    from spinhydro.problem.load import load

    print("\n".join(kernels_of(load(name, **options.values))))
    return 0


def _may_be_word(name):
    path = Path(name)
    return path.name == name and path.suffix != ".py" and not path.exists()


def _help_on(word):
    from spinhydro.language.vocabulary import KERNELS, STENCILS, VOCABULARY, word_help

    lines = word_help(word)
    if not lines:
        known = {**VOCABULARY, **KERNELS, **STENCILS}
        hint = did_you_mean(word, known, "`spinhydro words` lists all")
        raise InputError(f"there is no word, kernel or problem file '{word}'; {hint}")
    return lines
