"""Small cases for the tests of the machinery; a module of its own, so that other processes can import it."""

import dataclasses
import os
import time
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_info

from theodolite.experiments import Axis, Bench, Case, Check, Config, Key, Measurement, Panel, Series


@dataclass(frozen=True)
class ToyConfig(Config):
    parts: int = 4
    size: int = 50
    pause: float = 0.0
    limit: float = 0.5


def measure(config: ToyConfig, key: Key, bench: Bench) -> Measurement:
    def part(name: str) -> dict[str, np.ndarray]:
        time.sleep(config.pause)
        return {"draws": key.split(name).rng().random(config.size)}

    found = bench.each([f"part {index}" for index in range(config.parts)], part)
    draws = np.array([arrays["draws"] for arrays in found])
    return Measurement(
        {"index": np.arange(config.parts), "means": draws.mean(1), "draws": draws, "names": np.array(["a", "β"])},
        {"mean": draws.mean(), "nothing": np.nan},
        "uniform numbers",
    )


def checks(config: ToyConfig, measured: Measurement) -> tuple[Check, ...]:
    mean = measured.scalars["mean"]
    return (Check("mean of uniform numbers", mean, config.limit + 0.2, 0.1, "at most"),)


def panels(config: ToyConfig, measured: Measurement) -> tuple[Panel, ...]:
    series = (Series("means", "index", "means"),)
    return (Panel("means", "Means", "scatter", "The means lie near one half.", Axis("part"), Axis("mean"), series),)


TOY = Case(
    paper="toy",
    name="toy-means",
    claim="The mean of uniform numbers is one half.",
    source="none",
    full=ToyConfig(),
    smoke=ToyConfig(parts=2),
    run=measure,
    checks=checks,
    panels=panels,
)


def break_down(config: ToyConfig, key: Key, bench: Bench) -> Measurement:
    bench.each(["first"], lambda name: {"one": np.ones(1)})
    raise ZeroDivisionError("this case always breaks")


def count_threads(config: ToyConfig, key: Key, bench: Bench) -> Measurement:
    threads = max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
    found = measure(config, key, bench)
    return dataclasses.replace(found, scalars={"mean": 0.5, "threads": threads})


def die(config: ToyConfig, key: Key, bench: Bench) -> Measurement:
    os._exit(9)


SLOW = dataclasses.replace(TOY, name="toy-slow", full=ToyConfig(parts=40, size=2000, pause=0.02))
BREAKS = dataclasses.replace(TOY, name="toy-breaks", run=break_down)
THREADS = dataclasses.replace(TOY, name="toy-threads", run=count_threads)
DIES = dataclasses.replace(TOY, name="toy-dies", run=die)
