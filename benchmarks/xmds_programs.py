"""Programs of XMDS2 for whole work units: the same equations, start, steps and outputs as a run."""

import shutil
from pathlib import Path

import h5py
import numpy as np

FRAME = """<?xml version="1.0" encoding="UTF-8"?>
<simulation xmds-version="2">
  <name>unit</name>
  <features><fftw plan="measure" /><globals><![CDATA[{constants}]]></globals></features>
  <geometry><propagation_dimension>t</propagation_dimension>
    <transverse_dimensions><dimension name="x" lattice="{N}" domain="({left!r}, {right!r})" />
    </transverse_dimensions></geometry>
  <vector name="state" type="complex"><components>{state}</components>
    <initialisation kind="hdf5" geometry_matching_mode="loose"><filename>start.h5</filename>
    </initialisation></vector>
  <vector name="profiles" type="real"><components>{profiles}</components>
    <initialisation kind="hdf5" geometry_matching_mode="loose"><filename>start.h5</filename>
    </initialisation></vector>
  <sequence>
    <integrate algorithm="RK4" interval="{T!r}" steps="{steps}"><samples>{samples}</samples>
      {filters}
      <operators>
        {operator}
        <integration_vectors>state</integration_vectors><dependencies>profiles</dependencies>
        <![CDATA[{equations}]]></operators>
    </integrate>
  </sequence>
  <output format="hdf5"><sampling_group basis="x" initial_sample="yes">
    <moments>{moments}</moments><dependencies>state</dependencies>
    <![CDATA[{sampling}]]></sampling_group></output>
</simulation>
"""

GPE = {
    "state": "a b", "profiles": "V", "filters": "", "moments": "na nb",
    "operator": (
        '<operator kind="ip"><operator_names>K</operator_names>'
        "<![CDATA[K = -i*D*kx*kx;]]></operator>"
    ),
    "equations": (
        "da_dt = K[a] - i*Omega/2*b - i*(V + g*mod2(a) + g_ab*mod2(b))*a;"
        "db_dt = K[b] - i*Omega/2*a - i*(V + g*mod2(b) + g_ab*mod2(a))*b;"
    ),
    "sampling": "na = mod2(a); nb = mod2(b);",
}  # fmt: skip

LLE = {
    "state": "sx sy sz", "profiles": "n q", "moments": "mx my mz",
    "filters": (
        '<filters where="step end"><filter><dependencies>state</dependencies><![CDATA['
        "const real r = 1/sqrt(sx.Re()*sx.Re() + sy.Re()*sy.Re() + sz.Re()*sz.Re());"
        "sx *= r; sy *= r; sz *= r;]]></filter></filters>"
    ),
    "operator": (
        '<operator kind="ex" type="complex"><operator_names>D1 D2</operator_names>'
        "<![CDATA[D1 = i*kx; D2 = -kx*kx;]]></operator>"
    ),
    "equations": (
        "const real x0 = sx.Re(), y0 = sy.Re(), z0 = sz.Re();"
        "const real hx = D*(D2[sx].Re() + q*D1[sx].Re()) - Omega;"
        "const real hy = D*(D2[sy].Re() + q*D1[sy].Re());"
        "const real hz = D*(D2[sz].Re() + q*D1[sz].Re()) - kappa*n*z0;"
        "dsx_dt = y0*hz - z0*hy; dsy_dt = z0*hx - x0*hz; dsz_dt = x0*hy - y0*hx;"
    ),
    "sampling": "mx = sx.Re(); my = sy.Re(); mz = sz.Re();",
}  # fmt: skip


class Program:
    """A program of XMDS2 in a folder.

    Parameters
    ----------
    folder : Path
    text : dict
        GPE or LLE.
    constants : dict
        Numbers that its equations use.
    arrays : dict
        Start of the state (complex) and profiles (real), by component.
    x : array
        Positions.
    T, steps, samples : float, int, int
        Duration, steps, and outputs after the first; steps are rounded up to a multiple of these.
    """

    def __init__(self, folder, text, constants, arrays, x, T, steps, samples):
        self.folder, self.steps = Path(folder), -(-steps // samples) * samples
        self.folder.mkdir(parents=True, exist_ok=True)
        step = x[1] - x[0]
        with h5py.File(self.folder / "start.h5", "w") as file:
            file["x"] = x
            for name, values in arrays.items():
                if np.iscomplexobj(values):
                    file[f"{name}R"], file[f"{name}I"] = values.real, values.imag
                else:
                    file[name] = values
        lines = "".join(f"const real {name} = {float(v)!r};" for name, v in constants.items())
        (self.folder / "unit.xmds").write_text(
            FRAME.format(
                constants=lines, N=x.size, left=float(x[0]), right=float(x[-1] + step), T=float(T),
                steps=self.steps, samples=samples, **text,
            ),
            encoding="utf-8",
        )  # fmt: skip

    #: Command lines that build the program, and that run it.
    build, run = ["xmds2", "unit.xmds"], ["./unit"]

    def last(self):
        """Return the last output of every moment, {name: array}."""
        with h5py.File(self.folder / "unit.h5") as file:
            group = file["1"]
            return {name: group[name][-1] for name in group if name not in ("x", "t")}


def is_installed():
    """Return whether there is XMDS2."""
    return shutil.which("xmds2") is not None
