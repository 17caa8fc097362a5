"""spinhydro explain: its text describes the problem, and the drawing is not blank."""

from spinhydro.engines.explain import draw, explain
from spinhydro.problem.load import load

from ..conftest import ROOT


def test_a_fused_problem_is_explained(tmp_path):
    problem = load(ROOT / "problems" / "quantum_torque.py", quick=True)
    lines, account = explain(problem)
    text = "\n".join(lines)
    assert problem.equations[0] in text
    assert "engine fused (agrees with Dedalus to " in text
    assert "3 to k-space, 6 to the grid" in text
    assert "dx(s_sx), dx(s_sy), dx(s_sz), dx2(s_sx), dx2(s_sy), dx2(s_sz)" in text
    assert "1.38122*(s_sy*" in text
    draw(account, tmp_path / "graph.svg", problem.name)
    drawn = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")


def test_linear_terms_that_are_taken_apart_are_listed():
    lines, _ = explain(load(ROOT / "problems" / "coupled_gpe.py", quick=True))
    (first,) = [line for line in lines if line.startswith("  psi_a: ")]
    assert "-1.38122j*dx2(psi_a)" in first and "psi_b" in first


def test_the_reason_of_another_engine_is_said(copied):
    path = copied("spin_spiral", ("hbar_over_m/2*cross", "(s@s)(x=0)*hbar_over_m/2*cross"))
    lines, account = explain(load(path))
    assert account is None
    assert any("engine lean" in line and "the fused engine cannot do" in line for line in lines)


def test_the_command(command, tmp_path):
    done = command("explain", ROOT / "problems" / "josephson.py", "--save", tmp_path / "g.png")
    assert done.returncode == 0, done.stderr
    assert "transforms of one stage" in done.stdout
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    refused = command("explain", ROOT / "problems" / "josephson.py", "--save", tmp_path / "g.xyz")
    assert refused.returncode == 2 and not refused.stdout
    assert "the name ends in .png, .svg, .pdf" in refused.stderr
