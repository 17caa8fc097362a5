"""spinhydro explain PROBLEM: its engine, transforms, pointwise loops and memory."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import InputError, check_save


def command(arguments):
    """Print which engine takes a problem and why, and what one evaluation costs."""
    parser = Parser("explain", "The engine of a problem, and the cost of one evaluation.")
    parser.add_problem()
    parser.add_argument("--save", metavar="FILE", help="draw the graph into a PNG, SVG or PDF file")
    options = parser.read(arguments)
    if options.save:
        check_save(Path(options.save), (".png", ".svg", ".pdf"))
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.engines.explain import draw, explain
    from spinhydro.problem.load import load

    problem = load(options.problem, **options.values)
    lines, account = explain(problem)
    print("\n".join(lines))
    if options.save:
        if account is None:
            raise InputError(
                "there is no graph to draw: the fused engine does not take the problem"
            )
        draw(account, options.save, problem.name)
    return 0
