"""Linear languages over F2: the direction that computes the sparse matrix is learnt, its inverse is not."""

from dataclasses import dataclass

import numpy as np

from theodolite.experiments.arrow_text import COUNTED, OVER_MATRICES, OVER_STRINGS, arrow, paired_arrow
from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.case import Case, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.config import Config
from theodolite.experiments.intervals import mean_interval
from theodolite.experiments.key import Key
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.language_arrow import LinearLanguage, check_weights, learn, linear_language

POINTS = 60


@dataclass(frozen=True)
class LinearLanguageConfig(Config):
    """Matrices of m rows and `ones` ones; the first `swapped` are learnt with their inverse in their place too.

    How large the arrow of one matrix is depends on the matrix, so that both kinds are averaged over ten or more.
    """

    m: int = 18
    ones: int = 45
    matrices: int = 20
    swapped: int = 20
    width: int = 96
    steps: int = 1500
    strings: int = 4000
    forward_limit: float = 0.36
    arrow_limit: float = 0.03
    matrices_limit: int = 16
    mean_low: float = 0.04
    mean_high: float = 0.10
    light: int = 4
    heavy: int = 8
    light_limit: float = 0.02
    heavy_limit: float = 0.3


def run(config: LinearLanguageConfig, key: Key, bench: Bench) -> Measurement:
    """Every matrix in both directions, some with swapped roles."""
    names = [*(f"matrix {i}" for i in range(config.matrices)), *(f"swapped {i}" for i in range(config.swapped))]

    def part(name: str) -> Arrays:
        kind, i = name.split()
        language = linear_language(config.m, config.ones, key.split("matrix", i).rng())
        return _both(config, language.swapped() if kind == "swapped" else language, key.split("learn", i))

    parts = bench.each(names, part)
    arrays: Arrays = {name: np.array([one[name] for one in parts]) for name in parts[0]}
    main = slice(0, config.matrices)
    weights = np.concatenate([arrays["forward_weights"][main], arrays["backward_weights"][main]]).ravel()
    losses = np.concatenate([arrays["forward_places"][main], arrays["backward_places"][main]]).ravel()
    known = np.unique(weights)
    arrays |= {
        "weights": weights,
        "losses": np.maximum(losses, 1e-5),
        "weight": known,
        "loss": np.maximum([losses[weights == w].mean() for w in known], 1e-5),
        "names": np.array(names),
        "steps": np.linspace(0, config.steps, POINTS),
        "floor": np.full(POINTS, np.log(2) / 2),
    }
    for reading in ("forward", "backward"):
        curves = arrays.pop(f"{reading}_curve")[main]
        arrays |= {f"{reading}_mean": curves.mean(0), f"{reading}_low": curves.min(0), f"{reading}_high": curves.max(0)}
    words = (
        f"{config.matrices} linear languages over F2, {2 * config.m} bits, {config.ones} ones; learner MADE of width "
        f"{config.width}, {config.steps} steps; {config.strings} held-out strings (synthetic)"
    )
    return Measurement(arrays, {}, words)


def checks(config: LinearLanguageConfig, measured: Measurement) -> tuple[Check, ...]:
    """Losses of matrices, the arrow and its control, and what check weights say."""
    a, n = measured.arrays, config.matrices
    found = mean_interval(a["arrow"][:n])
    worst = int(np.argmax(a["forward"][:n]))
    control, largest = mean_interval(a["arrow"][n:]), n + int(np.argmax(a["arrow"][n:]))
    light = mean_interval(a["losses"][a["weights"] <= config.light])
    heavy = mean_interval(a["losses"][a["weights"] >= config.heavy])
    return (
        Check(
            "forward loss, largest over matrices, nats per bit",
            float(a["forward"][worst]),
            config.forward_limit,
            float(a["forward_error"][worst]),
            "at most",
            OVER_STRINGS,
        ),
        Check(
            f"matrices of {n} with an arrow above {config.arrow_limit:g}",
            float(np.sum(a["arrow"][:n] > config.arrow_limit)),
            float(config.matrices_limit),
            0.0,
            "at least",
            COUNTED,
        ),
        Check("arrow, mean", float(found.mean), config.mean_low, float(found.half), "at least", OVER_MATRICES),
        Check(
            "arrow, mean, not more", float(found.mean), config.mean_high, float(found.half), "at most", OVER_MATRICES
        ),
        Check(
            "arrow of the inverses' languages, mean",
            float(control.mean),
            -config.arrow_limit,
            float(control.half),
            "at most",
            OVER_MATRICES,
            note=f"the largest of {len(a['arrow']) - n} is {a['arrow'][largest]:.4f}; "
            f"{int(np.sum(a['arrow'][n:] < -config.arrow_limit))} are below {-config.arrow_limit:g}, "
            f"{int(np.sum(a['arrow'][n:] < 0))} below 0",
        ),
        Check(
            f"loss of bits of check weight up to {config.light}, nats",
            float(light.mean),
            config.light_limit,
            float(light.half),
            "at most",
            "95 % interval over bits",
        ),
        Check(
            f"loss of bits of check weight {config.heavy} or more, nats",
            float(heavy.mean),
            config.heavy_limit,
            float(heavy.half),
            "at least",
            "95 % interval over bits",
        ),
    )


