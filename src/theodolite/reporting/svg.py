"""A figure becomes a piece of a page: compact SVG that follows the page's colours and clashes with no other figure."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from theodolite.reporting.theme import COLOURS, drawing, style_sheet
from theodolite.reporting.words import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DRESSES = ("light", "dark")
_VARIABLE = {pair[0]: f"var(--{role})" for role, pair in COLOURS.items()}
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def inline_svg(figure: "Figure", name: str, title: str, description: str = "") -> str:
    """Draw a figure as an `<svg>` element for the inside of a page.

    Ids start with `name` (letters, digits, dashes), which must be unique on the page; ids nobody refers to, metadata
    and style sheets are left out; colours of the theme become CSS variables; text stays text. Same figure, same bytes.
    """
    root = ElementTree.fromstring(_drawn(figure))
    kept = _tidied(root)
    names = {old: f"{name}-{position}" for position, old in enumerate(sorted(_referred(kept)))}
    for element in kept.iter():
        _rewrite(element, names)
    width, height = (kept.attrib["viewBox"].split()[i] for i in (2, 3))
    kept.attrib = {
        "viewBox": f"0 0 {width} {height}",
        "role": "img",
        "aria-labelledby": f"{name}-title" + (f" {name}-desc" if description else ""),
        "preserveAspectRatio": "xMidYMid meet",
    }
    for tag, text in (("desc", description), ("title", title)):
        if text:
            label = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
            label.text = plain(text)
            kept.insert(0, label)
    return ElementTree.tostring(kept, encoding="unicode")


def standalone_svg(figure: "Figure", name: str, title: str, description: str = "") -> str:
    """The same picture as a file of its own, with its surface, light or dark as the reader's system is.

    >>> from matplotlib.figure import Figure
    >>> standalone_svg(Figure(), "empty", "Nothing")[:24]
    '<svg xmlns="http://www.w'
    """
    root = ElementTree.fromstring(inline_svg(figure, name, title, description))
    width, height = root.attrib["viewBox"].split()[2:]
    light, dark = (";".join(f"{key}:{value}" for key, value in style_sheet()[dress].items()) for dress in _DRESSES)
    style = ElementTree.Element("style")
    style.text = f":root{{{light};font-family:sans-serif}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    surface = ElementTree.Element("rect", {"width": width, "height": height, "style": "fill:var(--surface)"})
    root.insert(0, surface)
    root.insert(0, style)
    sizes = {"xmlns": "http://www.w3.org/2000/svg", "width": f"{float(width):g}pt", "height": f"{float(height):g}pt"}
    root.attrib = {**sizes, **root.attrib}
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def png(figure: "Figure", dpi: int = 150) -> bytes:
    """Draw a figure as PNG on the light surface, for READMEs and documents."""
    target = io.BytesIO()
    with drawing(), _unknown_letters_allowed():
        figure.savefig(target, format="png", dpi=dpi, facecolor=COLOURS["surface"][0], metadata={"Software": None})
    return target.getvalue()


def _drawn(figure: "Figure") -> bytes:
    target = io.BytesIO()
    with drawing(), _unknown_letters_allowed():
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True, dpi=144)
    return target.getvalue()


@contextlib.contextmanager
def _unknown_letters_allowed() -> Iterator[None]:
    """The browser has letters that matplotlib's font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _tidied(element: ElementTree.Element) -> ElementTree.Element:
    """Drop metadata, style sheets, invisible paths, empty groups and groups that only carry an id."""
    fresh = ElementTree.Element(element.tag.rpartition("}")[2], dict(element.attrib))
    fresh.text = element.text if element.text and element.text.strip() else None
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag in ("metadata", "style") or "fill: none; opacity: 0" in child.get("style", ""):
            continue
        tidy = _tidied(child)
        if tag in ("g", "defs") and len(tidy) == 0:
            continue
        if tag == "g" and set(tidy.attrib) <= {"id"}:
            fresh.extend(list(tidy))
        else:
            fresh.append(tidy)
    return fresh


def _referred(root: ElementTree.Element) -> set[str]:
    found = set()
    for element in root.iter():
        if element.get(_HREF, "").startswith("#"):
            found.add(element.get(_HREF, "")[1:])
        for value in element.attrib.values():
            found.update(_REFERENCE.findall(value))
    return found


def _rewrite(element: ElementTree.Element, names: dict[str, str]) -> None:
    """Short ids of this figure only, rounded coordinates, the page's colours and typeface."""
    found = {}
    for key, value in element.attrib.items():
        if key == "id":
            if value not in names:
                continue
            value = names[value]
        elif key == _HREF:
            key, value = "href", f"#{names[value[1:]]}" if value.startswith("#") else value
        elif key == "style":
            value = _style(value)
        elif key in ("d", "transform", "x", "y", "width", "height", "points"):
            value = _compact(value)
        value = _REFERENCE.sub(lambda match: f"url(#{names[match[1]]})", value)
        if value and not (key == "transform" and value.startswith("rotate(0 ")):
            found[key] = value
    element.attrib = found


def _compact(numbers: str) -> str:
    """Coordinates to a hundredth of a point, one space between them."""
    return " ".join(_NUMBER.sub(lambda match: f"{round(float(match[0]), 2):g}", numbers).split()).replace("(-0 ", "(0 ")


def _style(style: str) -> str:
    """Declarations without the typeface (the page's applies) and with variables for the colours of the theme."""
    declarations = (part.strip() for part in style.split(";"))
    kept = ";".join(part.replace(": ", ":", 1) for part in declarations if part and not part.startswith("font-family"))
    return _COLOUR.sub(lambda match: _VARIABLE.get(match[0], match[0]), kept)
