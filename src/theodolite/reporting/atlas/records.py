"""Papers, people and topics as the templates show them: the record of `theodolite.papers` beside what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from theodolite import papers as room
from theodolite.reporting import words
from theodolite.reporting.atlas import links
from theodolite.reporting.atlas.checks import shown_check
from theodolite.reporting.atlas.claims import anchors
from theodolite.reporting.atlas.totals import Share, deciding, reason, shares

if TYPE_CHECKING:
    from theodolite.experiments.case import Case
    from theodolite.experiments.result import Result


@dataclass(frozen=True)
class Claim:
    """A line of a list of claims. `page` with the anchor, from the atlas's folder; `apart`: what sets it apart from
    other runs of its case: a seed, data files, settings of an earlier version.
    """

    case: str
    claim: str
    verdict: str
    page: str
    apart: str
    seconds: str
    smoke: bool


@dataclass(frozen=True)
class Missing:
    """A case nobody has measured in this folder, and what measures it."""

    case: str
    claim: str
    source: str
    anchor: str
    command: str
    expected: str


@dataclass(frozen=True)
class PaperView:
    """One work with what was measured of it; `record` is None for a paper that `theodolite.papers` does not know."""

    key: str
    title: str
    page: str
    record: room.Paper | None
    results: "tuple[Result, ...]"
    claims: tuple[Claim, ...]
    missing: tuple[Missing, ...]

    @property
    def shares(self) -> tuple[Share, ...]:
        """Counts of verdicts."""
        return shares(claim.verdict for claim in self.claims)

    @property
    def year(self) -> str:
        """The year, or nothing."""
        return str(self.record.year) if self.record else ""

    @property
    def command(self) -> str:
        """What measures all of it."""
        return f"theodolite reproduce {self.key}"


@dataclass(frozen=True)
class Person:
    """An author with links; `together` are (name, page, works in common), `topics` (topic, page, works)."""

    name: str
    page: str
    years: tuple[tuple[int, tuple[PaperView, ...]], ...]
    together: tuple[tuple[str, str, int], ...]
    topics: tuple[tuple[str, str, int], ...]

    @property
    def works(self) -> int:
        """How many."""
        return sum(len(views) for _, views in self.years)


@dataclass(frozen=True)
class Topic:
    """A topic with its works, the people of these works and the topics that share one, by number of works."""

    name: str
    page: str
    papers: tuple[PaperView, ...]
    people: tuple[tuple[str, str, int], ...]
    neighbours: tuple[tuple[str, str, int], ...]


def paper_views(found: "Mapping[str, Sequence[Result]]", cases: "Iterable[Case[Any]]") -> tuple[PaperView, ...]:
    """All papers that are known, have a case or have a result."""
    cases = tuple(cases)
    known = {one.key: one for one in room.PAPERS}
    keys = dict.fromkeys([*known, *found, *(case.paper for case in cases)])
    return tuple(
        _paper_view(key, known.get(key), found.get(key, ()), [case for case in cases if case.paper == key])
        for key in keys
    )


def _paper_view(
    key: str, record: room.Paper | None, results: "Sequence[Result]", cases: "Sequence[Case[Any]]"
) -> PaperView:
    page = links.paper_page(key)
    measured = {result.case for result in results}
    current = {case.name: case for case in cases}
    return PaperView(
        key=words.plain(key),
        title=record.title if record else words.plain(key),
        page=page,
        record=record,
        results=tuple(results),
        claims=tuple(
            _claim(page, anchor, result, current.get(result.case))
            for anchor, result in zip(anchors(results), results, strict=True)
        ),
        missing=tuple(_missing(case) for case in cases if case.name not in measured),
    )


def _claim(page: str, anchor: str, result: "Result", case: "Case[Any] | None") -> Claim:
    return Claim(
        case=words.plain(result.case),
        claim=words.plain(result.claim),
        verdict=result.verdict,
        page=f"{page}#{anchor}",
        apart=_apart(result, case),
        seconds=words.duration(result.duration),
        smoke=result.mode == "smoke",
    )


def _apart(result: "Result", case: "Case[Any] | None") -> str:
    from theodolite.experiments.store import address

    found = [f"seed {result.seed}"] if result.seed else []
    if result.files:
        found.append(f"with {', '.join(words.plain(name) for name in sorted(result.files))}")
    if case is not None and result.address != address(case, result.mode, result.seed, result.files):
        found.append("measured with other settings than the case has now")
    return "; ".join(found)


def _missing(case: "Case[Any]") -> Missing:
    from theodolite.experiments.durations import expected_seconds

    seconds = expected_seconds(case.name, "full")
    return Missing(
        case=words.plain(case.name),
        claim=words.plain(case.claim),
        source=words.plain(case.source),
        anchor=links.slug(case.name),
        command=f"theodolite reproduce {words.plain(case.name)}",
        expected=words.duration(seconds) if seconds else "",
    )


def open_questions(views: Iterable[PaperView]) -> list[dict[str, Any]]:
    """Every claim of a full run that does not hold, with the check that decided it."""
    rows = []
    for view in views:
        for claim, result in zip(view.claims, view.results, strict=True):
            checks = deciding(result)
            if claim.verdict in ("fails", "inconclusive") and checks:
                rows.append(
                    {
                        "claim": claim,
                        "check": shown_check(checks[0]),
                        "reason": reason(checks[0]),
                        "others": len(checks) - 1,
                    }
                )
    return rows


def people(views: Sequence[PaperView]) -> tuple[Person, ...]:
    """Every author, by family name."""
    by_key = {view.key: view for view in views}
    found = []
    for name in room.authors():
        own = room.author(name)
        years: dict[int, list[PaperView]] = {}
        for work in own.papers:
            years.setdefault(work.year, []).append(by_key[work.key])
        found.append(
            Person(
                name=own.name,
                page=links.author_page(own.name),
                years=tuple((year, tuple(group)) for year, group in years.items()),
                together=tuple((other, links.author_page(other), many) for other, many in own.collaborators),
                topics=tuple((topic, links.topic_page(topic), many) for topic, many in own.topics),
            )
        )
    return tuple(found)


def topics(views: Sequence[PaperView]) -> tuple[Topic, ...]:
    """Every topic, in the order of the alphabet."""
    by_key = {view.key: view for view in views}
    found = []
    for name in room.topics():
        works = room.by_topic(name)
        persons = room.authors()
        neighbours = [topic for topic in room.topics() if topic != name]
        found.append(
            Topic(
                name=name,
                page=links.topic_page(name),
                papers=tuple(by_key[work.key] for work in works),
                people=_most([(p, links.author_page(p), sum(p in work.authors for work in works)) for p in persons]),
                neighbours=_most(
                    [(t, links.topic_page(t), sum(t in work.topics for work in works)) for t in neighbours]
                ),
            )
        )
    return tuple(found)


def _most(counted: list[tuple[str, str, int]]) -> tuple[tuple[str, str, int], ...]:
    """Those that occur, most first, otherwise in their order."""
    return tuple(sorted((entry for entry in counted if entry[2]), key=lambda entry: -entry[2]))
