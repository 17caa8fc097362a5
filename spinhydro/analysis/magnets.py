"""Spins and material of a magnetic run, under any names in its file."""

import dataclasses
import re
from dataclasses import dataclass, replace

import numpy as np

from spinhydro.errors import InputError, did_you_mean, nearest
from spinhydro.physics.ovf import METRES

from .sampling import squeezed
from .style import is_tensor

MU_0 = 4e-7 * np.pi  # V s/(A m)
GAMMA = 1.76e11  # rad/(T s), as in paper B
BOLTZMANN = 1.380649e-23  # J/K
COMPONENTS = (("mx", "my", "mz"), ("m_x", "m_y", "m_z"))
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15}
FREQUENCIES = {"s": "Hz", "ms": "kHz", "us": "MHz", "ns": "GHz", "ps": "THz", "fs": "PHz"}


def spins(ds, output="m"):
    """The spin vectors of a run with dimensions (t, member, spin, space…).

    Parameters
    ----------
    ds : Dataset of `load`
    output : str
        A vector output, or three scalar outputs "mx, my, mz"; these are also found where there
        is no m.

    Returns
    -------
    DataArray (t, member, spin, space…), spin = x, y, z.  A run without members has one.

    Raises
    ------
    InputError
        No such output, or one that is not a vector of three components.
    """
    names = [name.strip() for name in output.split(",")]
    if names == ["m"] and "m" not in ds:
        names = next((three for three in COMPONENTS if all(one in ds for one in three)), names)
    for name in names:
        if name not in ds:
            held = ", ".join(str(key) for key in ds.data_vars) or "none"
            raise InputError(
                f"this run has no output {name!r} of spins; it has {held}. "
                "If one of them is the spins, add --name m=OUTPUT"
            )
    if len(names) == 3:
        values = np.stack([ds[name].values for name in names], axis=1)
        dims = (ds[names[0]].dims[0], "spin", *ds[names[0]].dims[1:])
        vector = type(ds[names[0]])(values, dims=dims, coords=ds[names[0]].coords)
    else:
        vector = ds[names[0]]
    axes = [dim for dim in vector.dims if is_tensor(dim) and vector.sizes[dim] == 3]
    if len(names) not in (1, 3) or not axes:
        raise InputError(
            f"output {output!r} runs along {', '.join(map(str, vector.dims))} and has no axis "
            "of three spin components"
        )
    vector = vector.rename({axes[0]: "spin"}) if axes[0] != "spin" else vector
    if "member" not in vector.dims:
        vector = vector.expand_dims("member")
    constant = [
        dim for dim, size in vector.sizes.items() if size == 1 and dim not in ("t", "member")
    ]
    return vector.squeeze(constant, drop=True).transpose("t", "member", "spin", ...)


def scalar(ds, output):
    """A scalar output with dimensions (t, member, space…); InputError if there is none."""
    if output not in ds:
        held = [str(key) for key in ds.data_vars]
        raise InputError(
            f"this run has no output {output!r}; {did_you_mean(output, held)} "
            f"It has {', '.join(held) or 'none'}"
        )
    variable = squeezed(ds[output]) if "member" not in ds[output].dims else ds[output]
    if "member" not in variable.dims:
        variable = variable.expand_dims("member")
    return variable.transpose("t", "member", ...)


def has_spins(ds, output="m"):
    try:
        spins(ds, output)
    except InputError:
        return False
    return True


def space_axes(variable):
    """Names of the space dimensions of the result of `spins` or `scalar`."""
    return [str(dim) for dim in variable.dims if dim not in ("t", "member", "spin")]


def spacing(ds, axis):
    """Step of a uniform grid; InputError for any other."""
    x = np.asarray(ds[axis].values, dtype=float)
    steps = np.diff(x)
    if not len(steps) or np.ptp(steps) > 1e-6 * abs(steps.mean()):
        raise InputError(
            f"{axis} is not a uniform periodic grid of at least two points; "
            "wavenumbers need all points of a Fourier axis"
        )
    return float((x[-1] - x[0]) / (len(x) - 1))


