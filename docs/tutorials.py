"""Run the tutorials and write their pages: `python docs/tutorials.py`, or `python docs/tutorials.py ntk kare` for some.

A tutorial is a plain Python script in docs/tutorials with cells that begin with `# %%`; cells of prose begin with
`# %% [markdown]` and are comments. Beside each script a page of the same name holds its prose, its code, what the code
printed, and its figures as SVG. tests/docs runs the scripts again and compares.
"""

import argparse
import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "tutorials"
CELL = re.compile(r"^# %%(.*)$", re.M)
OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
RELATIVE = 0.05  # numbers of two machines may differ by so much, and by one in the last digit printed
ROUND_OFF = 1e-9  # below this only the fact is compared


@dataclass(frozen=True)
class Cell:
    """Prose or code, and the line of the script it begins on."""

    prose: bool
    text: str
    line: int


@dataclass
class Page:
    """The Markdown of a page, and its figures: {file name: SVG}."""

    text: str
    figures: dict[str, str] = field(default_factory=dict)


def subjects() -> list[str]:
    """Names of all tutorials, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def cells(script: str) -> list[Cell]:
    """The cells of a script in percent format; prose loses its comment signs."""
    marks = list(CELL.finditer(script))
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = script[mark.end() : following.start() if following else len(script)].strip("\n")
        prose = "[markdown]" in mark[1]
        line = script.count("\n", 0, mark.end()) + 2
        if prose:
            body = re.sub(r"^# ?", "", body, flags=re.M)
        found.append(Cell(prose, body, line))
    return found


def run(subject: str, folder: Path = FOLDER) -> Page:
    """Execute a tutorial cell by cell in this process, and compose its page."""
    import matplotlib.pyplot as plt

    script = (folder / f"{subject}.py").read_text(encoding="utf-8")
    page = Page(f"<!-- Written by docs/tutorials.py from {subject}.py: change that file and run it again. -->\n")
    parts = [page.text.rstrip("\n")]
    names: dict[str, Any] = {"__name__": f"tutorial_{subject}"}
    with _house_style():
        for cell in cells(script):
            if cell.prose:
                parts.append(cell.text)
                continue
            said = io.StringIO()
            code = compile("\n" * (cell.line - 1) + cell.text, f"{subject}.py", "exec")
            with contextlib.redirect_stdout(said):
                exec(code, names)
            parts.append(f"```python\n{cell.text}\n```")
            if said.getvalue().strip():
                lines = "\n".join(line.rstrip() for line in said.getvalue().strip("\n").splitlines())
                parts.append(f"```text\n{lines}\n```")
            for number in plt.get_fignums():
                name = f"{subject}-{len(page.figures) + 1}"
                title, page.figures[f"{name}.svg"] = _svg(plt.figure(number), name)
                parts.append(f"![{title}]({name}.svg)")
            plt.close("all")
    page.text = "\n\n".join(parts) + "\n"
    return page


def disagreement(committed: str, fresh: str) -> str:
    """Where two pages part: in prose or code by a letter, in outputs by a word or by a number beyond the tolerance.

    >>> one = "Text 1.00\\n```text\\nrisk 0.5000 after 10 s\\n```\\n"
    >>> disagreement(one, one.replace("0.5000", "0.5004"))
    ''
    >>> disagreement(one, one.replace("0.5000", "0.7"))
    'printed 0.7 where the page says 0.5000, in: risk 0.7 after 10 s'
    >>> disagreement(one, one.replace("1.00", "1.01"))
    'prose or code of the page is not that of the script'
    """
    if OUTPUT.sub("", committed) != OUTPUT.sub("", fresh):
        return "prose or code of the page is not that of the script"
    for old, new in zip(OUTPUT.findall(committed), OUTPUT.findall(fresh), strict=True):
        if NUMBER.sub("#", old).split() != NUMBER.sub("#", new).split():
            return f"other words were printed:\n{new}\nwhere the page says:\n{old}"
        for before, after in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
            if not _near(before, after):
                where = next(line.strip() for line in new.splitlines() if after in line)
                return f"printed {after} where the page says {before}, in: {where}"
    return ""


def _near(one: str, other: str) -> bool:
    a, b = float(one), float(other)
    if abs(a) < ROUND_OFF and abs(b) < ROUND_OFF:
        return True
    return abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + 1.001 * max(_last_digit(one), _last_digit(other))


def _last_digit(number: str) -> float:
    mantissa, _, power = number.partition("e")
    return 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))


@contextlib.contextmanager
def _house_style() -> Iterator[None]:
    """The drawing style of the reports, for figures made with pyplot."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    from theodolite.reporting import theme

    plt.switch_backend("agg")
    with theme.drawing():
        plt.rcParams["figure.figsize"] = (5.6, 3.7)
        plt.rcParams["figure.constrained_layout.use"] = True
        plt.rcParams["axes.prop_cycle"] = cycler(color=[theme.colour(name) for name in theme.SERIES])
        try:
            yield
        finally:
            plt.close("all")


def _svg(figure: Any, name: str) -> tuple[str, str]:
    """The title of a figure and its drawing; logarithmic axes get the ticks of the reports."""
    from theodolite.reporting import theme
    from theodolite.reporting.svg import standalone_svg

    for axes in figure.axes:
        for direction in "xy":
            if getattr(axes, f"get_{direction}scale")() == "log":
                theme.logarithmic(axes, direction, *sorted(getattr(axes, f"get_{direction}lim")()))
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]
    title = "; ".join(filter(None, titles)) or "Figure"
    shown = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label]
    return title, standalone_svg(figure, name, title, "Axes: " + ", ".join(shown))


def main() -> None:
    """Write the pages of the tutorials named on the command line, or of all."""
    from theodolite.numerics.files import write_atomically

    parser = argparse.ArgumentParser(description="Run tutorials and write their pages.")
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(subjects())}; all when none is named")
    for subject in parser.parse_args().subjects or subjects():
        page = run(subject)
        write_atomically(FOLDER / f"{subject}.md", page.text)
        for name, svg in page.figures.items():
            write_atomically(FOLDER / name, svg)
        for old in set(FOLDER.glob(f"{subject}-[0-9].svg")) - {FOLDER / name for name in page.figures}:
            old.unlink()
        print(f"{subject}: {len(page.figures)} figures")


if __name__ == "__main__":
    main()