def panels(config: LinearLanguageConfig, measured: Measurement) -> tuple[Panel, ...]:
    """Loss curves, losses of bits over check weights, and the table of matrices."""
    return (
        Panel(
            "curves",
            "Learning both directions",
            "lines",
            "Both directions have the same floor; only the forward learner reaches it.",
            Axis("step"),
            Axis("training loss", "nats per bit"),
            (
                Series(
                    "forward, least to largest",
                    "steps",
                    "forward_mean",
                    low="forward_low",
                    high="forward_high",
                    role="theory",
                    family="forward",
                ),
                Series(
                    "backward, least to largest",
                    "steps",
                    "backward_mean",
                    low="backward_low",
                    high="backward_high",
                    role="theory",
                    family="backward",
                ),
                Series("log(2) / 2", "steps", "floor", role="guide"),
            ),
        ),
        Panel(
            "weights",
            "Loss of a bit over its check weight",
            "scatter",
            "A bit is learnt where few revealed bits add up to it, whichever the direction.",
            Axis("check weight"),
            Axis("loss of the bit", "nats", log=True),
            (
                Series("bits", "weights", "losses"),
                Series("mean", "weight", "loss"),
            ),
        ),
        Panel(
            "matrices",
            "Every matrix",
            "table",
            "The arrow points to the sparser side, and turns with the roles of the matrix and its inverse.",
            columns=(
                Column("language", "names"),
                Column("ones computed forwards", "ones"),
                Column("ones computed backwards", "inverse_ones"),
                Column("forward", "forward", "nats per bit"),
                Column("backward", "backward", "nats per bit"),
                Column("arrow", "arrow", digits=3),
                Column("its error", "arrow_error", digits=2),
            ),
        ),
    )


def _both(config: LinearLanguageConfig, language: LinearLanguage, key: Key) -> Arrays:
    strings = language.strings(config.strings, key.split("held out").rng())
    seed = key.split("seed").integer() % 2**31
    found: Arrays = {"ones": np.array(language.matrix.sum()), "inverse_ones": np.array(language.inverse.sum())}
    nats = {}
    for reading in ("forward", "backward"):
        one = learn(language, reading, strings, config.steps, seed=seed, width=config.width)
        nats[reading] = one.nats / (2 * config.m)
        found |= {
            reading: nats[reading].mean(),
            f"{reading}_error": 1.96 * nats[reading].std(ddof=1) / np.sqrt(len(strings)),
            f"{reading}_places": one.by_place,
            f"{reading}_weights": check_weights(language, reading).astype(float),
            f"{reading}_curve": np.array([part.mean() for part in np.array_split(one.curve, POINTS)]),
        }
    measured = paired_arrow(nats["forward"], nats["backward"])
    assert np.isclose(measured.mean, arrow(found["forward"], found["backward"]))
    return {**found, "arrow": measured.mean, "arrow_error": measured.half}


CASE = Case(
    paper="arrow",
    name="arrow-linear-language",
    claim="A linear language over F2 with a sparse matrix has an arrow though both directions have equal entropy: "
    "forwards it is learnt to the floor, backwards not; on average the arrow turns round with the roles of matrix and "
    "inverse.",
    source="Papadopoulos, Wenger and Hongler (2024), arXiv:2401.17505: linear languages; learner, sizes and check "
    "weights are ours",
    full=LinearLanguageConfig(),
    smoke=LinearLanguageConfig(
        m=8, ones=20, matrices=2, swapped=2, matrices_limit=1, width=16, steps=60, strings=200, light=2, heavy=3
    ),
    run=run,
    checks=checks,
    panels=panels,
)
