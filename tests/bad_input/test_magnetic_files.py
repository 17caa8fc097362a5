"""Bad input to the problem files of magnets: one error each, with what is allowed."""

import pytest

from spinhydro.errors import InputError
from spinhydro.problem.load import load
from spinhydro.problem.parameters import Source

from ..conftest import ROOT

FILES = (
    "afm_resonance", "damped_helix", "domain_wall", "film_spin_waves", "laser_grating",
    "lattice_magnon", "modulational_instability", "moving_soliton", "pslle_dispersion",
    "skyrmion", "spin_hydrodynamics", "thermal_chain", "transient_grating",
)  # fmt: skip
#: What is wrong in every file that has these parameters.
EVERYWHERE = [
    ({"alpha": -0.1}, ["alpha = -0.1", "damping"]),
    ({"material": "permaloy"}, ["no material", "did you mean 'permalloy'"]),
    ({"a": 0}, ["positive"]),
    ({"lambda_ex": "-7.3e-9*metre"}, ["positive"]),
    ({"Ms": "-770e3*A/metre"}, ["Ms", "positive"]),
    ({"kernel": "latice"}, ["kernel must be lattice"]),
    ({"beyond": "flet", "kernel": "lattice"}, ["did you mean 'flat'"]),
    ({"cell": "a/2", "kernel": "lattice", "N": 2001}, ["finer than the lattice", "at least 0.355",
                                            "beyond='flat'", "beyond='periodic'"]),
    ({"N": 1.5}, ["whole number", "nearest: 2"]),
    ({"N": "64*nm"}, ["N must be a pure number"]),
]  # fmt: skip
#: And in single files.
ALONE = [
    *(
        (name, {"L_x": "400*nm"}, ["1126.76 cells", "N=1126", "N=1127 (L_x = 400.085 nm)"])
        for name in ("pslle_dispersion", "transient_grating")
    ),
    ("transient_grating", {"kernel": "atomistic", "N": 1128}, ["N=1129", "keep_nyquist=1"]),
    ("transient_grating", {"kernel": "atomistic", "cell": "0.5*nm"}, ["one cell per site"]),
    ("transient_grating", {"kernel": "atomistic", "dealias": 1.5}, ["dealias=1"]),
    ("transient_grating", {"r_max": 3}, ["between 0 and 2"]),
    ("thermal_chain", {"temperature": "-1*K"}, ["temperature", "negative"]),
    ("transient_grating", {"temperature": "-1*K"}, ["temperature", "negative"]),
    ("laser_grating", {"T_0": "-1*K"}, ["temperature", "negative"]),
    ("laser_grating", {"start": "/nowhere"}, ["/nowhere"]),
    ("domain_wall", {"N": 100}, ["longer than 40 lambda_ex"]),
    ("pslle_dispersion", {"defect": 4}, ["angle", "pi"]),
    ("modulational_instability", {"noise": 0.1}, ["noise must be small"]),
    ("skyrmion", {"D": "10e-3*J/metre**2"}, ["stripes"]),
    ("lattice_magnon", {"lattice": "bbc"}, ["bcc"]),
    ("lattice_magnon", {"turns": "[1, 1]"}, ["a number for each direction"]),
]


def names(path):
    source = Source(path, path.read_text(encoding="utf-8"))
    return {assignment.name for assignment in source.assignments}


CASES = ALONE + [
    (name, *case)
    for name in FILES
    for case in EVERYWHERE
    if set(case[0]) <= names(ROOT / "problems" / f"{name}.py")
]


@pytest.mark.parametrize(
    "name, values, parts", CASES, ids=[f"{c[0]} {' '.join(map(str, c[1]))}" for c in CASES]
)
def test_bad_input_is_refused(name, values, parts):
    path = ROOT / "problems" / f"{name}.py"
    with pytest.raises(InputError) as error:
        load(path, **values)
    for part in parts:
        assert part in str(error.value), str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_unstable_timestep_is_refused_with_the_largest_safe_one(name, tmp_path):
    times = {"timestep": "50*ps", "stop_time": "100*ps", "output_interval": "100*ps"}
    problem = load(ROOT / "problems" / f"{name}.py", quick=True, **times)
    with pytest.raises(InputError, match="unstable.*Largest safe timestep: ") as error:
        problem.run(out=tmp_path, quiet=True)
    assert not list(tmp_path.iterdir())
    if not problem.declared("projections"):
        return  # such a timestep is stable, and too long for the watch on the length of spins
    safe = float(str(error.value).split("timestep: ")[1].split(". ")[0])
    times = {"timestep": safe, "stop_time": safe, "output_interval": safe}
    load(ROOT / "problems" / f"{name}.py", quick=True, **times).run(out=tmp_path, quiet=True)


@pytest.mark.parametrize("timestepper", ["StochasticHeun", "SemiImplicit", "ImplicitMidpoint"])
def test_steppers_without_a_limit_refuse_what_cannot_be_meant(timestepper, tmp_path):
    """Spins of length 1 stay finite for any timestep: the numbers would look like results."""
    times = {"timestep": "0.05*ps", "stop_time": "1*ps", "output_interval": "1*ps"}
    problem = load(
        ROOT / "problems" / "thermal_chain.py", quick=True, timestepper=timestepper, **times
    )
    with pytest.raises(
        InputError, match=f"% of the {timestepper} stability limit .*Largest safe timestep"
    ):
        problem.run(out=tmp_path, quiet=True)
