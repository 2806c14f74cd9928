"""Records and results made of formulas, and a reader of pages."""

import dataclasses
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from theodolite.experiments.check import Check
from theodolite.experiments.panels import Axis, Column, Field, Panel, Series
from theodolite.experiments.result import Result
from theodolite.reporting import survey_page
from theodolite.survey.record import CandidateRecord, SurveyRecord

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</svg></style></title><svg/onload=alert(1)>",
    "{{7*7}}{% for x in y %}",
    "$\\frac{",
    "$x^2$ & \\alpha",
    "<!-- ]]> &lt;b&gt;",
    "javascript:alert(1)",
    "\x00\x1b[31mred\u202egnol\ud800",
    "_hidden",
    "long" * 90,
)
VOID = frozenset(["meta", "link", "br", "img", "hr", "input", "path", "use", "rect", "circle", "image"])


@dataclasses.dataclass
class Page:
    """What a browser would see: elements with attributes, visible text, and whether every tag was closed."""

    elements: list[tuple[str, dict[str, str | None]]]
    text: str
    problems: list[str]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def all(self, attribute: str) -> list[str]:
        """Every value of one attribute."""
        return [found[attribute] or "" for _, found in self.elements if attribute in found]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.page = Page([], "", [])
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pieces.append(" ")
        self.page.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.page.problems.append(f"<{tag}> repeats an attribute")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append(" ")
        if tag in VOID and tag not in self.stack:
            return
        if not self.stack or self.stack.pop() != tag:
            self.page.problems.append(f"</{tag}> closes nothing at {self.getpos()}")

    def handle_comment(self, data: str) -> None:
        self.page.problems.append(f"a comment: {data[:40]}")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.stack):
            self.pieces.append(data)


@pytest.fixture
def read() -> Callable[[str], Page]:
    """Parse a page strictly: every element that is opened is closed, in order."""
    return _read


@dataclasses.dataclass
class Standard:
    """One page made once for all tests that only look at it."""

    record: SurveyRecord
    document: str
    page: Page


@pytest.fixture(scope="session")
def standard() -> Standard:
    """The page of a survey with sixteen candidates and a holdout."""
    record = _record(candidates=16)
    document = survey_page(record)
    return Standard(record, document, _read(document))


@pytest.fixture
def make_record() -> Callable[..., SurveyRecord]:
    """A survey of some candidates with curves over some ridges and a spectrum of some eigenvalues."""
    return _record


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """A finished experiment with a panel of every kind."""
    return _result


@pytest.fixture
def hostile() -> tuple[str, ...]:
    """Names that would run, break or hide something if they were not escaped."""
    return HOSTILE


def _read(document: str) -> Page:
    reader = _Reader()
    reader.feed(document)
    reader.close()
    reader.page.problems += [f"<{tag}> is never closed" for tag in reader.stack]
    reader.page.text = " ".join("".join(reader.pieces).split())
    return reader.page


def _record(candidates: int = 6, ridges: int = 12, eigenvalues: int = 50, holdout: bool = True, **changes: Any) -> Any:
    families = ("RBF", "Laplace", "LaplaceL1", "Matern", "ReluNTK", "ReluNNGP")
    grid = np.geomspace(1e-7, 10.0, ridges)
    verdicts = (
        ("trusted", ()),
        ("doubtful", ("KARE and leave-one-out differ by a factor 1.7",)),
        ("do not trust", ("12 rows are repeated", "KARE and leave-one-out differ by a factor 2.9")),
    )
    found = []
    for i in range(candidates):
        valley = (np.log10(grid) + 3 + 0.1 * i) ** 2
        kare, loo = 2000 * (1 + 0.1 * valley + 0.02 * i), 2100 * (1 + 0.11 * valley + 0.02 * i)
        best = int(np.argmin(loo))
        verdict, reasons = verdicts[i % 3]
        found.append(
            CandidateRecord(
                name=f"{families[i % 6]}(lengthscale={1.5 * (i + 1):.4g})",
                kernel={"kind": families[i % 6], "lengthscale": 1.5 * (i + 1)},
                ridge=float(grid[best]),
                kare=float(kare[best]),
                leave_one_out=float(loo[best]),
                predicted_risk=float(loo[best]),
                standard_error=150.0,
                verdict=verdict,
                reasons=reasons,
                effective_dimension=12.5,
                log_marginal_likelihood=-321.0,
                training_error=1500.0,
                rows=300,
                seconds=0.02,
                curve={"ridges": grid.tolist(), "kare": kare.tolist(), "leave_one_out": loo.tolist()},
                measured_risk=float(2050 + 20 * i) if holdout else None,
            )
        )
    rank = np.arange(1.0, eigenvalues + 1)
    spectrum, energy = rank**-1.5, rank**-1.1 / (rank**-1.1).sum()
    sizes = np.round(np.geomspace(30, 3000, 15))
    risk = 2100 * (sizes / 300) ** -0.2
    record = SurveyRecord(
        data={
            "name": "diabetes.csv", "rows": 442, "used_rows": 400, "columns": 10, "task": "regression",
            "target": "progression", "classes": None, "target_variance": 6000.0,
        },
        notes=("142 rows held out", "column sex: 2 categories, one-hot encoded"),
        candidates=tuple(found),
        chosen=found[0],
        learning_curve={
            "sizes": sizes.tolist(), "risk": risk.tolist(), "low": (0.8 * risk).tolist(), "high": (1.2 * risk).tolist(),
            "rows": 300,
        },
        signal_capture={
            "eigenvalues": spectrum.tolist(), "captured": (spectrum / (spectrum + 0.01)).tolist(),
            "energy": energy.tolist(), "threshold": 0.01,
        },
        settings={"seed": 0, "holdout": 0.3, "time_limit": None, "standardise": True},
        versions={"theodolite": "0.1.0", "python": "3.11.7", "numpy": "2.4.6"},
        seconds=1.23,
        command="theodolite survey diabetes.csv --target progression --holdout 0.3 --seed 0",
        holdout={"rows": 142, "risk": 2050.0, "score": 0.65, "score_name": "R²", "standard_error": 200.0}
        if holdout
        else None,
    )  # fmt: skip
    return dataclasses.replace(record, **changes)


