"""spinhydro words [PROBLEM]: the words of equations; the kernels of a problem file."""

from spinhydro.cli.parser import Parser


def command(arguments):
    """Print the words, or omega(k) of the kernels of a problem file."""
    parser = Parser("words", "The words of equations; the kernels of a problem file, with values.")
    parser.add_problem(nargs="?")
    options = parser.read(arguments)
    if not options.problem:
        from spinhydro.language.vocabulary import help_text

        print(help_text())
        return 0
    from spinhydro.kernels.listing import kernels_of
    from spinhydro.problem.load import load

    print("\n".join(kernels_of(load(options.problem, **options.values))))
    return 0
