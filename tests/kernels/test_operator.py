"""Kernels as operators: against NumPy, on both sides of equations, on every Fourier basis."""

from itertools import product

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro.language.words  # noqa: F401
from spinhydro import IFRK4, RK4, FusedIFRK4, FusedRK4, RealFourierNyquist, distributor, kernel
from spinhydro.errors import EquationError, InputError
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.problem.load import load

L = 3.0
BASES = {
    "real": (d3.RealFourier, np.float64, 8),
    "real, Nyquist kept": (RealFourierNyquist, np.float64, 8),
    "real, odd": (RealFourierNyquist, np.float64, 9),
    "complex": (d3.ComplexFourier, np.complex128, 8),
    "complex, odd": (d3.ComplexFourier, np.complex128, 9),
}
#: Even, odd and mixed in every way that parity allows for real fields.
SYMBOLS = {
    1: [lambda kx: 1 - np.cos(0.3 * kx), lambda kx: 1j * kx + kx**2, lambda kx: -1j * np.sign(kx)],
    2: [lambda kx, ky: (kx + ky / 2) ** 2 + 1j * kx * np.abs(ky) + kx * ky],
    3: [lambda kx, ky, kz: 1j * kx * ky * kz + kx**2 + ky * kz],
}


def vector_field(basis, dtype, size, dimensions, seed=0):
    names = "xyz"[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=dtype)
    bases = [basis(coords[name], size=size, bounds=(0, L)) for name in names]
    m = dist.VectorField(spin, name="m", bases=bases)
    m["g"] = np.random.default_rng(seed).standard_normal(m["g"].shape)
    m.require_coeff_space()  # what the basis holds
    return m, bases, spin


def with_numpy(values, function, dimensions, size, is_real):
    """F^-1 omega F with NumPy; only the even part acts on the Nyquist mode."""
    n = np.fft.fftfreq(size, 1 / size)
    k = np.meshgrid(*[2 * np.pi / L * n] * dimensions, indexing="ij")
    signless = np.meshgrid(*[2 * np.abs(n) == size] * dimensions, indexing="ij")
    total, number = 0, 0
    for signs in product((1, -1), repeat=dimensions if is_real else 0):
        signed = [
            np.where(mask, s * q, q) for q, mask, s in zip(k, signless, signs or (1,) * dimensions,
                                                           strict=True)
        ]  # fmt: skip
        total, number = total + function(*signed), number + 1
    axes = tuple(range(1, dimensions + 1))
    return np.fft.ifftn(total / number * np.fft.fftn(values, axes=axes), axes=axes)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("case", BASES)
def test_every_mode_of_every_basis_is_that_of_numpy(case, dimensions):
    basis, dtype, size = BASES[case]
    m, _, _ = vector_field(basis, dtype, size, dimensions)
    is_real = dtype is np.float64
    for function in SYMBOLS[dimensions]:
        found = kernel(function)(m).evaluate()["g"]
        expected = with_numpy(m["g"].copy(), function, dimensions, size, is_real)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected if not is_real else expected.real,
                                   atol=1e-14 * scale)  # fmt: skip
        if is_real:
            assert np.abs(expected.imag).max() < 1e-13 * scale


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("case", BASES)
def test_left_side_is_the_inverse_of_the_right_side(case, dimensions):
    basis, dtype, size = BASES[case]
    m, bases, spin = vector_field(basis, dtype, size, dimensions)
    for function in SYMBOLS[dimensions]:
        W = kernel(function)
        X = m.dist.VectorField(spin, name="X", bases=bases)
        problem = d3.LBVP([X], namespace=locals())
        problem.add_equation("X + 0.1*W(X) = m")
        options = {"ncc_cutoff": 0, "entry_cutoff": 0, "matrix_coupling": (True,) * dimensions}
        problem.build_solver(**options).solve()
        residual = (X + 0.1 * W(X) - m).evaluate()["g"]
        np.testing.assert_allclose(residual, 0, atol=1e-13)


def test_kernel_of_the_derivative_and_of_the_laplacian():
    m, bases, _ = vector_field(d3.RealFourier, np.float64, 16, 2)
    coords = m.dist.coords
    pairs = [
        (kernel(lambda kx, ky: 1j * kx), d3.Differentiate(m, coords[0])),
        (kernel(lambda k: -(k**2)), d3.lap(m)),
        (kernel("micromagnetic", stiffness=-1), d3.lap(m)),
    ]
    for W, expected in pairs:
        np.testing.assert_allclose(W(m).evaluate()["g"], expected.evaluate()["g"], atol=1e-11)


