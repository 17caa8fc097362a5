"""The coupled Gross-Pitaevskii equations as a script of XMDS2, which makes a C++ program of it."""

import atexit
import math
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Competitor

MISSING = "not installed (apt install xmds2)"

SCRIPT = """<?xml version="1.0" encoding="UTF-8"?>
<simulation xmds-version="2">
  <name>gpe</name>
  <features><fftw plan="estimate" /></features>
  <geometry><propagation_dimension>t</propagation_dimension>
    <transverse_dimensions>{dimensions}</transverse_dimensions></geometry>
  <vector name="psi" type="complex"><components>a b</components><initialisation><![CDATA[
    a = 0.5 + 0.2*cis({sum}); b = 0.7 + 0.1*cos({sum});]]></initialisation></vector>
  <vector name="trap" type="real"><components>V</components><initialisation><![CDATA[
    V = 0.1*({cosines});]]></initialisation></vector>
  <sequence>
    <integrate algorithm="RK4" interval="{interval!r}" steps="{steps}"><samples>0</samples>
      <operators>
        <operator kind="ip"><operator_names>T</operator_names>
          <![CDATA[T = -i*{D!r}*({squares});]]></operator>
        <integration_vectors>psi</integration_vectors>
        <dependencies>trap</dependencies>
        <![CDATA[
          da_dt = T[a] - i*{omega!r}/2*b - i*(V + {g!r}*mod2(a) + {g12!r}*mod2(b))*a;
          db_dt = T[b] - i*{omega!r}/2*a - i*(V + {g!r}*mod2(b) + {g12!r}*mod2(a))*b;
        ]]></operators>
    </integrate>
  </sequence>
  <output format="hdf5"><sampling_group basis="{corner}" initial_sample="yes">
    <moments>n</moments><dependencies>psi</dependencies>
    <![CDATA[n = mod2(a);]]></sampling_group></output>
</simulation>
"""


def script(shape, D, timestep, omega, g, g12, steps):
    """The script for so many steps."""
    names = "xyz"[: len(shape)]
    dimensions = "".join(
        f'<dimension name="{x}" lattice="{size}" domain="(0, 6.283185307179586)" />'
        for x, size in zip(names, shape, strict=True)
    )
    return SCRIPT.format(
        interval=steps * timestep,
        dimensions=dimensions, steps=steps, D=D, omega=omega, g=g, g12=g12,
        sum=" + ".join(names), cosines=" + ".join(f"cos({x})" for x in names),
        squares=" + ".join(f"k{x}*k{x}" for x in names),
        corner=" ".join(f"{x}(0)" for x in names),
    )  # fmt: skip


def xmds(shape, D, timestep, omega, g, g12):
    """XMDS2 as a competitor; it times itself as the difference of a long and a short run."""
    if not shutil.which("xmds2"):
        return Competitor("XMDS2, RK4 in the interaction picture", missing=MISSING)

    short = 20
    long = short + max(20, int(1.5e7 / math.prod(shape)))
    places = {}

    def seconds_per_step():
        if not places:
            folder = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            places.update({steps: Path(folder) / str(steps) for steps in (short, long)})
        for steps, place in places.items():
            if not place.exists():
                place.mkdir()
                text = script(shape, D, timestep, omega, g, g12, steps)
                (place / "gpe.xmds").write_text(text, encoding="utf-8")
                made = subprocess.run(
                    ["xmds2", "gpe.xmds"], cwd=place, capture_output=True, text=True, check=False
                )
                if made.returncode:
                    raise RuntimeError(f"xmds2: {(made.stdout + made.stderr)[-2000:]}")
        return (_cpu_seconds(places[long]) - _cpu_seconds(places[short])) / (long - short)

    return Competitor(
        "XMDS2, RK4 in the interaction picture", same_scheme=False,
        seconds_per_step=seconds_per_step,
    )  # fmt: skip


def _cpu_seconds(place):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["./gpe"], cwd=place, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
