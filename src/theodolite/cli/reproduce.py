"""`theodolite reproduce`: claims of the papers, measured again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console, progress, stops

if TYPE_CHECKING:
    from theodolite.experiments import Outlook, Result
    from theodolite.experiments.check import Mode

ATLAS = "atlas"


def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PAPER|CASE]...", help="What to measure again.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every case of every paper.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List papers and cases, run nothing.")] = False,
    full: Annotated[
        bool | None, typer.Option("--full/--smoke", help="Decide the claims, or only try.", show_default="full")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", help="Cases side by side.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Measure afresh what is stored.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FOLDER", help="Real data sets.", show_default="$THEODOLITE_DATA")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Results go there.", show_default="theodolite-results"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides every random draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Measure the claims of the papers again: holds, fails or inconclusive, with an atlas of pages to open from disk.

    A run can be stopped at any time and goes on where it was. What is stored already is not measured twice: when all
    of it is, the command only draws the atlas again, and of that only the pages that have changed.

    [dim]Example:[/dim]  theodolite reproduce kare --smoke
    """
    if listed:
        _list(names or [], as_json)
        return
    _check(names or [], everything, jobs, seed)
    with progress.shown("gathering the cases") as tell:
        from theodolite.cli import out_folder
        from theodolite.experiments import DEFAULT_FOLDER, Store, outlook, run_many, select
        from theodolite.reporting import write_atlas

        cases = select(names or [])
        mode: Mode = "smoke" if full is False else "full"
        folder = Path(DEFAULT_FOLDER) if out is None else out
        go_on = f"finished parts are kept in {folder}: run the same command again to go on from there"
        with out_folder.claimed(folder, "reproduce", _holds_runs), stops.resumable(go_on):
            store = Store(folder)
            ahead = outlook(cases, mode, store, jobs=jobs, seed=seed, again=again, data_folder=data)
            console.note(_forecast(ahead, jobs))
            results = run_many(cases, mode, store, jobs=jobs, progress=tell, seed=seed, again=again, data_folder=data)
            page = write_atlas([*store.results(), *results], folder / ATLAS, progress=tell)
    _tell(results, page, as_json)
    if any(result.error for result in results):
        raise typer.Exit(1)


def _check(names: Sequence[str], everything: bool, jobs: int, seed: int) -> None:
    from theodolite.numerics import BadInput

    if jobs < 1:
        raise BadInput(f"--jobs must be at least 1, got {jobs}")
    if seed < 0:
        raise BadInput(f"--seed must be a whole number of at least 0, got {seed}")
    if everything and names:
        raise BadInput(f"--all already means every case; leave out {' '.join(names)}, or --all")
    if not everything and not names:
        raise BadInput(
            "nothing was named to reproduce; name a paper or a case (theodolite reproduce --list shows them), or --all"
        )


def _forecast(ahead: "Outlook", jobs: int) -> str:
    """What the run will take, in one sentence."""
    from theodolite.reporting import words

    due = ahead.cases - ahead.stored
    if not due:
        return f"{'all ' if ahead.cases > 1 else ''}{ahead.cases} stored already; drawing the atlas"
    timed = due - ahead.untimed
    said = [f"{due} of {ahead.cases} to measure, the others are stored" if ahead.stored else f"{due} to measure"]
    if timed:
        side = f", {jobs} side by side" if jobs > 1 else ""
        said.append(
            f"about {words.duration(ahead.seconds)}{side}, by times seen on one core of the development machine"
        )
    if ahead.untimed:
        said.append(f"{ahead.untimed} never timed")
    return "; ".join(said)


def _holds_runs(entry: Path) -> bool:
    """Whether this is a folder of a case as a store lays it out, made by a script perhaps."""
    return entry.is_dir() and any(run.name.startswith(("full-", "smoke-")) for run in entry.iterdir())


def _list(names: Sequence[str], as_json: bool) -> None:
    from theodolite.cli import tables
    from theodolite.experiments import select

    cases = select(names)
    if as_json:
        keys = ("paper", "name", "claim", "source")
        console.tell_json([{key: getattr(case, key) for key in keys} for case in cases])
        return
    rows = [(case.paper, case.name, case.claim) for case in cases]
    console.stdout().print(tables.listing(("paper", "case", "claim"), rows))


def _tell(results: "Sequence[Result]", page: Path, as_json: bool) -> None:
    if as_json:
        console.note(f"written: {page}")
        console.tell_json({"page": str(page), "results": [_summary(result) for result in results]})
        return
    from theodolite.reporting import results_table

    out = console.stdout()
    out.print(results_table(results, out.width))
    for result in results:
        if result.error:
            console.note(f"{result.case} broke: {result.error}")
    if results and results[0].mode == "smoke":
        console.say("A smoke run shows that the machinery works and decides nothing; run it without --smoke to decide.")
    console.say(f"Atlas: {page} (open it)")


def _summary(result: "Result") -> dict[str, Any]:
    """A result without its panels, which are for drawing."""
    return {key: value for key, value in result.to_json().items() if key not in ("panels", "arrays")}
