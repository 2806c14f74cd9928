"""A phase for the terminal: a table of the verdict, and the tangent kernel in a line of bars for each angle."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.infinite_width import Phase

STYLES = {"order": "blue", "chaos": "red", "edge": "green"}
BARS, DIGITS = "▁▂▃▄▅▆▇█", "0123456789"
MOST_LAYERS = 60


def phase_table(found: "Phase") -> Table:
    """What was found, a line each: quantity, value, meaning."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("quantity", "value", "meaning"):
        table.add_column(title, justify="right" if title == "value" else "left", overflow="fold")
    style = f"bold {STYLES.get(found.verdict, '')}"
    table.add_row("verdict", Text(found.verdict, style=style), "order: r < 1, chaos: r > 1, edge: r = 1")
    for name, value, meaning in _rows(found):
        table.add_row(Text(name), Text(value), Text(meaning))
    return table


def _rows(found: "Phase") -> list[tuple[str, str, str]]:
    number = _number
    variance = number(found.variance) if found.variance_fate == "stable" else found.variance_fate
    rows = [
        ("characteristic value r", number(found.characteristic, 5), "slope at 1 of the correlation map of a layer"),
        ("variance", variance, "of a layer, deep inside, for inputs of squared norm d"),
        ("fixed correlation", number(found.fixed_point, 5), "that two inputs tend to"),
        ("slope there", number(found.fixed_slope, 5), "how fast correlations settle: factor a layer"),
        (
            "depth scale",
            number(found.depth_scale),
            "layers in which the distance of the normalised NTK to its limit falls by e",
        ),
        ("normalised NTK", number(found.normalised_limit), "limit in depth, of two inputs over one input"),
        ("NTK off the diagonal", number(found.ntk_limit), "limit in depth, in the unit of the kernel"),
    ]
    for name, bias in (("standardised", found.critical_bias), ("normalised", found.critical_bias_normalised)):
        text = "none" if bias is None else number(bias, 5)
        rows.append(
            (f"critical bias, {name}", text, f"bias_std at the edge of balanced layers with the {name} activation")
        )
    return rows


def phase_picture(found: "Phase", unicode: bool = True) -> Table:
    """The normalised NTK against depth, a line for each angle, and against the angle at the own depth.

    Bars from 0 (or below) to 1; digits 0 to 9 where the terminal has no bars.
    """
    letters = BARS if unicode else DIGITS
    layers = min(len(found.by_depth[0]), MOST_LAYERS)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("angle", justify="right")
    table.add_column(f"normalised NTK, layers 1 to {layers}", overflow="fold")
    table.add_column(f"at {found.depth} layers", justify="right")
    for angle, curve in zip(found.shown_angles, found.by_depth, strict=True):
        own = found.normalised_ntk[found.angles.index(angle)]
        table.add_row(f"{angle:g}°" if unicode else f"{angle:g}", bars(curve[:layers], letters), _number(own))
    table.add_row("0 to 180", bars(found.normalised_ntk, letters), "by angle")
    return table


def bars(values: Iterable[float], letters: str = BARS) -> str:
    """Numbers between 0 and 1 as letters of growing height; below 0 as 0, and nothing for NaN.

    >>> bars([0.0, 0.5, 1.0, -1.0])
    '▁▅█▁'
    """
    top = len(letters) - 1
    return "".join(" " if math.isnan(v) else letters[round(min(max(v, 0.0), 1.0) * top + 1e-9)] for v in values)


def _number(value: float, digits: int = 3) -> str:
    if math.isinf(value):
        return "infinite"
    return "open" if math.isnan(value) else words.number(value if abs(value) > 1e-12 else 0.0, digits)
