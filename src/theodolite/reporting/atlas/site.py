"""The atlas: a folder of pages about papers, people and topics, which opens from disk and loads nothing."""

import base64
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from theodolite.numerics.progress import Progress, silent
from theodolite.reporting import pages, words
from theodolite.reporting.atlas import links, records, search
from theodolite.reporting.atlas.chosen import chosen
from theodolite.reporting.atlas.claims import anchors, shown_claim
from theodolite.reporting.atlas.map import drawn_map
from theodolite.reporting.atlas.totals import headline, shares

if TYPE_CHECKING:
    from theodolite.experiments.case import Case
    from theodolite.experiments.result import Result

ROOM = Path(__file__).resolve().parent.parent
OURS = '<meta name="generator" content="theodolite">'


def atlas_pages(results: "Iterable[Result]", cases: "Iterable[Case[Any]] | None" = None) -> dict[str, str]:
    """Every page of the atlas, by its path in the folder; the same results give the same bytes.

    Args: results, of which one is shown for each case, set of data files and seed: full before smoke, finished before
        broken, the latest; cases, what could be measured, by default all this package knows.
    Cost: about half a second for each panel.
    """
    return {path: draw() for path, (_, draw) in _plan(results, cases).items()}


def write_atlas(
    results: "Iterable[Result]",
    folder: str | Path,
    cases: "Iterable[Case[Any]] | None" = None,
    progress: Progress = silent,
) -> Path:
    """Write the pages of `atlas_pages` into a folder, each whole or not at all; the index comes last.

    Pages whose results have not changed since they were drawn are kept as they are; pages of an earlier atlas that
    nothing leads to any more are removed.
    Returns: the path of the index.
    """
    folder = Path(folder)
    plan = _plan(results, cases)
    for done, (path, (mark, draw)) in enumerate(plan.items()):
        progress(done, len(plan), f"drawing {path}")
        kept = _read(folder / path)
        if mark and mark in kept:
            continue
        page = draw()
        if page != kept:
            pages.write(folder / path, page)
    for place in ("papers", "people", "topics"):
        for old in (folder / place).glob("*.html"):
            if f"{place}/{old.name}" not in plan and OURS in _read(old):
                old.unlink(missing_ok=True)
    return folder / links.INDEX


def _plan(results: "Iterable[Result]", cases: "Iterable[Case[Any]] | None") -> dict[str, tuple[str, Callable[[], str]]]:
    """What is drawn, in this order: path: (a mark inside the page that changes with its contents or "", how)."""
    if cases is None:
        from theodolite.experiments.catalogue import all_cases

        cases = all_cases()
    views = records.paper_views(chosen(results), cases)
    persons, subjects = records.people(views), records.topics(views)
    finds = search.entries(views, persons, subjects)
    plan: dict[str, tuple[str, Callable[[], str]]] = {}
    for before, view, after in zip((None, *views), views, (*views[1:], None)):
        mark = _mark(view, finds)
        plan[view.page] = mark, functools.partial(_paper, view, before, after, mark, finds)
    for person in persons:
        plan[person.page] = "", functools.partial(_page, "author", "../", finds, person=person, whole=len(views))
    for subject in subjects:
        plan[subject.page] = "", functools.partial(_page, "topic", "../", finds, topic=subject)
    plan[links.INDEX] = "", functools.partial(_index, views, persons, subjects, finds)
    return plan


def _index(views: Any, persons: Any, subjects: Any, finds: Any) -> str:
    claims = [claim for view in views for claim in view.claims]
    results = [result for view in views for result in view.results]
    decided = [result for result in results if result.mode == "full"]
    return _page(
        "index",
        "",
        finds,
        headline=headline([claim.verdict for claim in claims]),
        shares=shares(claim.verdict for claim in claims),
        checks=shares(check.verdict for result in decided for check in result.checks),
        seconds=words.duration(sum(result.duration for result in results)),
        smoke=any(claim.smoke for claim in claims),
        missing=sum(len(view.missing) for view in views),
        views=views,
        open=records.open_questions(views),
        map=drawn_map(views, persons, subjects),
        persons=persons,
        topics=subjects,
    )


def _paper(view: records.PaperView, before: Any, after: Any, mark: str, finds: Any) -> str:
    return _page(
        "paper",
        "../",
        finds,
        mark=mark,
        paper=view,
        headline=headline([claim.verdict for claim in view.claims]),
        checks=shares(check.verdict for result in view.results if result.mode == "full" for check in result.checks),
        seconds=words.duration(sum(result.duration for result in view.results)),
        authors=[(name, links.author_page(name)) for name in view.record.authors] if view.record else [],
        topics=[(topic, links.topic_page(topic)) for topic in view.record.topics] if view.record else [],
        claims=[shown_claim(anchor, one) for anchor, one in zip(anchors(view.results), view.results, strict=True)],
        before=before,
        after=after,
    )


def _page(kind: str, root: str, finds: Any, **values: Any) -> str:
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return pages.render(
        f"atlas/{kind}.html.j2",
        policy=f"{pages.CONTENT_SECURITY_POLICY}; script-src 'sha256-{digest}'",
        root=root,
        script=Markup(script),
        finds=finds,
        **{"mark": "", **values},
    )


@functools.cache
def _script() -> str:
    return "\n" + (ROOM / "templates" / "atlas" / "atlas.js").read_text(encoding="utf-8")


def _mark(view: records.PaperView, finds: Any) -> str:
    """A digest of all that a paper's page is made of, so that it need not be drawn to know that it is the same."""
    digest = hashlib.sha256(_version().encode())
    for result in view.results:
        for name, array in sorted(result.arrays.items()):
            array = np.ascontiguousarray(array)
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
    document = [
        [result.to_json() for result in view.results],
        [asdict(line) for line in (*view.claims, *view.missing)],
        asdict(view.record) if view.record else view.key,
        finds,
    ]
    digest.update(json.dumps(document, sort_keys=True, default=str).encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


@functools.cache
def _version() -> str:
    """Changes with everything that draws."""
    digest = hashlib.sha256(importlib.metadata.version("matplotlib").encode())
    for path in sorted(ROOM.rglob("*")):
        if path.suffix in (".py", ".j2", ".js"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
