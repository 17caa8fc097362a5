"""Every problem file as an ensemble: members alone, and a list for its main parameter."""

import h5py
import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.problem.load import load

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
    "plasma_oscillation": {"Omega_R": [0.4, 0.7], "Nx": 256},
    "modulational_instability": {"n_bar": [0.0, 0.5], "seed": [1, 1], "members": 2},
    "afm_resonance": {"moment_ratio": [0.7, 1.0]},
    "damped_helix": {"n_0": [0.1, 0.2], "stop_time": 0.1, "output_interval": 0.05},
    "domain_wall": {"alpha": [0.1, 0.2]},
    "film_spin_waves": {"Ms": [7e-4, 8e-4]},
    "lattice_magnon": {"omega_J": [10, 20], "stop_time": 0.02, "output_interval": 0.01},
    "skyrmion": {"alpha": [0.1, 0.3], "N": 24, "stop_time": 0.1, "output_interval": 0.1},
    "spin_hydrodynamics": {"n_bar": [0.2, 0.3]},
    "laser_grating": {"P_0": [0.5e-23, 1e-23]},
    "thermal_chain": {"alpha": [0.2, 0.5], "members": 2},
}  # fmt: skip
#: Without a heat bath, whose noise is that of the member.
WITHOUT_NOISE = {"laser_grating": {"heat_bath": 0}, "thermal_chain": {"temperature": 0}}
#: Words of a problem file that give every member different random numbers.
RANDOM = (
    "random_generator", "initial_noise", "thermal_field", "white_noise", "quantum_noise",
)  # fmt: skip
FILES = sorted((ROOT / "problems").glob("*.py"))


def tasks(folder):
    with h5py.File(folder / "fields" / "fields_s1.h5") as file:
        return {name: file["tasks"][name][:] for name in file["tasks"]}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_members_alone_are_all_the_same_run(path, tmp_path):
    given = {n: v for n, v in MAIN.get(path.stem, {}).items() if not is_per_member(v)}
    result = load(path, quick=True, **{**SHORT, **given, "members": 2}).run(
        out=tmp_path, quiet=True
    )
    data = read(result.folder)
    assert data.sizes["member"] == 2
    assert all("member" in data[name].dims for name in data.data_vars)
    text = path.read_text(encoding="utf-8")
    is_random = any(word in text for word in RANDOM)
    differs = False
    for name in data.data_vars:
        first, second = data[name].sel(member=0), data[name].sel(member=1)
        if is_random:
            differs |= not np.array_equal(first, second)
        else:
            np.testing.assert_array_equal(first, second)
    assert differs == is_random
    if is_random:
        # The random numbers of a member do not depend on the number of members.
        more = load(path, quick=True, **{**SHORT, **given, "members": 3}).run(
            out=tmp_path, quiet=True
        )
        three = read(more.folder)
        for name in data.data_vars:
            scale = max(float(np.abs(data[name]).max()), 1e-12)
            for member in range(2):
                np.testing.assert_allclose(
                    three[name].sel(member=member), data[name].sel(member=member),
                    atol=1e-9 * scale, rtol=0,
                )  # fmt: skip


@pytest.mark.parametrize("name", sorted(MAIN))
def test_a_list_is_one_run_for_each_value(name, tmp_path):
    path, given = ROOT / "problems" / f"{name}.py", {**SHORT, **MAIN[name]}
    given |= WITHOUT_NOISE.get(name, {})
    problem = load(path, quick=True, **given)
    # The timestep of the ensemble is that of its fastest member.
    step = problem["timestep"]
    together = read(problem.run(out=tmp_path, quiet=True).folder)
    lists = {n: v for n, v in given.items() if is_per_member(v)}
    for label, values in lists.items():
        np.testing.assert_allclose(together[label], values)
    for member in range(2):
        one = {n: v[member] if n in lists else v for n, v in given.items()}
        if "members" in one:
            one["members"] = 1
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
