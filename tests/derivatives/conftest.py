"""Skip tests that need JAX without it."""

import importlib.util
import os

import pytest

# JAX reads these when it is imported: the tests are small, and cores are few.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)


def pytest_collection_modifyitems(config, items):
    if importlib.util.find_spec("jax") is None:
        skip = pytest.mark.skip(reason="JAX is not installed: pip install 'spinhydro[jax]'")
        for item in items:
            if item.path.parent.name == "derivatives" and "without_jax" not in item.name:
                item.add_marker(skip)
