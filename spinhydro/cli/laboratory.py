"""spinhydro laboratory [NAME=VALUE …]: from atom number and trap to the model parameters."""

from pathlib import Path

from spinhydro.errors import ParameterError

HELP = """usage: spinhydro laboratory [FILE] [NAME=VALUE …]

From the laboratory to the model, as a table with units: Thomas-Fermi radii, densities, kappa n0,
speeds of sound, healing lengths, interface position, plasma frequency.

  spinhydro laboratory N=3e5 omega_r='2*pi*800*Hz'     the experiment of paper A, changed
  spinhydro laboratory my_experiment.py                your own, as physics/default_experiment.py
  spinhydro laboratory problems/quantum_torque.py Omega_R='2*pi*62*Hz'    of a problem file

names of the experiment: atom, N, omega_x, omega_r, a_aa, a_bb, a_ab, Omega_R
"""


def command(arguments):
    """Print the table of an experiment or of a problem file."""
    from spinhydro.physics import laboratory
    from spinhydro.problem.load import evaluate
    from spinhydro.problem.parameters import parse_pairs

    if any(argument in ("-h", "--help") for argument in arguments):
        print(HELP, end="")
        return 0
    file = Path(laboratory.__file__).with_name("default_experiment.py")
    if arguments and "=" not in arguments[0]:
        file, arguments = arguments[0], arguments[1:]
    names = evaluate(file, **parse_pairs(arguments))
    if "omega_r" in names:
        found = _evaluated(laboratory.experiment, names, file)
        print(laboratory.table(found))
        print("\nthe same in the model:")
        print(_run_line(names["atom"], found))
    else:
        names.setdefault("R_x", None)
        print(laboratory.table(_evaluated(laboratory.model, names, file)))
    return 0


def _evaluated(function, names, file):
    """Call `function` with the names in its signature."""
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ParameterError(
            f"{file} does not set {', '.join(missing)}; `spinhydro laboratory` reads problem files "
            "of cold atoms, or experiments such as spinhydro/physics/default_experiment.py"
        )
    return function(*(names[name] for name in wanted))


def _run_line(atom, found):
    return (
        f"spinhydro run problems/quantum_torque.py atom={atom} "
        f"Omega_R='2*pi*{found['Omega_R'].value:.6g}*Hz' "
        f"kappa_n0='2*pi*{found['kappa_n0'].value:.6g}*Hz' "
        f"g12_over_g={found['g12_over_g'].value:.6g} R_x='{found['R_x'].value:.6g}*um' "
        f"L_x='{480 / 210 * found['R_x'].value:.6g}*um'"
    )
