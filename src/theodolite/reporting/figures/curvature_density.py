"""The densities of H, I and S on one axis; the eigenvalues of I, which the data allow, as ticks below."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.curvature import CurvatureReport

SIGNS = {
    "hessian": ("Hessian H", "blue"),
    "gauss_newton": ("Gauss-Newton I", "vermilion"),
    "residual": ("residual S", "green"),
}
POINTS, WIDTH = 800, 0.008  # of the axis


def curvature_density(found: "CurvatureReport", *, narrow: bool = False) -> "Figure":
    """Densities per eigenvalue, times P: how many eigenvalues there are around each place."""
    from matplotlib.figure import Figure

    ends = np.array([one.support for one in found.densities.values()])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    room = 0.04 * (high - low or 1.0)
    grid = np.linspace(low - room, high + room, POINTS)
    width = WIDTH * (grid[-1] - grid[0])
    with theme.drawing():
        figure = Figure(figsize=theme.NARROW if narrow else theme.WIDE, layout="constrained")
        axes, ticks = figure.subplots(2, 1, sharex=True, height_ratios=(6, 1) if not narrow else (5, 1))
        floor = 0.3 / (grid[-1] - grid[0])
        for part, (label, hue) in SIGNS.items():
            density, error = (found.parameters * values for values in found.densities[part].density(grid, width))
            colour = theme.colour(hue)
            axes.plot(grid, np.maximum(density, floor / 100), color=colour, label=label)
            axes.fill_between(
                grid,
                np.maximum(density - error, floor / 100),
                np.maximum(density + error, floor / 100),
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
        top = found.parameters / width
        theme.logarithmic(axes, "y", floor, 1.5 * top, most=5)
        axes.set_ylabel("eigenvalues per unit")
        axes.legend(loc="upper right")
        _ticks(ticks, found)
        ticks.set(xlim=(grid[0], grid[-1]), xlabel="eigenvalue")
    return figure


def _ticks(axes: object, found: "CurvatureReport") -> None:
    rows = [("ends of H", found.top["hessian"].values, "blue")]
    if found.gram_eigenvalues is not None:
        rows.append(("all of I", found.gram_eigenvalues, "vermilion"))
    else:
        rows.append(("largest of I", found.top["gauss_newton"].values, "vermilion"))
    for place, (_, values, hue) in enumerate(rows):
        axes.vlines(values, place - 0.35, place + 0.35, colors=theme.colour(hue), linewidth=1)  # type: ignore[attr-defined]
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])  # type: ignore[attr-defined]
    axes.set_ylim(len(rows) - 0.4, -0.6)  # type: ignore[attr-defined]
    axes.grid(axis="y", visible=False)  # type: ignore[attr-defined]
    axes.tick_params(axis="y", length=0)  # type: ignore[attr-defined]
