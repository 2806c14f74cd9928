"""Natural text for the cases: the language topics that come with Python always, parallel texts from a data folder."""

from pathlib import Path
from typing import Any

from theodolite.numerics.errors import BadInput

LONGEST = 4000
LANGUAGES = ("en", "de", "es", "fr", "it", "ru")
BIBLES = tuple(f"text/bible.{one}.txt.gz" for one in LANGUAGES)
HELP = tuple(f"text/help.{one}.txt.gz" for one in LANGUAGES[:5])
FILES = (*BIBLES, *HELP)
TOPICS = "Python topics"


def in_folder(folder: Path | None) -> tuple[str, ...]:
    """Names of the corpora at hand: the topics, and each parallel text that the folder holds."""
    given = () if folder is None else tuple(file for file in FILES if (folder / file).is_file())
    return (TOPICS, *(_name(file) for file in given))


def described(name: str) -> str:
    """The name of a corpus with where it comes from."""
    return f"{name} (embedded in the standard library of Python)" if name == TOPICS else name


def documents(name: str, folder: Path | None = None) -> tuple[str, ...]:
    """The documents of a corpus named by `in_folder`. Raises: BadInput."""
    if name == TOPICS:
        return topics()
    files = {_name(file): file for file in FILES}
    if name not in files or folder is None:
        raise BadInput(f"no corpus of the cases is called {name!r}; set THEODOLITE_DATA to a folder with {FILES[0]}")
    from theodolite.language_arrow.corpus import read_corpus

    return tuple(read_corpus(folder / files[name], documents="lines").documents)


def topics() -> tuple[str, ...]:
    """Python's own language reference in English, as `help` shows it: about 460 kB, cut at paragraphs.

    Every paragraph is kept once, and long topics become documents of about 4000 characters.
    """
    try:
        from pydoc_data.topics import topics as found  # type: ignore[import-not-found]
    except ImportError as error:
        raise BadInput(
            "this Python comes without its topics (pydoc_data); install its full standard library"
        ) from error
    texts: dict[str, Any] = found
    seen: set[str] = set()
    cut: list[str] = []
    for name in sorted(texts):
        document = ""
        for paragraph in texts[name].split("\n\n"):
            words = " ".join(paragraph.split())
            if len(words) < 40 or words in seen:
                continue
            seen.add(words)
            document += words + "\n"
            if len(document) >= LONGEST:
                cut.append(document)
                document = ""
        if len(document) >= LONGEST // 8:
            cut.append(document)
    return tuple(cut)


def _name(file: str) -> str:
    kind, language = Path(file).name.split(".")[:2]
    return f"{kind} {language}"
