"""How both parts curve along the leading eigenvectors of each: paired bars."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.curvature import CurvatureReport


def curvature_directions(found: "CurvatureReport", *, narrow: bool = False) -> "Figure":
    """Left the eigenvectors of I, right those of S; for each v the bars v'Iv and v'Sv."""
    from matplotlib.figure import Figure

    panels = (("along the eigenvectors of I", found.along_gauss_newton), ("along those of S", found.along_residual))
    with theme.drawing():
        size = (theme.NARROW[0], 1.5 * theme.NARROW[1]) if narrow else theme.WIDE
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
        for axes, (title, one) in zip(grid, panels, strict=True):
            places = np.arange(1, len(one.residual) + 1)
            axes.bar(places - 0.2, one.gauss_newton, 0.38, color=theme.colour("vermilion"), linewidth=0, label="v′Iv")
            axes.bar(places + 0.2, one.residual, 0.38, color=theme.colour("green"), linewidth=0, label="v′Sv")
            axes.axhline(0, color=theme.colour("faint"), linewidth=0.8)
            axes.set_title(title)
            axes.set_xlabel("eigenvector, by |eigenvalue|")
            axes.set_xticks(places)
            axes.grid(axis="x", visible=False)
        grid[0].set_ylabel("curvature along v")
        grid[0].legend(loc="upper right")
    return figure
