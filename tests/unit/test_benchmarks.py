"""The competitors of a work unit solve the same problem."""

import numpy as np
import pytest
import scipy.fft
from dedalus.core import timesteppers

from benchmarks import accuracy, members, ranks, results, schemes, table
from benchmarks.engines import competitor
from benchmarks.measure import Competitor, Unit, measure
from benchmarks.units import atoms, landau_lifshitz, splitting, superfluid
from spinhydro import IFRK4, RK4
from spinhydro.steppers import all_steppers


@pytest.mark.parametrize("module", [landau_lifshitz, superfluid])
def test_competitors_agree(module):
    unit = module._unit((32,), "small")
    errors = {}
    reference = unit.reference(5)
    for one in unit.competitors:
        if one.advance:
            one.advance(5)
            errors[one.name] = np.abs(one.state() - reference).max()
    assert len(errors) >= 5
    assert max(errors.values()) < 1e-4
    same = [errors[c.name] for c in unit.competitors if c.advance and c.same_scheme]
    np.testing.assert_allclose(same, same[0], atol=1e-12)


def test_competitors_of_splitting_agree():
    unit = splitting.unit((16, 12), "small")
    found = []
    for one in unit.competitors:
        if one.advance:
            one.advance(5)
            found.append(one.state())
    np.testing.assert_allclose(found[1:], [found[0]] * (len(found) - 1), atol=1e-13)
    assert np.abs(found[0] - unit.reference(5)).max() < 1e-4


@pytest.mark.parametrize(
    "shape",
    [(32,), pytest.param((16, 8), marks=pytest.mark.slow),
     pytest.param((8, 8, 10), marks=pytest.mark.slow)],
)  # fmt: skip
def test_competitors_of_atoms_agree(shape):
    unit = atoms.unit(shape, "small")
    found = []
    for one in unit.competitors:
        one.advance(13)
        found.append(one.state())
    assert len(found) == 4
    for values in found[1:]:
        np.testing.assert_allclose(values, found[0], rtol=0, atol=1e-13)


def test_a_small_unit_is_measured():
    unit = landau_lifshitz._unit((16,), "small")
    unit = Unit("small", "plain, scipy.fft", unit.competitors[-2:-1])
    (result,) = measure(unit, 1)
    assert result.milliseconds > 0
    assert "| plain, scipy.fft |" in table.of_unit(unit, [result])


def test_a_state_that_is_not_finite_is_not_timed():
    broken = Competitor("broken", lambda steps: None, lambda: np.array([np.nan]))
    with pytest.raises(RuntimeError, match="no longer finite"):
        measure(Unit("small", "broken", [broken]), 1)


def test_an_ensemble_is_timed_with_its_compiled_step_only():
    settings = {"members": 2, "Nx": 64}
    assert members._seconds_per_step("quantum_torque.py", 1, **settings) > 0


def test_a_process_says_how_long_a_step_took():
    found = ranks._run("lle", 1)
    assert found["seconds"] > 0
    assert found["share"] > 0


def test_a_page_is_written_unit_by_unit_and_continued(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FILE", tmp_path / "page.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "page.md")

    def broken():
        yield "what", "1 s"
        raise ValueError("no core is free")

    order = ["chain", "memory", "ranks"]
    results.keep("memory", results.measured("memory", iter([("memory", "3.0")])), order)
    results.keep("ranks", results.measured("ranks", broken()), order)
    page = results.PAGE.read_text(encoding="utf-8")
    assert "Not measured: chain." in page and "| memory | 3.0 |" in page
    assert "| what | 1 s |" in page and "failed: ValueError: no core is free" in page
    present = {name: results.is_present(entry) for name, entry in results.read().items()}
    assert present == {"memory": True, "ranks": False}
    results.keep("chain", results.measured("chain", iter(["## one table"])), order)
    page = results.PAGE.read_text(encoding="utf-8")
    assert "Not measured" not in page and "## one table" in page and "load average" in page
    assert list(results.read()) == order
    monkeypatch.setattr(results, "code", lambda: "another")
    assert not any(results.is_present(entry) for entry in results.read().values())


def test_the_error_of_the_integrating_factor_scheme_is_of_fourth_order():
    fine = superfluid.Plain((32,), 1 / 1000, scipy.fft)
    fine.advance(1000)
    errors = []
    for steps in (10, 20):
        one = competitor("one", lambda: superfluid.problem((32,)), IFRK4, 1 / steps, compiled=False)
        seconds, error = accuracy._run(one, steps, fine.psi, 1)
        assert seconds > 0
        errors.append(error)
    assert 12 < errors[0] / errors[1] < 20


def test_table_of_steppers_says_when_to_take_those_of_spinhydro():
    _, when = schemes.uses()
    pairs = {name for name, stepper in all_steppers().items() if hasattr(stepper, "main")}
    own = set(all_steppers()) - set(timesteppers.schemes) - pairs
    assert own <= set(when) <= set(all_steppers())


@pytest.mark.parametrize("direction, theory", [(1j, 2 * np.sqrt(2)), (-1.0, 2.785)])
def test_measured_limits_of_rk4_are_those_of_theory(direction, theory):
    assert schemes.limit(RK4, direction) == pytest.approx(theory, rel=0.02)
