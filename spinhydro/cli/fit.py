"""spinhydro fit PROBLEM DATA NAME NAME …: parameters of a problem file from measured fields."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import InputError, check_save

FIGURES = (".png", ".pdf", ".svg")


def _parser():
    parser = Parser(
        "fit",
        "Least squares with exact sensitivities: estimates, 68 % intervals, and what the data do "
        "not determine. Needs pip install 'spinhydro[jax]'.",
    )
    parser.add_argument("problem", help="a problem file, problems/quantum_torque.py")
    parser.add_argument(
        "data", help=".nc, .h5, .npz or .csv with axes t, x and outputs, or a run folder"
    )
    parser.add_argument(
        "rest", nargs="*", metavar="NAME or NAME=VALUE", help="parameters to fit; new start values"
    )
    parser.add_argument("--blur", metavar="LENGTH", help="standard deviation of the optics, 1.5*um")
    parser.add_argument(
        "--noise", metavar="NUMBER", help="standard deviation of the data [from the residuals]"
    )
    parser.add_argument("--offset", action="store_true", help="fit an offset of each frame")
    parser.add_argument("--scale", action="store_true", help="fit a factor of each frame")
    parser.add_argument(
        "--prior", action="append", default=[], metavar="NAME=MEAN+-WIDTH",
        help="known beforehand, Omega_R='0.74+-0.01'",
    )  # fmt: skip
    parser.add_argument(
        "--window", action="append", default=[], metavar="AXIS=LOW:HIGH",
        help="part of the data, x=-150:150 or t=0:10",
    )  # fmt: skip
    parser.add_argument("--observe", metavar="NAME,NAME", help="outputs to compare [all in DATA]")
    parser.add_argument("--skip-nan", action="store_true", help="nan means not measured")
    parser.add_argument("--starts", type=int, default=1, metavar="N", help="number of starts [1]")
    parser.add_argument(
        "--sample", type=int, default=0, metavar="STEPS",
        help="sample the posterior by emcee with so many steps of each walker",
    )  # fmt: skip
    parser.add_quick()
    parser.add_argument("--save", metavar="FILE", help=".npz, or a figure of data and residuals")
    return parser


def command(arguments):
    """Read the data, fit, print the estimates."""
    options = _parser().read(arguments)
    names = [word for word in options.rest if "=" not in word]
    for option, least in (("starts", 1), ("sample", 0)):
        if getattr(options, option) < least:
            raise InputError(
                f"--{option} {getattr(options, option)}: a whole number, at least {least}"
            )
    if options.save:
        check_save(Path(options.save), (".npz", *FIGURES))
    from spinhydro.engines.jax.require import require_jax

    require_jax("spinhydro fit")
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.derivatives.data import read_data
    from spinhydro.derivatives.fit import fit
    from spinhydro.derivatives.spectrum_output import number
    from spinhydro.problem.load import load
    from spinhydro.problem.parameters import parse_pairs

    values = parse_pairs([word for word in options.rest if "=" in word])
    problem = load(options.problem, quick=options.quick, **values)
    wanted = options.observe.split(",") if options.observe else list(problem.declared("outputs"))
    for name in wanted:
        if name not in problem.declared("outputs"):
            raise InputError(
                f"--observe {name}: outputs are {', '.join(problem.declared('outputs'))}"
            )
    data = read_data(options.data, wanted, problem.units, options.skip_nan)
    for text in options.window:
        data = data.window(*_window(problem, text, number))
    found = fit(
        problem, data, names,
        blur=number(problem, options.blur, "--blur") if options.blur else 0.0,
        noise=number(problem, options.noise, "--noise") if options.noise else None,
        offset=options.offset, scale=options.scale,
        priors=dict(_prior(problem, text, number) for text in options.prior),
        starts=options.starts, samples=options.sample,
    )  # fmt: skip
    print("\n".join(found.table()))
    if options.save:
        from spinhydro.derivatives.fit_output import save

        save(found, data, options.save)
        print(options.save)
    return 0


def _window(problem, text, number):
    name, _, span = text.partition("=")
    low, colon, high = span.partition(":")
    if not colon:
        raise InputError(f"--window {text}: write AXIS=LOW:HIGH, for example x=-150:150")
    return name, number(problem, low, "--window"), number(problem, high, "--window")


def _prior(problem, text, number):
    name, _, rest = text.partition("=")
    mean, sign, width = rest.partition("+-")
    if not sign:
        raise InputError(f"--prior {text}: write NAME=MEAN+-WIDTH")
    width = number(problem, width, "--prior")
    if not width > 0:
        raise InputError(f"--prior {text}: the width must be positive")
    return name, (number(problem, mean, "--prior"), width)
