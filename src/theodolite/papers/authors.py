"""Authors: an exact match of names, and who has written with whom. A name is not an identity."""

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from theodolite.numerics.errors import BadInput
from theodolite.papers.works import PAPERS, Paper

NO_IDENTITY_CHECK = "Matched by name alone, letter by letter; two people may share a name, and one may have several."


@dataclass(frozen=True)
class Author:
    """A name, its works here by year, and others by the number of works in common, most first."""

    name: str
    papers: tuple[Paper, ...]
    collaborators: tuple[tuple[str, int], ...]
    topics: tuple[tuple[str, int], ...]


def authors() -> tuple[str, ...]:
    """All names, by family name.

    >>> authors()[0]
    'Giulio Biroli'
    """
    return tuple(
        sorted({name for one in PAPERS for name in one.authors}, key=lambda name: (folded(name.split()[-1]), name))
    )


def by_author(name: str) -> tuple[Paper, ...]:
    """The works of an author, oldest first: the whole name, upper and lower case alike, accents as written or left out.

    Raises: BadInput when nobody is called that, with the nearest names.

    >>> [one.key for one in by_author("clement hongler")][:2]
    ['ntk', 'scaling']
    """
    wanted = folded(name)
    found = tuple(one for one in PAPERS if any(folded(own) == wanted for own in one.authors))
    if found:
        return tuple(sorted(found, key=lambda one: (one.year, one.arxiv)))
    known = {folded(own): own for own in authors()}
    near = (
        difflib.get_close_matches(wanted, known, 3, 0.5)
        or [own for own in known if wanted and wanted in own.split()][:3]
    )
    hint = f"; did you mean {' or '.join(known[own] for own in near)}?" if near else ""
    raise BadInput(f"nobody in these ten papers is called {name!r}{hint} The whole name is matched.")


def author(name: str) -> Author:
    """An author's works, close collaborators and topics. Raises: BadInput, as `by_author`.

    >>> author("Yatin Dandi").collaborators
    (('Arthur Jacot', 1),)
    """
    works = by_author(name)
    own = next(each for each in works[0].authors if folded(each) == folded(name))
    return Author(
        own,
        works,
        _counted(other for one in works for other in one.authors if other != own),
        _counted(topic for one in works for topic in one.topics),
    )


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def folded(name: str) -> str:
    """A name without accents, in small letters, one space between its parts.

    >>> folded("Clément  HONGLER")
    'clement hongler'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(plain.replace("’", "'").casefold().split())
