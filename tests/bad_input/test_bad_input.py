"""Bad input: one clear error, exit code 2, nothing built and nothing left behind."""

import json
import re

import pytest

from spinhydro.cli.main import call

from ..conftest import ROOT

JOB = "problems/quantum_torque.py"


@pytest.fixture(autouse=True)
def in_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def refused(capfd, tmp_path, *arguments, out=None):
    """Exit code 2, one message, no traceback, no file; returns the message."""
    before = sorted(tmp_path.rglob("*"))
    code = call([*map(str, arguments), *(["--out", str(out or tmp_path / "runs")])])
    text = capfd.readouterr()
    assert code == 2, text.err
    assert text.out == ""
    assert text.err.count("spinhydro: error: ") == 1
    assert "Traceback" not in text.err
    assert sorted(tmp_path.rglob("*")) == before
    return text.err


PARAMETERS = [
    # NAME=VALUE …, parts of the message
    (["Omega_r=1"], ["did you mean 'Omega_R'"]),
    (["omega_R=1"], ["did you mean 'Omega_R'"]),
    (["kapa_n0=1"], ["did you mean 'kappa_n0'"]),
    (["Nxx=256"], ["did you mean 'Nx'"]),
    (["dt=0.01"], ["did you mean 'timestep'"]),
    (["qqqqqq=1"], ["no parameter 'qqqqqq'", "Omega_R, g12_over_g"]),
    (["Nx"], ["NAME=VALUE"]),
    (["Nx="], ["no value"]),
    (["Nx=64", "Nx=128"], ["given twice"]),
    (["Nx=33"], ["even number"]),
    (["Nx=4"], ["at least 64"]),
    (["Nx=-128"], ["at least 64"]),
    (["Nx=0"], ["at least 64"]),
    (["Nx=100.5"], ["whole number"]),
    (["Nx=many"], ["'many' is not known"]),
    (["Nx=[64,128]"], ["one number"]),
    (["Nx='64'"], ["one number"]),
    (["Nx=True"], ["one number"]),
    (["Nx=20*um"], ["is a length", "a pure number"]),
    (["Omega_R=2*um"], ["is a length", "must be a frequency"]),
    (["Omega_R=5*ms"], ["is a time", "must be a frequency"]),
    (["R_x=5*Hz"], ["must be a length"]),
    (["stop_time=10*kHz"], ["is a frequency", "must be a time"]),
    (["Omega_R=2*pi*62Hz"], ["62*Hz", "^"]),
    (["Omega_R=2*pi*62*hz"], ["did you mean 'Hz'", "^"]),
    (["Omega_R=2*(pi*62*Hz"], ["^"]),
    (["Omega_R=2^6*Hz"], ["**", "^"]),
    (["Omega_R=0.3*kappa_n0"], ["further down"]),
    (["Omega_R=nan"], ["must be finite"]),
    (["Omega_R=-inf"], ["must be finite"]),
    (["Omega_R=1e999"], ["finite"]),
    (["Omega_R=1/0"], ["cannot be computed"]),
    (["Omega_R=9**9**9**9"], ["cannot be computed"]),
    (["Omega_R=1j"], ["one number"]),
    (["Omega_R=-1"], ["cannot be negative"]),
    (["Omega_R=__import__('os')"], ["'__import__' is not allowed"]),
    (["Nx=np.save('x.npy', 1)"], ["np.save is not allowed", "^^^^^^^"]),
    (["Nx=__import__('os').getpid()"], ["is not allowed"]),
    (["Nx=(lambda: 3)()"], ["is not allowed"]),
    (["Nx=open('x', 'w')"], ["open is not allowed"]),
    (["Nx=[x for x in (1, 2)]"], ["only arithmetic, lists, lambda and calls"]),
    (["Nx='a'.join('b')"], ["is not allowed"]),
    (["Nx=spinhydro.load('x.py')"], ["spinhydro.load is not allowed"]),
    (["Omega_R=2*pi*118,5*Hz"], ["a decimal comma? write 118.5"]),
    (["Omega_R=1,5"], ["a decimal comma? write 1.5"]),
    (["Omega_R=50,60,70"], ["a list has brackets, [50,60,70]"]),
    (["Omega_R=" + "+".join(["1"] * 3000)], ["too long"]),
    (["Omega_R=" + "-" * 130 + "1"], ["more than 120 levels deep"]),
    (["Omega_R=2*i"], ["the imaginary unit is written 1j"]),
    (["output_interval=1e-6*ms"], ["e+07 outputs", "wrong unit", "--force"]),
    (["output_interval=1e-15*ms"], ["output_interval = 1e-15 would take"]),
    (["density=['pedestal', 'thomas_fermi']"], ["density is a text", "same for all members"]),
    (["density=pedestal,thomas_fermi"], ["density is a text", "same for all members"]),
    (["L_x=0"], ["box length must be positive"]),
    (["L_x=-480"], ["box length must be positive"]),
    (["L_x=100*um"], ["larger than the cloud"]),
    (["L_x=inf"], ["must be finite"]),
    (["R_x=-210"], ["R_x positive"]),
    (["kappa_n0=-1"], ["kappa_n0 must be positive"]),
    (["g12_over_g=1.1"], ["g12_over_g < 1"]),
    (["density=gauss"], ["thomas_fermi"]),
    (["density=1"], ["thomas_fermi"]),
    (["atom=Na24"], ["did you mean 'Na23'"]),
    (["timestep=0"], ["positive"]),
    (["timestep=-0.01"], ["positive"]),
    (["timestep=1e-30"], ["wrong unit"]),
    (["timestep=0.1"], ["unstable", "Largest safe timestep: 0.02"]),
    (["stop_time=0"], ["positive"]),
    (["stop_time=-1"], ["positive"]),
    (["output_interval=0"], ["positive"]),
    (["timestepper=RK9"], ["did you mean 'RK8'"]),
    (["timestepper=4"], ["no timestepper '4'"]),
    (["coords=3"], ["not a parameter"]),
    (["s=1"], ["not a parameter"]),
    (["--engine", "fussed"], ["no engine 'fussed'"]),
    (["--engin", "dedalus"], ["did you mean '--engine'"]),
    (["--equation", "ds/dt = s"], ["not known", "^"]),
    (["--equation", "dt(s) = crss(s, s)"], ["did you mean 'cross'", "^^^^"]),
    (["--equation", "dt(s) = n"], ["the right side is the scalar n"]),
    (["--equation", "dt(n) = n"], []),
    (["--equation", "dt(s) = s", "--equation", "dt(s) = 2*s"], ["two equations for 's'"]),
    (["Nx=64 # small"], ["comment", "^"]),
    (["Nx=[9**9**9**9]"], ["cannot be computed"]),
    (["Omega_R=sqrt(3)*Hz"], ["np.sqrt"]),
    (["Nx=" + "x" * 100_000], ["not known"]),
    (["x" * 100_000 + "=1"], ["no parameter"]),
    (["--quick", "quick={3: 4}"], ["write --quick"]),
    (["torque=true"], ["did you mean 'True'"]),
]


