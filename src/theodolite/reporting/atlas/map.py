"""The map of the atlas: people on the left, papers by year in the middle, topics on the right, a line for each tie."""

from collections.abc import Sequence
from dataclasses import dataclass

from theodolite.reporting.atlas.records import PaperView, Person, Topic

LEFT, WIDTH, TOP, FOOT = 66.0, 928.0, 44.0, 14.0
PAPER_LEFT, PAPER_RIGHT, PAPER_HALF = 400.0, 660.0, 21.0
PEOPLE_AT, TOPICS_AT = 246.0, 814.0
PITCH = 27.0  # of the longest column


@dataclass(frozen=True)
class Node:
    """A name at a place that leads to a page; `node` tells it apart, `size` is the radius of its dot."""

    node: str
    name: str
    page: str
    x: float
    y: float
    size: float
    works: int


@dataclass(frozen=True)
class PaperNode:
    """A paper's card: its view and the height of its middle."""

    node: str
    view: PaperView
    y: float
    bars: tuple[tuple[str, float, float], ...]  # verdict, left, width


@dataclass(frozen=True)
class Tie:
    """A line between two nodes, as the `d` of an SVG path."""

    ends: str
    path: str


@dataclass(frozen=True)
class Map:
    """Everything at its place, in points of a drawing of `width` by `height` that begins at `left`."""

    left: float
    width: float
    height: float
    people: tuple[Node, ...]
    papers: tuple[PaperNode, ...]
    topics: tuple[Node, ...]
    ties: tuple[Tie, ...]


def drawn_map(views: Sequence[PaperView], persons: Sequence[Person], subjects: Sequence[Topic]) -> Map:
    """Lay the map out. Nothing is random: each name stands near the middle of its papers, so that few lines cross."""
    views = [view for view in views if view.record]
    height = TOP + FOOT + PITCH * max(len(views), len(persons), len(subjects))
    middles = dict(zip([view.key for view in views], _spread(len(views), height), strict=True))
    works = {person.page: [view.key for _, group in person.years for view in group] for person in persons}
    works |= {subject.page: [view.key for view in subject.papers] for subject in subjects}
    people = _column([(p.name, p.page) for p in persons], works, middles, PEOPLE_AT, height)
    topics = _column([(s.name, s.page) for s in subjects], works, middles, TOPICS_AT, height)
    ties = [
        Tie(f"{node.node} {_name(key)}", _curve(*ends(node), middles[key]))
        for side, ends in ((people, _from_left), (topics, _from_right))
        for node in side
        for key in works[node.page]
    ]
    papers = tuple(PaperNode(_name(view.key), view, middles[view.key], _bars(view)) for view in views)
    return Map(LEFT, WIDTH, height, people, papers, topics, tuple(ties))


def _spread(many: int, height: float) -> list[float]:
    pitch = (height - TOP - FOOT) / max(many, 1)
    return [round(TOP + pitch * (position + 0.5), 1) for position in range(many)]


def _column(
    names: Sequence[tuple[str, str]], works: dict[str, list[str]], middles: dict[str, float], x: float, height: float
) -> tuple[Node, ...]:
    def middle(entry: tuple[str, str]) -> tuple[float, str]:
        own = [middles[key] for key in works[entry[1]]]
        return sum(own) / len(own), entry[0]

    found = []
    ordered = sorted(names, key=middle)
    for (name, page), y in zip(ordered, _spread(len(ordered), height), strict=True):
        many, node = len(works[page]), page.removesuffix(".html").replace("/", "-")
        found.append(Node(node, name, page, x, y, round(2.2 + many**0.5, 2), many))
    return tuple(found)


def _name(key: str) -> str:
    return f"paper-{key}"


def _from_left(node: Node) -> tuple[float, float, float]:
    return node.x + node.size + 2, node.y, PAPER_LEFT


def _from_right(node: Node) -> tuple[float, float, float]:
    return node.x - node.size - 2, node.y, PAPER_RIGHT


def _curve(x: float, y: float, end: float, height: float) -> str:
    bend = (x + end) / 2
    return f"M{x:.4g} {y:g}C{bend:.4g} {y:g} {bend:.4g} {height:g} {end:g} {height:g}"


def _bars(view: PaperView) -> tuple[tuple[str, float, float], ...]:
    """The verdicts of a paper as pieces of one bar along the foot of its card."""
    left, room, total = PAPER_LEFT + 14, PAPER_RIGHT - PAPER_LEFT - 28, len(view.claims)
    found = []
    for share in view.shares:
        width = room * share.many / total
        found.append((share.verdict, round(left, 1), round(max(width - 2, 1), 1)))
        left += width
    return tuple(found)
