"""How dense the inverse of a sparse matrix over F2 is."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import EXACT, OVER_MATRICES
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Panel, Series
from theodolite.language_arrow import binary_inverse, sparse_invertible, uniform_invertible


@dataclass(frozen=True)
class InverseDensityConfig(Config):
    """Matrices of m rows with `ones` entries 1; `reference` is a mean found before at `reference_ones`.

    `paper` are (ones, ones of the inverse) as read off a figure of the authors, to draw and not to check.
    """

    m: int = 30
    ones: tuple[int, ...] = (30, 40, 50, 60, 70, 80, 100, 120, 150, 200, 240)
    matrices: int = 2000
    reference_ones: int = 100
    reference: float = 348.4
    reference_limit: float = 8.0
    uniform_limit: float = 3.0
    paper: tuple[tuple[float, float], ...] = ((30, 30), (60, 110), (80, 245), (100, 335), (150, 417))


def run(config: InverseDensityConfig, key: Key, bench: Bench) -> Measurement:
    """Ones of the inverse for every density, and for uniform matrices."""
    names = [*map(str, config.ones), "uniform"]

    def part(name: str) -> Arrays:
        rng = key.split(name).rng()
        found = []
        for _ in range(config.matrices):
            A = uniform_invertible(config.m, rng) if name == "uniform" else sparse_invertible(config.m, int(name), rng)
            inverse = binary_inverse(A)
            assert inverse is not None
            found.append(float(inverse.sum()))
        return {"inverse": np.array(found)}

    *parts, uniform = bench.each(names, part)
    inverse = np.array([one["inverse"] for one in parts])
    mean = mean_interval(inverse, axis=1)
    exact = config.m**2 / 2 / (1 - 2.0**-config.m)
    arrays: Arrays = {
        "ones": np.array(config.ones, dtype=float),
        "inverse": inverse,
        "uniform": uniform["inverse"],
        "mean": mean.mean,
        "error": mean.half,
        "low": np.quantile(inverse, 0.05, axis=1),
        "high": np.quantile(inverse, 0.95, axis=1),
        "saturation": np.full(len(config.ones), exact),
        "paper_ones": np.array([one for one, _ in config.paper], dtype=float),
        "paper_inverse": np.array([other for _, other in config.paper], dtype=float),
    }
    words = f"{config.matrices} random {config.m} x {config.m} matrices over F2 for every density (synthetic)"
    return Measurement(arrays, {"uniform, exact": exact}, words)


def checks(config: InverseDensityConfig, measured: Measurement) -> tuple[Check, ...]:
    """The mean at one density, at saturation, and for permutations."""
    a = measured.arrays
    at = config.ones.index(config.reference_ones)
    uniform = mean_interval(a["uniform"])
    return (
        Check(
            f"|ones of the inverse of {config.reference_ones} ones - {config.reference}|",
            float(abs(a["mean"][at] - config.reference)),
            config.reference_limit,
            float(a["error"][at]),
            "at most",
            OVER_MATRICES,
        ),
        Check(
            "uniform matrices: |ones of the inverse - their exact mean|",
            float(abs(uniform.mean - measured.scalars["uniform, exact"])),
            config.uniform_limit,
            float(uniform.half),
            "at most",
            OVER_MATRICES,
        ),
        Check(
            "inverses of permutations with other than m ones",
            float(np.sum(a["inverse"][0] != config.m)),
            0.0,
            0.0,
            "at most",
            EXACT,
        ),
    )


def panels(config: InverseDensityConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Ones of the inverse over ones of the matrix."""
    return (
        Panel(
            "density",
            "Density of the inverse",
            "bands",
            "A sparse matrix has a much denser inverse, up to that of a random matrix: what is easy to compute one way "
            "is hard the other way.",
            Axis("ones in the matrix"),
            Axis("ones in its inverse"),
            (
                Series(
                    "mean, and the middle 90 % of matrices",
                    "ones",
                    "mean",
                    error="error",
                    error_means=OVER_MATRICES,
                    low="low",
                    high="high",
                ),
                Series("uniform invertible matrices, exact", "ones", "saturation", role="theory"),
                Series("read off the paper's figure", "paper_ones", "paper_inverse"),
                Series("as dense as the matrix", "ones", "ones", role="guide"),
            ),
        ),
    )


CASE = Case(
    paper="arrow",
    name="arrow-inverse-density",
    claim="The inverse of a sparse matrix over F2 is much denser than the matrix, up to half of all entries.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: inverses of sparse matrices over F2",
    full=InverseDensityConfig(),
    smoke=InverseDensityConfig(
        m=10, ones=(10, 20, 40), matrices=40, reference_ones=40, reference=50.0, paper=((10, 10),)
    ),
    run=run,
    checks=checks,
    panels=panels,
)
