"""The fused engine where space is split over ranks: Dedalus's numbers, and those of one rank."""

from pathlib import Path

import numpy as np
import pytest

from ..conftest import launch

pytestmark = pytest.mark.mpi


def run(ranks, *arguments):
    return launch(*arguments, ranks=ranks, timeout=240)


def results(ranks, steps, folder):
    script, out = Path(__file__).with_name("split_space.py"), folder / f"{ranks} {steps}.npz"
    done = run(ranks, script, out, *steps.split())
    assert done.returncode == 0, done.stderr
    return np.load(out)


def assert_same(one, other):
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=0, atol=1e-14)


def test_same_numbers_on_one_and_three_ranks(tmp_path):
    assert_same(results(1, "numpy", tmp_path), results(3, "numpy", tmp_path))


@pytest.mark.slow
def test_same_numbers_of_the_compiled_step_on_two_ranks(tmp_path):
    assert_same(results(1, "numpy", tmp_path), results(2, "compiled", tmp_path))


@pytest.mark.slow
def test_same_numbers_where_ranks_do_not_see_each_others_memory(tmp_path):
    """As on several machines; kernels are compiled then, the step is not."""
    assert_same(results(1, "numpy", tmp_path), results(2, "compiled apart", tmp_path))


def test_full_shared_memory_is_said_and_the_run_goes_on():
    done = run(2, Path(__file__).with_name("full_shared_memory.py"))
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("lean"))
    assert "/dev/shm has 0 MB free and" in line
    assert "make it larger" in line