def frequency_unit(ds):
    """Unit of 1/t: THz for a run in ps."""
    unit = ds.t.attrs.get("units", "")
    return FREQUENCIES.get(unit, f"1/{unit}" if unit else "1/time")


# Material


@dataclass(frozen=True)
class Magnet:
    """Constants of a uniaxial ferromagnet, in the units of its run (rad/time, length).

    omega_M = gamma mu_0 M_s, omega_K = gamma mu_0 H_k; J = 2 A a = mu_0 M_s² lambda_ex² a and
    d_z = mu_0 M_s H_k a³/2 in joule (None where the units of the run are unknown). `kernel` OWN
    is the kernel of the run's file, known by the `table` (k, omega) that the run keeps.
    """

    omega_M: float
    omega_K: float
    lambda_ex: float
    a: float
    alpha: float = 0.0
    kernel: str = "chain"
    table: tuple | None = dataclasses.field(default=None, compare=False, repr=False)
    J: float | None = None
    d_z: float | None = None

    def exchange(self, k, kernel=None):
        """omega(k) in rad/time of a kernel by name; `k` in rad/length."""
        return KERNELS[known_kernel(kernel or self.kernel)](self, np.asarray(k, dtype=float))

    @property
    def is_own(self):
        """Return whether the kernel is neither the chain nor its long-wavelength limit."""
        return known_kernel(self.kernel) == OWN

    def magnon(self, k, kernel=None):
        """omega(k) + omega_K: magnons about the easy axis."""
        return self.exchange(k, kernel) + self.omega_K


def chain(magnet, k):
    """2 omega_M (lambda/a)² (1 - cos ka): nearest neighbours on a chain (paper B, Eq. 1)."""
    return 2 * magnet.omega_M * (magnet.lambda_ex / magnet.a) ** 2 * (1 - np.cos(k * magnet.a))


def micromagnetic(magnet, k):
    """omega_M lambda² k²: its limit for long waves."""
    return magnet.omega_M * magnet.lambda_ex**2 * k**2


def own(magnet, k):
    """The kernel of the run's file, by a spline through its table; NaN beyond the grid's k."""
    if magnet.table is None:
        raise InputError("this run recorded no kernel; choose chain or micromagnetic")
    from scipy.interpolate import CubicSpline

    return CubicSpline(*magnet.table, extrapolate=False)(k)


OWN = "own"
KERNELS = {"chain": chain, "micromagnetic": micromagnetic, OWN: own}
# Name of the exchange kernel in problem files.
EXCHANGE = "W"
# Largest difference of two laws, over the largest frequency, that is rounding.
SAME = 1e-9
# Other names of the two laws in runs and papers.
SAME_LAW = {
    **dict.fromkeys(("lattice", "atomistic", "asd", "pslle"), "chain"),
    **dict.fromkeys(("k2", "k^2", "llg"), "micromagnetic"),
}


def known_kernel(name):
    """The entry of KERNELS of a name; raise InputError with the choices if there is none."""
    word = str(name).lower()
    word = SAME_LAW.get(word, word)
    if word not in KERNELS:
        raise InputError(
            f"no dispersion law for kernel {name!r}; {did_you_mean(word, KERNELS, '')} "
            f"There are {', '.join(KERNELS)}; a law of your own can be given as a function of k"
        )
    return word


