"""`theodolite papers`: the ten works, their authors and topics, and what was measured of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from theodolite.cli import console

if TYPE_CHECKING:
    from theodolite.papers import Paper


def papers(
    keys: Annotated[list[str] | None, typer.Argument(metavar="[PAPER]...", help="One or several, by key.")] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Works of a person, whole name.")
    ] = None,
    topic: Annotated[str | None, typer.Option("--topic", metavar="TOPIC", help="Works on a topic.")] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FOLDER", help="Verdicts from there.", show_default="theodolite-results"),
    ] = None,
    as_bibtex: Annotated[bool, typer.Option("--bibtex", help="BibTeX on stdout.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the papers this package measures again, who wrote them, what implements them and what came out.

    [dim]Example:[/dim]  theodolite papers --author "Clément Hongler"
    """
    from theodolite import papers as room
    from theodolite.numerics import BadInput

    if sum(map(bool, (keys, author, topic))) > 1:
        raise BadInput("give papers, --author or --topic, one of the three")
    if as_bibtex and as_json:
        raise BadInput("--bibtex and --json both write to stdout; give one")
    chosen: Sequence[Paper] = room.PAPERS
    person = None
    if keys:
        chosen = [room.paper(key) for key in keys]
    elif author:
        person = room.author(author)
        chosen = person.papers
    elif topic:
        chosen = room.by_topic(topic)
    if as_bibtex:
        typer.echo(room.bibtex(chosen))
        return
    verdicts = _verdicts(results)
    if as_json:
        console.tell_json(_document(chosen, person, verdicts))
        return
    _tell(chosen, person, verdicts, detailed=bool(keys))


def _verdicts(folder: Path | None) -> dict[str, dict[str, str]]:
    """The latest verdict of each case of full runs found in a folder, by paper."""
    from theodolite.experiments import DEFAULT_FOLDER, Store
    from theodolite.numerics import BadInput

    if folder is not None and not folder.is_dir():
        raise BadInput(f"{folder} is not a folder; give one that theodolite reproduce wrote, or leave --results out")
    found: dict[str, dict[str, str]] = {}
    for result in sorted(Store(folder or DEFAULT_FOLDER).results(), key=lambda one: one.started):
        if result.mode == "full":
            found.setdefault(result.paper, {})[result.case] = result.verdict
    return found


def _document(chosen: "Sequence[Paper]", person: Any, verdicts: dict[str, dict[str, str]]) -> dict[str, Any]:
    from theodolite.papers.authors import NO_IDENTITY_CHECK

    document: dict[str, Any] = {"papers": [{**one.to_json(), "verdicts": verdicts.get(one.key, {})} for one in chosen]}
    if person is not None:
        document["author"] = {
            "name": person.name,
            "note": NO_IDENTITY_CHECK,
            "collaborators": dict(person.collaborators),
            "topics": dict(person.topics),
        }
    return document


def _tell(chosen: "Sequence[Paper]", person: Any, verdicts: dict[str, dict[str, str]], detailed: bool) -> None:
    from theodolite.cli import tables
    from theodolite.papers.authors import NO_IDENTITY_CHECK

    out = console.stdout()
    if detailed:
        for one in chosen:
            console.say(f"{one.key}: {one.title}")
            console.say(f"{', '.join(one.authors)} ({one.year}), {one.venue}, {one.link}")
            if one.also_titled:
                console.say(f"also: {one.also_titled}")
            console.say(f"Topics: {', '.join(one.topics)}")
            console.say(one.summary)
            console.say(f"In this package: {', '.join(one.implemented_by)}; theodolite reproduce {one.key}")
            for case, verdict in verdicts.get(one.key, {}).items():
                console.say(f"{case}: {verdict}")
            console.say("")
        return
    rows = [
        (
            one.key,
            one.title,
            ", ".join(name.split()[-1] for name in one.authors),
            str(one.year),
            _summed(verdicts, one.key),
        )
        for one in chosen
    ]
    out.print(tables.listing(("paper", "title", "authors", "year", "measured"), rows))
    if person is not None:
        others = ", ".join(f"{name} ({count})" for name, count in person.collaborators)
        console.say(f"{person.name}: {len(person.papers)} of the ten. With {others}.")
        console.say(NO_IDENTITY_CHECK)


def _summed(verdicts: dict[str, dict[str, str]], key: str) -> str:
    own = list(verdicts.get(key, {}).values())
    return ", ".join(f"{own.count(word)} {word}" for word in ("holds", "fails", "inconclusive") if word in own)
