"""Fig. 3b of paper A: Z(t, x), the front that moves inwards, and the sound speeds.

Farolfi et al., Nature Physics 17, 1359 (2021).  Black bars: x_c; solid: the fitted front; dashed:
the spin sound c_s; dash-dotted: the density sound c, m c² = (g + g12) n/2, from the same point on.
The front accelerates inwards, so its speed depends on `thresholds` and `fit_range`.
"""

from spinhydro.analysis import front, interface, maps, run_figure, style

NEEDS = {"gpe": ("coupled_gpe", "Z", "n", "Omega_R", "kappa_n0")}
LINE = True


def draw(ax, gpe, thresholds=front.THRESHOLDS, fit_range=front.RANGE, width=front.WIDTH):
    """Draw the map of Z with the fitted front (solid), c_s (dashed), c (dash-dotted) and x_c."""
    maps.space_time(gpe.Z, ax)
    style.frame_x(ax, gpe)
    x_c = interface.critical_position(gpe)
    style.bars(ax, [-x_c, x_c], 0.4 * interface.rabi_period(gpe))
    found = front.inward(gpe, thresholds, fit_range, width)
    low, high = fit_range
    lines = [(found.speed, "-", f"front, {found.text}")]
    if "c_s" in gpe.attrs:
        lines.append((gpe.c_s, "--", "$c_s$"))
    if "c" in gpe.attrs:
        lines.append((gpe.c, "-.", "$c$"))
    for speed, line, name in lines:
        style.slope(ax, speed, line, name, start=high, end=low, origin=found.time_at(high))
    ax.legend(
        loc="lower center", ncols=3, frameon=True, framealpha=0.85, edgecolor="none", fontsize=6.5
    )
    return {"front": found.text, "paper": "1.4(1) c_s; measured 1.8(2) c_s", "recipe": found.recipe}


def check(name, gpe):
    """Raise InputError unless at least a few outputs have the front inside the range."""
    interface.critical_position(gpe)
    front.inward(gpe)


if __name__ == "__main__":
    run_figure(__file__)
