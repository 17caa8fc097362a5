"""Compiled code does not depend on the values of parameters."""

from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused.compile import cache
from spinhydro.problem.load import load
from spinhydro.steppers import find_stepper

from ..conftest import ROOT


def test_other_parameters_find_the_same_code():
    def compiled(name, **values):
        problem = load(ROOT / "problems" / f"{name}.py", quick=True, **values)
        solver = build_solver(problem.ivp, find_stepper(problem.declared("timestepper", "RK4")))
        choose_engine(solver, "fused")
        return len(cache._loaded)

    for name, values in (
        ("quantum_torque", {"Omega_R": "2*pi*77*Hz"}),
        ("coupled_gpe", {"g12_over_g": 0.87, "kappa_n0": "2*pi*350*Hz"}),
        ("spin_spiral", {"kappa_n0": "2*pi*321*Hz"}),
    ):
        assert compiled(name) == compiled(name, **values), name
