"""Plain listings for the terminal: text of files and users is shown as text, long cells fold."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from theodolite.reporting import words

if TYPE_CHECKING:
    from rich.table import Table


def listing(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> "Table":
    """A table with one line of titles; columns named in `right` are aligned to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(words.plain(cell)) for cell in row))
    return table
