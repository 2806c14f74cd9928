"""The traces of both parts, layer by layer."""

from typing import TYPE_CHECKING

import numpy as np

from theodolite.reporting import theme, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theodolite.curvature import CurvatureReport

MOST = 24


def curvature_layers(found: "CurvatureReport", *, narrow: bool = False) -> "Figure":
    """Bars of Tr I and Tr S with their standard errors; of many layers those with the largest traces."""
    from matplotlib.figure import Figure

    layers = shown_layers(found)
    places = np.arange(len(layers))
    with theme.drawing():
        height = min(max(1.4 + 0.5 * len(layers), 2.6), 9.0)
        figure = Figure(figsize=(theme.NARROW[0] if narrow else theme.WIDE[0], height), layout="constrained")
        axes = figure.subplots()
        for shift, part, label, hue in (
            (-0.2, "gauss_newton", "Tr I", "vermilion"),
            (0.2, "residual", "Tr S", "green"),
        ):
            parts = [getattr(layer, part) for layer in layers]
            axes.barh(
                places + shift,
                [one.value for one in parts],
                0.36,
                color=theme.colour(hue),
                linewidth=0,
                label=label,
                xerr=[one.standard_error for one in parts],
                error_kw={"ecolor": theme.colour("ink"), "elinewidth": 1.1, "capsize": 2.5},
            )
        axes.axvline(0, color=theme.colour("faint"), linewidth=0.8)
        axes.set_yticks(places, [words.shortened(layer.name, 16 if narrow else 30) for layer in layers])
        axes.set(ylim=(len(layers) - 0.4, -0.6), xlabel="trace of the layer's diagonal block")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower left", ncols=2)
    return figure


def shown_layers(found: "CurvatureReport") -> list:
    """At most 24 layers, in their order."""
    size = [abs(layer.gauss_newton.value) + abs(layer.residual.value) for layer in found.layers]
    kept = sorted(np.argsort(-np.array(size), kind="stable")[:MOST])
    return [found.layers[place] for place in kept]
