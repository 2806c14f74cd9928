"""Templates become pages: escaped by default, self-contained, written whole or not at all."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theodolite.numerics.files import write_atomically
from theodolite.reporting import theme, words

if TYPE_CHECKING:
    from jinja2 import Environment

# no script, no frame, no request: styles are in the page, pictures are SVG elements or data
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)


def render(template: str, **values: Any) -> str:
    """Fill one of the templates beside this file; every value is escaped unless it is `Markup` made here."""
    common = {"policy": CONTENT_SECURITY_POLICY, "colours": theme.style_sheet(), "moods": theme.MOODS}
    page = _environment().get_template(template).render({**common, **values})
    return page.encode("utf-8", "replace").decode("utf-8")


def write(path: str | Path, page: str) -> Path:
    """Write a page atomically."""
    return write_atomically(path, page)


@functools.cache
def _environment() -> "Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("theodolite.reporting", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=words.count,
        duration=words.duration,
        number=words.number,
        plain=words.plain,
        setting=words.value,
        verdict=words.verdict,
    )
    return environment
