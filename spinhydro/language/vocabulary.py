"""The words of strings: how each is written and what it does.

Nothing here needs NumPy or Dedalus, so that ``spinhydro words`` prints its table at once. What a
word calls is in `spinhydro.language.words`.
"""

from spinhydro.kernels.formulas import KERNELS, LATTICE_NAMES, LATTICE_STENCIL, STENCILS, table
from spinhydro.language.functions import FUNCTIONS

#: The timestep that follows from a tolerance.
AUTO = "auto"

#: ``{word: (usage, help)}`` of derivatives, products and means.
OPERATORS = {
    "dt": ("dt(s)", "time derivative; on the left side only"),
    "dx": ("dx(f)", "derivative along x; of a vector: of every component"),
    "dy": ("dy(f)", "derivative along y"),
    "dz": ("dz(f)", "derivative along z"),
    "lap": ("lap(f)", "Laplacian, over all space coordinates"),
    "grad": ("grad(f)", "gradient: adds a space index in front"),
    "div": ("div(v)", "divergence over the first index, which must be a space index"),
    "cross": ("cross(a, b)", "cross product of two spin vectors"),
    "spin_cross": ("spin_cross(grad(s), s)", "cross product over the last index of a tensor"),
    "dot": ("dot(a, b)", "contraction of neighbouring indices, the same as a @ b"),
    "@": ("s @ ez", "scalar product of spin vectors; s @ ez is the z component"),
    "integ": ("integ(f)", "integral over all space"),
    "ave": ("ave(f)", "average over all space"),
}

#: ``{word: (usage, help)}`` of time and space; `spinhydro.language.drives` has the functions.
DRIVES = {
    "minimum": ("minimum(a, b)", "the smaller value at every point"),
    "maximum": ("maximum(a, b)", "the larger value at every point"),
    "clip": ("clip(f, a, b)", "f within the bounds a and b"),
    "where": ("where(f, a, b)", "a where f > 0, b elsewhere; both finite"),
    "sinc": ("sinc(f)", "sin(pi f)/(pi f), 1 at f = 0"),
    "ramp": ("ramp(t, a, b, t_0, t_1)", "from a at the time t_0 to b at t_1, linearly"),
    "pulse": ("pulse(t, t_0, w)", "Gaussian of height 1, exp(-(t - t_0)**2/(2*w**2))"),
    "periodic": ("periodic(t, T)", "time since the present period T began, 0 to T"),
}

#: ``{word: (usage, help)}`` of all words, in the order of ``spinhydro words``.
VOCABULARY = {
    **OPERATORS,
    **{
        function.word: (f"{function.word}(f)", function.help)
        for function in FUNCTIONS.values()
        if function.word
    },
    **DRIVES,
}

