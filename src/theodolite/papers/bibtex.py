"""Works as BibTeX."""

from collections.abc import Iterable

from theodolite.papers.authors import folded
from theodolite.papers.works import Paper


def bibtex(papers: Iterable[Paper]) -> str:
    """Entries of type `misc`, with arXiv numbers, separated by empty lines.

    >>> from theodolite.papers import paper
    >>> print(bibtex([paper("layers")]))
    @misc{dandi2021layers,
      author        = {Yatin Dandi and Arthur Jacot},
      title         = {{Understanding Layer-wise Contributions in Deep Neural Networks through Spectral Analysis}},
      year          = {2021},
      howpublished  = {arXiv},
      eprint        = {2111.03972},
      archiveprefix = {arXiv},
    }
    """
    return "\n\n".join(_entry(one) for one in papers)


def _entry(one: Paper) -> str:
    label = folded(one.authors[0].split()[-1]).replace("'", "") + f"{one.year}{one.key.replace('-', '')}"
    fields = {
        "author": " and ".join(one.authors),
        "title": f"{{{one.title}}}",
        "year": str(one.year),
        "howpublished": one.venue,
        "eprint": one.arxiv,
        "archiveprefix": "arXiv",
    }
    lines = [f"  {name:13} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{label},", *lines, "}"])
