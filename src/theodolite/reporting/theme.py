"""One visual language for pages and figures: roles of colour in a light and a dark dress, type, ticks."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

# role: (light, dark). Lines and marks keep 3:1 against the surface, text 4.5:1; the hues stay apart for
# colour-blind readers (after Okabe and Ito 2008, darkened or lightened for each surface).
COLOURS: dict[str, tuple[str, str]] = {
    "page": ("#f5f6f4", "#11161a"),
    "surface": ("#ffffff", "#1a2126"),
    "ink": ("#17212b", "#e8edf0"),
    "muted": ("#55626e", "#a3b0ba"),
    "line": ("#d7dcdf", "#36424b"),
    "faint": ("#aab4bb", "#5b6973"),
    "blue": ("#0a6aa8", "#62b6ec"),
    "vermilion": ("#b94806", "#ff9257"),
    "green": ("#00795a", "#3fcaa0"),
    "purple": ("#9a4384", "#e39bcd"),
    "ochre": ("#8f6400", "#e3b341"),
    "slate": ("#4b5f99", "#a9b6f0"),
}
SERIES = ("blue", "vermilion", "green", "purple", "ochre", "slate")
MARKERS = ("o", "s", "^", "D", "v", "P")
MOODS = {"good": "green", "unsure": "ochre", "bad": "vermilion", "plain": "muted"}

DASHES = (0, (3, 2))
DOTS = (0, (1, 2))

# inches: a figure across the page, two beside each other, a telephone
WIDE = (9.4, 4.4)
HALF = (5.1, 4.5)
NARROW = (4.1, 4.1)


def colour(role: str) -> str:
    """The light colour of a role; on pages it is replaced by the role's variable."""
    return COLOURS[role][0]


def style_sheet() -> dict[str, dict[str, str]]:
    """CSS variables of both dresses: {"light": {"--ink": ...}, "dark": ...}."""
    return {
        "light": {f"--{role}": pair[0] for role, pair in COLOURS.items()},
        "dark": {f"--{role}": pair[1] for role, pair in COLOURS.items()},
    }


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw in the house style whatever the user's matplotlib settings are, and leave those as they were.

    `text.parse_math` is off: a column may be called `$\\frac{` and must be shown as it is.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_settings())
        yield


def _settings() -> dict[str, Any]:
    return {
        "text.usetex": False,
        "text.parse_math": False,
        "axes.formatter.use_mathtext": False,
        "axes.unicode_minus": True,
        "axes.formatter.useoffset": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "theodolite",
        "svg.image_inline": True,
        "path.simplify": True,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "auto",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": colour("ink"),
        "axes.labelsize": 10,
        "axes.labelcolor": colour("ink"),
        "axes.edgecolor": colour("faint"),
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": colour("line"),
        "grid.linewidth": 0.7,
        "text.color": colour("ink"),
        "xtick.color": colour("faint"),
        "ytick.color": colour("faint"),
        "xtick.labelcolor": colour("muted"),
        "ytick.labelcolor": colour("muted"),
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "legend.labelcolor": colour("ink"),
        "hatch.linewidth": 0.7,
    }


def log_label(value: float, _position: int | None = None) -> str:
    """A tick on a logarithmic axis, without TeX.

    >>> log_label(0.01), log_label(2.0), log_label(1e-7), log_label(2e6)
    ('0.01', '2', '10⁻⁷', '2×10⁶')
    """
    if not (value > 0 and math.isfinite(value)):
        return ""
    power = math.floor(math.log10(value) + 1e-9)
    if -4 < power < 5:
        return f"{value:.10g}"
    mantissa = round(value / 10.0**power, 6)
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == 1 else f"{mantissa:.6g}×10{raised}"


def logarithmic(
    axes: Any, direction: str, low: float, high: float, label: Callable[[float, Any], str] | None = None, most: int = 6
) -> None:
    """Make the `direction` ("x" or "y") of axes logarithmic from `low` to `high`, with few ticks, in plain text."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    axis = axes.xaxis if direction == "x" else axes.yaxis
    axes.set(**{f"{direction}scale": "log", f"{direction}lim": (low, high)})
    axis.set_major_locator(FixedLocator(log_ticks(low, high, most)))
    axis.set_major_formatter(FuncFormatter(label or log_label))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two positive ends, evenly spread on a logarithmic axis, at most `most`.

    >>> log_ticks(0.9, 1100.0), log_ticks(0.2, 0.5), log_ticks(0.33, 0.43)
    ([1.0, 10.0, 100.0, 1000.0], [0.2, 0.25, 0.3, 0.4, 0.5], [0.34, 0.36, 0.38, 0.4, 0.42])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    choices: list[list[float]] = []
    for mantissas in ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3)):
        choices.append([float(f"{m}e{p}") for p in range(first, last + 1) for m in mantissas])
    for step in (1, 2, 3, 5, 10, 20, 50):
        choices.append([float(f"1e{p}") for p in range(first, last + 1) if p % step == 0])
    if high < 2 * low:
        choices.insert(0, _even_ticks(low, high, most))
    for ticks in choices:
        inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(inside) <= most:
            return inside
    return []


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of the smallest round step that gives at most `most` of them."""
    power = math.floor(math.log10((high - low) / most))
    for mantissa in (1, 2, 5, 10, 20):
        first, last = (round(end / mantissa / 10.0**power, 9) for end in (low, high))
        places = range(math.ceil(first), math.floor(last) + 1)
        if len(places) <= most:
            return [float(f"{place * mantissa}e{power}") for place in places]
    return []
