"""`theodolite survey` on a table that is read in blocks: globs of Parquet or CSV parts, here or on a cluster."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theodolite import datasets
from theodolite.cli.survey_data import Rows, refuse_both
from theodolite.numerics import BadInput
from theodolite.numerics.progress import Progress

if TYPE_CHECKING:
    from theodolite.random_features.row_blocks import RowSource


@dataclass(frozen=True)
class Streamed:
    """What goes in: the parts of a table, its target, and to measure on, rows of another file or a share of these."""

    name: str
    task: str
    target_name: str
    source: str
    rows: "RowSource"
    holdout: Rows | None
    share: float | None
    notes: tuple[str, ...]


def is_stream(data: str, scheduler: str | None) -> bool:
    """Whether the data are read in blocks: a pattern of files, or anything that goes to a cluster.

    >>> is_stream("parts/*.parquet", None), is_stream("table.csv", None), is_stream("table.csv", "local")
    (True, False, True)
    """
    return scheduler is not None or (re.search(r"[*?\[]", data) is not None and not Path(data).exists())


def gathered(
    data: str,
    *,
    target: str | None,
    task: str,
    test: Path | None,
    holdout: float | None,
    groups: str | None,
    max_rows: int | None,
) -> Streamed:
    """Open the parts, decide the task from a sample, read the test file.

    Raises: BadInput for options that need all rows at once, and for what cannot be read.
    """
    from theodolite.random_features import open_rows
    from theodolite.survey.streaming import chosen_target, decided

    if groups is not None:
        raise BadInput(
            f"--groups needs all rows of a group at once, and {data} is read in blocks: give one file, with --max-rows "
            "if it is large; or put whole groups into a file of their own, measure on it with --test, and leave "
            "--groups out"
        )
    if max_rows is not None:
        raise BadInput(
            f"--max-rows draws among all rows at once, and {data} is read in blocks, all of it: leave --max-rows out"
        )
    refuse_both(test, holdout)
    rows = open_rows(data)
    column = chosen_target(rows, target)
    kind = decided(rows, column, task)
    held = None
    if test is not None:
        other = datasets.load(test, target=column, task=kind)
        held = Rows(other.inputs, other.targets)
    parts = len(rows.partitions)
    note = f"{data} was read in blocks: {parts} part{'s' * (parts != 1)}, {len(rows.columns)} columns"
    return Streamed(_name(data), kind, column, f"files {data}", rows, held, holdout, (note, *rows.notes))


def fitted(found: Streamed, tell: Progress, scheduler: str | None, **settings: Any) -> Any:
    """The survey of a stream, measured on the rows of the test file or on those held out, where there are some."""
    from theodolite.survey import KernelSurvey, KernelSurveyClassifier, with_holdout

    kind = KernelSurvey if found.task == "regression" else KernelSurveyClassifier
    tell(0, 0, f"surveying {found.name}")
    model = kind(progress=tell, **settings)
    model.fit_stream(found.rows, found.target_name, scheduler=scheduler, holdout=found.share)
    if found.holdout is not None:
        with_holdout(model, found.holdout.inputs, found.holdout.targets, progress=tell)
    return model


def _name(data: str) -> str:
    """A short name for a pattern.

    >>> _name("data/higgs/part-*.parquet"), _name("data/higgs/*.parquet"), _name("table.csv")
    ('part', 'higgs', 'table')
    """
    path = Path(data)
    start = re.split(r"[*?\[]", path.name)[0]
    if start == path.name:
        from theodolite.datasets.reading import ending_of

        start = path.name.removesuffix(ending_of(path.name))
    return start.strip("-_. ") or path.parent.name or "table"
