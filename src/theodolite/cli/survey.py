"""`theodolite survey`: data in; risk table, chosen model and report out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress, stops
from theodolite.numerics.progress import Progress

if TYPE_CHECKING:
    from theodolite.cli.survey_data import SurveyData
    from theodolite.cli.survey_stream import Streamed
    from theodolite.survey.record import SurveyRecord

_MEASURE = "Measure the prediction"
_LIMIT = "Limits"
_LARGE = "Large tables"


class Route(StrEnum):
    """Which machine is fitted."""

    auto = "auto"
    exact = "exact"
    nystrom = "nystrom"
    features = "features"


class Task(StrEnum):
    """What the target is."""

    auto = "auto"
    regression = "regression"
    classification = "classification"


def survey(
    context: typer.Context,
    data: Annotated[str, typer.Argument(metavar="DATA", help="A CSV, TSV, Parquet or .npz file, a glob, or a name.")],
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict.")
    ] = None,
    task: Annotated[
        Task, typer.Option("--task", metavar="KIND", help="auto, regression or classification.")
    ] = Task.auto,
    groups: Annotated[
        str | None, typer.Option("--groups", metavar="COLUMN", help="Rows of one group are left out together.")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option("--candidates", "-c", metavar="LIST|FILE", help="Kernels: rbf,linear or a JSON file."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Results go there.", show_default="theodolite-out/NAME"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides every random draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    holdout: Annotated[
        float | None,
        typer.Option("--holdout", metavar="SHARE", help="Hold rows out, such as 0.2.", rich_help_panel=_MEASURE),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", metavar="FILE", help="Rows to measure on.", rich_help_panel=_MEASURE)
    ] = None,
    max_rows: Annotated[
        int | None, typer.Option("--max-rows", metavar="N", help="Fit at most N rows.", rich_help_panel=_LIMIT)
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="SECONDS", help="Start no kernel after that.", rich_help_panel=_LIMIT),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            "--memory-limit", metavar="SIZE", help="Such as 4GB.", show_default="60 % of free", rich_help_panel=_LIMIT
        ),
    ] = None,
    route: Annotated[
        Route, typer.Option("--route", metavar="KIND", help="auto, exact, nystrom or features.", rich_help_panel=_LARGE)
    ] = Route.auto,
    features: Annotated[
        int | None,
        typer.Option("--features", metavar="P", help="How many of them.", show_default="2048", rich_help_panel=_LARGE),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="dask: local or tcp://...", rich_help_panel=_LARGE),
    ] = None,
) -> None:
    """Predict the risk of every candidate kernel from the training data, choose one, fit it, report.

    [dim]Examples:[/dim]  theodolite survey houses.csv --target price --holdout 0.2
               theodolite survey "parts/*.parquet" --target price --scheduler local
    """
    with progress.shown(f"reading {data}") as tell:
        from theodolite.cli import out_folder, survey_data, survey_files, survey_stream
        from theodolite.reporting import write_survey_page

        wanted = _checked(candidates, max_rows, time_limit, memory_limit, seed)
        if survey_stream.is_stream(data, scheduler):
            found = survey_stream.gathered(
                data, target=target, task=task, test=test, groups=groups, holdout=holdout, max_rows=max_rows
            )
        else:
            found = survey_data.gathered(
                data,
                target=target,
                task=task,
                groups=groups,
                test=test,
                holdout=holdout,
                memory_limit=memory_limit,
                seed=seed,
            )
        files = survey_files.SurveyFiles(out if out is not None else survey_files.default_folder(found.name))
        go_on = f"finished candidates are kept in {files.folder}: run the same command again to go on from there"
        with out_folder.claimed(files.folder, "survey"), stops.resumable(go_on), files.writing():
            model = _fitted(
                found,
                tell,
                scheduler,
                candidates=wanted,
                max_rows=max_rows,
                route=str(route),
                features=features,
                time_limit=time_limit,
                memory_limit=memory_limit,
                random_state=seed,
                folder=files.state,
            )
            record = _described(model.record_, found, data, _command(context), target=target, groups=groups, test=test)
            model.record_ = record
            tell(0, 0, "writing the report")
            text = files.publish(record, model.save, lambda path: write_survey_page(record, path))
    _tell(record, text, files, as_json)


def _checked(
    candidates: str | None, max_rows: int | None, time_limit: float | None, memory_limit: str | None, seed: int
) -> Any:
    """Settings that can be refused before any data are read; the candidates."""
    import numpy as np

    from theodolite.numerics import BadInput
    from theodolite.numerics.memory import parse_bytes
    from theodolite.survey import FAMILIES, read_candidates
    from theodolite.survey.candidates import candidates as named

    if not 0 <= seed < 2**32:
        raise BadInput(f"--seed must be a whole number from 0 to 2^32 - 1, got {seed}")
    if max_rows is not None and max_rows < 10:
        raise BadInput(f"--max-rows must be at least 10, got {max_rows}")
    if time_limit is not None and not 0 < time_limit < float("inf"):
        raise BadInput(f"--time-limit is a positive number of seconds, got {time_limit:g}")
    if memory_limit is not None:
        parse_bytes(memory_limit)
    if candidates is None:
        return None
    wanted = read_candidates(candidates)
    if not wanted:
        raise BadInput(f"--candidates {candidates!r} names no kernel; known families: {', '.join(FAMILIES)}")
    named(wanted, np.eye(3))
    return wanted


def _fitted(found: "SurveyData | Streamed", tell: Progress, scheduler: str | None, **settings: Any) -> Any:
    from theodolite.cli import survey_stream

    if isinstance(found, survey_stream.Streamed):
        return survey_stream.fitted(found, tell, scheduler, **settings)
    from theodolite.survey import KernelSurvey, KernelSurveyClassifier, with_holdout

    kind = KernelSurvey if found.task == "regression" else KernelSurveyClassifier
    rows = found.training
    tell(0, 0, f"surveying {len(rows)} rows of {found.name}")
    model = kind(progress=tell, **settings).fit(rows.inputs, rows.targets, groups=rows.groups)
    if found.holdout is not None:
        with_holdout(model, found.holdout.inputs, found.holdout.targets, progress=tell)
    return model


def _described(
    record: "SurveyRecord", found: "SurveyData | Streamed", data: str, command: str, **settings: Any
) -> "SurveyRecord":
    """The record with what only the command knows: names, treatments while reading, the command itself."""
    import dataclasses

    given = {key: str(value) for key, value in settings.items() if value is not None}
    return dataclasses.replace(
        record,
        data={**record.data, "name": found.name, "target": found.target_name, "source": found.source},
        notes=(*found.notes, *record.notes),
        settings={"data": data, **given, **record.settings},
        command=command,
    )


def _command(context: typer.Context) -> str:
    """The command as it can be typed again, without options that change nothing in the results."""
    import shlex

    words = ["theodolite", "survey"]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value is None or value == parameter.default or parameter.name in ("as_json", "out"):
            continue
        option = [] if parameter.param_type_name == "argument" else [parameter.opts[0]]
        words += [*option, str(value)]
    return shlex.join(words)


def _tell(record: "SurveyRecord", text: str, files: Any, as_json: bool) -> None:
    from theodolite.cli import answer
    from theodolite.reporting import survey_table

    for line in record.notes:
        console.note(line)
    written = f"{files.report} (open it), {files.results}, {files.model}"
    if as_json:
        console.note(f"written: {written}")
        console.tell_json_text(text)
        return
    out = console.stdout()
    out.print(survey_table(record, out.width))
    for line in answer.lines(record):
        console.say(line)
    console.say(f"Written: {written}")
    console.say(f"Predict new rows: theodolite predict {files.folder} NEW_ROWS.csv")
