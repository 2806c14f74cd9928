"""A curvature report for the terminal: one table of numbers with their errors, one of layers."""

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.curvature import CurvatureReport, Estimate

STYLES = {"safe": "green", "borderline": "yellow", "not safe": "red"}
NOTED = 1e-5  # errors below this share of a number are not shown: they are rounding


def said(one: "Estimate") -> str:
    """A value with its error, where that is more than rounding.

    >>> from theodolite.curvature import Estimate
    >>> said(Estimate(0.51234, 0.0312)), said(Estimate(0.51234, 1e-9)), said(Estimate(0.51234))
    ('0.512 ± 0.031', '0.5123', '0.5123')
    """
    if one.standard_error > NOTED * abs(one.value):
        return words.with_error(one.value, one.standard_error)
    return words.number(one.value, 4)


def curvature_table(found: "CurvatureReport") -> Table:
    """What was found, a line each: quantity, value with its error, meaning."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("quantity", "value", "meaning"):
        table.add_column(title, justify="right" if title == "value" else "left", overflow="fold")
    table.add_row(
        "Gauss-Newton",
        Text(found.verdict, style=f"bold {STYLES.get(found.verdict, '')}"),
        "safe: |S|op below a tenth of the largest eigenvalue of I",
    )
    for name, one, meaning in found.quantities():
        table.add_row(Text(name), Text(said(one)), Text(meaning))
    return table


def layers_table(found: "CurvatureReport") -> Table:
    """The diagonal block of every layer: parameters, traces, largest eigenvalue."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("layer", overflow="fold")
    for title in ("parameters", "Tr I", "Tr S", "largest eigenvalue of H"):
        table.add_column(title, justify="right", overflow="fold")
    for layer in found.layers:
        largest = words.MISSING if layer.largest is None else said(layer.largest)
        cells = (words.count(layer.parameters), said(layer.gauss_newton), said(layer.residual), largest)
        table.add_row(Text(words.plain(layer.name)), *map(Text, cells))
    return table