def test_tensor_kernel_on_both_sides():
    m, bases, spin = vector_field(RealFourierNyquist, np.float64, 9, 2)

    def omega(kx, ky):
        return [[1 + kx**2, kx * ky, 0], [kx * ky, 1 + ky**2, 1j * ky], [0, 1j * kx, 2]]

    W = kernel(omega)
    found = W(m).evaluate()["g"]
    n = 2 * np.pi / L * np.fft.fftfreq(9, 1 / 9)
    kx, ky = np.meshgrid(n, n, indexing="ij")
    tensor = np.array([[np.broadcast_to(e, kx.shape) for e in row] for row in omega(kx, ky)])
    spectra = np.fft.fft2(m["g"], axes=(1, 2))
    expected = np.fft.ifft2(np.einsum("oixy,ixy->oxy", tensor, spectra), axes=(1, 2))
    np.testing.assert_allclose(found, expected.real, atol=1e-12)
    X = m.dist.VectorField(spin, name="X", bases=bases)
    B = m.dist.VectorField(spin, name="B")
    B["g"] = np.array([0.3, -0.2, 0.7]).reshape(3, 1, 1)
    problem = d3.LBVP([X], namespace=locals())
    problem.add_equation("X + 0.01*W(X) + cross(B, 0.01*W(X)) = m")
    problem.build_solver(ncc_cutoff=0, entry_cutoff=0, matrix_coupling=(True, True)).solve()
    residual = (X + 0.01 * W(X) + d3.cross(B, 0.01 * W(X)) - m).evaluate()["g"]
    np.testing.assert_allclose(residual, 0, atol=1e-13)


def test_spectrum_of_an_eigenvalue_problem():
    """dt(u) = -i W(u): every mode oscillates with omega(k)."""
    u, bases, _ = vector_field(d3.ComplexFourier, np.complex128, 9, 1)
    u = u.dist.Field(name="u", bases=bases)
    E = u.dist.Field(name="E")
    W = kernel("chain", a=L / 9, omega_J=2.0)
    problem = d3.EVP([u], eigenvalue=E, namespace=locals())
    problem.add_equation("E*u - W(u) = 0")
    solver = problem.build_solver(ncc_cutoff=0, entry_cutoff=0)
    found = []
    for subproblem in solver.subproblems:
        solver.solve_dense(subproblem)
        found += list(solver.eigenvalues)
    k = 2 * np.pi / L * np.fft.fftfreq(9, 1 / 9)
    np.testing.assert_allclose(np.sort(np.real(found)), np.sort(4 * (1 - np.cos(k * L / 9))),
                               atol=1e-12)  # fmt: skip


