"""Topics: which works share one."""

import difflib

from theodolite.numerics.errors import BadInput
from theodolite.papers.works import PAPERS, Paper


def topics() -> tuple[str, ...]:
    """All topics, in the order of the alphabet.

    >>> topics()[0]
    'arrow of time'
    """
    return tuple(sorted({topic for one in PAPERS for topic in one.topics}))


def by_topic(topic: str) -> tuple[Paper, ...]:
    """The works on a topic, oldest first. Raises: BadInput when there is no such topic, with the nearest.

    >>> [one.key for one in by_topic("Double descent")]
    ['scaling', 'random-features']
    """
    wanted = topic.casefold().strip()
    found = tuple(one for one in PAPERS if wanted in one.topics)
    if found:
        return tuple(sorted(found, key=lambda one: (one.year, one.arxiv)))
    near = difflib.get_close_matches(wanted, topics(), 3, 0.4) or [own for own in topics() if wanted and wanted in own]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise BadInput(f"no topic is called {topic!r}{hint} known: {', '.join(topics())}")
