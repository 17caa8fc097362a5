"""Every problem file as an ensemble: members alone, and a list for its main parameter."""

import h5py
import numpy as np
import pytest

from analysis import load as read
from spinhydro.problem import load

from ..conftest import ROOT

SHORT = {"stop_time": 0.2, "output_interval": 0.1}
#: The parameter that differs between the members; values in the units of the file.
MAIN = {
    "quantum_torque": {"Omega_R": [0.4, 0.7], "Nx": 128},
    "coupled_gpe": {"Omega_R": [0.4, 0.7], "kappa_n0": [2.0, 2.2], "Nx": 256, "stop_time": 0.02,
                    "output_interval": 0.01, "watch": []},
    "josephson": {"Omega_R": [0.4, 0.7]},
    "spin_spiral": {"turns": [2, 3]},
    "magnetic_soliton": {"velocity": [0.4, 0.6], "Nx": 320},
    "dark_bright_soliton": {"angle": [0.4, 0.5], "Nx": 192, "stop_time": 0.05,
                            "output_interval": 0.05},
    "transient_grating": {"seed": [0, 1], "N": 127, "kernel": "micromagnetic",
                          "stop_time": 0.02, "output_interval": 0.01},
    "pslle_dispersion": {"alpha": [0.1, 0.2], "N": 127, "stop_time": 0.02,
                         "output_interval": 0.01},
    "spinor_hydrodynamics": {"kappa_n0": [2.0, 2.2], "Nx": 128, "watch": []},
}  # fmt: skip
FILES = sorted((ROOT / "problems").glob("*.py"))


def tasks(folder):
    with h5py.File(folder / "fields" / "fields_s1.h5") as file:
        return {name: file["tasks"][name][:] for name in file["tasks"]}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_members_alone_are_all_the_same_run(path, tmp_path):
    given = {n: v for n, v in MAIN.get(path.stem, {}).items() if not is_per_member(v)}
    result = load(path, quick=True, members=2, **{**SHORT, **given}).run(out=tmp_path, quiet=True)
    data = read(result.folder)
    assert data.sizes["member"] == 2
    assert all("member" in data[name].dims for name in data.data_vars)
    text = path.read_text(encoding="utf-8")
    is_random = "random_generator" in text or "initial_noise" in text
    for name in data.data_vars:
        if not is_random:
            np.testing.assert_array_equal(data[name].sel(member=0), data[name].sel(member=1))


@pytest.mark.parametrize("name", sorted(MAIN))
def test_a_list_is_one_run_for_each_value(name, tmp_path):
    path, given = ROOT / "problems" / f"{name}.py", {**SHORT, **MAIN[name]}
    problem = load(path, quick=True, **given)
    # The timestep of the ensemble is that of its fastest member.
    step = problem["timestep"]
    together = read(problem.run(out=tmp_path, quiet=True).folder)
    lists = {n: v for n, v in given.items() if is_per_member(v)}
    for label, values in lists.items():
        np.testing.assert_allclose(together[label], values)
    for member in range(2):
        one = {n: v[member] if n in lists else v for n, v in given.items()}
        alone = tasks(
            load(path, quick=True, **one, timestep=step).run(out=tmp_path, quiet=True).folder
        )
        for task, values in alone.items():
            scale = max(np.abs(values).max(), 0.01)
            np.testing.assert_allclose(
                together[task].sel(member=member).squeeze(), np.squeeze(values), atol=1e-11 * scale
            )


def is_per_member(value):
    return isinstance(value, list) and len(value) > 0
