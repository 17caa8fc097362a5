"""spinhydro fit PROBLEM DATA NAME NAME …: parameters of a problem file from measured fields."""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.errors import InputError, check_save, unknown_name_message

#: Numbers of starts and of steps of walkers that are accepted.
MOST_STARTS, LEAST_SAMPLES, MOST_SAMPLES = 1000, 10, 1_000_000


def _parser():
    parser = Parser(
        "fit",
        "Least squares with exact sensitivities: estimates, 68 % intervals, and what the data do "
        "not determine. Needs pip install 'spinhydro[jax]'.",
    )
    parser.add_argument("problem", help="a problem file, problems/quantum_torque.py")
    parser.add_argument(
        "data",
        help=".nc, .h5, .npz or .csv with axes t, x and outputs (t alone: averages over space), "
        "or a run folder",
    )
    parser.add_argument(
        "rest",
        nargs="*",
        metavar="NAME or NAME=VALUE",
        help="parameters, profiles, initial fields and kernels to fit; new start values",
    )
    parser.add_argument(
        "--blur", metavar="LENGTH", help="standard deviation of the imaging, 1.5*um"
    )
    parser.add_argument(
        "--noise", metavar="NUMBER", help="standard deviation of the data [from the residuals]"
    )
    parser.add_argument("--offset", action="store_true", help="fit an offset of each frame")
    parser.add_argument("--scale", action="store_true", help="fit a factor of each frame")
    parser.add_argument(
        "--prior", action="append", default=[], metavar="NAME=MEAN+-WIDTH",
        help="known beforehand, Omega_R='0.74+-0.01'; of a field V=0+-1, or V=V+-1 about that of "
        "the file",
    )  # fmt: skip
    parser.add_argument(
        "--smooth", action="append", default=[], metavar="NAME=LENGTH",
        help="length over which a field changes, V='5*um'; of a kernel in 1/length",
    )  # fmt: skip
    parser.add_argument(
        "--window", action="append", default=[], metavar="AXIS=LOW:HIGH",
        help="part of the data, x=-150:150 or t=0:10",
    )  # fmt: skip
    parser.add_argument("--observe", metavar="NAME,NAME", help="outputs to compare [all in DATA]")
    parser.add_argument("--skip-nan", action="store_true", help="nan means not measured")
    parser.add_argument("--starts", type=int, default=1, metavar="N", help="number of starts [1]")
    parser.add_argument(
        "--sample", type=int, metavar="STEPS",
        help="sample the posterior by emcee with so many steps of each walker",
    )  # fmt: skip
    parser.add_quick()
    parser.add_argument(
        "--save", action="append", default=[], metavar="FILE",
        help=".npz, .nc, .csv, or a figure of fields, data and residuals",
    )  # fmt: skip
    return parser


def command(arguments):
    """Read the data, fit, print the estimates."""
    options = _parser().read(arguments)
    names = [word for word in options.rest if "=" not in word]
    _check(options)
    from spinhydro.engines.jax.require import require_jax

    require_jax("spinhydro fit")
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.derivatives.data import read_data
    from spinhydro.derivatives.fit import fit
    from spinhydro.derivatives.fit_output import save
    from spinhydro.problem.load import load
    from spinhydro.problem.parameters import parse_pairs
    from spinhydro.problem.quantities import LENGTH, PURE, number

    values = parse_pairs([word for word in options.rest if "=" in word])
    problem = load(options.problem, quick=options.quick, **values)
    data = read_data(
        options.data, _observed(problem, options.observe), problem.units, options.skip_nan,
        problem.declared("output_units") or {}, all_of_them=options.observe is not None,
    )  # fmt: skip
    pure = None if problem.declared("output_units", {}).keys() & data.values.keys() else PURE
    for text in options.window:
        data = data.window(*_window(problem, text))
    found = fit(
        problem, data, names,
        blur=0.0 if options.blur is None else number(problem, options.blur, "--blur", LENGTH),
        noise=None if options.noise is None else number(problem, options.noise, "--noise", pure),
        offset=options.offset, scale=options.scale,
        priors=_each_once(problem, "prior", options.prior, _prior),
        smooth=_each_once(problem, "smooth", options.smooth, _smooth),
        starts=options.starts, samples=options.sample or 0,
    )  # fmt: skip
    print("\n".join(found.table()))
    for path in options.save:
        save(found, data, path)
        print(path)
    return 0


