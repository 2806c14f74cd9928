"""Two streams: answers to stdout; progress, notes and errors to stderr. Text of users is shown, never interpreted."""

import json
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from theodolite.numerics import BadInput
from theodolite.reporting import words

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 120
LONGEST_PARAGRAPH = 590


def stdout() -> "Console":
    """A console on stdout; it respects NO_COLOR and COLUMNS, and a pipe gets plain text."""
    return _console(sys.stdout)


def stderr() -> "Console":
    """A console on stderr."""
    return _console(sys.stderr)


def say(text: str, *, style: str = "", to: "Console | None" = None) -> None:
    """One paragraph on stdout (or another console): wrapped on a terminal, one line in a pipe."""
    from rich.text import Text

    console = to if to is not None else stdout()
    console.print(Text(words.plain(text), style=style), soft_wrap=not console.is_terminal)


def note(text: str) -> None:
    """One line on stderr."""
    say(f"theodolite: {text}", to=stderr())


def tell_json(document: Any) -> None:
    """The one JSON document of a `--json` run."""
    from theodolite.numerics.files import json_ready

    tell_json_text(json.dumps(json_ready(document), indent=1, ensure_ascii=False) + "\n")


def tell_json_text(text: str) -> None:
    """A JSON document that is text already; escaped where stdout has not every character."""
    tell_text(text if _is_unicode(sys.stdout) else json.dumps(json.loads(text), indent=1) + "\n")


def tell_text(text: str) -> None:
    """Data to stdout exactly as they are, or not at all."""
    if not _is_unicode(sys.stdout):
        try:
            text.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError as error:
            raise BadInput(
                f"stdout is {sys.stdout.encoding} and has no {error.object[error.start]!a}; write to a file with "
                "--out, or set PYTHONIOENCODING=utf-8"
            ) from None
    sys.stdout.write(text)
    sys.stdout.flush()


def paragraph(text: str) -> str:
    """Any text as one visible line of at most 590 characters, cut in the middle.

    >>> paragraph("first line\\n\\nsecond  line")
    'first line second line'
    """
    return words.shortened(" ".join(words.plain(text).split()), LONGEST_PARAGRAPH)


def complain(text: str) -> None:
    """One paragraph on stderr, whatever state stderr is in."""
    try:
        sys.stderr.write(f"theodolite: {paragraph(text)}\n")
        sys.stderr.flush()
    except OSError:
        pass


def forgiving_streams() -> None:
    """A stream that cannot encode a character shows a question mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if not _is_unicode(stream):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")


def _is_unicode(stream: IO[str]) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _console(stream: IO[str]) -> "Console":
    from rich.console import Console

    terminal = stream.isatty()
    width = None if terminal or os.environ.get("COLUMNS", "").isdigit() else PIPE_WIDTH
    return Console(file=stream, width=width, force_terminal=terminal, highlight=False, markup=False, emoji=False)