def llg(W, basis=RealFourierNyquist, size=32, dimensions=1, implicit="", dealias=1, seed=3):
    """A damped precessing m with noise on it, in the field of a kernel."""
    names = "xyz"[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = [basis(coords[n], size=size, bounds=(0, size), dealias=dealias) for n in names]
    m = dist.VectorField(spin, name="m", bases=bases)
    ex, ey, ez = spin.unit_vector_fields(dist)
    values = np.random.default_rng(seed).standard_normal(m["g"].shape)
    m["g"] = values / np.sqrt((values**2).sum(axis=0))
    alpha = 0.1
    H = 0.3 * (m @ ez) * ez - W(m) - dx_of(W, m)
    problem = d3.IVP([m], namespace=locals())
    problem.add_equation(f"dt(m) {implicit} = -cross(m, H) - alpha*cross(m, cross(m, H))")
    return problem, m


def dx_of(W, m):
    """A kernel of a kernel, beside derivatives of a kernel of a product."""
    return 0.01 * W(W(m)) + 0.02 * d3.Differentiate(W((m @ m) * m), m.dist.coords[0])


FUSED_CASES = {
    "chain": (lambda: kernel("chain", a=1.0, omega_J=1.0), {}),
    "odd size": (lambda: kernel("chain", a=1.0, omega_J=1.0), {"size": 33}),
    "odd symbol": (lambda: kernel(lambda k: 1j * np.sin(k) + k**2), {}),
    "stock basis": (lambda: kernel(lambda k: k**2), {"basis": d3.RealFourier}),
    "dealiased": (
        lambda: kernel(lambda k: k**2 / 4),
        {"basis": d3.RealFourier, "dealias": 3 / 2, "size": 24},
    ),
    "2-D": (lambda: kernel("triangular", a=1.0, omega_J=0.5, axes="primitive"),
            {"dimensions": 2, "size": 12}),
    "2-D, mixed parity": (
        lambda: kernel(lambda kx, ky: kx * ky + 1j * kx * np.abs(ky) + kx**2),
        {"dimensions": 2, "size": 10},
    ),
    "tensor": (
        lambda: kernel("dmi", bonds={(1.0,): (0.1, 0.2, 0.7)}),
        {},
    ),
    "film": (lambda: kernel("film", omega_M=1.0, thickness=3.0), {"dimensions": 2, "size": 12}),
    "3-D": (lambda: kernel("sc", a=1.0, omega_J=0.5), {"dimensions": 3, "size": 8}),
}  # fmt: skip


def advanced(case, stepper, implicit=""):
    make, options = FUSED_CASES[case]
    problem, m = llg(make(), implicit=implicit, **options)
    coupling = (True,) * problem.dist.dim
    solver = problem.build_solver(stepper, matrix_coupling=coupling, ncc_cutoff=0, entry_cutoff=0)
    for _ in range(5):
        solver.step(0.02)
    m.change_scales(1)
    return m["g"].copy()


@pytest.mark.parametrize("case", FUSED_CASES)
def test_fused_engine_agrees_with_dedalus(case):
    ours, theirs = advanced(case, FusedRK4), advanced(case, RK4)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ["chain", "odd symbol", "odd size", "tensor", "2-D"])
def test_fused_integrating_factor_agrees_with_dedalus(case):
    implicit = "+ 0.1*W(m) + 0.05*m"
    ours, theirs = (advanced(case, stepper, implicit) for stepper in (FusedIFRK4, IFRK4))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_equal_kernels_share_their_transform():
    problem, _ = llg(kernel("chain", a=1.0, omega_J=1.0))
    solver = problem.build_solver(FusedRK4, ncc_cutoff=0, entry_cutoff=0)
    forward, back = solver.timestepper.right_side.transforms()
    # Forward: m, and m (m.m); back: the sum of all four terms of the field.
    assert (forward, back) == (6, 3)


PROBLEM = '''"""A file."""
import dedalus.public as d3
import numpy as np
import spinhydro

N = 16
stop_time = 0.1
timestep = 0.01
timestepper = "RK4"
D = 0.1
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 2*np.pi))
m = dist.VectorField(spin, name="m", bases=xbasis)
x = dist.local_grid(xbasis)
ex, ey, ez = spin.unit_vector_fields(dist)
{kernel}
H = ez - W(m)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -cross(m, H) + 0*W(m)")
m["g"][0] = np.cos(x)
m["g"][2] = np.sin(x)
'''


@pytest.mark.parametrize(
    "text", ["W = spinhydro.kernel(lambda k: D*k**2)", "W = spinhydro.kernel(lambda kx: D*kx**2)",
             "@spinhydro.kernel\ndef W(k):\n    return D*k**2",
             "if N > 4:\n    W = spinhydro.kernel(lambda k: D*k**2)\n    H = W(m)",
             "W = spinhydro.kernel('micromagnetic', stiffness=D)"],
)  # fmt: skip
def test_kernel_typed_into_a_problem_file_runs(text, tmp_path):
    path = tmp_path / "typed.py"
    path.write_text(PROBLEM.replace("{kernel}", text))
    problem = load(path)
    W, m = problem["W"], problem["m"]
    assert W(2.0) == pytest.approx(0.4, abs=1e-15)
    found = W(m).evaluate()["g"]
    np.testing.assert_allclose(found, 0.1 * m["g"], atol=1e-14)
    result = problem.run(out=tmp_path / "runs", quiet=True)
    assert result.status == "done" if hasattr(result, "status") else result.folder.exists()