@pytest.mark.parametrize("arguments, parts", PARAMETERS, ids=[" ".join(p[0]) for p in PARAMETERS])
def test_command_line(arguments, parts, capfd, tmp_path):
    message = refused(capfd, tmp_path, "run", JOB, "--quiet", *arguments)
    for part in parts:
        assert part in message


EDITS = [
    # text in josephson.py, replacement, parts of the message
    ("cross(Omega_R*ex", "crss(Omega_R*ex", ["did you mean 'cross'", "^^^^", "line "]),
    ("(s@ez)*ez, s)", "(s@ez)*ez, s", ["never closed", "^"]),
    ("(s@ez)*ez, s)", "(s@ez)*ez, s))", ["unmatched", "^"]),
    ("*n*(s@ez)", "^n*(s@ez)", ["write **", "^"]),
    ("*(s@ez)*ez, s)", "*(s@ez), s)", ["cannot be added"]),
    ("cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)\"", "kappa_n0*n\"", ["right side is a scalar"]),
    ("dt(s) = ", "dt(s) + s*n*s@s = ", ["not linear"]),
    ("dt(s) = ", "s = ", ["no dt(…) term"]),
    ("dt(s) = ", "dt(s) + t*s = ", ["time explicitly"]),
    ("dt(s) = ", "dt(dt(s)) = ", ["first derivatives"]),
    ("dt(s) = ", "dt(s) ", ["no '='"]),
    ("dt(s) = ", "dt(s) = dt(s) + ", ["left side"]),
    ("dt(s) = ", "dt(S) = ", ["did you mean 's'"]),
    ("kappa_n0*n*(s@ez)*ez, s", "kappa_n0*x*(s@ez)*ez, s", ["NumPy array"]),
    ("kappa_n0*n*(s@ez)*ez, s", "1j*n*(s@ez)*ez, s", []),
    ("Omega_R = 2 * pi * 118 * Hz", "dt = 2 * pi * 118 * Hz", ["'dt' is a word", "timestep"]),
    ("Omega_R = 2 * pi * 118 * Hz", "lap = 3.0", ["'lap' is a word"]),
    ("Omega_R = 2 * pi * 118 * Hz", "Omega_R = 2 * pi * 118 * Hz * 1e400", ["must be finite"]),
    ("Omega_R = 2 * pi * 118 * Hz", "Omega_R = 2 * pi * 118 * hz", ["did you mean 'Hz'"]),
    ("Omega_R = 2 * pi * 118 * Hz", "Omega_R = 2 * (pi * 118 * Hz", ["this is not Python", "line"]),
    ('name="s"', 'name="dt"', ["word"]),
    ('"Z": "s@ez"', '"Z": "S@ez"', ["outputs['Z']", "did you mean 's'", "^", "line "]),
    ('"Z": "s@ez"', '"Z": "m"', ["outputs['Z']", "not known"]),
    ('"Z": "s@ez"', '"Z": 3', ["outputs['Z']", "string"]),
    ('"Z": "s@ez"', '"a/b": "s@ez"', ["name of an output"]),
    ('outputs = {', 'outputs = "s@ez" #', ["dictionary"]),
    ('# Output\n', 'projections = {"m": "s"}\n', ["no variable"]),
    ('# Output\n', 'projections = {"s": "s@s"}\n', ["components"]),
    ("<= 0.1", "< 0.1", ["EXPRESSION <= NUMBER"]),
    ("<= 0.1", "<= ez", ["must be a number"]),
    ("<= 1e-7", "<= 1e-7 <= 2", []),
    ("stop_time = 20 * ms", "stop_tme = 20 * ms", ["sets no stop_time"]),
    ("problem = d3.IVP([s], time=t, namespace=locals())", "problem = None", []),
    ("problem = d3.IVP(", "problem_ = d3.IVP(", []),
    ('problem.add_equation("dt(s)', 'str("dt(s)', ["no equation"]),
    ('s["g"][2] = -1', 's["g"][2] = np.nan', ["initial state of 's' is not finite"]),
    ('n["g"] = np.cos(pi * x / L_x) ** 2', 'n["g"] = np.log(x * 0)', ["field 'n' is not finite"]),
    ("d3.CartesianCoordinates(\"x\")", "d3.CartesianCoordinate(\"x\")", ["CartesianCoordinate"]),
    ("import dedalus.public as d3", "import dedalu.public as d3", ["dedalu"]),
    ("size=Nx", "size=Nx + 0.5", ["must be a whole number"]),
    ("size=Nx", "size=-Nx", ["must be a whole number"]),
    ("bounds=(-L_x / 2, L_x / 2)", "bounds=(L_x, L_x)", ["bounds"]),
    ('conditions = {', 'conditions = {"Nx >": "nothing", ', ["cannot be evaluated"]),
    ('conditions = {', 'conditions = {"np.array([1, 2]) > 0": "nothing", ', ["be evaluated"]),
    ('conditions = {', 'conditions = {"exit()": "nothing", ', ["cannot be evaluated"]),
    ("cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)", "cross(Omega_R*ex, ez, s)", ["takes 2 fields"]),
    ("cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)", "cross(s, dx(lap)+lap(s))", ["1 field"]),
    ("cross(Omega_R*ex + ", "cross(Omega_R*ex, s) # cross(", ["'#' is not allowed here"]),
    ('"Z": "s@ez"', '"Z": "dt(s)"', ["outputs['Z']", "in equations only"]),
    ('"Z": "s@ez"', '"Z": "s.T"', ["outputs['Z']", "has no 'T'"]),
    ('"Z": "s@ez"', '"Z": "1j"', ["outputs['Z']", "complex"]),
    ('"Z": "s@ez"', '"Z": "Coeff(s@ez)"', ["outputs['Z']"]),
    ('output_units = {"n": "n0"}', 'output_units = 3', ["dictionary"]),
    ('output_units = {"n": "n0"}', 'output_units = {"N": "n0"}', ["did you mean 'n'"]),
    ('output_units = {"n": "n0"}', 'output_units = {"n": 1}', ["dictionary"]),
    ('# Output\n', 'projections = {"s": 3}\n', ["components"]),
    ('watch = [', 'watch = 5 #', ["list of strings", "line "]),
    ('watch = ["abs(sqrt(s@s) - 1)', 'watch = ["abs(sqrt(s@s) - 2)', ["does not hold", "initial"]),
    ("abs(s@ez - Z_exact)", "dt(s@ez - Z_exact)", ["in equations only"]),
    ("timestepper = \"RK4\"", "timestepper = 4", ["no timestepper '4'"]),
    ("return spinhydro.josephson", "raise ValueError('oh')\n    return spinhydro.josephson",
     ["cannot be evaluated at the initial state", "oh"]),
    ("dtype=np.float64", "dtype=np.complex128", []),
    ("# Fields\n", "import sys; sys.exit(3)\n", ["ends Python here"]),
    ("# Fields\n", "exit()\n", ["ends Python here"]),
]  # fmt: skip


