"""The figures of paper B, from runs of the plain chain code, through the command."""

import matplotlib.image
import numpy as np
import pytest
from spin_chain import A, defect, evolve, grating, sites, write_chain_run
from synthetic_runs import write_set

from spinhydro.analysis import load
from spinhydro.analysis.figures import find
from spinhydro.analysis.growth import ensembles, growth_report
from spinhydro.analysis.magnets import magnet
from spinhydro.analysis.models import exchange_series, in_order, model
from spinhydro.analysis.plot import main
from spinhydro.errors import InputError


def drawn(path):
    pixels = matplotlib.image.imread(path)[..., :3]
    return pixels.shape[0] > 200 and float(np.mean(pixels < 0.99)) > 0.01


def run_of(folder, t, m, cell=A, **parameters):
    return str(write_chain_run(folder, t, sites(m.shape[-1], cell), {"m": m}, **parameters))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Short and small runs for every figure: {name: [folder, …]}."""
    home = tmp_path_factory.mktemp("runs")
    out = {"dispersion": [], "long_waves": [], "grating": {}, "growth": []}
    for number, (points, cell) in enumerate(((75, A), (53, 0.5))):
        t, m = evolve(defect(points, 0.1), "chain", 1e-3, 0.01, 100, cell=cell)
        folder = home / "pslle_dispersion" / f"{number:04}"
        out["dispersion"].append(run_of(folder, t, m, cell, problem="pslle_dispersion"))
    t, m = evolve(defect(75, 0.1), "micromagnetic", 1e-3, 0.01, 100)
    folder = home / "pslle_dispersion" / "0009"
    out["long_waves"].append(run_of(folder, t, m, kernel="micromagnetic"))
    for pulses in (1, 8, 16):
        out["grating"][pulses] = []
        m0 = grating(129, pulses)
        for law, word in (
            ("micromagnetic", "micromagnetic"),
            ("chain", "lattice"),
            ("atomistic", "atomistic"),
        ):
            t, m = evolve(m0, law, 5e-4, 0.05, 10, alpha=0.01)
            folder = home / "transient_grating" / f"{pulses}_{word}"
            names = {"kernel": word, "pulses": pulses, "r_max": 0.5, "seed": 0}
            out["grating"][pulses].append(run_of(folder, t, m, **names))
    rng = np.random.default_rng(0)
    m_z = np.array([0.0, 0.0, 0.5, 0.5])[:, None] + 1e-6 * rng.random((4, 80))
    m0 = np.stack([np.sqrt(1 - m_z**2), 0 * m_z, m_z], axis=1)
    t, m = evolve(m0, "chain", 0.05, 2.0, 12, cell=7.1)
    folder = home / "modulational_instability" / "0001"
    folder.mkdir(parents=True)
    base = write_chain_run(folder / "x", t, sites(80, 7.1), {"m": m[:, 0]})
    # The member axis as it is in a file.
    write_members(base, t, sites(80, 7.1), m)
    out["growth"] = [str(base)]
    return out


def write_members(folder, t, x, m):
    """Replace the set file by one with m along (t, member, spin, x)."""
    import h5py

    file = folder / "fields" / "fields_s1.h5"
    run = h5py.File(file, "r").attrs["run"]
    file.unlink()
    write_set(file, t, x, {}, run=run)
    with h5py.File(file, "a") as h5:
        data = h5["tasks"].create_dataset("m", data=np.swapaxes(m, 1, 2))
        data.attrs.update({"units": "1", "grid_space": [True], "scales": [1.0]})
        data.attrs["tensor_axes"] = ["spin"]
        h5["scales/member_hash"] = np.arange(m.shape[1], dtype=float)
        h5["scales/member_hash"].make_scale("member")
        for axis, (label, scale) in enumerate(
            (("t", None), ("", None), ("member", "member_hash"), ("x", "x_hash_1"))
        ):
            data.dims[axis].label = label
            if scale:
                data.dims[axis].attach_scale(h5[f"scales/{scale}"])


def draw(paths, figure, tmp_path, capsys, *more):
    file = tmp_path / f"{figure}.png"
    code = main([*paths, "--figure", figure, "--save", str(file), *more])
    captured = capsys.readouterr()
    if code == 0:
        assert drawn(captured.out.splitlines()[-1])
    return code, captured.err


def test_dispersion_figures(runs, tmp_path, capsys):
    assert draw(runs["dispersion"], "b1", tmp_path, capsys) == (0, "")
    assert draw(runs["dispersion"][:1], "dispersion", tmp_path, capsys, "window=blackman")[0] == 0
    assert draw(runs["long_waves"], "bs2", tmp_path, capsys)[0] == 0
    code, error = draw(runs["long_waves"], "b1", tmp_path, capsys)
    assert code == 2 and "needs a run with kernel=lattice, and this one has kernel=micro" in error
    code, error = draw(runs["dispersion"], "dispersion", tmp_path, capsys, "law=bcc2")
    assert code == 2 and "no dispersion law for kernel 'bcc2'" in error


@pytest.mark.parametrize("figure, pulses", [("b3", 8), ("b4", 8), ("bs3", 1), ("bs4", 16)])
def test_grating_figures(figure, pulses, runs, tmp_path, capsys):
    paths = runs["grating"][pulses]
    assert draw(paths, figure, tmp_path, capsys) == (0, "")
    other = runs["grating"][16 if pulses != 16 else 1]
    code, error = draw(other, figure, tmp_path, capsys)
    assert code == 2 and f"shows {pulses} pulse" in error and f"pulses={pulses}" in error
    assert draw(other, "grating", tmp_path, capsys)[0] == 0


def test_models_in_order(runs):
    ordered = in_order([load(path) for path in runs["grating"][8]])
    assert [model(ds) for ds in ordered] == ["ASD", "PS-LLE", "$k^2$ kernel"]


def test_lattice_in_a_heat_bath_is_atomistic(runs):
    ds = load(runs["grating"][8][1])
    assert model(ds) == "PS-LLE"
    assert model(ds.assign_attrs(heat_bath=1)) == "ASD"
    assert model(ds.assign_attrs(heat_bath=0)) == "PS-LLE"


def test_grating_of_the_same_model_twice(runs, tmp_path, capsys):
    paths = runs["grating"][8]
    code, error = draw([paths[0], paths[0]], "b3", tmp_path, capsys)
    assert code == 2 and "give one run of each model" in error
    # The panel of errors says which other runs it takes.
    for figure in ("b3", "b4"):
        assert draw(paths[:1], figure, tmp_path, capsys)[0] == 0


def test_start_and_continuation(runs, tmp_path, capsys):
    assert draw(runs["grating"][8][:1], "bs1", tmp_path, capsys)[0] == 0
    assert draw(runs["grating"][1], "bs7", tmp_path, capsys, "zero=0.1")[0] == 0
    assert draw(runs["grating"][1][:2] * 2, "bs7", tmp_path, capsys)[0] == 0


def test_growth_of_two_ensembles_in_one_run(runs, tmp_path, capsys):
    assert draw(runs["growth"], "b2", tmp_path, capsys) == (0, "")
    ds = load(runs["growth"][0])
    assert ds.sizes["member"] == 4
    assert [part.sizes["member"] for part in ensembles(ds)] == [2, 2]
    report = growth_report(ds)
    assert "n_bar = 0: largest growth 171." in report[0] and "(formula 171.405)" in report[0]
    assert "(formula 0.168342)" in report[1]
    code, error = draw(runs["grating"][8][:1], "b2", tmp_path, capsys)
    assert code == 2 and "needs a uniform tilted state with small noise" in error


def in_plane(points=129):
    rng = np.random.default_rng(0)
    m_z = 0.2 * (2 * rng.random(points) - 1)
    return np.stack([np.sqrt(1 - m_z**2), 0 * m_z, m_z])


def test_walls(runs, tmp_path, capsys):
    paths = []
    for number, law in enumerate(("chain", "micromagnetic")):
        t, m = evolve(in_plane(), law, 1e-3, 0.1, 8, alpha=0.1)
        paths.append(run_of(tmp_path / str(number), t, m, kernel=law, pulses=8))
    assert draw(paths, "bs5", tmp_path, capsys) == (0, "")
    assert draw(runs["grating"][8], "walls", tmp_path, capsys)[0] == 0
    code, error = draw(runs["grating"][8], "bs5", tmp_path, capsys)
    assert code == 2 and "starts from spins in the plane, and this run has <m_z> = 0.8" in error


def test_temperature_map(runs, tmp_path, capsys):
    t, x = np.linspace(0, 20, 41), sites(56)
    T_e = 300 + 6000 * np.exp(-((t[:, None] - 10.4) ** 2)) * np.exp(-(((x - 10) / 4) ** 2))
    run = write_chain_run(tmp_path / "0001", t, x, {"T_e": T_e, "T_p": T_e / 10 + 270})
    assert draw([str(run)], "bs6", tmp_path, capsys) == (0, "")
    code, error = draw(runs["grating"][8][:1], "bs6", tmp_path, capsys)
    assert code == 2 and "no output T_e or temperature; make one with" in error


def test_half_finished_run(runs, tmp_path, capsys):
    ds = load(runs["grating"][8][0])
    run = write_chain_run(
        tmp_path / "0001",
        ds.t[:4],
        ds.x,
        {"m": ds.m.values[:4]},
        status="running",
        kernel="micromagnetic",
        pulses=8,
    )
    assert draw([str(run), runs["grating"][8][2]], "b3", tmp_path, capsys) == (0, "")


def test_file_of_a_plain_script(runs, tmp_path, capsys):
    ds = load(runs["dispersion"][0])
    file = tmp_path / "snapshots" / "snapshots_s1.h5"
    parts = {f"m{c}": ds.m.values[:, i] for i, c in enumerate("xyz")}
    write_set(file, ds.t, ds.x, parts)
    code, error = draw([str(file)], "b1", tmp_path, capsys)
    assert code == 2 and "State it with --parameter omega_M=NUMBER" in error
    numbers = {"omega_M": 0.170299, "omega_K": 0.342811, "lambda_ex": 7.3, "a": A}
    stated = [word for name, x in numbers.items() for word in ("--parameter", f"{name}={x}")]
    assert draw([str(file)], "b1", tmp_path, capsys, *stated)[0] == 0
    other = tmp_path / "snapshots_s1.h5"
    write_set(other, ds.t, ds.x, {"spin_field": ds.m.values})
    code, error = draw([str(other)], "b1", tmp_path, capsys, *stated)
    assert code == 2 and "it has spin_field. If one of them is the spins" in error
    assert draw([str(other)], "b1", tmp_path, capsys, *stated, "--name", "m=spin_field")[0] == 0
    code, error = draw([str(other)], "b1", tmp_path, capsys, "--member", "2")
    assert code == 2 and "this run has no members" in error


def test_energy_of_a_run_that_kept_scalars_only(runs):
    ds = load(runs["grating"][8][2])
    energy = exchange_series(ds).isel(member=0)
    J = magnet(ds).J
    assert J == pytest.approx(1.409501e-20, rel=1e-6)
    assert magnet(ds).d_z == pytest.approx(3.354960e-23, rel=1e-6)
    only = ds.drop_vars("m").assign(E_exchange=("t", energy.values * 129 * J, {"units": "J"}))
    assert np.allclose(exchange_series(only).isel(member=0), energy)
    assert find("b3").reason_against(only) is None
    with pytest.raises(InputError, match="neither spins m nor an output E_exchange"):
        exchange_series(ds.drop_vars("m"))


def test_material_in_the_units_of_a_problem_file(runs):
    """nm, ps, kg and A: gamma 1.76e23, Ms in A/m times 1e-9."""
    ds = load(runs["dispersion"][0])
    expected = magnet(ds)
    ds.attrs.update({"gamma": 1.76e23, "Ms": 770e-6, "Hk": 1550e-6})
    found = magnet(ds)
    assert found.omega_M == pytest.approx(expected.omega_M)
    assert found.J == pytest.approx(expected.J) and found.d_z == pytest.approx(expected.d_z)
    with pytest.raises(InputError, match="gamma = 2.8e.10 is no|gamma = 2.8 is no"):
        magnet(ds, gamma=2.8)
