"""A plain Dedalus script: plain_script.py FOLDER gather|virtual DIMENSION DTYPE"""

import logging
import sys

import dedalus.public as d3
import numpy as np

logging.disable(logging.CRITICAL)
folder, parallel, dim, dtype = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
names = ("x", "y", "z")[:dim]
coords = d3.CartesianCoordinates(*names)
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = d3.Distributor(coords, dtype=np.dtype(dtype).type)
Fourier = d3.RealFourier if dtype == "float64" else d3.ComplexFourier
bases = tuple(
    Fourier(coords[name], 8 + 4 * axis, bounds=(0, 2 * np.pi), dealias=3 / 2)
    for axis, name in enumerate(names)
)
u = dist.Field(name="u", bases=bases)
s = dist.VectorField(spin, name="s", bases=bases)
c = dist.Field(name="c", bases=bases[:1])
lap = d3.lap
problem = d3.IVP([u, s], namespace=locals())
problem.add_equation("dt(u) - lap(u) = 0")
problem.add_equation("dt(s) - lap(s) = 0")
solver = problem.build_solver(d3.RK443)
solver.stop_iteration = 4
grids = dist.local_grids(*bases)
wave = sum((axis + 1) * np.cos(grid) for axis, grid in enumerate(grids))
u["g"] = wave if dtype == "float64" else wave * np.exp(1j * grids[0])
s["g"][1] = np.sin(grids[0])
s["g"][2] = 2
c["g"] = np.cos(grids[0])
handler = solver.evaluator.add_file_handler(folder, iter=1, max_writes=2, parallel=parallel)
handler.add_task(u, name="u")
handler.add_task(u, name="u_fine", scales=3 / 2)
handler.add_task(u, name="u_modes", layout="c")
handler.add_task(s, name="s")
handler.add_task(d3.grad(s), name="slope")
handler.add_task(d3.integ(u * u), name="total")
handler.add_task(c, name="c")
while solver.proceed:
    solver.step(0.01)
