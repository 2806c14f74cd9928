"""Text from files: files, folders and patterns, also compressed, read as UTF-8 or refused by name."""

import glob
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from theodolite.language_arrow.documents import Corpus, split_documents
from theodolite.numerics.errors import BadInput

SUFFIXES = (".txt", ".text", ".md", ".rst", ".txt.gz", ".text.gz", ".md.gz", ".rst.gz")
_WILD = "*?["


def read_corpus(
    source: str | Path | Sequence[str | Path],
    *,
    documents: str = "auto",
    name: str | None = None,
    encoding: str = "utf-8",
) -> Corpus:
    """Read the documents of one corpus.

    Args: source, a file, a folder (its .txt, .text, .md and .rst files, also .gz, in all depths), a pattern such as
        "texts/*.txt", or several of them; documents, where one ends: "blank" at blank lines, "files" at the end of
        each file, "lines" after every 50 lines, "auto" at files when there are 30 or more, else at blank lines; name
        of the corpus; encoding of the files.
    Returns: a `Corpus` of texts in the order of the sorted paths.
    Raises: BadInput for a missing path, a pattern or folder without text, an empty or binary file, a wrong encoding.
    Cost: the text in memory once.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("one.txt", "two.txt"):
    ...     _ = (folder / name).write_text(f"the text of {name}")
    >>> len(read_corpus(folder, documents="files").documents)
    2
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
    paths = [path for one in sources for path in _paths(one)]
    texts = [_text(path, encoding) for path in paths]
    title = name if name is not None else _title(sources[0])
    found = split_documents(texts, documents)
    if not found:
        raise BadInput(f"{title} is empty: no text in {len(paths)} file(s); give a file with text")
    return Corpus(title, tuple(found))


def _title(source: str | Path) -> str:
    text = Path(source).name
    for ending in SUFFIXES[::-1]:
        text = text.removesuffix(ending)
    return text or str(source)


def _paths(source: str | Path) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        found = [
            one
            for one in sorted(path.rglob("*"))
            if one.is_file() and one.name.lower().endswith(SUFFIXES) and not one.name.startswith(".")
        ]
        if not found:
            raise BadInput(f"the folder {path} holds no text files ({', '.join(SUFFIXES[:4])}, also .gz)")
        return found
    if path.exists():
        return [path]
    if any(mark in str(source) for mark in _WILD):
        found = [Path(one) for one in sorted(glob.glob(str(source), recursive=True)) if Path(one).is_file()]
        if found:
            return found
        raise BadInput(f"no file matches the pattern {str(source)!r}; check the path, and quote the pattern")
    raise BadInput(f"there is no file or folder {str(source)!r}; check the path")


def _text(path: Path, encoding: str) -> str:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(f"{path} is compressed and cannot be unpacked ({error}); fetch it again") from None
    if not data.strip():
        raise BadInput(f"{path} is empty; give a file with text")
    if b"\x00" in data[:65536] and encoding.lower().replace("-", "").startswith("utf8"):
        raise BadInput(f"{path} is a binary file (it holds zero bytes), or UTF-16; give plain text, or its --encoding")
    try:
        text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not {encoding}: byte 0x{data[error.start]:02x} at place {error.start}; name its encoding "
            "(such as latin-1), or write it again as UTF-8"
        ) from None
    except LookupError:
        raise BadInput(f"there is no encoding {encoding!r}; use utf-8, latin-1, utf-16, ...") from None
    return text.replace("\r\n", "\n")
