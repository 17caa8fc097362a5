"""spinhydro gradient PROBLEM --of EXPRESSION --with NAME,NAME: derivatives of a number of a run."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import check_save


def _parser():
    parser = Parser(
        "gradient",
        "The derivative of a number at the end of a run, with a Taylor test. Needs "
        "pip install 'spinhydro[jax]'.",
        epilog="Exit codes: 0 done, 1 the Taylor test failed, 2 bad input.",
    )
    parser.add_problem()
    parser.add_argument(
        "--of", required=True, metavar="EXPRESSION", help="one number, 'ave((Z - 0.2)**2)'"
    )
    parser.add_argument(
        "--with", dest="names", required=True, metavar="NAME,NAME",
        help="parameters, fields (initial values or profiles) and kernels of the file",
    )  # fmt: skip
    parser.add_argument(
        "--at", metavar="EXPRESSION", help="time at which the number is taken [stop_time]"
    )
    parser.add_argument(
        "--integrated", action="store_true", help="integrate the number over time up to then"
    )
    parser.add_argument(
        "--memory", type=float, default=2.0, metavar="GB", help="memory for the reverse sweep [2]"
    )
    parser.add_equations()
    parser.add_quick()
    parser.add_argument("--save", metavar="FILE", help="all derivatives, as .npz")
    return parser


def command(arguments):
    """Print a number, its derivatives and the Taylor test."""
    options = _parser().read(arguments)
    if options.save:
        check_save(Path(options.save), (".npz",))
    from spinhydro.engines.jax.require import require_jax

    require_jax("spinhydro gradient")
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.problem.load import load
    from spinhydro.problem.quantities import TIME, number

    problem = load(
        options.problem, equations=options.equation, quick=options.quick, **options.values
    )
    time = None if options.at is None else number(problem, options.at, "--at", TIME)
    names = [name.strip() for name in options.names.split(",") if name.strip()]
    found = problem.gradient(
        of=options.of, wrt=names, time=time, integrated=options.integrated,
        memory=1e9 * options.memory,
    )  # fmt: skip
    print("\n".join(found.table()))
    if options.save:
        _save(found, options.save)
        print(options.save)
    return 0 if found.taylor.passed else 1


def _save(found, path):
    import numpy as np

    arrays = {"value": found.value, "time": found.time}
    for name, slope in found.gradient.items():
        if isinstance(slope, dict):
            arrays.update((f"{name} {entry}", array) for entry, array in slope.items())
        else:
            arrays[name] = slope
    np.savez(path, **arrays)
