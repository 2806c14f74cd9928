"""A connection of two networks as a picture file: SVG or PNG by the ending of the name."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from theodolite.numerics.files import write_atomically
from theodolite.reporting.phase_picture import picture_ending

if TYPE_CHECKING:
    from theodolite.landscape import Connection


def write_connection_picture(found: "Connection", names: tuple[str, str], loss_name: str, path: str | Path) -> Path:
    """Draw the figure of a connection into a file; same connection, same bytes. Raises: BadInput, OSError."""
    from theodolite.reporting.figures.connection import connection_figure
    from theodolite.reporting.svg import png
    from theodolite.reporting.theme import colour, drawing

    path = Path(path)
    ending = picture_ending(path)
    figure = connection_figure(found, names, loss_name)
    if ending == ".png":
        return write_atomically(path, png(figure))
    target = io.BytesIO()
    metadata = {"Date": None, "Creator": None, "Title": f"{names[0]} to {names[1]}"}
    with drawing():
        figure.savefig(target, format="svg", metadata=metadata, facecolor=colour("surface"))
    return write_atomically(path, target.getvalue())