def _result(**changes: Any) -> Result:
    ridges = np.geomspace(1e-5, 1.0, 8)
    risk = 0.2 + (np.log10(ridges) + 2) ** 2 / 20
    arrays = {
        "ridges": ridges, "risk": risk, "error": np.full(8, 0.02), "formula": 1.01 * risk,
        "low": 0.9 * risk, "high": 1.1 * risk, "flat": np.full(8, 0.2),
        "names": np.array(["KARE", "leave-one-out", "cross-validation"]), "regret": np.array([0.03, 0.02, 0.05]),
        "spread": np.array([0.01, 0.01, 0.02]), "bound": np.array([0.04, 0.04, 0.04]),
        "lengthscales": np.geomspace(0.1, 10.0, 5), "map": 0.2 + np.outer(np.arange(1.0, 6.0), risk),
        "at_ridge": np.array([1e-2]), "at_lengthscale": np.array([1.0]), "sizes": np.array([30, 100, 300]),
    }  # fmt: skip
    ridge, unit = Axis("ridge", log=True), Axis("risk", "squared unit of the target", log=True)
    measured = Series("measured", "ridges", "risk", error="error", family="n")
    theory = Series("theory", "ridges", "formula", role="theory", family="n")
    guide = Series("guide", "ridges", "flat", role="guide")
    band = Series("draws", "ridges", "risk", low="low", high="high")
    regret = Series("regret", "names", "regret", error="spread", error_means="standard error over splits")
    panels = (
        Panel("lines", "Risk", "lines", "The estimate follows.", ridge, unit, (measured, theory, guide)),
        Panel("bands", "Draws", "bands", "Draws scatter around it.", ridge, unit, (band, theory)),
        Panel("scatter", "Both", "scatter", "On the diagonal.", unit, unit, (Series("cells", "risk", "formula"),)),
        Panel("bars", "Regret", "bars", "All are close.", Axis("way to choose"), Axis("regret"),
              (regret, Series("bound", "names", "bound", role="theory"))),
        Panel("map", "Valley", "heatmap", "The valleys agree.", ridge, Axis("lengthscale", log=True),
              (Series("minimum", "at_ridge", "at_lengthscale"),),
              Field("ridges", "lengthscales", "map", Axis("risk", "squared unit", log=True))),
        Panel("table", "Regret in numbers", "table", "A table.",
              columns=(Column("rows n", "sizes"), Column("way", "names"), Column("regret", "regret", "unit", 3))),
    )  # fmt: skip
    result = Result(
        case="kare-toy", paper="kare", claim="KARE follows the risk.", source="Jacot et al. (2020), eq. 1", mode="full",
        revision=1, config={"rows": 100, "ridges": [0.1, 1.0]}, seed=0, address="0123456789abcdef" * 4, arrays=arrays,
        scalars={"draws": 40.0},
        checks=(
            Check("relative gap", 0.02, 0.05, 0.01, "at most", note="n = 300"),
            Check("rank correlation", 0.7, 0.9, 0.05, "at least"),
        ),
        panels=panels, data="synthetic, 8 ridges", versions={"python": "3.11.7"}, machine={"cores": 2},
        started="2026-01-01T00:00:00+00:00", duration=12.0,
    )  # fmt: skip
    return dataclasses.replace(result, **changes)