def magnet(ds, **changes):
    """The material of a run from its parameters, in units of the run.

    Used are `omega_M`, `omega_K` where the run states them, and otherwise gamma mu_0 times `Ms`
    and `Hk`, which are in A/m if `gamma` is in rad/(T s), and in the units of the run if gamma is
    (1.76e11 rad/(T s) where it is not stated); `lambda_ex` and `a` in the length unit.

    Parameters
    ----------
    ds : Dataset
    **changes
        Values that replace those of the run or supply what a file does not state; `kernel`
        one of KERNELS. Without it the law is that of the kernel W which the run keeps.

    Raises
    ------
    InputError
        A parameter is missing; the message names it, and NAME=VALUE as the remedy.
    """
    given = {**ds.attrs, **changes}
    second = SECONDS.get(ds.t.attrs.get("units"))
    metre = METRES.get(_length_unit(ds))
    gamma, field = _gamma(given, second, metre)
    values = {}
    for name, source in (("omega_M", "Ms"), ("omega_K", "Hk")):
        if name in given:
            values[name] = float(given[name])
        elif source in given and second is not None:
            values[name] = gamma * MU_0 * float(given[source]) * field * second
        else:
            raise InputError(_missing(name, f"{name} (or {source} in A/m and a time unit)", given))
    for name in ("lambda_ex", "a"):
        if name not in given:
            raise InputError(_missing(name, name, given))
        values[name] = float(given[name])
    if second is not None and metre is not None:
        scale = MU_0 * gamma**2 * second**2 / metre**3
        values["J"] = values["omega_M"] ** 2 * values["lambda_ex"] ** 2 * values["a"] / scale
        values["d_z"] = values["omega_M"] * values["omega_K"] * values["a"] ** 3 / (2 * scale)
    kernel = str(given.get("kernel", "chain"))
    found = Magnet(**values, alpha=float(given.get("alpha", 0.0)), kernel=kernel)
    tables = recorded_kernels(ds)
    if EXCHANGE in tables:
        found = replace(found, table=tables[EXCHANGE])
        if "kernel" not in changes:
            found = replace(found, kernel=_name_of(found, kernel))
    return found


def recorded_kernels(ds):
    """``{name: (k, omega)}``: the scalar kernels of its problem file that a run keeps."""
    ends = ("kernel_", "_omega")
    names = [
        str(key)[len(ends[0]) : -len(ends[1])]
        for key in ds.attrs
        if str(key).startswith(ends[0]) and str(key).endswith(ends[1])
    ]
    return {n: (ds.attrs[f"kernel_{n}_k"], ds.attrs[f"kernel_{n}_omega"]) for n in names}


def other_kernels(ds):
    """Names of the kernels besides W that the problem file of a run defines, tensors too."""
    definition = re.compile(r"^\s*(\w+)\s*=\s*spinhydro\.(?:kernel|stencil)\(", re.MULTILINE)
    made = definition.findall(str(ds.attrs.get("source")))
    return [name for name in dict.fromkeys([*made, *recorded_kernels(ds)]) if name != EXCHANGE]


def _name_of(material, kernel):
    """The stated name of a kernel if its table is that law, another known law, or OWN."""
    k, omega = material.table
    stated = SAME_LAW.get(kernel.lower(), kernel.lower())
    for name in dict.fromkeys((stated, "chain", "micromagnetic")):
        if name in KERNELS and name != OWN:
            difference = np.abs(material.exchange(k, name) - omega).max()
            if difference <= SAME * np.abs(omega).max():
                return kernel if name == stated else name
    return OWN


def _gamma(given, second, metre):
    """gamma in rad/(T s), and the factor that turns the run's magnetization into A/m.

    Problem files with units state gamma in kg, A and their own length and time: 1.76e23 for nm
    and ps; plain scripts state 1.76e11. Nothing magnetic lies a decade away from either.
    """
    gamma = float(given.get("gamma", GAMMA))
    for turned, field in ((gamma, 1.0), (gamma * (second or 1), 1 / (metre or 1))):
        if 0.1 < turned / GAMMA < 10:
            return turned, field
    raise InputError(
        f"gamma = {gamma:g} is not a plausible gyromagnetic ratio in rad/(T s) "
        "(1.76e11 for an electron); state it with --parameter gamma=NUMBER"
    )


def _length_unit(ds):
    return next((ds[dim].attrs.get("units") for dim in ("x", "y", "z") if dim in ds.coords), None)


def _missing(name, text, given):
    likely = nearest(name, [str(key) for key in given])
    return (
        f"the run states no parameter {text}{f'; did you mean {likely!r}?' if likely else '.'} "
        f"State it with --parameter {name}=NUMBER, or give a run of problems/ with its material"
    )