@pytest.mark.parametrize(
    "text, parts",
    [
        ("W = spinhydro.kernel(lambda k: 1j*k**2)", ["kernel W", "fields complex", "conjugate"]),
        ("W = spinhydro.kernel(lambda k: D/k)", ["kernel W", "not finite at k = 0", "np.where"]),
        ("W = spinhydro.kernel(lambda k: D*j)", ["kernel W", "NameError", "'j'"]),
        ("W = spinhydro.kernel(lambda kx, ky: kx*ky)", ["2 wavenumbers", "1 dimension"]),
        ("W = spinhydro.kernel(lambda k: [[k, k], [k]])", ["kernel W", "square of values"]),
        ("W = spinhydro.kernel(lambda k: [[k, k], [k, k]])", ["2 x 2 tensor", "vectors of 2"]),
        ("W = spinhydro.kernel('chian', a=1)", ["no kernel 'chian'", "did you mean 'chain'"]),
        ("W = spinhydro.kernel('chain', b=1)", ["no parameter 'b'"]),
        ("W = spinhydro.kernel('chain', a=0.1)", ["omega_J", "stiffness", "one of them"]),
        ("W = spinhydro.kernel('chain')", ["takes a, omega_J"]),
        ("W = spinhydro.kernel('chain', a=-1, omega_J=1)", ["a > 0"]),
        ("W = spinhydro.kernel('chain', a=1., omega_J=1)", ["finer than the lattice", "flat"]),
        ("W = spinhydro.kernel('square', a=.1, omega_J=1)", ["2 wavenumbers", "1 dimension"]),
        ("W = spinhydro.kernel('table', k=[0, 1, 2, 3], omega=[0, 1, 4, 9])",
         ["covers k = 0 to 3"]),
        ("W = spinhydro.kernel('table', file='nowhere.txt')", ["cannot read nowhere.txt"]),
    ],
)  # fmt: skip
def test_bad_kernels_are_refused_by_name(text, parts, tmp_path):
    path = tmp_path / "typed.py"
    path.write_text(PROBLEM.replace("{kernel}", text))
    with pytest.raises(InputError) as error:
        load(path)
    assert "typed.py, line" in str(error.value)
    for part in parts:
        assert part in str(error.value), str(error.value)


def test_bad_operand_has_a_caret():
    m, _, spin = vector_field(d3.RealFourier, np.float64, 8, 1)
    n = m.dist.Field(name="n", bases=m.domain.bases)
    W = kernel("dmi", bonds={(0.1,): (0, 0, 1)})
    problem = d3.IVP([m], namespace=locals())
    with pytest.raises(EquationError, match="acts on vectors of 3 components"):
        ExpressionBuilder(problem.namespace)("1 + W(n)")


def test_chebyshev_axis_is_refused():
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    u = dist.Field(bases=d3.ChebyshevT(coords["x"], size=8, bounds=(0, 1)))
    with pytest.raises(InputError, match="Fourier bases; this field has"):
        kernel("micromagnetic", stiffness=1)(u)


def test_constant_field_feels_the_kernel_at_zero():
    m, _, spin = vector_field(d3.RealFourier, np.float64, 8, 1)
    B = m.dist.VectorField(spin, name="B")
    B["g"] = np.array([[1.0], [2.0], [3.0]])
    W = kernel(lambda k: 2 + k**2)
    np.testing.assert_allclose(W(B).evaluate()["g"].ravel(), [2, 4, 6], atol=1e-15)


@pytest.mark.parametrize("g, expected", [(0, 0.0), (0.5, 1.5)])
def test_kernel_of_a_term_that_is_a_number(g, expected):
    """In strings W(c) of a constant is omega(0) c: 0 where a parameter of 0 removes the term."""
    coords = d3.CartesianCoordinates("x")
    dist = distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=8, bounds=(0, 1))
    u = dist.Field(name="u", bases=xbasis)
    W = kernel(lambda k: 3 + k**2)
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) = W(g*abs2(u)) + 0*u" if g == 0 else "dt(u) = W(g) + 0*u")
    solver = problem.build_solver(RK4)
    solver.step(1.0)
    np.testing.assert_allclose(u["g"], expected, atol=1e-14)
    assert W.at(0) == 3


@pytest.mark.parametrize("W", [kernel(lambda k: 3 + k**2), kernel("micromagnetic", stiffness=1.0)])
def test_kernel_of_zero_in_python_is_refused(W):
    """W(g*n) with g = 0 would be the number omega(0) there, and 0 in a string."""
    with pytest.raises(InputError, match=r"Put the factor in front.*W\.at\(0\)"):
        W(0)
    assert W(0.0) == W.at(0)
