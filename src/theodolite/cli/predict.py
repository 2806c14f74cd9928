"""`theodolite predict`: a saved survey meets new rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress

if TYPE_CHECKING:
    import pandas as pd


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The out folder of a survey, or its model folder.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A CSV, TSV, Parquet or .npz file, or a name.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the CSV there, not to stdout.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Predict new rows with a surveyed model: CSV with one column, [b]prediction[/b], in the order of the rows.

    [dim]Example:[/dim]  theodolite predict theodolite-out/houses new.csv --out prices.csv
    """
    with progress.shown(f"loading {model}") as tell:
        _refuse_folder(out)
        folder = model_folder(model)
        from theodolite import survey
        from theodolite.numerics.files import json_ready, write_atomically

        fitted = survey.load(folder)
        tell(0, 1, f"reading {data}")
        table, notes = _table(data, _target(fitted))
        tell(0, 1, f"predicting {len(table)} rows")
        predictions = json_ready(fitted.predict(table))
        notes += fitted.encoder_.encode(table).notes
        text = _csv(predictions)
        if out is not None:
            write_atomically(out, text)
    for line in notes:
        console.note(line)
    if as_json:
        written = None if out is None else str(out)
        console.tell_json(
            {
                "model": str(folder),
                "data": data,
                "rows": len(predictions),
                "written": written,
                "notes": notes,
                "predictions": predictions,
            }
        )
    elif out is None:
        console.tell_text(text)
    else:
        console.say(f"{len(predictions)} predictions written to {out}")


def model_folder(given: Path) -> Path:
    """The folder of the saved model in what was given: itself, or the `model` inside an out folder of `survey`."""
    from theodolite.numerics import BadInput

    if not given.exists():
        raise BadInput(f"there is no model folder {given}; give the out folder of a survey, as theodolite survey said")
    if not given.is_dir():
        raise BadInput(f"{given} is a file; give the folder that theodolite survey wrote")
    inside = given / "model"
    return inside if inside.is_dir() else given


def _refuse_folder(out: Path | None) -> None:
    from theodolite.numerics import BadInput

    if out is not None and out.is_dir():
        raise BadInput(f"--out {out} is a folder; add a file name, for example {out / 'predictions.csv'}")


def _target(fitted: Any) -> str | None:
    return fitted.record_.data.get("target") if hasattr(fitted, "record_") else None


def _table(data: str, target: str | None) -> "tuple[pd.DataFrame, list[str]]":
    """The rows to predict on, without the target if it is there."""
    import os

    from theodolite.datasets import load, read_table
    from theodolite.datasets.reading import ending_of

    is_path = ending_of(data) or os.sep in data or Path(data).exists()
    if data.startswith("openml:") or not is_path:
        found = load(data)
        return found.inputs, list(found.notes)
    table = read_table(data, least_rows=1)
    notes = [str(note) for note in table.attrs.get("notes", ())]
    return table.drop(columns=target) if target in table.columns else table, notes


def _csv(predictions: list[Any]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction"])
    writer.writerows([value] for value in predictions)
    return text.getvalue()
