"""`theodolite curvature`: what the Hessian of a model's loss looks like, and whether Gauss-Newton is safe."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress

if TYPE_CHECKING:
    from theodolite.cli.curvature_model import Model
    from theodolite.curvature import CurvatureReport

_DATA, _EFFORT = "Data", "Effort"


class LossName(StrEnum):
    """Losses that have a name."""

    mse = "mse"
    cross_entropy = "cross_entropy"


def curvature(
    factory: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODULE:FACTORY]",
            help="A function that returns f, params[, data[, loss]]; FILE.py:FACTORY too. Without: a small network.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="A file or a name as for survey.",
            show_default="the factory's, or digits",
            rich_help_panel=_DATA,
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="COLUMN", help="Its target.", rich_help_panel=_DATA)
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", help="At most N rows of --data, at random.", rich_help_panel=_DATA),
    ] = None,
    loss: Annotated[
        LossName | None,
        typer.Option("--loss", metavar="LOSS", help="mse or cross_entropy.", show_default="the factory's"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="A page and a JSON file go there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides every random draw.")] = 0,
    train_steps: Annotated[
        int | None,
        typer.Option(
            "--train-steps",
            metavar="N",
            help="Of the small network, 0 for none.",
            show_default="100",
            rich_help_panel=_EFFORT,
        ),
    ] = None,
    probes: Annotated[
        int, typer.Option("--probes", metavar="N", help="Random vectors of a density.", rich_help_panel=_EFFORT)
    ] = 10,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", help="Lanczos steps of each.", rich_help_panel=_EFFORT)
    ] = 40,
    top: Annotated[
        int, typer.Option("--top", metavar="N", help="Eigenvalues at the upper end.", rich_help_panel=_EFFORT)
    ] = 10,
    memory_limit: Annotated[
        str | None,
        typer.Option("--memory-limit", metavar="SIZE", help="Such as 4GB.", show_default="60 % of free"),
    ] = None,
) -> None:
    """Measure the Hessian of a model's loss: Gauss-Newton, residual, densities, layers, and a verdict.

    [dim]Example:[/dim]  theodolite curvature my_models:make --data table.csv --target price
    """
    _check(out, seed, rows, probes, steps, top, train_steps, factory, memory_limit)
    with progress.shown("reading the model") as tell:
        from theodolite import curvature as room
        from theodolite.cli import curvature_model
        from theodolite.cli.table_arrays import read_data

        named = None if loss is None else loss.value
        table = None
        if data is not None or factory is None:
            name = curvature_model.EXAMPLE if data is None else data
            many = rows if rows is not None or data is not None else curvature_model.EXAMPLE_ROWS
            table = read_data(name, target, many, seed, memory_limit)
        if factory is not None:
            model = curvature_model.from_factory(factory, table, named)
        else:
            assert table is not None
            more = curvature_model.EXAMPLE_STEPS if train_steps is None else train_steps
            model = curvature_model.small_network(table, named, more, seed, tell)
        found = room.report(
            model.f, model.params, model.data, model.loss,
            probes=probes, steps=steps, top=top, seed=seed, memory_limit=memory_limit, progress=tell,
        )  # fmt: skip
        written = [] if out is None else _written(model, found, out)
    if as_json:
        console.tell_json({**_document(model, found), "written": [str(path) for path in written]})
        return
    _tell(model, found, written)


def _check(
    out: Path | None,
    seed: int,
    rows: int | None,
    probes: int,
    steps: int,
    top: int,
    train_steps: int | None,
    factory: str | None,
    memory_limit: str | None,
) -> None:
    """Settings that can be refused before anything is imported."""
    from theodolite.numerics import BadInput
    from theodolite.numerics.memory import parse_bytes

    for value, name, least in ((probes, "probes", 2), (steps, "steps", 2), (top, "top", 1), (rows, "rows", 2)):
        if value is not None and value < least:
            raise BadInput(f"--{name} must be at least {least}, got {value}")
    if train_steps is not None and (train_steps < 0 or factory is not None):
        raise BadInput(
            "--train-steps is a number from 0 on, for the small network; a factory brings its own parameters"
        )
    if not 0 <= seed < 2**32:
        raise BadInput(f"--seed must be a whole number from 0 to 2^32 - 1, got {seed}")
    if memory_limit is not None:
        parse_bytes(memory_limit)
    if out is not None and out.is_file():
        raise BadInput(f"--out {out} is a file; name a folder that does not exist yet or is empty")


def _document(model: "Model", found: "CurvatureReport") -> dict[str, Any]:
    return {"model": model.name, **found.to_json(), "notes": [*model.notes, *found.notes]}


def _written(model: "Model", found: "CurvatureReport", out: Path) -> list[Path]:
    from theodolite.cli import out_folder
    from theodolite.numerics.files import write_json
    from theodolite.reporting import write_curvature_page

    with out_folder.claimed(out, "curvature") as folder:
        page = write_curvature_page(found, folder / "report.html", name=model.name, notes=model.notes)
        return [page, write_json(folder / "curvature.json", _document(model, found))]


def _tell(model: "Model", found: "CurvatureReport", written: list[Path]) -> None:
    from theodolite.reporting.terminal_curvature import curvature_table, layers_table

    stdout = console.stdout()
    console.say(f"{model.name}: {found.parameters:,} parameters, {found.rows:,} rows, {found.loss} {found.value:.4g}")
    stdout.print(curvature_table(found))
    stdout.print(layers_table(found))
    console.say(f"Gauss-Newton is {found.verdict} here: {found.reason}.")
    for line in (*model.notes, *found.notes):
        console.say(line)
    for path in written:
        console.say(f"Written: {path}")
