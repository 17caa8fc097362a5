"""Compiled steps on the grid, against the same program that NumPy runs stage by stage."""

import dedalus.public as d3
import h5py
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401
from spinhydro import RealFourierNyquist, stencil
from spinhydro.analysis import load as read
from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused import FUSED
from spinhydro.engines.fused.step.stencil_step import StencilStep
from spinhydro.problem.load import load
from spinhydro.steppers import find_stepper

from ..conftest import ROOT
from ..kernels import test_members

SPIN = d3.CartesianCoordinates("sx", "sy", "sz")
BONDS = {
    1: {(1,): 1.0, (3,): 0.1},
    2: {(1, 0): 1.0, (0, 1): 0.7, (2, -1): 0.1},
    3: {(1, 0, 0): 1.0, (0, 1, -1): 0.7, (-1, 1, 2): 0.1},
}
EQUATIONS = {
    "still": "dt(m) = -cross(m, H) - 0.1*cross(m, cross(m, H))",
    "in time": "dt(m) = -cross(m, H) + (0.3 + 0.1*cos(t))*cross(m, ex)",
}


class Case:
    """A problem on the grid with shells, antisymmetric exchange, and options."""

    def __init__(self, stepper="RK4", dimensions=2, dtype=np.float64, equation="still",
                 noise=False, nested=False, projected=True):  # fmt: skip
        names, random = "xyz"[:dimensions], np.random.default_rng(1)
        coords = d3.CartesianCoordinates(*names)
        dist = spinhydro.distributor(coords, dtype=dtype)
        basis = RealFourierNyquist if dtype is np.float64 else d3.ComplexFourier
        bases = [
            basis(coords[c], size=9 + 2 * i, bounds=(0, 9 + 2 * i)) for i, c in enumerate(names)
        ]
        m = self.m = dist.VectorField(SPIN, name="m", bases=bases)
        n = dist.Field(name="n", bases=bases)
        t = dist.Field(name="t")
        values = random.standard_normal(m["g"].shape)
        if dtype is np.complex128:
            values = values + 1j * random.standard_normal(m["g"].shape)
        m["g"] = values / np.sqrt(np.sum(np.abs(values) ** 2, axis=0))
        n["g"] = 1 + 0.1 * random.standard_normal(n["g"].shape)
        ex, ey, ez = SPIN.unit_vector_fields(dist)
        W = stencil("exchange", bonds=BONDS[dimensions])
        D = stencil("dmi", bonds={(0,) * (dimensions - 1) + (1,): (0.1, 0.2, 0.3)})
        H = n * (m @ ez) * ez - W(m) - D(m)
        if nested:
            H = H - 0.1 * W(n * m)
        if noise:
            H = H + 0.1 * spinhydro.white_noise(m, seed=3)
        names = {"m": m, "H": H, "ex": ex, "t": t}
        problem = d3.IVP([m], namespace=names, time=t)
        problem.add_equation(EQUATIONS[equation])
        self.stepper = find_stepper(stepper)
        self.solver = build_solver(problem, self.stepper)
        self.solver.enforce_real_cadence = None
        self.projections = [(m, m / np.sqrt(m @ m))] if projected else []

    def after(self, compiled, steps=3, ahead=False):
        solver = self.solver
        fused = FUSED[self.stepper](solver, projections=self.projections, compiled=compiled)
        assert fused.check() < 1e-14
        assert isinstance(fused.native, StencilStep) == compiled
        fused.sync_on_request, solver.timestepper = True, fused
        solver.step(0.02)
        if ahead:
            assert fused.can_batch
            fused.step_many(0.02, steps - 1)
        else:
            for _ in range(steps - 1):
                solver.step(0.02)
        assert solver.iteration == steps
        assert solver.sim_time == pytest.approx(0.02 * steps)
        fused.synchronise()
        self.m.change_scales(1)
        return self.m["g"].copy()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"equation": "in time", "nested": True}, id="a profile that is shifted"),
        pytest.param({"stepper": "StochasticHeun", "dimensions": 1, "noise": True}, id="noise"),
        pytest.param({"stepper": "RKMK4", "dimensions": 1}, id="rates for another scheme"),
        pytest.param({"dimensions": 3}, id="three dimensions", marks=pytest.mark.slow),
        pytest.param({"dtype": np.complex128, "projected": False}, id="complex numbers",
                     marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_compiled_steps_are_those_of_numpy(options):
    expected = Case(**options).after(compiled=False)
    np.testing.assert_allclose(Case(**options).after(compiled=True), expected, rtol=0, atol=1e-14)


def test_several_steps_at_once_are_single_steps():
    expected = Case(dimensions=1).after(compiled=True, steps=7)
    found = Case(dimensions=1).after(compiled=True, steps=7, ahead=True)
    assert found.tobytes() == expected.tobytes()


def test_what_may_change_between_steps_is_not_run_ahead_of():
    case = Case(dimensions=1, equation="in time")
    assert not FUSED[case.stepper](case.solver, compiled=True).native.can_batch


def test_compiled_members_are_single_runs(tmp_path):
    text = test_members.FILE.format(
        stepper="RK4", kernel=test_members.KERNELS["stencil"],
        equation=test_members.EQUATIONS["RK4"],
    )  # fmt: skip
    path = tmp_path / "members.py"
    path.write_text(text + "projections = {'m': 'm/sqrt(m@m)'}\n")

    def final(D):
        result = load(path, D=D).run(out=tmp_path / "runs", quiet=True)
        assert "0 + 0 transforms" in (result.folder / "log.txt").read_text()
        with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
            return file["tasks/m"][-1]

    together = final("[0.1, 0.2, 0.35]")
    np.testing.assert_allclose(together[:, 1], final(0.2), rtol=0, atol=1e-14)


@pytest.mark.slow
def test_the_seeded_grating_has_the_energies_of_independent_codes(tmp_path):
    """E/(N J) at 1 ps from codes that are independent of this one, to 1e-4."""
    values = {"kernel": "atomistic", "stop_time": "1*ps", "output_interval": "0.1*ps"}
    result = load(ROOT / "problems" / "transient_grating.py", **values).run(
        out=tmp_path, quiet=True
    )
    run = read(result.folder)
    energy = float(run.E_exchange[-1]) / run.attrs["E_chain"]
    assert energy == pytest.approx(0.02227322, rel=1e-4)
    assert "0 + 0 transforms" in (result.folder / "log.txt").read_text()
