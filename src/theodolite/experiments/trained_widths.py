"""Ensembles trained at many widths on digit parity, one part each: what both cases on trained networks measure from."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from theodolite.experiments.bench import Arrays, Bench
from theodolite.experiments.config import Config
from theodolite.experiments.digits_parity import Parity, parity
from theodolite.experiments.key import Key
from theodolite.training_dynamics import Ensemble, hinge_ensemble, jamming_width, parameters_of


@dataclass(frozen=True)
class TrainedConfig(Config):
    """ReLU networks of `depth` hidden layers, trained on `rows` digits with a share `flips` of the labels turned round.

    Widths up to `narrow` have more members and, below it, more steps: there the seeds differ most. `ensemble`: how many
    members are averaged; `window`: around N*, in N*; `judged_from`: widths that slopes and lines are fitted to.
    """

    rows: int = 500
    test_rows: int = 1297
    components: int = 10
    flips: float = 0.1
    depth: int = 3
    widths: tuple[int, ...] = (3, 4, 5, 6, 8, 10, 14, 20, 30, 64, 96, 128)
    narrow: int = 30
    members_narrow: int = 24
    members_wide: int = 16
    steps_narrow: int = 6000
    steps_wide: int = 4000
    ensemble: int = 8
    window: tuple[float, float] = (0.3, 1.2)
    judged_from: int = 20
    under: tuple[int, ...] = (3, 4)
    wide: int = 64
    past: int = 10
    flat_from: int = 8
    cusp_limit: float = 0.03
    norm_limit: float = 4.0
    slope_limits: tuple[float, float] = (-0.45, -0.22)
    line_limit: float = 0.008
    budget_ratio: float = 10.0
    budget_limit: float = 2.0
    spread_limit: float = 0.05


class Trained(NamedTuple):
    """The ensembles by width, the data, and the smallest width at which half of the members fit (None: there is
    none)."""

    ensembles: tuple[Ensemble, ...]
    data: Parity
    star: int | None


def train_widths(config: TrainedConfig, key: Key, bench: Bench) -> Trained:
    """Train at every width of the config, then at the widths between that bisection for N* asks for."""
    data = parity(config.rows, config.test_rows, config.components, config.flips, key.split("data"))
    first = bench.each([f"width {width}" for width in config.widths], lambda name: _part(config, data, key, name))
    found = {width: _ensemble(config, width, part) for width, part in zip(config.widths, first, strict=True)}

    def share(width: int) -> float:
        if width not in found:
            (part,) = bench.each([f"width {width}"], lambda name: _part(config, data, key, name))
            found[width] = _ensemble(config, width, part)
        return float((found[width].unfitted == 0).mean())

    fits = [width for width in config.widths if share(width) >= 0.5]
    star = fits[0] if fits else None
    below = [width for width in config.widths if fits and width < fits[0]]
    if fits and below:
        star = jamming_width(share, below[-1], fits[0])
    return Trained(tuple(found[width] for width in sorted(found)), data, star)


def _part(config: TrainedConfig, data: Parity, key: Key, name: str) -> Arrays:
    width = int(name.removeprefix("width "))
    trained = hinge_ensemble(
        width,
        data.X,
        data.Y,
        data.Z,
        key=jax.random.key(key.split(name).integer() % 2**31),
        members=config.members_narrow if width <= config.narrow else config.members_wide,
        steps=config.steps_narrow if width < config.narrow else config.steps_wide,
        depth=config.depth,
    )
    return {"outputs": trained.outputs, "unfitted": trained.unfitted, "steps": trained.steps}


def _ensemble(config: TrainedConfig, width: int, part: Arrays) -> Ensemble:
    number = parameters_of(width, config.depth, config.components)
    return Ensemble(width, number, part["outputs"].astype(np.float64), part["unfitted"], part["steps"])
