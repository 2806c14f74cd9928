"""`theodolite datasets`: what can be surveyed by name."""

from pathlib import Path
from typing import Annotated

import typer

from theodolite.cli import console


def datasets(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="Also the .npz sets there.", show_default="$THEODOLITE_DATA"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the data sets that `survey` knows by name.

    [dim]Example:[/dim]  theodolite datasets
    """
    import dataclasses

    from theodolite.cli import tables
    from theodolite.datasets import names
    from theodolite.reporting import words

    found = names(data_folder=data)
    if as_json:
        console.tell_json([dataclasses.asdict(entry) for entry in found])
        return
    rows = [(e.name, words.count(e.rows), words.count(e.columns), e.task, e.where) for e in found]
    titles = ("name", "rows", "columns", "task", "where")
    console.stdout().print(tables.listing(titles, rows, right=("rows", "columns")))
    console.say("Survey one of them: theodolite survey diabetes")
