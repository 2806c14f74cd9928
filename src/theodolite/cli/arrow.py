"""`theodolite arrow`: whether texts are easier to predict forwards or backwards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress, stops

if TYPE_CHECKING:
    from theodolite.language_arrow import ArrowComparison
    from theodolite.numerics.progress import Progress

_TEXT, _EFFORT = "Text", "Effort"


def arrow(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|DIR|GLOB...", help="A corpus each; several are compared. Quote a GLOB.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="MODEL", help="ngram, gpt, gru, lstm, or a size as gpt-0.9M.")
    ] = "gru",
    tokenizer: Annotated[
        str,
        typer.Option("--tokenizer", metavar="KIND", help="byte, char, bpe or bpe-reversed.", rich_help_panel=_TEXT),
    ] = "byte",
    vocabulary: Annotated[
        int | None,
        typer.Option("--vocabulary", metavar="N", help="Of bpe.", show_default="512", rich_help_panel=_TEXT),
    ] = None,
    documents: Annotated[
        str,
        typer.Option(
            "--documents", metavar="WHERE", help="They end: auto, blank, files, lines.", rich_help_panel=_TEXT
        ),
    ] = "auto",
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="NAME", help="Of the files.", rich_help_panel=_TEXT)
    ] = "utf-8",
    together: Annotated[
        bool, typer.Option("--together", help="All arguments are one corpus.", rich_help_panel=_TEXT)
    ] = False,
    context: Annotated[
        int | None,
        typer.Option("--context", metavar="N", help="Tokens of a window.", show_default="128", rich_help_panel=_EFFORT),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Pairs of runs.", rich_help_panel=_EFFORT)] = 3,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget", metavar="SECONDS", help="For all corpora.", show_default="300", rich_help_panel=_EFFORT
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Of each run, instead of a budget.", rich_help_panel=_EFFORT),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", metavar="N", help="Windows a step.", rich_help_panel=_EFFORT)] = 32,
    order: Annotated[int, typer.Option("--order", metavar="N", help="Of the n-gram.", rich_help_panel=_EFFORT)] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Page, JSON and checkpoints go there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Measure sources whose arrow is known to be zero.")
    ] = False,
) -> None:
    """Measure whether texts are easier to predict forwards or backwards, with an interval.

    [dim]Example:[/dim]  theodolite arrow corpus.txt --budget 300
    """
    _check(texts, self_test, out, seeds, steps, budget, batch, context)
    if self_test:
        raise typer.Exit(_self_test(as_json))
    names = texts or []
    settings = {
        "model": model, "tokenizer": tokenizer, "vocabulary": vocabulary, "context": context, "seeds": seeds,
        "steps": steps, "batch": batch, "order": order,
    }  # fmt: skip
    with progress.shown("reading the texts") as tell:
        from theodolite import language_arrow as room

        groups = [(names, None)] if together else [([one], None) for one in names]
        corpora = [room.read_corpus(group, documents=documents, name=name, encoding=encoding) for group, name in groups]
        settings["budget"] = None if steps is not None else (300.0 if budget is None else budget) / len(corpora)
        found, written = _measured(corpora, settings, out, tell)
    if as_json:
        console.tell_json({**found.to_json(), "written": [str(path) for path in written]})
        return
    _tell(found, written)


def _check(
    texts: list[str] | None, self_test: bool, out: Path | None, seeds: int, steps: int | None, budget: float | None,
    batch: int, context: int | None,
) -> None:  # fmt: skip
    from theodolite.numerics import BadInput

    if not texts and not self_test:
        raise BadInput("name a text file, a folder or a quoted pattern; or --self-test")
    if texts and self_test:
        raise BadInput("--self-test measures sources of its own: leave the texts out")
    if seeds < 1 or batch < 1 or (steps is not None and steps < 1) or (budget is not None and not budget > 0):
        raise BadInput("--seeds, --steps, --batch and --budget must be positive")
    if steps is not None and budget is not None:
        raise BadInput("give --steps or --budget, not both")
    if context is not None and context < 2:
        raise BadInput(f"--context must be at least 2, got {context}")
    if out is not None and out.is_file():
        raise BadInput(f"--out {out} is a file; name a folder that does not exist yet or is empty")


def _measured(
    corpora: list[Any], settings: dict[str, Any], out: Path | None, tell: "Progress"
) -> "tuple[ArrowComparison, list[Path]]":
    from theodolite import language_arrow as room

    if out is None:
        return room.compare(corpora, progress=tell, **settings), []
    from theodolite.cli import out_folder
    from theodolite.numerics.files import write_json
    from theodolite.reporting import write_arrow_page

    with out_folder.claimed(out, "arrow") as folder, stops.resumable(f"run it again with --out {out} to go on"):
        found = room.compare(corpora, progress=tell, folder=folder / "checkpoints", **settings)
        tell(0, 0, "writing the page")
        page = write_arrow_page(found, folder / "report.html")
        return found, [page, write_json(folder / "arrow.json", found.to_json())]


def _tell(found: "ArrowComparison", written: list[Path]) -> None:
    from theodolite.reporting.terminal_arrow import arrow_table, context_table, limits, sentence

    stdout = console.stdout()
    for one in found.results:
        console.say(f"{sentence(one)}.")
    stdout.print(arrow_table(found))
    if len(found.results) == 1:
        stdout.print(context_table(found.results[0]))
    console.say(limits(found.results[0]))
    for note in dict.fromkeys(note for one in found.results for note in one.notes):
        console.say(f"{note[:1].upper()}{note[1:]}.")
    for path in written:
        console.say(f"Written: {path}")


def _self_test(as_json: bool) -> int:
    """Sources whose arrow is known, through the same pipeline; 1 when one of them is not met."""
    with progress.shown("measuring sources whose arrow is known") as tell:
        from theodolite import language_arrow as room

        found = room.arrow_oracles(progress=tell)
    if as_json:
        console.tell_json(found.to_json())
    else:
        for one in found.oracles:
            console.say(f"{'passed' if one.passed else 'FAILED'}: {one}")
    return 0 if found.passed else 1
