"""A phase as a picture file: SVG or PNG by the ending of the name."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.numerics.errors import BadInput
from theodolite.numerics.files import write_atomically

if TYPE_CHECKING:
    from theodolite.infinite_width import Phase

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


def write_phase_picture(found: "Phase", name: str, path: str | Path) -> Path:
    """Draw the figure of a phase into a file; the same phase gives the same bytes. Raises: BadInput, OSError."""
    from theodolite.reporting.figures.phase import phase_figure
    from theodolite.reporting.svg import png
    from theodolite.reporting.theme import colour, drawing

    path = Path(path)
    ending = picture_ending(path)
    figure = phase_figure(found, name)
    if ending == ".png":
        write_atomically(path, png(figure))
        return path
    target = io.BytesIO()
    with drawing():
        figure.savefig(
            target, format="svg", metadata={"Date": None, "Creator": None, "Title": name}, facecolor=colour("surface")
        )
    write_atomically(path, target.getvalue())
    return path
