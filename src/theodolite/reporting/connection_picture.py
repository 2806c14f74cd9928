"""A connection of two networks as a picture file: SVG or PNG by the ending of the name."""

from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.reporting.picture_file import picture_ending, write_picture

if TYPE_CHECKING:
    from theodolite.landscape import Connection


def write_connection_picture(found: "Connection", names: tuple[str, str], loss_name: str, path: str | Path) -> Path:
    """Draw the figure of a connection into a file; same connection, same bytes. Raises: BadInput, OSError."""
    from theodolite.reporting.figures.connection import connection_figure

    picture_ending(Path(path))  # a wrong name is refused before anything is drawn
    return write_picture(connection_figure(found, names, loss_name), f"{names[0]} to {names[1]}", Path(path))