@pytest.mark.parametrize("old, new, parts", EDITS, ids=[f"{e[0][:20]}->{e[1][:30]}" for e in EDITS])
def test_edited_file(old, new, parts, capfd, tmp_path, copied):
    path = copied("josephson", (old, new))
    message = refused(capfd, tmp_path, "run", path, "--quiet")
    assert path.name in message
    for part in parts:
        assert part in message


def test_missing_file_names_the_nearest(capfd, tmp_path):
    message = refused(capfd, tmp_path, "run", "problems/quantum_torq.py")
    assert "did you mean 'problems/quantum_torque.py'" in message


def test_folder_instead_of_file(capfd, tmp_path):
    assert "is a folder" in refused(capfd, tmp_path, "run", "problems")


def test_binary_file(capfd, tmp_path):
    path = tmp_path / "binary.py"
    path.write_bytes(bytes(range(256)))
    assert "not a text file" in refused(capfd, tmp_path, "run", path)


def test_null_bytes(capfd, tmp_path):
    path = tmp_path / "null.py"
    path.write_text("x = 1\x00\n")
    refused(capfd, tmp_path, "run", path)


def test_empty_file(capfd, tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("")
    assert "d3.IVP" in refused(capfd, tmp_path, "run", path)


def test_a_device_is_not_a_problem_file(capfd, tmp_path):
    assert "not an ordinary file" in refused(capfd, tmp_path, "run", "/dev/zero")


def test_nesting_without_end(capfd, tmp_path):
    path = tmp_path / "deep.py"
    path.write_text("x = " + "-" * 50_000 + "1\n")
    assert "cannot be read as Python" in refused(capfd, tmp_path, "run", path)


def test_name_of_the_problem_is_a_file_below_out(capfd, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quantum_torque").write_text("")
    assert "is a file" in refused(capfd, tmp_path, "run", JOB)


def test_no_place_at_all(capfd):
    assert call(["run", JOB, "--out", ""]) == 2
    assert "--out DIR" in capfd.readouterr().err


def test_results_cannot_go_into_a_file(capfd, tmp_path):
    path = tmp_path / "taken"
    path.write_text("")
    assert "is a file" in refused(capfd, tmp_path, "run", JOB, out=path / "runs")


def test_no_permission_to_write(capfd, tmp_path):
    message = refused(capfd, tmp_path, "run", JOB, "--quiet", out="/proc/spinhydro/runs")
    assert "no permission to write" in message and "--out" in message


@pytest.mark.parametrize(
    "arguments, part",
    [
        (["rum", JOB], "did you mean 'run'"),
        ([JOB], f"spinhydro run {JOB}"),
        (["run"], "problem"),
        (["info", "runs/none/0001"], "no run folder"),
        (["info", "problems"], "no run.json"),
        (["info"], "run"),
        (["words", "crosss"], "crosss"),
    ],
)
def test_other_commands(arguments, part, capfd):
    assert call(arguments) == 2
    text = capfd.readouterr()
    assert part in text.err and text.out == ""


@pytest.mark.parametrize(
    "text",
    [
        '{"git": "x", "watch": {"a": null}, "expect": 3}',
        '{"parameters": {"a": 1, "b": [2.5]}, "dimensions": {"a": [1e300, 0, 1, 0, 0], "b": [1]},'
        ' "units": {"length": []}}',
        '{"parameters": {"a": 1.5}, "dimensions": {"a": [1, 0, 1, 0, 0]}, "units": {"time": []}}',
        "{}",
    ],
)
def test_strange_records_are_shown_as_far_as_they_go(text, capfd, tmp_path):
    (tmp_path / "run.json").write_text(text)
    assert call(["info", str(tmp_path)]) == 0


def test_damaged_record(capfd, tmp_path):
    (tmp_path / "run.json").write_text('{"problem": "x", ')
    assert call(["info", str(tmp_path)]) == 2
    assert "is damaged" in capfd.readouterr().err


def test_without_a_terminal_in_a_separate_process(command, tmp_path):
    """The complete command from the shell, once: exit code, stream, empty standard output."""
    done = command("run", JOB, "Omega_r=1", "--out", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"spinhydro: error: .*did you mean 'Omega_R'\?\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["quantum_torque", "coupled_gpe", "spinor_hydrodynamics", "josephson"]
)
def test_gas_without_interface_is_a_run_with_a_warning(name, tmp_path, capfd):
    line = ["run", f"problems/{name}.py", "--quick", "Omega_R=2*pi*200*Hz", "stop_time=0.1*ms"]
    assert call([*line, "--out", str(tmp_path)]) == 0
    text = capfd.readouterr()
    assert "warning: kappa_n0 = " in text.err
    assert "Omega_R below kappa_n0/2" in text.err
    folder = tmp_path / name / "0001"
    assert "warning: " in (folder / "log.txt").read_text(encoding="utf-8")
    assert len(json.loads((folder / "run.json").read_text(encoding="utf-8"))["advice"]) == 1
    assert call([*line[:3], "stop_time=0.1*ms", "--out", str(tmp_path)]) == 0
    assert "warning" not in capfd.readouterr().err


def test_advice_that_cannot_be_read(copied, capfd, tmp_path):
    path = copied("quantum_torque", ('"2*Omega_R <= kappa_n0": (', '"2*Omega <= kappa_n0": ('))
    code = call(["run", str(path), "--out", str(tmp_path / "runs")])
    text = capfd.readouterr().err
    assert code == 2
    assert "the advice '2*Omega <= kappa_n0' cannot be evaluated" in text
