"""
A vortex dipole in a periodic plane: two opposite vortices that carry each other along.

    i dpsi/dt = [-hbar/2m (d2/dx2 + d2/dy2) + g n_0 (|psi|^2 - 1)] psi

Point vortices at the distance d move side by side at (hbar/m)/d; in a periodic box all images and
the mean flow add to it (`spinhydro.vortex_velocities`, after Weiss and McWilliams, Phys. Fluids A
3, 835 (1991)). A compressible gas changes the speed by the order of (speed/sound)^2, 0.5 % here.

    spinhydro run problems/vortex_dipole.py
    spinhydro plot runs/vortex_dipole/0001 --figure vortices

Expected: the speed of point vortices with images to 1 per cent (paths: `vortices.vortex_tracks`).
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from spinhydro.units.um_ms import Hz, ms, pi, um

# Parameters
d, g_n0 = 12 * um, 2 * pi * 1000 * Hz
atom, L_x, L_y, N = "Na23", 40 * um, 40 * um, 128
stop_time, output_interval = 20 * ms, 0.5 * ms

# Derived parameters
hbar_over_m = spinhydro.hbar_over_m(atom)
xi = np.sqrt(hbar_over_m / 2 / g_n0)
pair = [(0, d / 2, 1), (0, -d / 2, -1)]
speed = spinhydro.vortex_velocities(pair, (L_x, L_y), hbar_over_m)[0, 0]
timestepper, timestep = "BlanesMoan4", 0.01 * ms

# Bases and fields
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.complex128)
bases = [d3.ComplexFourier(c, size=N, bounds=(-L / 2, L / 2))
         for c, L in zip(coords.coords, (L_x, L_y), strict=True)]  # fmt: skip
psi, wave = (dist.Field(name=name, bases=bases) for name in ("psi", "wave"))
t = dist.Field(name="t")
x, y = dist.local_grids(*bases)

# Problem
problem = d3.IVP([psi], time=t, namespace=locals())
problem.add_equation("dt(psi) - 1j*hbar_over_m/2*lap(psi) = -1j*g_n0*(abs2(psi) - 1)*psi")

# Initial conditions
psi["g"] = spinhydro.quantized_vortices(x, y, pair, (L_x, L_y), xi)

# Output; `lag` is how far the vorticity is from where it should be, over the way to stop_time
wave["g"] = np.exp(2j * pi * x / L_x) * np.sin(2 * pi * y / L_y)
vorticity = spinhydro.im(np.conj(spinhydro.dx(psi)) * d3.Differentiate(psi, coords["y"]))
moment = d3.ave(vorticity * wave * np.exp(-2j * pi * speed / L_x * t))
lag = spinhydro.im(moment) / spinhydro.re(moment) * L_x / (2 * pi * speed * stop_time)
outputs = {"psi": "psi", "n": "abs2(psi)", "lag": "lag"}
expect = {"number of atoms": "drift(abs2(psi)) <= 1e-8", "lag": "abs(lag) <= 0.01"}
quick = {"N": 64, "L_x": "20*um", "L_y": "20*um", "d": "8*um", "stop_time": "5*ms"}

if __name__ == "__main__":
    spinhydro.main(__file__)
