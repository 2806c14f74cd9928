"""Formulas of the pages as MathML, which browsers show without any script: \\( inline \\) and \\[ displayed \\]."""

import re
from typing import Any

from latex2mathml.converter import convert


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace formulas outside of code."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", markdown, flags=re.S)
    return "".join(part if part.startswith("`") else _formulas(part) for part in parts)


def _formulas(text: str) -> str:
    text = re.sub(r"\\\[(.+?)\\\]", lambda found: f"\n\n{convert(found[1].strip(), 'block')}\n\n", text, flags=re.S)
    return re.sub(r"\\\((.+?)\\\)", lambda found: convert(found[1].strip()), text)
