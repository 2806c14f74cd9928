"""Reductions and connections of networks for the terminal."""

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from theodolite.reporting import words
from theodolite.reporting.terminal_phase import BARS, DIGITS, bars

if TYPE_CHECKING:
    from theodolite.landscape import Connection, Reduction

MOST_LETTERS = 60


def reduction_table(found: "Reduction") -> Table:
    """A hidden layer a line: neurons before and after, and what became of the others."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("hidden layer", "neurons", "kept", "copies", "silent", "constant", "never active"):
        table.add_column(title, justify="right")
    for place, layer in enumerate(found.layers):
        numbers = (layer.width, layer.kept, layer.copies, layer.silent, layer.constant, layer.inactive)
        table.add_row(str(place + 1), *(str(number) for number in numbers))
    return table


def connection_table(found: "Connection", loss_name: str) -> Table:
    """What was found, a line each: quantity, value, meaning."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("quantity", "value", "meaning"):
        table.add_column(title, justify="right" if title == "value" else "left", overflow="fold")
    rows = (
        ("segments", str(found.segments), "straight ones, over spare neurons in each hidden layer"),
        ("certificate", _short(found.deviation), "largest change of an output along them, over the largest output"),
        ("distance left", _short(found.distance), "from their end to the second network, over its norm"),
        ("rise along the path", _short(found.barrier), f"of the {loss_name} above the larger end, last line included"),
        ("rise along the line", _short(found.straight_barrier), "the same on the straight line between the two"),
    )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def connection_picture(found: "Connection", unicode: bool = True) -> Table:
    """The loss along the straight line and along the path, a line of bars each, on one scale."""
    letters = BARS if unicode else DIGITS
    low = min(found.loss.min(), found.straight_loss.min())
    high = max(found.loss.max(), found.straight_loss.max())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("way")
    table.add_column(f"loss from {words.number(float(low), 3)} to {words.number(float(high), 3)}", overflow="fold")
    for name, position, loss in (
        ("straight line", found.straight_position, found.straight_loss),
        ("path", found.way, found.loss),
    ):
        table.add_row(name, bars((_binned(position, loss) - low) / ((high - low) or 1.0), letters))
    return table


def change(share: float) -> str:
    """A relative change in words.

    >>> change(3e-16), change(2.5e-4)
    ('round-off, 3e-16 of the largest', '2.5e-4 of the largest')
    """
    number = words.number(share, 2) if share >= 1e-5 else f"{share:.0e}"
    return f"round-off, {number} of the largest" if share < 1e-12 else f"{number} of the largest"


def _short(value: float) -> str:
    return f"{value:.1e}" if abs(value) < 1e-4 and value else words.number(value, 3)


def _binned(position: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """The largest loss in each of 60 equal parts of the way, ends of the parts included: no peak is lost."""
    ends = np.linspace(0.0, position[-1], MOST_LETTERS + 1)
    at_ends = np.interp(ends, position, loss)
    place = np.minimum((position / position[-1] * MOST_LETTERS).astype(int), MOST_LETTERS - 1)
    inside = np.full(MOST_LETTERS, -np.inf)
    np.maximum.at(inside, place, loss)
    return np.maximum(inside, np.maximum(at_ends[1:], at_ends[:-1]))
