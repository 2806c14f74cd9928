"""A phase as a picture file: SVG or PNG by the ending of the name."""

from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.reporting.picture_file import picture_ending, write_picture

if TYPE_CHECKING:
    from theodolite.infinite_width import Phase


def write_phase_picture(found: "Phase", name: str, path: str | Path) -> Path:
    """Draw the figure of a phase into a file; the same phase gives the same bytes. Raises: BadInput, OSError."""
    from theodolite.reporting.figures.phase import phase_figure

    picture_ending(Path(path))  # a wrong name is refused before anything is drawn
    return write_picture(phase_figure(found, name), name, Path(path))
