"""One average against another in time: a hysteresis loop (output=M against=B component=z)."""

import numpy as np

from spinhydro.analysis import run_figure, style
from spinhydro.analysis.statistics import hysteresis_loop
from spinhydro.errors import InputError, did_you_mean

NEEDS = {"run": ("ferromagnetic_gas",)}
#: Usual names of the driving field and of what follows it.
DRIVES = ("B", "H", "h", "H_ext", "B_ext", "field", "delta")
RESPONSES = ("M", "m_mean", "mz_mean", "m", "Z")


def draw(ax, run, output=None, against=None, component="z", member=0):
    """Draw the loop; return coercive fields, remanence and area of a whole cycle."""
    names = output or _first(run, RESPONSES), against or _first(run, DRIVES)
    M, B = (_series(run, name, component, int(member)) for name in names)
    ax.plot(B, M, lw=1.2, color=style.INK)
    ax.plot(B[0], M[0], "o", ms=3, color=style.INK)
    x, y = (style.label(run[name]) for name in reversed(names))
    has_components = any(style.is_tensor(str(dim)) for dim in run[names[0]].dims)
    ax.set(xlabel=x, ylabel=f"{component} component of {y}" if has_components else y)
    ax.set_title(style.run_label(run))
    try:
        loop = hysteresis_loop(B, M)
    except InputError as error:
        return [str(error)]
    return {
        "coercive": ", ".join(f"{value:.5g}" for value in loop.coercive) or "none",
        "remanence": ", ".join(f"{value:.5g}" for value in loop.remanence) or "none",
        "area": f"{loop.area:.5g}",
    }


def check(name, run):
    """Raise InputError for a run without a field and an average that follows it."""
    if not (_first(run, RESPONSES) and _first(run, DRIVES)):
        held = ", ".join(map(str, run.data_vars)) or "none"
        raise InputError(
            f'{name}: needs averages against time, outputs = {{"M": "ave(m)", "B": "B"}} (outputs: '
            f"{held}); --name B=OUTPUT calls one of another name B"
        )


def _first(run, names):
    return next((name for name in names if name in run and not _space(run[name])), None)


def _space(variable):
    dims = [str(dim) for dim in variable.dims]
    return [dim for dim in dims if dim not in ("t", "member") and not style.is_tensor(dim)]


def _series(run, name, component, member):
    """Values (t,) of one component of one member of an output without an axis of space."""
    if name not in run:
        hint = did_you_mean(name, list(map(str, run.data_vars)))
        raise InputError(f"loop: this run has no output {name!r}; {hint}".rstrip("; "))
    variable = run[name]
    if _space(variable) or "t" not in variable.dims:
        raise InputError(f"loop: {name} is not an average against time: output ave({name})")
    if "member" in variable.dims:
        if not 0 <= member < variable.sizes["member"]:
            raise InputError(f"loop: member={member}: 0 to {variable.sizes['member'] - 1}")
        variable = variable.isel(member=member)
    tensor = [dim for dim in variable.dims if style.is_tensor(str(dim))]
    for dim in tensor:
        letters = "xyz"[: variable.sizes[dim]]
        if component not in letters:
            raise InputError(f"loop: component={component}: one of {', '.join(letters)}")
        variable = variable.isel({dim: letters.index(component)})
    return np.real(variable.values)


if __name__ == "__main__":
    run_figure(__file__)