#: What other tools call a word: ``{their name: how it is written here}``.
SYNONYMS = {
    "i": "the imaginary unit is written 1j",
    "j": "the imaginary unit is written 1j",
    "I": "the imaginary unit is written 1j",
    **dict.fromkeys(["min", "fmin"], "the smaller of two values is minimum(a, b)"),
    **dict.fromkeys(["max", "fmax"], "the larger of two values is maximum(a, b)"),
    **dict.fromkeys(
        ["heaviside", "Heaviside", "theta", "Theta", "step", "stepfunction"],
        "a step is where(f, 1, 0): 1 where f > 0",
    ),
    **dict.fromkeys(
        ["tophat", "rect", "box", "boxcar"],
        "1 from a to b is where(t - a, 1, 0)*where(b - t, 1, 0)",
    ),
    **dict.fromkeys(["gaussian", "gauss", "Gaussian"], "a Gaussian is pulse(t, t_0, w)"),
    **dict.fromkeys(
        ["table"],
        "a table in time is made above the problem: B = spinhydro.table(t, times, values)",
    ),
    **dict.fromkeys(
        ["kernel", "stencil"],
        "a kernel is made above the problem: W = spinhydro.kernel(…), and W(f) in the string",
    ),
    **dict.fromkeys(
        ["HilbertTransform", "hilbert"],
        "a Hilbert transform is made above the problem: W = spinhydro.kernel(lambda k: "
        "-1j*np.sign(k)), and W(f) in the string",
    ),
    **dict.fromkeys(["mod", "fmod"], "the remainder of t/T is periodic(t, T)"),
    **dict.fromkeys(["real", "Re"], "the real part is re(f)"),
    **dict.fromkeys(["imag", "Im"], "the imaginary part is im(f)"),
    **dict.fromkeys(["conjugate", "star", "dagger"], "the complex conjugate is conj(f)"),
    **dict.fromkeys(["norm", "norm2", "mod2", "absq", "abssq"], "|f|^2 is abs2(f), |f| is abs(f)"),
    **dict.fromkeys(["laplacian", "laplace", "Lap", "del2"], "the Laplacian is lap(f)"),
    **dict.fromkeys(["nabla", "gradient"], "the gradient is grad(f)"),
    **dict.fromkeys(
        ["d", "diff", "deriv", "derivative", "ddx", "d_x", "ddt", "d_t", "Dt", "partial"],
        "a derivative is dt(f) in time, dx(f) along x",
    ),
    **dict.fromkeys(["dxx", "d2x", "d2dx2", "dx2"], "a second derivative is dx(dx(f))"),
    **dict.fromkeys(["ln", "log10"], "the natural logarithm is log(f)"),
    **dict.fromkeys(["asin", "acos", "atan"], "the inverse functions are arcsin, arccos, arctan"),
    **dict.fromkeys(["mean", "average", "avg"], "the mean over all space is ave(f)"),
    **dict.fromkeys(["int", "integral", "integrate", "sum"], "the integral is integ(f)"),
    **dict.fromkeys(
        ["interp", "interpolate"], "a table in time is spinhydro.table(t, times, values)"
    ),
}


def word_help(word):
    """Return the lines that `help_text` has on one word, kernel or stencil; none if it is unknown.

    For a word of another tool: how it is written here.
    """
    lines = []
    if word in VOCABULARY:
        usage, text = VOCABULARY[word]
        lines.append(f"{usage}  {text}")
    if word in KERNELS:
        lines += [f'W = spinhydro.kernel("{word}", …)', *table({word: KERNELS[word]})]
    stencils = {**dict.fromkeys(LATTICE_NAMES, LATTICE_STENCIL), **STENCILS}
    if word in stencils:
        lines += [f'W = spinhydro.stencil("{word}", …)', *table({word: stencils[word]})]
    if word in SYNONYMS:
        lines.append(SYNONYMS[word])
    return lines


def help_text():
    """The table that ``spinhydro words`` prints."""
    width = max(len(usage) for usage, _ in VOCABULARY.values())
    lines = ["Words for equations, outputs, projections, watches and expectations:", ""]
    lines += [f"  {usage:<{width}}  {text}" for usage, text in VOCABULARY.values()]
    lines += [
        "",
        "  + - * / **   as usual; powers are written **, not ^",
        "  ex, ey, ez   unit vectors of the spin frame, where the file defines them",
        "  t            time",
        "",
        "Tables in time: B = spinhydro.table(t, times, values), or file='…', above the problem.",
        "",
        "Every name that the problem file defines above `problem = d3.IVP(…)` is a word too:",
        "parameters, profiles (fields), substitutions. Functions of your own: F = lambda f: …",
        "",
        "A function of the wavenumber k (or of kx, ky, kz) makes a kernel,",
        "W = spinhydro.kernel(lambda k: D*k**2), and W(m) in an equation multiplies every Fourier",
        "mode of m by W(k). Kernels by name, W = spinhydro.kernel(NAME, PARAMETERS):",
        "",
        *table(KERNELS),
        "",
        "The same exchange as a sum over neighbours, on a grid with one point per site and dealias",
        "= 1, W = spinhydro.stencil(NAME, PARAMETERS): faster, without transforms:",
        "",
        *table({"chain, square, …": LATTICE_STENCIL, **STENCILS}),
    ]
    return "\n".join(lines)
