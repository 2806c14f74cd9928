"""A figure as a picture file: SVG or PNG by the ending of the name."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".png")


def picture_ending(path: Path) -> str:
    """The ending of a picture file. Raises: BadInput for any but .svg and .png, and for a folder.

    >>> picture_ending(Path("phase.SVG"))
    '.svg'
    """
    if path.is_dir():
        raise BadInput(f"--out {path} is a folder; add a file name, for example {path / 'phase.svg'}")
    if path.suffix.lower() not in ENDINGS:
        raise BadInput(f"--out {path} ends with {path.suffix or 'nothing'!r}; expected a file ending with .svg or .png")
    return path.suffix.lower()


def write_picture(figure: "Figure", title: str, path: Path) -> Path:
    """Save a figure with a title; the same figure gives the same bytes. Raises: BadInput, OSError."""
    from theodolite.reporting.svg import png
    from theodolite.reporting.theme import colour, drawing

    if picture_ending(path) == ".png":
        return write_atomically(path, png(figure))
    target = io.BytesIO()
    metadata = {"Date": None, "Creator": None, "Title": title}
    with drawing():
        figure.savefig(target, format="svg", metadata=metadata, facecolor=colour("surface"))
    return write_atomically(path, target.getvalue())
