"""Run by test_split_space.py on two ranks: with a full shared memory."""

from spinhydro import RK4
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused.program import slabs
from tests.fused.problems import SCALAR, SPIN, make

slabs._free_shared_memory = lambda: 1000
problem, _ = make((SPIN, SCALAR), dimensions=2)
solver = build_solver(problem, RK4)
name, why = choose_engine(solver, "auto", steps=10**9)
solver.step(1e-3)
if problem.dist.comm.rank == 0:
    print(name, why)
