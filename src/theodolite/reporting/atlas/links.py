"""Names of the files and anchors of the atlas, from names that may hold anything."""

import hashlib
import re

from theodolite.papers.authors import folded

INDEX = "index.html"
_ORDINARY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


def slug(name: str) -> str:
    """A name that can be a file and an anchor anywhere; names that are no such name already stay apart by their hash.

    >>> slug("random-features"), slug("Clément Hongler"), slug("../x")
    ('random-features', 'clement-hongler', 'x-d6b96a97')
    """
    if _ORDINARY.fullmatch(name):
        return name
    words = re.sub(r"[^a-z0-9]+", "-", folded(name)).strip("-")[:60].strip("-")
    if re.fullmatch(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*", name) and len(name) < 60:  # a person or a topic
        return words
    return f"{words or 'name'}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def paper_page(key: str) -> str:
    """The page of a paper, from the atlas's folder."""
    return f"papers/{slug(key)}.html"


def author_page(name: str) -> str:
    """The page of a person."""
    return f"people/{slug(name)}.html"


def topic_page(topic: str) -> str:
    """The page of a topic."""
    return f"topics/{slug(topic)}.html"