def _check(options):
    """Raise InputError for options with values that cannot be."""
    from spinhydro.derivatives.fit_output import ENDINGS

    limits = {"starts": (1, MOST_STARTS), "sample": (LEAST_SAMPLES, MOST_SAMPLES)}
    for option, (least, most) in limits.items():
        value = getattr(options, option)
        if value is not None and not least <= value <= most:
            raise InputError(f"--{option} {value}: a whole number from {least} to {most}")
    for path in options.save:
        check_save(Path(path), ENDINGS)
    if len(set(options.save)) < len(options.save):
        raise InputError("--save: two results have the same name")


def _observed(problem, text):
    """Names of the outputs to compare."""
    outputs = problem.declared("outputs") or {}
    if not outputs:
        raise InputError(f"{problem.path} declares no outputs: there is nothing to compare")
    if text is None:
        from spinhydro.derivatives.measurement import is_field, is_scalar

        # Fields first: averages are compared if the data hold nothing else.
        scalars = [name for name, output in outputs.items() if is_scalar(problem, output)]
        if not scalars:
            raise InputError(
                f"{problem.path} has no output with one number at each point or time ("
                f'outputs: {", ".join(outputs)}): declare one, as outputs = {{"mz": "m@ez"}}'
            )
        return sorted(scalars, key=lambda name: not is_field(problem, outputs[name]))
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names or [text]:
        if name not in outputs:
            raise InputError(f"--observe: {unknown_name_message('output', name, outputs)}")
    return list(dict.fromkeys(names))


def _window(problem, text):
    from spinhydro.problem.quantities import LENGTH, TIME, number

    name, _, span = text.partition("=")
    low, colon, high = span.partition(":")
    if not (colon and low.strip() and high.strip()):
        raise InputError(f"--window {text}: write AXIS=LOW:HIGH, for example x=-150:150")
    powers = TIME if name.strip() == "t" else LENGTH
    ends = [number(problem, end, f"--window {name}", powers) for end in (low, high)]
    if ends[0] > ends[1]:
        raise InputError(f"--window {text}: LOW must not be above HIGH")
    return name.strip(), *ends


def _each_once(problem, option, texts, read):
    """``{name: value}`` of an option NAME=… that may be repeated for other names."""
    found = {}
    for text in texts:
        name, value = read(problem, text)
        if name in found:
            raise InputError(f"--{option} {name} is given twice")
        found[name] = value
    return found


def _prior(problem, text):
    from spinhydro.problem.quantities import evaluate_option, number

    name, _, rest = text.partition("=")
    name, (mean, sign, width) = name.strip(), rest.partition("+-")
    if not (name and sign and mean.strip() and width.strip()):
        raise InputError(
            f"--prior {text}: write NAME=MEAN+-WIDTH, for example Omega_R='0.74+-0.01'"
        )
    powers = tuple(problem.dimensions.get(name, ())) or None
    option = f"--prior {name}"
    width = number(problem, width, option, powers)
    if not width > 0:
        raise InputError(f"--prior {text}: the width must be positive")
    if mean.strip() == name and name not in problem.parameters:
        return name, (None, width)
    value = evaluate_option(problem, mean, option)
    if not hasattr(value, "evaluate"):
        value = number(problem, mean, option, powers)
    return name, (value, width)


def _smooth(problem, text):
    from spinhydro.kernels.kernel import Kernel
    from spinhydro.problem.quantities import LENGTH, WAVENUMBER, number

    name, _, length = text.partition("=")
    name = name.strip()
    if not (name and length.strip()):
        raise InputError(f"--smooth {text}: write NAME=LENGTH, for example V='5*um'")
    powers = WAVENUMBER if isinstance(problem.namespace.get(name), Kernel) else LENGTH
    value = number(problem, length, f"--smooth {name}", powers)
    if not value > 0:
        raise InputError(f"--smooth {text}: the length must be positive")
    return name, value
