"""A figure with its words: what it is, what to see in it, and the same in one line for those who cannot see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from theodolite.reporting.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Illustration:
    """One figure of a page; `draw(narrow)` gives it for a wide or a narrow window."""

    key: str
    title: str
    caption: str
    description: str
    draw: "Callable[[bool], Figure]"

    def wide(self) -> Markup:
        """Inline SVG for a wide window."""
        return Markup(inline_svg(self.draw(False), f"{self.key}-w", self.title, self.description))

    def narrow(self) -> Markup:
        """Inline SVG for a narrow window."""
        return Markup(inline_svg(self.draw(True), f"{self.key}-n", self.title, self.description))
