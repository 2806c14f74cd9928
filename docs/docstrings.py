"""House docstrings as Markdown: labelled paragraphs get bold labels, examples and indented formulas become code."""

import re
from typing import Any

import griffe

LABELS = ("Args", "Returns", "Raises", "Source", "Sources", "Cost", "Attributes", "Memory")


class HouseDocstrings(griffe.Extension):
    """Applied to every object as it is read."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Paragraph by paragraph; what is not an example or a formula keeps its words, with brackets shown as they are."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text))


def _paragraph(part: str) -> str:
    if part.lstrip().startswith(">>>"):
        return f"```pycon\n{part}\n```"
    if all(line.startswith("    ") for line in part.splitlines()):
        return f"```text\n{part}\n```"
    part = part.replace("[", r"\[").replace("*", r"\*")
    part = re.sub(r"`([^`]*)`", lambda code: "`" + code[1].replace("\\", "") + "`", part)
    return re.sub(rf"(?m)^\s*({'|'.join(LABELS)})(:| and )", r"\n**\1**\2", part)
