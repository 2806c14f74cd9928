"""The ten works that this package measures again: what they are, who wrote them, and what implements them here."""

from theodolite.papers.authors import Author, author, authors, by_author
from theodolite.papers.bibtex import bibtex
from theodolite.papers.topics import by_topic, topics
from theodolite.papers.works import PAPERS, Paper, paper

__all__ = [
    "PAPERS",
    "Author",
    "Paper",
    "author",
    "authors",
    "bibtex",
    "by_author",
    "by_topic",
    "paper",
    "topics",
]
