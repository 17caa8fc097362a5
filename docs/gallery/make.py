"""Run problem files, and keep a picture and the numbers of each for the gallery.

    python docs/gallery/make.py [NAME …]     # all problem files by default

Every file runs as a user types it, in a folder that is removed: with the values of SETTINGS; with
``--quick`` if it takes longer than LIMIT. The page itself is written from ``gallery.json`` whenever
the site is built.
"""

import json
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENTRIES = HERE / "gallery.json"
#: Pixels along the longer side of a picture.
SIZE = 640
#: CPU seconds of a run.
LIMIT = 20
#: Figures that show more than the default one.
FIGURES = {
    "afm_resonance": "profiles",
    "dipolar_droplet": "profiles output=n --cut y=0",
    "faraday_waves": "spacetime output=Z",
    "fmr": "fmr",
    "hopfion": "maps --cut z=0",
    "kagome": "kagome",
    "kibble_zurek": "maps",
    "lattice_magnon": "profiles output=m",
    "modulational_instability": "walls",
    "mumag3": "maps --cut z=0.45",
    "mumag4": "reversal",
    "mumag5": "core",
    "pslle_dispersion": "dispersion",
    "rabi_wall": "maps",
    "sc_lattice": "curie",
    "skyrmion": "maps",
    "spin1_quench": "spacetime output=F_z",
    "spin_spiral": "profiles",
    "stripes": "profiles",
    "tight_tube": "tube",
    "transient_grating": "walls",
    "vortex_dipole": "vortices",
    "walker_breakdown": "walker",
}
#: Parameters of shorter runs that still show the physics of the file.
SETTINGS = {
    "afm_resonance": "amplitude=0.1 wave=3",
    "gas_domain_walls": "kind=lattice modulus=0.99",
    "lattice_magnon": "lattice=chain N=48",
    "modulational_instability": "N=288 cell=4*a n_bar=0.5 members=2 stop_time=160",
    "mumag3": "N=8 state=vortex",
    "mumag4": "Nx=64 Ny=16",
    "mumag5": "N=20 stop_time=6*ns output_interval=20*ps",
    "sc_lattice": "N=6 tau=np.linspace(0.6,2,8) stop_time=2.5*ps output_interval=0.02*ps",
    "spin1_quench": "stop_time=160*ms",
    "thermal_coupled_gas": "T=[4,0.1]/ms members=2",
    "tight_tube": "Nx=96 Ny=9 Nz=9",
    "walker_breakdown": "alpha=0.3 h=[0.3,0.6,0.9,1.5,2,3] N=256 L_x=500*nm stop_time=200*ps",
}


def entry_of(name, folder):
    """Run a problem file; write NAME.png; return what the gallery says about it."""
    problem = f"problems/{name}.py"
    before = _cpu_seconds()
    settings = SETTINGS.get(name, "").split()
    words = ("run", problem, *settings, "--quiet", "--out", folder)
    run, quick = _spinhydro(*words, limit=LIMIT), ""
    if run is None:
        before, quick = _cpu_seconds(), " --quick"
        run = _spinhydro(*words, "--quick")
    seconds, run = _cpu_seconds() - before, Path(run)
    picture = folder / f"{name}.png"
    figure = ["--figure", *FIGURES[name].split()] if name in FIGURES else []
    _spinhydro("plot", run, *figure, "--save", picture, "--dpi", "120")
    _shrink(picture, HERE / f"{name}.png")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return {
        "equations": record["equations"],
        "unit of time": (record.get("units") or {}).get("time", ""),
        "expect": {
            what: {key: found[key] for key in ("text", "value", "limit")}
            for what, found in record["expect"].items()
        },
        "command": " ".join(["spinhydro run", problem, *map(_quoted, settings)]) + quick,
        "cpu seconds": round(seconds, 1),
    }


def _quoted(setting):
    """NAME=VALUE as it is typed in a shell."""
    name, value = setting.split("=", 1)
    return f"{name}={shlex.quote(value)}"


def _spinhydro(*words, limit=resource.RLIM_INFINITY):
    """Last line that a command prints; None if it takes more than `limit` CPU seconds."""
    words = [str(word) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "spinhydro", *words], cwd=ROOT, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
    )  # fmt: skip
    if done.returncode < 0 and limit != resource.RLIM_INFINITY:
        return None
    if done.returncode:
        raise SystemExit(f"spinhydro {' '.join(words)}:\n{done.stderr}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def _cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shrink(source, target):
    """Write a picture with at most SIZE pixels along either side."""
    from PIL import Image

    with Image.open(source) as picture:
        picture.thumbnail((SIZE, SIZE))
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(target, optimize=True)


def main(names):
    """Make the entries of these problem files, or of all."""
    names = names or sorted(path.stem for path in (ROOT / "problems").glob("*.py"))
    for number, name in enumerate(names, 1):
        print(f"{name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            found = entry_of(name, Path(folder))
        # Written after each file, so that an interrupted command keeps its pictures.
        entries = json.loads(ENTRIES.read_text(encoding="utf-8")) if ENTRIES.exists() else {}
        entries[name] = found
        text = json.dumps(dict(sorted(entries.items())), indent=1, ensure_ascii=False)
        ENTRIES.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
